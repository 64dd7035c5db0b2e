//! Own changes.

use connectoid_protocol::{
    change::{Change, ChangeHash, Op},
    membership::Role,
    stamp::Stamp,
    user::{DeviceId, GroupId, UserKey},
};
use rand_core::CryptoRng;

use super::{
    Store, StoreError,
    error::{Result, damaged},
    read,
    rows::int,
    view::TouchedRecords,
};

/// Who commits: a user, on a device.
#[derive(Debug, Clone, Copy)]
pub struct Author<'a> {
    /// The user's key, which signs.
    pub key: &'a UserKey,
    /// The device.
    pub device: DeviceId,
}

/// A commit that is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// The name of the change it has become.
    pub hash: ChangeHash,
    /// When it counts as made.
    pub stamp: Stamp,
}

impl Store {
    /// Signs operations on records as one change and stores it, whole or not at all.
    ///
    /// It is stamped later than everything accepted in the group so far, so it wins everything it writes.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`], [`StoreError::NotAccepted`], [`StoreError::NotAMember`],
    /// [`StoreError::NotPermitted`] for readers, [`StoreError::Change`] for operations that break a rule, and storage errors.
    pub fn commit(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        ops: Vec<Op>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Committed> {
        let group_no = self.known_group_no(group)?;
        self.require_part(group_no)?;
        let role = self.role_of(group_no, author)?;
        if !role.may_write() {
            return Err(StoreError::NotPermitted { role });
        }
        if ops.iter().any(|op| op.is_membership() || op.is_withdrawal()) {
            return Err(StoreError::NotARecordOp);
        }
        let stamp = next_stamp(now, self.greatest_stamp(group_no)?)?;
        let change = Change::sign(Some(group), author.key, author.device, stamp, ops, rng)?;
        self.write(|store| {
            let source_no = store.device_no(author.device)?;
            let mut touched = TouchedRecords::default();
            store.take_records(group_no, &change, source_no, None, now, &mut touched)?;
            Ok(Committed { hash: change.hash(), stamp })
        })
    }

    pub(super) fn role_of(&self, group_no: i64, author: &Author<'_>) -> Result<Role> {
        self.membership(group_no)?.role(author.key.id()).ok_or(StoreError::NotAMember)
    }

    /// The greatest stamp accepted in a group. What bears it wins what it writes, so it is live.
    pub(super) fn greatest_stamp(&self, group_no: i64) -> Result<u64> {
        self.greatest_stamp_upto(group_no, Stamp::MAX.micros())
    }

    /// The same among those up to a limit. What founded the group conflicts with nothing, whenever that was.
    pub(super) fn greatest_stamp_upto(&self, group_no: i64, limit: u64) -> Result<u64> {
        let sql = "SELECT stamp FROM changes INDEXED BY live_items
                   WHERE grp = ?1 AND state = 0 AND stamp <= ?2
                   AND hash <> (SELECT id FROM groups WHERE no = ?1) ORDER BY stamp DESC LIMIT 1";
        let mut query = self.connection().prepare_cached(sql)?;
        let greatest: Option<i64> =
            read::optional(query.query_row([group_no, int(limit)], |row| row.get(0)))?;
        Ok(greatest.unwrap_or_default().cast_unsigned())
    }
}

/// The stamp of an own change.
pub(super) fn next_stamp(now: u64, greatest: u64) -> Result<Stamp> {
    let greatest = Stamp::new(greatest).ok_or_else(|| damaged("stamp"))?;
    Stamp::next(now, greatest).ok_or(StoreError::Clock)
}
