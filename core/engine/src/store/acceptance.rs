//! Which groups the user takes part in, how much room each may take, and forgetting.
//!
//! A group that others have put the user into holds nothing but who its members are, until the user accepts it. One that
//! was left stays readable; one that was forgotten is cleared away, a part at a time, as it may be large.

use connectoid_protocol::{
    change::Change,
    membership::Standing,
    sync::Acceptance,
    user::{DeviceId, GroupId, UserId},
};
use rusqlite::params;

use super::{
    Store, StoreError,
    error::Result,
    read,
    rows::{self, cost},
};

/// What the numbers in the database mean.
const INVITED: i64 = 0;
const ACCEPTED: i64 = 1;
const LEFT: i64 = 2;
const FORGOTTEN: i64 = 3;
const FULL: i64 = 4;

/// Of changes: that their group is not being cleared away, and so can be asked who is in it.
pub(super) const NOT_FORGOTTEN: &str = "grp NOT IN (SELECT no FROM groups WHERE acceptance = 3)";

/// How much changes of a group itself may take beyond what records may, in bytes: who is removed has to be known also where
/// there is no room for records. It is all that an invitation may take.
pub const MAX_MEMBERSHIP_BYTES: u64 = 4 << 20;

/// How many rows are cleared away in one call, so that none takes long.
const AT_ONCE: i64 = 500;

/// How much of a group's room is taken, in bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    used: u64,
    records: u64,
    members: u64,
    refused: bool,
}

impl Room {
    /// Takes room for a change of a record, which may be the one that exceeds it; says whether there was any.
    pub(super) fn take_record(&mut self, change: &Change) -> bool {
        self.take(change, self.records)
    }

    /// The same for a change of the group itself.
    pub(super) fn take_member(&mut self, change: &Change) -> bool {
        self.take(change, self.members)
    }

    fn take(&mut self, change: &Change, limit: u64) -> bool {
        let free = self.used < limit;
        if free {
            self.used = self.used.saturating_add(cost(change.bytes().len()));
        } else {
            self.refused = true;
        }
        free
    }

    /// Whether something was passed over for want of room.
    pub(super) fn is_full(&self) -> bool {
        self.refused
    }

    /// Whether four fifths are taken.
    pub(super) fn is_low(&self) -> bool {
        self.used >= low(self.records)
    }
}

/// How much of a quota is taken when room gets scarce, and below what there is room again: in between, what is deleted
/// would be filled up at once.
fn low(quota: u64) -> u64 {
    quota / 5 * 4
}

impl Store {
    /// Says how many bytes each group may take, about; without, there is no limit.
    pub fn set_group_quota(&mut self, bytes: u64) {
        self.group_quota = bytes;
    }

    /// How far this store takes a group. One that is not known is [`Acceptance::Invited`], unless it was forgotten.
    ///
    /// # Errors
    /// Storage errors.
    pub fn acceptance(&self, group: GroupId) -> Result<Acceptance> {
        let Some(group_no) = self.group_no(group)? else {
            let sql = "SELECT EXISTS (SELECT 1 FROM forgotten WHERE id = ?1)";
            let forgotten =
                self.connection().prepare_cached(sql)?.query_row([group.as_bytes()], |row| row.get(0))?;
            return Ok(if forgotten { Acceptance::Left } else { Acceptance::Invited });
        };
        let acceptance = self.acceptance_of(group_no)?;
        if acceptance == Acceptance::Full {
            // Who is told so gives nothing more: it is remembered until there is room again.
            self.note_full(group_no)?;
        }
        Ok(acceptance)
    }

    pub(super) fn acceptance_of(&self, group_no: i64) -> Result<Acceptance> {
        let sql = "SELECT acceptance, bytes FROM groups WHERE no = ?1";
        let mut query = self.connection().prepare_cached(sql)?;
        let (acceptance, bytes): (i64, i64) =
            query.query_row([group_no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let bytes = bytes.cast_unsigned();
        Ok(match acceptance {
            ACCEPTED if bytes >= self.group_quota => Acceptance::Full,
            FULL if bytes >= low(self.group_quota) => Acceptance::Full,
            ACCEPTED | FULL => Acceptance::Accepted,
            INVITED => Acceptance::Invited,
            _ => Acceptance::Left,
        })
    }

    /// About how many bytes a group takes on the disk.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn group_bytes(&self, group: GroupId) -> Result<u64> {
        Ok(self.room_of(self.known_group_no(group)?)?.used)
    }

    /// Whether four fifths of the room are taken that a group may take.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn is_room_low(&self, group: GroupId) -> Result<bool> {
        Ok(self.room_of(self.known_group_no(group)?)?.is_low())
    }

