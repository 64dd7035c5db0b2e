//! Changes that their author has taken back, because a wrong clock had stamped them.
//!
//! A withdrawal holds wherever it is held, whatever comes first: what it names is kept like what is parked, so that
//! nobody asks for it again, and never counts.

use connectoid_protocol::{
    change::{Change, Op},
    membership::Affected,
    user::UserId,
};
use rusqlite::params;

use super::{
    Store,
    error::Result,
    judging::Effort,
    rows::{self, State},
    view::TouchedRecords,
};

/// What follows from changes that do not count any more.
#[derive(Default)]
pub(super) struct Aftermath {
    /// Whose changes have to be judged again,
    affected: Vec<Affected>,
    /// and which changes are to be taken out of the view.
    changes: Vec<i64>,
}

impl Aftermath {
    /// Adds what follows from a valid change that ceased to be.
    pub(super) fn of(&mut self, no: i64, change: &Change) {
        let from = change.position();
        self.affected.extend(change.ops().filter_map(user_of).map(|user| Affected { user, from }));
        self.changes.push(no);
    }
}

impl Store {
    /// Whether a change is named by a withdrawal that holds.
    pub(super) fn is_withdrawn(&self, group_no: i64, change: &Change) -> Result<bool> {
        // By the name, which is mostly there of none, and not by all that is live.
        let sql = "SELECT no FROM withdrawn CROSS JOIN changes ON no = change
                   WHERE withdrawn.hash = ?1 AND grp = ?2 AND state = 0";
        for no in self.numbers(sql, params![change.hash().as_bytes(), group_no])? {
            if rows::load(self.connection(), no)?.withdraws(change) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a genuine withdrawal that is due: a new one, or one that was parked as `parked_no`. Says whether members
    /// may have changed. What follows from it is noted, and left to [`Store::judge_now`]: many may be taken one after the
    /// other, some of them while a group is judged.
    pub(super) fn take_withdrawal(
        &mut self,
        group_no: i64,
        change: &Change,
        source_no: i64,
        parked_no: Option<i64>,
        now: u64,
    ) -> Result<bool> {
        let no = self.take_live(group_no, change, source_no, parked_no)?;
        let mut aftermath = Aftermath::default();
        for name in change.ops().filter_map(names_of).flatten() {
            let sql = "INSERT INTO withdrawn (hash, change) VALUES (?1, ?2)";
            self.connection().prepare_cached(sql)?.execute(params![name.as_bytes(), no])?;
            let Some(named) = rows::find(self.connection(), name)? else { continue };
            self.withdraw(change, named, now, &mut aftermath)?;
        }
        self.note_aftermath(group_no, &aftermath)?;
        Ok(!aftermath.affected.is_empty())
    }

    /// Judges anew what follows from changes that do not count any more, at once: this device itself has brought it about.
    pub(super) fn settle_aftermath(
        &mut self,
        group_no: i64,
        aftermath: &Aftermath,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        self.note_aftermath(group_no, aftermath)?;
        let mut effort = Effort::UNBOUNDED;
        self.settle_view(group_no, &mut effort, now, touched)?;
        self.judge_now(group_no, now, touched)
    }

    fn note_aftermath(&mut self, group_no: i64, aftermath: &Aftermath) -> Result<()> {
        for no in &aftermath.changes {
            self.unsettle(group_no, *no)?;
        }
        if !aftermath.affected.is_empty() {
            self.forget_membership(group_no);
        }
        self.note_affected(group_no, &aftermath.affected)
    }

    fn withdraw(&self, withdrawal: &Change, no: i64, now: u64, aftermath: &mut Aftermath) -> Result<()> {
        let named = rows::load(self.connection(), no)?;
        if !withdrawal.withdraws(&named) {
            return Ok(());
        }
        let mut query = self.connection().prepare_cached("SELECT state FROM changes WHERE no = ?1")?;
        let state: i64 = query.query_row([no], |row| row.get(0))?;
        if state == State::Withdrawn as i64 {
            return Ok(());
        }
        if state < State::Barred as i64 {
            self.count_parked(no, 1)?;
            aftermath.of(no, &named);
        }
        rows::set_state(self.connection(), no, State::Withdrawn, now)
    }
}

fn names_of(op: &Op) -> Option<&[connectoid_protocol::change::ChangeHash]> {
    if let Op::Withdraw { changes } = op { Some(changes) } else { None }
}

fn user_of(op: &Op) -> Option<UserId> {
    match op {
        Op::Member { user, .. } | Op::Remove { user } => Some(*user),
        _ => None,
    }
}
