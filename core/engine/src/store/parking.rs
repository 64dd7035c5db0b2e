//! Parking: keeping changes that are not valid yet, within bounds for each user whose devices deliver them.
//!
//! Membership changes come before the changes they allow, and clocks are mostly right, so little is ever
//! parked. Whoever floods a store with changes that wait loses the newest of them, and its mark: when
//! they are valid, they are found by comparison.

use connectoid_protocol::{
    change::Change,
    stamp::{MAX_AHEAD, last_due},
    sync::Applied,
    user::{GroupId, UserId},
};
use rusqlite::params;

use super::{
    Store,
    acceptance::NOT_FORGOTTEN,
    error::Result,
    judging::Effort,
    rows::{self, NewRow, State, int},
    view::TouchedRecords,
};

/// How many changes from the devices of one user may wait.
pub const MAX_PARKED_CHANGES: i64 = 10_000;

/// How many changes that are due are looked at at once: more than there is effort for.
const MAX_DUE: i64 = 256;

/// How many bytes of changes from the devices of one user may wait.
pub const MAX_PARKED_BYTES: i64 = 64 << 20;

impl Store {
    /// Takes parked changes whose time has come, at `now` in microseconds since the Unix epoch.
    ///
    /// Gives, for each group in which there were some, what became of them. Every session has to hear of
    /// these groups ([`connectoid_protocol::sync::Sync::on_committed`]).
    ///
    /// # Errors
    /// Storage errors.
    pub fn release_parked(&mut self, now: u64) -> Result<Vec<(GroupId, Applied)>> {
        self.write(|store| {
            let due = int(last_due(now));
            let sql = format!(
                "SELECT DISTINCT grp FROM changes WHERE state = 3 AND stamp <= ?1 AND {NOT_FORGOTTEN}"
            );
            let groups = store.numbers(&sql, [due])?;
            store.with_effort(now, |store, effort| {
                let mut released = Vec::new();
                for group_no in groups {
                    if effort.is_left() {
                        released.push(store.release_due(group_no, due, now, effort)?);
                    }
                }
                Ok(released)
            })
        })
    }

    /// When [`Store::release_parked`] should be called next, in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// Storage errors.
    pub fn next_due(&self) -> Result<Option<u64>> {
        let sql = format!("SELECT min(stamp) FROM changes WHERE state = 3 AND {NOT_FORGOTTEN}");
        let mut query = self.connection().prepare_cached(&sql)?;
        let earliest: Option<i64> = query.query_row([], |row| row.get(0))?;
        Ok(earliest.map(|stamp| stamp.cast_unsigned().saturating_sub(MAX_AHEAD)))
    }

    /// Takes what is due of a group: withdrawals, then what these have not taken back of members, then records. What takes
    /// too long is left for the next time.
    fn release_due(
        &mut self,
        group_no: i64,
        due: i64,
        now: u64,
        effort: &mut Effort,
    ) -> Result<(GroupId, Applied)> {
        let (mut applied, mut touched) = (Applied::NOTHING, TouchedRecords::default());
        if self.settle_view(group_no, effort, now, &mut touched)? {
            self.release_due_of_group(group_no, due, now, effort, &mut applied, &mut touched)?;
            for no in self.due(group_no, due, false, effort)? {
                applied.accepted += self.release(group_no, &[no], now, &mut touched)?;
            }
        }
        touched.tell(&mut applied);
        Ok((self.membership(group_no)?.group(), applied))
    }

    fn release_due_of_group(
        &mut self,
        group_no: i64,
        due: i64,
        now: u64,
        effort: &mut Effort,
        applied: &mut Applied,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let mut affected = Vec::new();
        let due = self.due(group_no, due, true, effort)?;
        applied.membership_changed = !due.is_empty();
        let (withdrawals, members) = self.by_kind(&due)?;
        applied.accepted += self.release(group_no, &withdrawals, now, touched)?;
        for no in members {
            let change = rows::load(self.connection(), no)?;
            if self.is_withdrawn(group_no, &change)? {
                continue;
            }
            self.count_parked(no, -1)?;
            affected.extend(self.take_membership(group_no, &change, 0, Some(no))?);
            applied.accepted += 1;
        }
        self.note_affected(group_no, &affected)?;
        self.judge_part(group_no, effort, now, touched).map(|_| ())
    }

    /// What is due, of the group itself or of its records, as far as effort is left for it.
    fn due(&self, group_no: i64, due: i64, of_group: bool, effort: &mut Effort) -> Result<Vec<i64>> {
        let sql = "SELECT no FROM changes WHERE state = 3 AND stamp <= ?1 AND grp = ?2 AND membership = ?3
                   ORDER BY stamp LIMIT ?4";
        let numbers = self.numbers(sql, [due, group_no, i64::from(of_group), MAX_DUE])?;
        let mut affordable = Vec::new();
        for no in numbers {
            if !effort.is_left() {
                break;
            }
            effort.spend_on_release(rows::load(self.connection(), no)?.writes());
            affordable.push(no);
        }
        Ok(affordable)
    }

    fn by_kind(&self, numbers: &[i64]) -> Result<(Vec<i64>, Vec<i64>)> {
        let (mut withdrawals, mut members) = (Vec::new(), Vec::new());
        for no in numbers {
            let is_withdrawal = rows::load(self.connection(), *no)?.is_withdrawal();
            if is_withdrawal { &mut withdrawals } else { &mut members }.push(*no);
        }
        Ok((withdrawals, members))
    }

    /// Parks a change that has arrived, if there is room; says whether there was. Without, the mark has to go.
    pub(super) fn park(
        &mut self,
        group_no: i64,
        change: &Change,
        source_no: i64,
        state: State,
        now: u64,
    ) -> Result<bool> {
        let sql = "SELECT coalesce(sum(parked_count), 0), coalesce(sum(parked_bytes), 0) FROM devices
                   WHERE parked_count > 0 AND (no = ?1 OR user = (SELECT user FROM devices WHERE no = ?1))";
        let (count, bytes): (i64, i64) = self
            .connection()
            .prepare_cached(sql)?
            .query_row([source_no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let length = i64::try_from(change.bytes().len()).unwrap_or(i64::MAX);
        if count >= MAX_PARKED_CHANGES || bytes.saturating_add(length) > MAX_PARKED_BYTES {
            return Ok(false);
        }
        let no = self.next_arrival()?;
        let author_no = self.user_no(change.author())?;
        let row = NewRow { no, group_no, author_no, source_no, state, wins: 0, since: now, change };
        rows::insert(self.connection(), &row)?;
        self.count_parked(no, 1)?;
        Ok(true)
    }

    /// Notes whose device something comes from.
    pub(super) fn note_user_of_device(&self, device_no: i64, user: UserId) -> Result<()> {
        let user_no = self.user_no(user)?;
        let sql = "UPDATE devices SET user = ?2 WHERE no = ?1 AND user IS NOT ?2";
        self.connection().prepare_cached(sql)?.execute([device_no, user_no])?;
        Ok(())
    }

    /// Books a change that is parked (1) or no longer (-1) to the device that delivered it.
    pub(super) fn count_parked(&self, no: i64, by: i64) -> Result<()> {
        let sql = "UPDATE devices SET parked_count = parked_count + ?2, parked_bytes = parked_bytes
                       + ?2 * (SELECT length(bytes) FROM bodies WHERE change = ?1)
                   WHERE no = (SELECT source FROM changes WHERE no = ?1)";
        self.connection().prepare_cached(sql)?.execute(params![no, by])?;
        Ok(())
    }
}
