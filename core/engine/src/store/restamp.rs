//! What a wrong clock has stamped, once the right time is known.
//!
//! A clock that runs ahead stamps changes that others keep back until they are due, and that win over everything
//! written until then. So the changes of this device that are stamped too far ahead are made again, with true stamps:
//! those that nobody else can hold as if they had never been made, the others after a withdrawal that reaches
//! everybody who holds them. Changes of others that were taken by such a clock wait as they would have by a right one.
//! The change that founds a group stays as it is: it names the group, and its stamp decides nothing.

use connectoid_protocol::{
    change::{Change, ChangeHash, MAX_WITHDRAWN, Op},
    membership::Role,
    stamp::last_due,
    sync::Applied,
    user::GroupId,
};
use rand_core::CryptoRng;

use super::{
    Author, Store,
    commit::next_stamp,
    error::Result,
    rows::{self, State, int},
    view::TouchedRecords,
    withdraw::Aftermath,
};

/// What came of looking for wrong stamps.
#[derive(Debug, PartialEq, Eq)]
pub struct Restamped {
    /// How many own changes were made again.
    pub again: usize,
    /// How many changes of others wait now.
    pub held: usize,
    /// What looks different.
    pub applied: Applied,
}

/// A change that is stamped too far ahead, and its number.
struct Early {
    no: i64,
    change: Change,
}

impl Store {
    /// Notes that changes up to an arrival leave this device.
    pub(super) fn note_sent(&mut self, group: GroupId, upto: u64) -> Result<()> {
        let group_no = self.known_group_no(group)?;
        let sql = "UPDATE groups SET sent = ?2 WHERE no = ?1 AND sent < ?2";
        self.connection().prepare_cached(sql)?.execute([group_no, int(upto)])?;
        Ok(())
    }

    /// Makes the changes of this device anew that are stamped too far after `now`, in their order, and has those of
    /// others wait. To be called only when `now` is known to be right.
    ///
    /// # Errors
    /// As [`Store::commit`]; but who may not write makes nothing anew, and that is no error.
    pub fn restamp(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Restamped> {
        let group_no = self.known_group_no(group)?;
        let early = self.taken_early(group_no, now)?;
        let mut restamped = Restamped { again: 0, held: 0, applied: Applied::NOTHING };
        if early.is_empty() {
            return Ok(restamped);
        }
        let is_own = |early: &Early| {
            (early.change.author(), early.change.device()) == (author.key.id(), author.device)
        };
        let (own, others): (Vec<_>, Vec<_>) = early.into_iter().partition(is_own);
        self.write(|store| {
            let mut touched = TouchedRecords::default();
            restamped.held = others.len();
            store.hold(group_no, &others, now, &mut touched)?;
            if store.membership(group_no)?.role(author.key.id()).is_some_and(Role::may_write) {
                restamped.again = own.len();
                store.make_again(group_no, group, author, own, now, rng, &mut touched)?;
            }
            restamped.applied.membership_changed = true;
            touched.tell(&mut restamped.applied);
            Ok(restamped)
        })
    }

    /// All that counts and is stamped too far ahead, but for what founded the group and for withdrawals, in order.
    fn taken_early(&self, group_no: i64, now: u64) -> Result<Vec<Early>> {
        let mut early = Vec::new();
        for state in [State::Live, State::History] {
            let sql = format!(
                "SELECT no FROM changes WHERE grp = ?1 AND stamp > ?2 AND state = {}
                 AND hash <> (SELECT id FROM groups WHERE no = ?1)",
                state as i64
            );
            for no in self.numbers(&sql, [group_no, int(last_due(now))])? {
                let change = rows::load(self.connection(), no)?;
                if !change.is_withdrawal() {
                    early.push(Early { no, change });
                }
            }
        }
        early.sort_by_key(|early| early.change.position());
        Ok(early)
    }

    /// Has changes wait that a wrong clock had let count.
    fn hold(&mut self, group_no: i64, early: &[Early], now: u64, touched: &mut TouchedRecords) -> Result<()> {
        let mut aftermath = Aftermath::default();
        for Early { no, change } in early {
            rows::set_state(self.connection(), *no, State::Early, now)?;
            self.count_parked(*no, 1)?;
            aftermath.of(*no, change);
        }
        self.settle_aftermath(group_no, &aftermath, now, touched)
    }

    #[allow(clippy::too_many_arguments, reason = "one step of `restamp`, which has them all")]
    fn make_again(
        &mut self,
        group_no: i64,
        group: GroupId,
        author: &Author<'_>,
        own: Vec<Early>,
        now: u64,
        rng: &mut impl CryptoRng,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let (mut left, mut unheard) = (Vec::new(), Vec::new());
        for early in &own {
            if self.has_left(early.no)? { left.push(early.change.hash()) } else { unheard.push(early) }
        }
        self.unmake(group_no, &unheard, now, touched)?;
        left.sort_unstable();
        for names in left.chunks(MAX_WITHDRAWN) {
            self.take_back(group_no, group, author, names, now, rng, touched)?;
        }
        for Early { change, .. } in own {
            let ops: Vec<Op> = change.ops().cloned().collect();
            if change.is_membership() {
                self.commit_ops_on_members(group_no, author, ops, now, rng)?;
            } else {
                self.commit(group, author, ops, now, rng)?;
            }
        }
        Ok(())
    }

    fn has_left(&self, no: i64) -> Result<bool> {
        let sql = "SELECT seq <= sent FROM changes JOIN groups ON groups.no = grp WHERE changes.no = ?1";
        Ok(self.connection().prepare_cached(sql)?.query_row([no], |row| row.get(0))?)
    }

    /// Removes changes as if they had never been made.
    fn unmake(
        &mut self,
        group_no: i64,
        changes: &[&Early],
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let mut aftermath = Aftermath::default();
        for early in changes {
            rows::set_state(self.connection(), early.no, State::Withdrawn, now)?;
            aftermath.of(early.no, &early.change);
        }
        self.settle_aftermath(group_no, &aftermath, now, touched)?;
        changes.iter().try_for_each(|early| rows::delete(self.connection(), early.no))
    }

    /// Withdraws changes that others may hold.
    #[allow(clippy::too_many_arguments, reason = "one step of `make_again`, which has them all")]
    fn take_back(
        &mut self,
        group_no: i64,
        group: GroupId,
        author: &Author<'_>,
        names: &[ChangeHash],
        now: u64,
        rng: &mut impl CryptoRng,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        // Before what it withdraws, which is still there.
        let stamp = next_stamp(now, self.greatest_stamp_upto(group_no, last_due(now))?)?;
        let op = Op::Withdraw { changes: names.to_vec() };
        let change = Change::sign(Some(group), author.key, author.device, stamp, vec![op], rng)?;
        let source_no = self.device_no(author.device)?;
        self.take_withdrawal(group_no, &change, source_no, None, now)?;
        self.settle_aftermath(group_no, &Aftermath::default(), now, touched)
    }
}
