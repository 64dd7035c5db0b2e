//! Changes of others: read, verified, judged, and then taken or parked.

use std::collections::HashSet;

use connectoid_protocol::{
    change::{Change, ChangeError},
    membership::{Affected, Membership, Role},
    sync::{Applied, Refusal, Source},
    user::GroupId,
};
use rusqlite::params;

use super::{
    Store, StoreError,
    acceptance::Room,
    error::Result,
    rows::{self, NewRow, State},
    verify,
    view::TouchedRecords,
};

/// What the membership and the clock say about a change whose signature is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Valid,
    /// Stamped too far ahead.
    Early,
    /// Its author may not write there.
    Barred,
    /// Its author has taken it back.
    Withdrawn,
}

impl Verdict {
    pub(super) fn of(membership: &Membership, change: &Change, withdrawn: bool, now: u64) -> Self {
        let may_write = || {
            let role = membership.role_before(change.author(), change.position());
            role.is_some_and(Role::may_write)
        };
        if withdrawn {
            Self::Withdrawn
        } else if change.stamp().is_ahead(now) && !change.is_genesis() {
            Self::Early
        } else if change.is_of_group() || may_write() {
            Self::Valid
        } else {
            Self::Barred
        }
    }
}

/// A batch of changes on its way into the store.
struct Intake {
    group_no: i64,
    source_no: i64,
    now: u64,
    room: Room,
    applied: Applied,
    touched: TouchedRecords,
}

impl Store {
    /// Stores changes that a device of somebody delivers, at `now` in microseconds since the Unix epoch.
    ///
    /// Membership changes are taken first, from anyone; withdrawals and changes of records only if the source's user is
    /// a member after that. A group that is not known yet is founded by its genesis.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] if there is no genesis either, and storage errors; then nothing of the
    /// batch is stored. What is wrong with single changes is in [`Applied`].
    pub fn apply(
        &mut self,
        group: GroupId,
        source: &Source,
        changes: &[impl AsRef<[u8]>],
        now: u64,
    ) -> Result<Applied> {
        let mut applied = Applied::NOTHING;
        let Read { membership, withdrawals, records } = read_all(group, changes, &mut applied);
        self.write(|store| {
            let group_no = match store.group_no(group)? {
                Some(group_no) => group_no,
                None => store.found(group, &membership)?,
            };
            let source_no = store.device_no(source.device)?;
            store.note_user_of_device(source_no, source.user)?;
            let touched = TouchedRecords::default();
            let room = store.room_of(group_no)?;
            let mut intake = Intake { group_no, source_no, now, room, applied, touched };
            store.apply_membership(&mut intake, membership)?;
            let taken = store.acceptance_of(group_no)?.is_given();
            if taken && store.membership(group_no)?.role(source.user).is_some() {
                // First: what they name does not even begin to count.
                if !withdrawals.is_empty() {
                    store.apply_others(&mut intake, withdrawals)?;
                    store.judge_now(group_no, now, &mut intake.touched)?;
                }
                store.apply_others(&mut intake, records)?;
                intake.applied.room_low = !room.is_low() && intake.room.is_low();
            } else {
                intake.applied.untrusted += withdrawals.len() + records.len();
            }
            if intake.applied.overflowed {
                store.clear_mark(group_no, source_no)?;
            }
            if taken && intake.room.is_full() {
                store.note_full(group_no)?;
            }
            intake.touched.tell(&mut intake.applied);
            Ok(intake.applied)
        })
    }

    /// Stores a valid membership change, and tells whose changes have to be judged again.
    pub(super) fn take_membership(
        &mut self,
        group_no: i64,
        change: &Change,
        source_no: i64,
        parked_no: Option<i64>,
    ) -> Result<Vec<Affected>> {
        // Read before the change is stored, or it would be replayed and inserted again.
        let affected = if change.is_genesis() {
            Vec::new()
        } else {
            self.edit_membership(group_no, |membership| membership.insert(change))?
        };
        self.take_live(group_no, change, source_no, parked_no)?;
        Ok(affected)
    }

    /// Stores a change of the group itself as live, a new one or one that was parked as `parked_no`. Gives its number.
    pub(super) fn take_live(
        &mut self,
        group_no: i64,
        change: &Change,
        source_no: i64,
        parked_no: Option<i64>,
    ) -> Result<i64> {
        let arrival = self.next_arrival()?;
        if let Some(no) = parked_no {
            let sql = "UPDATE changes SET state = 0, seq = ?2 WHERE no = ?1";
            self.connection().prepare_cached(sql)?.execute([no, arrival])?;
        } else {
            let author_no = self.user_no(change.author())?;
            let state = State::Live;
            let row =
                NewRow { no: arrival, group_no, author_no, source_no, state, wins: 0, since: 0, change };
            rows::insert(self.connection(), &row)?;
        }
        Ok(parked_no.unwrap_or(arrival))
    }

