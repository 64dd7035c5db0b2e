//! Judging again, in parts: how much of it at once, and how far it has got.
//!
//! A membership change that arrives late can make many changes of records invalid, or valid again, a withdrawal can name
//! many that count, and neither costs its author much. What they ask for is therefore measured as [`Effort`]. A little is done
//! at once, which mostly is all; what is left is noted, survives a restart, and is done by [`Store::judge_again`], part by
//! part. Another membership change in the meantime only moves the mark back.
//!
//! ```text
//! judging      which changes of a group are judged again: those that count by stamp, then those that are barred
//!    └▶ unsettled    changes that do not count any more, and are to be taken out of the view
//!          └▶ unresolved    records whose winners have to be found anew because of them
//! ```
//!
//! What is barred is taken only when nothing of its group is unsettled or unresolved: it may still stand in the view from
//! before. Until all is done, the view may show what does not count any more, or lack what counts again. So on this side
//! a group does not count as the same as a peer's until then ([`connectoid_protocol::sync::ChangeLog::holds_back`]).

use std::collections::BTreeSet;

use connectoid_protocol::{
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

/// In which time 1 µs may be spent again, in µs: with what is not counted, all of it takes a tenth of a fast core. What was overdrawn, because one
/// change or one record took more than was left, is paid back first.
const REGAINED_IN: i64 = 15;

/// Looking at a change that stays as it is.
const LOOK: i64 = 1;
/// Putting a change into another state,
const MOVE: i64 = 15;
/// and verifying its signature.
const VERIFY: i64 = 40;
/// Resolving a record, and each write of it; and noting that it is to be resolved.
const RESOLVE: i64 = 5;
/// A write into the view.
const WRITE: i64 = 10;

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

    /// As much as it takes: for what this device itself has brought about.
    pub(super) const UNBOUNDED: Self = Self::of(i64::MAX);

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

    fn spend_on(&mut self, count: usize, each: i64) {
        self.spend(each.saturating_mul(i64::try_from(count).unwrap_or(i64::MAX)));
    }

    /// Taking a change that was parked.
    pub(super) fn spend_on_release(&mut self, writes: usize) {
        self.spend(MOVE + VERIFY);
        self.spend_on(writes, WRITE);
    }

    pub(super) fn is_left(&self) -> bool {
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
    /// Judges the changes of a group again, from the first position on at which somebody is affected; now, or in parts from
    /// now on.
    pub(super) fn rejudge(
        &mut self,
        group_no: i64,
        affected: &[Affected],
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        if affected.is_empty() {
            return Ok(());
        }
        self.note_affected(group_no, affected)?;
        self.judge_now(group_no, now, touched)
    }

    /// Notes from where on a group is to be judged again.
    pub(super) fn note_affected(&self, group_no: i64, affected: &[Affected]) -> Result<()> {
        let from = affected.iter().map(|affected| affected.from.stamp).min();
        from.map_or(Ok(()), |from| self.judge_from(group_no, Progress::from(from)))
    }

    /// Has the view go by changes that have just ceased to count; now, or in parts from now on.
    pub(super) fn judge_now(&mut self, group_no: i64, now: u64, touched: &mut TouchedRecords) -> Result<()> {
        self.with_effort(now, |store, effort| store.judge_part(group_no, effort, now, touched).map(|_| ()))
    }

    /// Does what spends effort, and keeps what is left, or what was overdrawn.
    pub(super) fn with_effort<T>(
        &mut self,
        now: u64,
        work: impl FnOnce(&mut Self, &mut Effort) -> Result<T>,
    ) -> Result<T> {
        let mut effort = self.judging_effort;
        effort.regain(now);
        let done = work(self, &mut effort);
        self.judging_effort = effort;
        done
    }

    /// Goes on judging groups again, at `now` in microseconds since the Unix epoch, by turns.
    ///
    /// Gives those that are done or look different. Every session has to hear of them
    /// ([`connectoid_protocol::sync::Sync::on_committed`]).
    ///
    /// # Errors
    /// Storage errors.
    pub fn judge_again(&mut self, now: u64) -> Result<Vec<(GroupId, Applied)>> {
        self.write(|store| store.with_effort(now, |store, effort| store.judge_by_turns(effort, now)))
    }

    fn judge_by_turns(&mut self, effort: &mut Effort, now: u64) -> Result<Vec<(GroupId, Applied)>> {
        let mut told = Vec::new();
        while effort.is_left()
            && let Some(group_no) = self.next_to_judge()?
        {
            let mut touched = TouchedRecords::default();
            let done = self.judge_part(group_no, effort, now, &mut touched)?;
            self.judged_last = group_no;
            let mut applied = Applied::NOTHING;
            touched.tell(&mut applied);
            if done || !applied.touched.is_empty() {
                told.push((self.membership(group_no)?.group(), applied));
            }
        }
        Ok(told)
    }

    /// Whether there may be something to judge again that was not there when this was asked last.
    pub fn has_more_to_judge(&mut self) -> bool {
        self.more_to_judge.replace(false)
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
        let sql = "SELECT EXISTS (SELECT 1 FROM judging WHERE grp = ?1)
                   OR EXISTS (SELECT 1 FROM unsettled WHERE grp = ?1)
                   OR EXISTS (SELECT 1 FROM unresolved WHERE grp = ?1)";
        Ok(self.connection().prepare_cached(sql)?.query_row([group_no], |row| row.get(0))?)
    }

    /// A change that counted counts no more: the view is to go by that ([`Store::judge_now`]).
    pub(super) fn unsettle(&self, group_no: i64, no: i64) -> Result<()> {
        self.more_to_judge.set(true);
        let sql = "INSERT OR IGNORE INTO unsettled (grp, change) VALUES (?1, ?2)";
        self.connection().prepare_cached(sql)?.execute([group_no, no])?;
        Ok(())
    }

    fn next_to_judge(&self) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT grp FROM (SELECT grp FROM judging UNION SELECT grp FROM unsettled UNION SELECT grp FROM unresolved)
             WHERE {NOT_FORGOTTEN} ORDER BY grp <= ?1, grp LIMIT 1"
        );
        read::optional(
            self.connection().prepare_cached(&sql)?.query_row([self.judged_last], |row| row.get(0)),
        )
    }

    /// Notes from where on a group is to be judged, unless it already is from before that.
    fn judge_from(&self, group_no: i64, progress: Progress) -> Result<()> {
        self.more_to_judge.set(true);
        let sql =
            "INSERT INTO judging (grp, waiting, at, no) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (grp) DO UPDATE
                   SET waiting = excluded.waiting, at = excluded.at, no = excluded.no
                   WHERE (waiting, at, no) > (excluded.waiting, excluded.at, excluded.no)";
        let row = params![group_no, progress.waiting, progress.at, progress.no];
        self.connection().prepare_cached(sql)?.execute(row)?;
        Ok(())
    }

    fn progress(&self, group_no: i64) -> Result<Option<Progress>> {
        let sql = "SELECT waiting, at, no FROM judging WHERE grp = ?1";
        read::optional(self.connection().prepare_cached(sql)?.query_row([group_no], |row| {
            Ok(Progress { waiting: row.get(0)?, at: row.get(1)?, no: row.get(2)? })
        }))
    }

    /// Goes on from one mark to the next, or to the end; unless the mark was moved back meanwhile.
    fn advance(&self, group_no: i64, from: Progress, to: Option<Progress>) -> Result<()> {
        let same = "grp = ?1 AND waiting = ?2 AND at = ?3 AND no = ?4";
        let Some(to) = to else {
            let sql = format!("DELETE FROM judging WHERE {same}");
            let row = params![group_no, from.waiting, from.at, from.no];
            self.connection().prepare_cached(&sql)?.execute(row)?;
            return Ok(());
        };
        let sql = format!("UPDATE judging SET waiting = ?5, at = ?6, no = ?7 WHERE {same}");
        let row = params![group_no, from.waiting, from.at, from.no, to.waiting, to.at, to.no];
        self.connection().prepare_cached(&sql)?.execute(row)?;
        Ok(())
    }

    /// Judges on from where it stands, until all is done or no effort is left; says whether all is.
    pub(super) fn judge_part(
        &mut self,
        group_no: i64,
        effort: &mut Effort,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<bool> {
        while effort.is_left() {
            let progress = self.progress(group_no)?;
            if let Some(progress) = progress.filter(|progress| !progress.waiting) {
                let further = self.bar_some(group_no, progress, effort, now)?;
                self.advance(group_no, progress, Some(further))?;
            } else if !self.settle_view(group_no, effort, now, touched)? {
                return Ok(false);
            } else if let Some(progress) = progress {
                let further = self.release_some(group_no, progress, effort, now, touched)?;
                self.advance(group_no, progress, further)?;
            } else {
                return Ok(true);
            }
        }
        Ok(!self.is_judging_group(group_no)?)
    }

    /// Parks valid changes that their author was not allowed to make, as it turns out.
    fn bar_some(
        &self,
        group_no: i64,
        mut progress: Progress,
        effort: &mut Effort,
        now: u64,
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
                effort.spend(MOVE);
                rows::set_state(self.connection(), candidate.no, State::Barred, now)?;
                self.count_parked(candidate.no, 1)?;
                self.unsettle(group_no, candidate.no)?;
            }
            if !effort.is_left() {
                break;
            }
        }
        Ok(progress)
    }

    /// Has the view go by what does not count any more, as far as effort is left; says whether that is all.
    pub(super) fn settle_view(
        &mut self,
        group_no: i64,
        effort: &mut Effort,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<bool> {
        while effort.is_left() {
            if self.settle_change(group_no, effort)? {
                continue;
            }
            let Some(record) = self.next_unresolved(group_no)? else { return Ok(true) };
            let writes = self.resolve_record(group_no, &record, now)?;
            effort.spend_on(1 + writes, RESOLVE);
            touched.add(&record.collection, &record.id);
        }
        Ok(false)
    }

    /// Notes the records of which a change has won something, or lets go of what it has lost; says whether there was one.
    fn settle_change(&mut self, group_no: i64, effort: &mut Effort) -> Result<bool> {
        let sql = "DELETE FROM unsettled WHERE (grp, change) IN
                   (SELECT grp, change FROM unsettled WHERE grp = ?1 LIMIT 1) RETURNING change";
        let Some(no) = self.numbers(sql, [group_no])?.pop() else { return Ok(false) };
        let sql = "SELECT wins FROM changes WHERE no = ?1";
        let wins: i64 = self.connection().prepare_cached(sql)?.query_row([no], |row| row.get(0))?;
        let change = rows::load(self.connection(), no)?;
        effort.spend_on(1 + change.writes(), RESOLVE);
        if wins == 0 {
            self.forget_losses(group_no, no)?;
            return Ok(true);
        }
        let sql = "INSERT OR IGNORE INTO unresolved (grp, collection, id) VALUES (?1, ?2, ?3)";
        for record in change.ops().filter_map(record_of).collect::<BTreeSet<_>>() {
            let collection = self.collection_no(group_no, &record.collection)?;
            self.connection().prepare_cached(sql)?.execute(params![group_no, collection, record.id])?;
        }
        Ok(true)
    }

    fn next_unresolved(&self, group_no: i64) -> Result<Option<RecordKey>> {
        let sql = "DELETE FROM unresolved WHERE (grp, collection, id) IN
                   (SELECT grp, collection, id FROM unresolved WHERE grp = ?1 LIMIT 1)
                   RETURNING (SELECT name FROM collections WHERE no = collection), id";
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query([group_no])?;
        let next = match rows.next()? {
            Some(row) => Some(RecordKey { collection: row.get(0)?, id: row.get(1)? }),
            None => None,
        };
        // To its end, or nothing is deleted.
        while rows.next()?.is_some() {}
        Ok(next)
    }

    /// Looks again at changes that are barred, whose author is known by now: takes those that are valid, and drops forgeries.
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
        let mut known = Vec::new();
        for candidate in candidates {
            (progress.at, progress.no) = (candidate.at, candidate.no);
            effort.spend(LOOK);
            if membership.key(candidate.position.author).is_some() {
                let change = rows::load(self.connection(), candidate.no)?;
                effort.spend_on_release(if candidate.may_be_made(&membership) { change.writes() } else { 0 });
                known.push(candidate.no);
            }
            if !effort.is_left() {
                break;
            }
        }
        self.release(group_no, &known, now, touched)?;
        Ok(Some(progress))
    }

    /// The next changes of records that count.
    fn counting(&self, group_no: i64, progress: Progress) -> Result<Vec<Candidate>> {
        let of = |index: &str, state: State| {
            format!(
                "SELECT * FROM (SELECT no, stamp AS at, membership, stamp, author, hash FROM changes INDEXED BY {index}
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
        let sql =
            "SELECT no, author AS at, membership, stamp, author, hash FROM changes INDEXED BY parked_items
                   WHERE grp = ?1 AND state = 2 AND (author, no) > (?2, ?3) ORDER BY author, no LIMIT ?4";
        self.candidates(&format!("SELECT * FROM ({sql})"), group_no, progress)
    }

    fn candidates(&self, source: &str, group_no: i64, progress: Progress) -> Result<Vec<Candidate>> {
        let sql = format!(
            "SELECT found.no, at, membership, stamp, users.id, hash FROM ({source}) AS found
             JOIN users ON users.no = author ORDER BY at, found.no LIMIT ?4"
        );
        let mut query = self.connection().prepare_cached(&sql)?;
        let mut rows = query.query([group_no, progress.at, progress.no, ROWS])?;
        let mut candidates = Vec::new();
        while let Some(row) = rows.next()? {
            let parts = (row.get(3)?, row.get(4)?, row.get(5)?);
            candidates.push(Candidate {
                no: row.get(0)?,
                at: row.get(1)?,
                of_group: row.get(2)?,
                position: rows::position_of(parts)?,
            });
        }
        Ok(candidates)
    }
}
