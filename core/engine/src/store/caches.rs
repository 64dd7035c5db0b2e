//! Small numbers for long names, and the membership of groups, as they stand in the database.
//!
//! Whatever is undone in the database may be in here, so a rollback clears it all.

use std::{cell::RefCell, collections::HashMap, hash::Hash, sync::Arc};

use connectoid_protocol::{
    membership::Membership,
    user::{DeviceId, GroupId, UserId},
};
use rusqlite::params;

use super::{Store, StoreError, error::Result, read};

/// How many names of one kind are remembered before all are forgotten: more than the groups that anybody has, as all of
/// them are gone through when a node starts and when it connects. A membership of a few takes less than 1 KiB.
const MAX_CACHED: usize = 8192;

#[derive(Default)]
pub(super) struct Caches {
    groups: RefCell<HashMap<GroupId, i64>>,
    users: RefCell<HashMap<UserId, i64>>,
    devices: RefCell<HashMap<DeviceId, i64>>,
    collections: RefCell<HashMap<(i64, String), i64>>,
    memberships: RefCell<HashMap<i64, Arc<Membership>>>,
}

impl Caches {
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}

impl Store {
    /// The number of a group, if it is here.
    pub(super) fn group_no(&self, group: GroupId) -> Result<Option<i64>> {
        cached(&self.caches.groups, &group, || read::group_no(self.connection(), group))
    }

    pub(super) fn known_group_no(&self, group: GroupId) -> Result<i64> {
        self.group_no(group)?.ok_or(StoreError::UnknownGroup(group))
    }

    /// The number of a user, who may be new.
    pub(super) fn user_no(&self, user: UserId) -> Result<i64> {
        let find = || self.number_of("users", user.as_bytes()).map(Some);
        Ok(cached(&self.caches.users, &user, find)?.unwrap_or_default())
    }

    /// The number of a device, which may be new.
    pub(super) fn device_no(&self, device: DeviceId) -> Result<i64> {
        let find = || self.number_of("devices", device.as_bytes()).map(Some);
        Ok(cached(&self.caches.devices, &device, find)?.unwrap_or_default())
    }

    /// The number of a collection, which may be new.
    pub(super) fn collection_no(&self, group_no: i64, name: &str) -> Result<i64> {
        let key = (group_no, name.to_owned());
        let find = || {
            if let Some(no) = read::collection_no(self.connection(), group_no, name)? {
                return Ok(Some(no));
            }
            let sql = "INSERT INTO collections (grp, name) VALUES (?1, ?2)";
            Ok(Some(self.connection().prepare_cached(sql)?.insert(params![group_no, name])?))
        };
        Ok(cached(&self.caches.collections, &key, find)?.unwrap_or_default())
    }

    /// The membership of a group. Whoever changes it puts the new one in place.
    pub(super) fn membership(&self, group_no: i64) -> Result<Arc<Membership>> {
        let load = || Ok(Some(Arc::new(read::membership(self.connection(), group_no)?)));
        cached(&self.caches.memberships, &group_no, load)?.ok_or_else(|| super::error::damaged("membership"))
    }

    /// Changes what is remembered of a group's membership, as its stored changes say now.
    pub(super) fn edit_membership<T>(
        &mut self,
        group_no: i64,
        edit: impl FnOnce(&mut Membership) -> T,
    ) -> Result<T> {
        let mut membership = self.membership(group_no)?;
        self.caches.memberships.borrow_mut().remove(&group_no);
        let edited = edit(Arc::make_mut(&mut membership));
        self.caches.memberships.borrow_mut().insert(group_no, membership);
        Ok(edited)
    }

    /// Has the membership of a group be read anew.
    pub(super) fn forget_membership(&mut self, group_no: i64) {
        self.caches.memberships.borrow_mut().remove(&group_no);
    }

    fn number_of(&self, table: &str, id: &[u8]) -> Result<i64> {
        let find = format!("SELECT no FROM {table} WHERE id = ?1");
        let found: Option<i64> =
            read::optional(self.connection().prepare_cached(&find)?.query_row([id], |row| row.get(0)))?;
        if let Some(no) = found {
            return Ok(no);
        }
        let insert = format!("INSERT INTO {table} (id) VALUES (?1)");
        Ok(self.connection().prepare_cached(&insert)?.insert([id])?)
    }
}

/// Finds in the cache, or else by `find`, whose finds are remembered.
fn cached<K: Clone + Eq + Hash, V: Clone>(
    cache: &RefCell<HashMap<K, V>>,
    key: &K,
    find: impl FnOnce() -> Result<Option<V>>,
) -> Result<Option<V>> {
    if let Some(found) = cache.borrow().get(key) {
        return Ok(Some(found.clone()));
    }
    let found = find()?;
    if let Some(value) = &found {
        let mut cache = cache.borrow_mut();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(key.clone(), value.clone());
    }
    Ok(found)
}
