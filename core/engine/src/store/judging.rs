//! Judging again, in parts: how much of it at once, and how far it has got.
//!
//! A membership change that arrives late can make many changes of records invalid, or valid again, and costs the group's
//! owner next to nothing. What it asks for is therefore measured as [`Effort`]. A little is done at once, which mostly is
//! all; what is left is noted in the table `judging`, survives a restart, and is done by [`Store::judge_again`], part by
//! part. Another membership change in the meantime only moves the mark back.
//!
//! Until it is done, the view may still show what does not count any more, or lack what counts again. So the group does
//! not count as the same at both sides of a session until then ([`connectoid_protocol::sync::ChangeLog::holds_back`]).
//!
//! Changes that count are judged in the order of their stamps: what wins in place of one that is barred stands before it,
//! so it has been judged, or is valid only by what is to come and is judged then.

use std::collections::BTreeSet;

use connectoid_protocol::{
    change::Op,
    membership::{Affected, Membership, Role},
    record::RecordKey,
    stamp::{Position, Stamp},
    sync::Applied,
    user::GroupId,
};
use rusqlite::params;

use super::{
    Store,
    acceptance::NOT_FORGOTTEN,
    error::Result,
    read,
    rejudge::record_of,
    rows::{self, State, int},
    view::TouchedRecords,
};

/// How much is done at once: about 10 ms of a fast core's time, less than a step of the engine takes otherwise.
const AT_ONCE: i64 = 10_000;

/// In which time 1 µs may be spent again on arrivals, in µs: they take a tenth of a core at most.
const REGAINED_IN: i64 = 10;

/// Looking at a change that stays as it is.
const LOOK: i64 = 1;
/// Reading a change and putting it into another state,
const MOVE: i64 = 10;
/// and verifying its signature.
const VERIFY: i64 = 40;
/// Resolving one record, or one write of it.
const RESOLVE: i64 = 5;

/// How many changes are looked up at once.
const ROWS: i64 = 256;

/// How much may still be done, in about 1 µs.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effort {
    most: i64,
    left: i64,
    /// When it was counted last, in µs since the Unix epoch.
    at: u64,
}

impl Effort {
    pub(super) const FULL: Self = Self::of(AT_ONCE);

    const fn of(most: i64) -> Self {
        Self { most, left: most, at: 0 }
    }

    /// Time gives it back, at `now`.
    fn regain(&mut self, now: u64) {
        let passed = i64::try_from(now.saturating_sub(self.at)).unwrap_or(i64::MAX);
        self.left = self.left.saturating_add(passed / REGAINED_IN).min(self.most);
        self.at = now;
    }

    fn spend(&mut self, cost: i64) {
        self.left = self.left.saturating_sub(cost);
    }

    pub(super) fn spend_on_resolving(&mut self, writes: usize) {
        self.spend(RESOLVE.saturating_mul(1 + i64::try_from(writes).unwrap_or(i64::MAX - 1)));
    }

    fn is_left(&self) -> bool {
        self.left > 0
    }
}

/// How far judging a group again has got; as a row of the table `judging`.
#[derive(Debug, Clone, Copy)]
struct Progress {
    waiting: bool,
    at: i64,
    no: i64,
}

impl Progress {
    fn from(stamp: Stamp) -> Self {
        Self { waiting: false, at: int(stamp.micros()), no: 0 }
    }
}

/// A change that may have to be put into another state.
struct Candidate {
    no: i64,
    at: i64,
    state: i64,
    /// Whether it is a withdrawal, which who has been a member may always make.
    of_group: bool,
    position: Position,
}

impl Candidate {
    fn may_be_made(&self, membership: &Membership) -> bool {
        let author = self.position.author;
        let may_write = || membership.role_before(author, self.position).is_some_and(Role::may_write);
        if self.of_group { membership.key(author).is_some() } else { may_write() }
    }
}

impl Store {
    /// Judges the changes of some members again, from some position on; now, or in parts from now on.
    pub(super) fn rejudge(
        &mut self,
        group_no: i64,
        affected: &[Affected],
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let Some(from) = affected.iter().map(|affected| affected.from.stamp).min() else { return Ok(()) };
        // What is under way goes first.
        if self.is_judging()? {
            return self.judge_from(group_no, Progress::from(from));
        }
        let mut effort = self.judging_effort;
        effort.regain(now);
        let unfinished = self.judge_part(group_no, Progress::from(from), &mut effort, now, touched)?;
        self.judging_effort = effort;
        unfinished.map_or(Ok(()), |progress| self.judge_from(group_no, progress))
    }