    /// Makes the row of a new group, whose genesis is among `changes`.
    pub(super) fn found(&mut self, group: GroupId, changes: &[Change]) -> Result<i64> {
        let genesis = changes.iter().find(|change| change.is_genesis());
        let genesis = genesis.ok_or(StoreError::UnknownGroup(group))?;
        let membership = Membership::found(genesis)?;
        let owner = self.user_no(membership.owner())?;
        let sql = "INSERT INTO groups (id, name, owner) VALUES (?1, ?2, ?3)";
        let row = params![group.as_bytes(), membership.name(), owner];
        Ok(self.connection().prepare_cached(sql)?.insert(row)?)
    }

    fn apply_membership(&mut self, intake: &mut Intake, changes: Vec<Change>) -> Result<()> {
        let (genesis, others): (Vec<_>, Vec<_>) = changes.into_iter().partition(Change::is_genesis);
        let mut affected = Vec::new();
        for change in genesis.iter().chain(&others) {
            if rows::find(self.connection(), &change.hash())?.is_some() {
                intake.applied.duplicates += 1;
                continue;
            }
            if !intake.room.take_member(change) {
                intake.applied.overflowed = true;
                continue;
            }
            // The genesis is the first to be stored of a group; without it there is no membership to ask.
            if !change.is_genesis() {
                let membership = self.membership(intake.group_no)?;
                if change.author() != membership.owner() {
                    intake.applied.refused.push(Refusal::NotOwner);
                    continue;
                }
                if let Err(error) = change.verify(membership.owner_key()) {
                    intake.applied.refused.push(error.into());
                    continue;
                }
                let withdrawn = self.is_withdrawn(intake.group_no, change)?;
                match Verdict::of(&membership, change, withdrawn, intake.now) {
                    Verdict::Early => {
                        self.park_arrival(intake, change, State::Early)?;
                        continue;
                    }
                    Verdict::Withdrawn => {
                        self.park_arrival(intake, change, State::Withdrawn)?;
                        continue;
                    }
                    Verdict::Valid | Verdict::Barred => {}
                }
            }
            affected.extend(self.take_membership(intake.group_no, change, intake.source_no, None)?);
            intake.applied.accepted += 1;
            intake.applied.membership_changed = true;
        }
        self.rejudge(intake.group_no, &affected, intake.now, &mut intake.touched)
    }

    fn apply_others(&mut self, intake: &mut Intake, changes: Vec<Change>) -> Result<()> {
        let mut new = Vec::with_capacity(changes.len());
        let mut seen = HashSet::new();
        for change in changes {
            if !seen.insert(change.hash()) || rows::find(self.connection(), &change.hash())?.is_some() {
                intake.applied.duplicates += 1;
            } else {
                new.push(change);
            }
        }
        let membership = self.membership(intake.group_no)?;
        let genuine = verify::verify_all(&new, |change| membership.key(change.author()).copied());
        for (change, genuine) in new.iter().zip(genuine) {
            if !intake.room.take_record(change) {
                intake.applied.overflowed = true;
                continue;
            }
            let withdrawn = self.is_withdrawn(intake.group_no, change)?;
            match (genuine, Verdict::of(&membership, change, withdrawn, intake.now)) {
                (Some(false), _) => intake.applied.refused.push(ChangeError::Forged.into()),
                (_, Verdict::Early) => self.park_arrival(intake, change, State::Early)?,
                (_, Verdict::Withdrawn) => self.park_arrival(intake, change, State::Withdrawn)?,
                (Some(true), Verdict::Valid) => {
                    let Intake { group_no, source_no, now, .. } = *intake;
                    if change.is_withdrawal() {
                        let members = self.take_withdrawal(group_no, change, source_no, None, now)?;
                        intake.applied.membership_changed |= members;
                    } else {
                        self.take_records(group_no, change, source_no, None, now, &mut intake.touched)?;
                    }
                    intake.applied.accepted += 1;
                }
                _ => self.park_arrival(intake, change, State::Barred)?,
            }
        }
        Ok(())
    }

    fn park_arrival(&mut self, intake: &mut Intake, change: &Change, state: State) -> Result<()> {
        if self.park(intake.group_no, change, intake.source_no, state, intake.now)? {
            // What was taken back is not waited for.
            intake.applied.parked += usize::from(state != State::Withdrawn);
        } else {
            intake.applied.overflowed = true;
        }
        Ok(())
    }
}

/// Changes by kind, in the order in which they are taken.
#[derive(Default)]
struct Read {
    membership: Vec<Change>,
    withdrawals: Vec<Change>,
    records: Vec<Change>,
}

fn read_all(group: GroupId, changes: &[impl AsRef<[u8]>], applied: &mut Applied) -> Read {
    let mut read = Read::default();
    for bytes in changes {
        match Change::decode(bytes.as_ref()) {
            Err(error) => applied.refused.push(error.into()),
            Ok(change) if change.group() != group => applied.refused.push(Refusal::WrongGroup),
            Ok(change) if !change.is_whole() => applied.refused.push(Refusal::Incomplete),
            Ok(change) if change.is_membership() => read.membership.push(change),
            Ok(change) if change.is_withdrawal() => read.withdrawals.push(change),
            Ok(change) => read.records.push(change),
        }
    }
    read
}