    pub(super) fn room_of(&self, group_no: i64) -> Result<Room> {
        let mut query = self.connection().prepare_cached("SELECT bytes FROM groups WHERE no = ?1")?;
        let used: i64 = query.query_row([group_no], |row| row.get(0))?;
        let records = if self.acceptance_of(group_no)?.is_given() { self.group_quota } else { 0 };
        let members = records.saturating_add(MAX_MEMBERSHIP_BYTES);
        Ok(Room { used: used.cast_unsigned(), records, members, refused: false })
    }

    /// Takes part in a group. Marks do not say that its records are here, so they are given up.
    ///
    /// # Errors
    /// Storage errors.
    pub fn accept(&mut self, group: GroupId) -> Result<()> {
        self.write(|store| {
            let forgotten = "DELETE FROM forgotten WHERE id = ?1";
            if store.connection().prepare_cached(forgotten)?.execute([group.as_bytes()])? > 0 {
                // What comes again must not be taken for what is still to be cleared away.
                while store.clear_forgotten()? {}
            }
            let Some(group_no) = store.group_no(group)? else { return Ok(()) };
            store.connection().prepare_cached("DELETE FROM marks WHERE grp = ?1")?.execute([group_no])?;
            store.set_acceptance(group_no, ACCEPTED)
        })
    }

    /// Notes that records were passed over, because there was no room.
    pub(super) fn note_full(&self, group_no: i64) -> Result<()> {
        self.set_acceptance(group_no, FULL)
    }

    /// The groups of which records were passed over, and that have room again; each is told once.
    ///
    /// # Errors
    /// Storage errors.
    pub fn take_room_again(&mut self) -> Result<Vec<GroupId>> {
        self.write(|store| {
            let sql = "UPDATE groups SET acceptance = 1 WHERE acceptance = 4 AND bytes < ?1 RETURNING id";
            let mut query = store.connection().prepare_cached(sql)?;
            let limit = i64::try_from(low(store.group_quota)).unwrap_or(i64::MAX);
            let ids = query.query_map([limit], |row| row.get(0).map(GroupId::from_bytes))?;
            Ok(ids.collect::<rusqlite::Result<_>>()?)
        })
    }

