//! Own changes that a wrong clock stamped.
//!
//! A clock that runs ahead stamps changes that others park until they are due, and that win over everything
//! written until then. As long as nobody else can hold such a change, it can be taken back and made again
//! with a true stamp. Membership changes keep their stamps: a group is named by its first one.

use std::collections::BTreeSet;

use connectoid_protocol::{change::Change, stamp::MAX_AHEAD, user::GroupId};
use rand_core::CryptoRng;
use rusqlite::params;

use super::{
    Author, Store,
    error::Result,
    rejudge::record_of,
    rows::{self, State, int},
};

impl Store {
    /// Notes that changes up to an arrival leave this device.
    pub(super) fn note_sent(&mut self, group: GroupId, upto: u64) -> Result<()> {
        let group_no = self.known_group_no(group)?;
        let sql = "UPDATE groups SET sent = ?2 WHERE no = ?1 AND sent < ?2";
        self.connection().prepare_cached(sql)?.execute([group_no, int(upto)])?;
        Ok(())
    }

    /// Makes the author's changes anew that are stamped more than [`MAX_AHEAD`] after `now` and have never left
    /// this device, in their order; returns how many. To be called only when `now` is known to be right.
    ///
    /// # Errors
    /// As [`Store::commit`].
    pub fn restamp(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<usize> {
        let group_no = self.known_group_no(group)?;
        if self.greatest_stamp(group_no)? <= now.saturating_add(MAX_AHEAD) {
            return Ok(0);
        }
        self.write(|store| {
            let taken_back = store.take_back(group_no, author, now)?;
            let count = taken_back.len();
            for change in taken_back {
                let ops = change.ops().cloned().collect();
                store.commit(group, author, ops, now, rng)?;
            }
            Ok(count)
        })
    }

    /// Removes such changes as if they had never been made.
    fn take_back(&mut self, group_no: i64, author: &Author<'_>, now: u64) -> Result<Vec<Change>> {
        let (user_no, device_no) = (self.user_no(author.key.id())?, self.device_no(author.device)?);
        let ahead = int(now.saturating_add(MAX_AHEAD));
        let mut numbers = Vec::new();
        for state in [State::Live, State::History] {
            let sql = format!(
                "SELECT changes.no FROM changes JOIN groups ON groups.no = grp
                 WHERE grp = ?1 AND stamp > ?2 AND author = ?3 AND source = ?4 AND membership = 0
                 AND seq > sent AND state = {}",
                state as i64
            );
            numbers.extend(self.numbers(&sql, params![group_no, ahead, user_no, device_no])?);
        }
        let mut changes = Vec::with_capacity(numbers.len());
        let mut records = BTreeSet::new();
        for no in &numbers {
            let change = rows::load(self.connection(), *no)?;
            records.extend(change.ops().filter_map(record_of));
            changes.push(change);
            rows::set_state(self.connection(), *no, State::Barred, now)?;
        }
        for record in &records {
            self.resolve_record(group_no, record, now)?;
        }
        for no in numbers {
            rows::delete(self.connection(), no)?;
        }
        changes.sort_by_key(Change::position);
        Ok(changes)
    }
}