    /// Goes on judging groups again, at `now` in microseconds since the Unix epoch: a part of one group, by turns.
    ///
    /// Gives that group once it is done or looks different. Every session has to hear of it
    /// ([`connectoid_protocol::sync::Sync::on_committed`]).
    ///
    /// # Errors
    /// Storage errors.
    pub fn judge_again(&mut self, now: u64) -> Result<Option<(GroupId, Applied)>> {
        let Some((group_no, progress)) = self.next_to_judge()? else { return Ok(None) };
        self.write(|store| {
            let (mut effort, mut touched) =
                (Effort::of(store.judging_effort.most), TouchedRecords::default());
            store.connection().prepare_cached("DELETE FROM judging WHERE grp = ?1")?.execute([group_no])?;
            let unfinished = store.judge_part(group_no, progress, &mut effort, now, &mut touched)?;
            if let Some(progress) = unfinished {
                store.judge_from(group_no, progress)?;
            }
            store.judged_last = group_no;
            let mut applied = Applied::NOTHING;
            touched.tell(&mut applied);
            let is_news = unfinished.is_none() || !applied.touched.is_empty();
            Ok(if is_news { Some((store.membership(group_no)?.group(), applied)) } else { None })
        })
    }

    /// Whether some group is being judged again.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_judging(&self) -> Result<bool> {
        Ok(self.next_to_judge()?.is_some())
    }

    /// As if so much were the most that is done at once.
    #[cfg(test)]
    pub(super) fn limit_judging(&mut self, most: i64) {
        self.judging_effort = Effort::of(most);
    }

    /// Whether this group is.
    pub(super) fn is_judging_group(&self, group_no: i64) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM judging WHERE grp = ?1)";
        Ok(self.connection().prepare_cached(sql)?.query_row([group_no], |row| row.get(0))?)
    }

    fn next_to_judge(&self) -> Result<Option<(i64, Progress)>> {
        let sql = format!(
            "SELECT grp, waiting, at, no FROM judging WHERE {NOT_FORGOTTEN} ORDER BY grp <= ?1, grp LIMIT 1"
        );
        read::optional(self.connection().prepare_cached(&sql)?.query_row([self.judged_last], |row| {
            Ok((row.get(0)?, Progress { waiting: row.get(1)?, at: row.get(2)?, no: row.get(3)? }))
        }))
    }

    /// Notes from where on a group is to be judged, unless it already is from before that.
    fn judge_from(&self, group_no: i64, progress: Progress) -> Result<()> {
        let sql =
            "INSERT INTO judging (grp, waiting, at, no) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (grp) DO UPDATE
                   SET waiting = excluded.waiting, at = excluded.at, no = excluded.no
                   WHERE (waiting, at, no) > (excluded.waiting, excluded.at, excluded.no)";
        let row = params![group_no, progress.waiting, progress.at, progress.no];
        self.connection().prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    /// Judges on from where it stands, until all is done or no effort is left; then it gives where it stands.
    fn judge_part(
        &mut self,
        group_no: i64,
        mut progress: Progress,
        effort: &mut Effort,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<Option<Progress>> {
        let mut records = BTreeSet::new();
        while effort.is_left() && !progress.waiting {
            progress = self.bar_some(group_no, progress, effort, now, &mut records)?;
        }
        for record in &records {
            let writes = self.resolve_record(group_no, record, now)?;
            effort.spend_on_resolving(writes);
            touched.add(&record.collection, &record.id);
        }
        while effort.is_left() {
            match self.release_some(group_no, progress, effort, now, touched)? {
                Some(further) => progress = further,
                None => return Ok(None),
            }
        }
        Ok(Some(progress))
    }

    /// Parks valid changes that their author was not allowed to make, as it turns out, and collects the records whose
    /// winners they were.
    fn bar_some(
        &mut self,
        group_no: i64,
        mut progress: Progress,
        effort: &mut Effort,
        now: u64,
        records: &mut BTreeSet<RecordKey>,
    ) -> Result<Progress> {
        let membership = self.membership(group_no)?;
        let candidates = self.counting(group_no, progress)?;
        if candidates.is_empty() {
            return Ok(Progress { waiting: true, at: 0, no: 0 });
        }
        for candidate in candidates {
            (progress.at, progress.no) = (candidate.at, candidate.no);
            effort.spend(LOOK);
            if !candidate.may_be_made(&membership) {
                let change = rows::load(self.connection(), candidate.no)?;
                effort.spend(MOVE);
                if candidate.state == State::Live as i64 {
                    let new =
                        change.ops().filter_map(record_of).filter(|record| records.insert(record.clone()));
                    effort.spend_on_resolving(new.count());
                } else {
                    effort.spend_on_resolving(change.ops().map(writes_of).sum());
                    self.forget_losses(group_no, candidate.no)?;
                }
                rows::set_state(self.connection(), candidate.no, State::Barred, now)?;
                self.count_parked(candidate.no, 1)?;
            }
            if !effort.is_left() {
                break;
            }
        }
        Ok(progress)
    }

    /// Takes parked changes whose author was allowed to make them, as it turns out.
    fn release_some(
        &mut self,
        group_no: i64,
        mut progress: Progress,
        effort: &mut Effort,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<Option<Progress>> {
        let membership = self.membership(group_no)?;
        let candidates = self.barred(group_no, progress)?;
        if candidates.is_empty() {
            return Ok(None);
        }
        let mut allowed = Vec::new();
        for candidate in candidates {
            (progress.at, progress.no) = (candidate.at, candidate.no);
            effort.spend(LOOK);
            if candidate.may_be_made(&membership) {
                effort.spend(MOVE + VERIFY);
                allowed.push(candidate.no);
            }
            if !effort.is_left() {
                break;
            }
        }
        self.release(group_no, &allowed, now, touched)?;
        Ok(Some(progress))
    }

    /// The next changes of records that count.
    fn counting(&self, group_no: i64, progress: Progress) -> Result<Vec<Candidate>> {
        let of = |index: &str, state: State| {
            format!(
                "SELECT * FROM (SELECT no, stamp AS at, state, membership, stamp, author, hash FROM changes INDEXED BY {index}
                 WHERE grp = ?1 AND state = {} AND membership = 0 AND (stamp, no) > (?2, ?3)
                 ORDER BY stamp, no LIMIT ?4)",
                state as i64
            )
        };
        let (live, history) = (of("live_items", State::Live), of("history_items", State::History));
        self.candidates(&format!("{live} UNION ALL {history}"), group_no, progress)
    }

    /// The next changes that are barred.
    fn barred(&self, group_no: i64, progress: Progress) -> Result<Vec<Candidate>> {
        let sql = "SELECT no, author AS at, state, membership, stamp, author, hash FROM changes INDEXED BY parked_items
                   WHERE grp = ?1 AND state = 2 AND (author, no) > (?2, ?3) ORDER BY author, no LIMIT ?4";
        self.candidates(&format!("SELECT * FROM ({sql})"), group_no, progress)
    }

    fn candidates(&self, source: &str, group_no: i64, progress: Progress) -> Result<Vec<Candidate>> {
        let sql = format!(
            "SELECT found.no, at, state, membership, stamp, users.id, hash FROM ({source}) AS found
             JOIN users ON users.no = author ORDER BY at, found.no LIMIT ?4"
        );
        let mut query = self.connection().prepare_cached(&sql)?;
        let mut rows = query.query([group_no, progress.at, progress.no, ROWS])?;
        let mut candidates = Vec::new();
        while let Some(row) = rows.next()? {
            let parts = (row.get(4)?, row.get(5)?, row.get(6)?);
            candidates.push(Candidate {
                no: row.get(0)?,
                at: row.get(1)?,
                state: row.get(2)?,
                of_group: row.get(3)?,
                position: rows::position_of(parts)?,
            });
        }
        Ok(candidates)
    }
}

/// How many fields an operation writes.
fn writes_of(op: &Op) -> usize {
    if let Op::Set { fields, .. } = op { fields.len() } else { 1 }
}