    /// Takes no part in a group any more. What is here stays readable.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn leave(&mut self, group: GroupId) -> Result<()> {
        let group_no = self.known_group_no(group)?;
        self.write(|store| store.set_acceptance(group_no, LEFT))
    }

    /// Leaves a group and has it vanish; [`Store::clear_forgotten`] clears it away.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn forget(&mut self, group: GroupId) -> Result<()> {
        let group_no = self.known_group_no(group)?;
        self.write(|store| {
            store.caches.clear();
            let sql = "INSERT INTO forgotten (id) VALUES (?1)";
            store.connection().prepare_cached(sql)?.execute([group.as_bytes()])?;
            let sql = "UPDATE store SET forgotten_upto = max(forgotten_upto, ?1)";
            store.connection().prepare_cached(sql)?.execute([store.sequence.next() - 1])?;
            let sql = "UPDATE groups SET id = randomblob(32) WHERE no = ?1";
            store.connection().prepare_cached(sql)?.execute([group_no])?;
            store.set_acceptance(group_no, FORGOTTEN)
        })
    }

    /// Clears away a part of what was forgotten; says whether there may be more.
    ///
    /// # Errors
    /// Storage errors.
    pub fn clear_forgotten(&mut self) -> Result<bool> {
        let sql = "SELECT no FROM groups WHERE acceptance = 3 LIMIT 1";
        let Some(group_no) = self.numbers(sql, [])?.pop() else { return Ok(false) };
        self.write(|store| {
            let cleared = store.clear_changes(group_no)? || store.clear_view(group_no)?;
            if !cleared {
                for table in ["unresolved", "collections", "marks", "acked", "told", "unsaid", "judging"] {
                    let sql = format!("DELETE FROM {table} WHERE grp = ?1");
                    store.connection().prepare_cached(&sql)?.execute([group_no])?;
                }
                store.connection().prepare_cached("DELETE FROM groups WHERE no = ?1")?.execute([group_no])?;
                store.caches.clear();
            }
            Ok(true)
        })
    }

    fn clear_changes(&mut self, group_no: i64) -> Result<bool> {
        // Each by an index of its own; those that wait are few.
        for state in ["= 0 AND membership = 0", "= 0 AND membership = 1", "= 1", "= 2", "= 3", "= 4"] {
            let sql = format!("SELECT no FROM changes WHERE grp = ?1 AND state {state} LIMIT ?2");
            let numbers = self.numbers(&sql, [group_no, AT_ONCE])?;
            for no in &numbers {
                if matches!(state, "= 2" | "= 3" | "= 4") {
                    self.count_parked(*no, -1)?;
                }
                for table in ["withdrawn", "unsettled"] {
                    let sql = format!("DELETE FROM {table} WHERE change = ?1");
                    self.connection().prepare_cached(&sql)?.execute([no])?;
                }
                rows::delete(self.connection(), *no)?;
            }
            if !numbers.is_empty() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn clear_view(&self, group_no: i64) -> Result<bool> {
        for collection in self.numbers("SELECT no FROM collections WHERE grp = ?1", [group_no])? {
            for (table, key) in [("fields", "id, field"), ("deletes", "id"), ("lost", "id, field, change")] {
                let sql = format!(
                    "DELETE FROM {table} WHERE collection = ?1 AND ({key}) IN
                     (SELECT {key} FROM {table} WHERE collection = ?1 LIMIT ?2)"
                );
                if self.connection().prepare_cached(&sql)?.execute([collection, AT_ONCE])? > 0 {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    /// How many groups the user is invited to in which another one is a member.
    pub(super) fn invitations(&self, user: UserId) -> Result<usize> {
        let invited = self.numbers("SELECT no FROM groups WHERE acceptance = 0", [])?.into_iter();
        let is_open = |group_no| {
            let membership = self.membership(group_no)?;
            let is_member = |user| matches!(membership.standing(user), Standing::Member(_));
            // Who was removed again has nothing to answer.
            Ok(is_member(user) && self.user.is_none_or(is_member))
        };
        let open: Vec<bool> = invited.map(is_open).collect::<Result<_>>()?;
        Ok(open.into_iter().filter(|open| *open).count())
    }

    /// Notes that a device has to hear that everything of a group is taken here; until its stream has begun.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn note_unsaid(&mut self, group: GroupId, device: DeviceId) -> Result<()> {
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let sql = "INSERT OR IGNORE INTO unsaid (grp, device) VALUES (?1, ?2)";
        self.connection().prepare_cached(sql)?.execute([group_no, device_no])?;
        Ok(())
    }

    /// Whether a device has to hear of such a group.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_unsaid(&self, device: DeviceId) -> Result<bool> {
        let sql = "SELECT EXISTS (SELECT 1 FROM unsaid JOIN groups ON groups.no = grp
                   WHERE device = ?1 AND acceptance IN (1, 4))";
        Ok(self.connection().prepare_cached(sql)?.query_row([self.device_no(device)?], |row| row.get(0))?)
    }

    /// How many groups a device has told not to take, or not to take all of.
    ///
    /// # Errors
    /// Storage errors.
    pub fn not_taken_by(&self, device: DeviceId) -> Result<usize> {
        let sql = "SELECT count(*) FROM told WHERE device = ?1 AND acceptance <> 1";
        Ok(self.connection().prepare_cached(sql)?.query_row([self.device_no(device)?], |row| row.get(0))?)
    }

    /// How far another device takes a group, as it has told.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn told_acceptance(&self, group: GroupId, device: DeviceId) -> Result<Option<Acceptance>> {
        let sql = "SELECT acceptance FROM told WHERE grp = ?1 AND device = ?2";
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let mut query = self.connection().prepare_cached(sql)?;
        let told: Option<i64> = read::optional(query.query_row([group_no, device_no], |row| row.get(0)))?;
        Ok(told.map(|told| match told {
            INVITED => Acceptance::Invited,
            ACCEPTED => Acceptance::Accepted,
            FULL => Acceptance::Full,
            _ => Acceptance::Left,
        }))
    }

    /// Remembers how far another device takes a group.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn set_told_acceptance(&mut self, group: GroupId, device: DeviceId, told: Acceptance) -> Result<()> {
        let number = match told {
            Acceptance::Invited => INVITED,
            Acceptance::Accepted => ACCEPTED,
            Acceptance::Full => FULL,
            Acceptance::Left => LEFT,
        };
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let sql = "INSERT INTO told (grp, device, acceptance) VALUES (?1, ?2, ?3)
                   ON CONFLICT (grp, device) DO UPDATE SET acceptance = excluded.acceptance";
        self.connection().prepare_cached(sql)?.execute([group_no, device_no, number])?;
        Ok(())
    }

    pub(super) fn set_acceptance(&self, group_no: i64, acceptance: i64) -> Result<()> {
        let sql = "UPDATE groups SET acceptance = ?2 WHERE no = ?1";
        self.connection().prepare_cached(sql)?.execute(params![group_no, acceptance])?;
        Ok(())
    }

    /// Refuses writing to a group in which the user takes no part.
    pub(super) fn require_part(&self, group_no: i64) -> Result<()> {
        if self.acceptance_of(group_no)?.is_given() { Ok(()) } else { Err(StoreError::NotAccepted) }
    }
}
