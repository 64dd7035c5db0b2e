//! Reading beside the store: on another connection, so on another thread, and never behind a write.

use connectoid_protocol::{
    membership::{Member, Role},
    record::Fields,
    user::{GroupId, UserId},
};
use rusqlite::Connection;

#[cfg(doc)]
use super::StoreError;
use super::{Group, Limit, Store, Version, error::Result, history, read};

/// A connection to a store that only reads. It sees what is committed.
pub struct Reader {
    connection: Connection,
    user: Option<UserId>,
}

impl Reader {
    pub(super) fn new(connection: Connection, user: Option<UserId>) -> Self {
        Self { connection, user }
    }
}

/// The questions of apps, on whatever has a connection.
macro_rules! queries {
    ($on:ty) => {
        impl $on {
            /// All groups, in the order in which they came.
            ///
            /// # Errors
            /// [`StoreError`].
            pub fn groups(&self) -> Result<Vec<Group>> {
                read::groups(&self.connection)
            }

            /// Whether there is a group of this id.
            ///
            /// # Errors
            /// [`StoreError`].
            pub fn has_group(&self, group: GroupId) -> Result<bool> {
                Ok(read::group_no(&self.connection, group)?.is_some())
            }

            /// The group that a name means: the one that this store's user founded, or else the first to come of those
            /// that the user is in.
            ///
            /// # Errors
            /// [`StoreError`].
            pub fn group_named(&self, name: &str) -> Result<Option<GroupId>> {
                read::group_named(&self.connection, name, self.user)
            }

            /// A record, if it exists.
            ///
            /// # Errors
            /// [`StoreError::UnknownGroup`] and storage errors.
            pub fn record(&self, group: GroupId, collection: &str, id: &str) -> Result<Option<Fields>> {
                read::record(&self.connection, group, collection, id)
            }

            /// Records of a collection by ascending id, beginning after the id `after`.
            ///
            /// # Errors
            /// [`StoreError::UnknownGroup`] and storage errors.
            pub fn list(
                &self,
                group: GroupId,
                collection: &str,
                after: Option<&str>,
                limit: Limit,
            ) -> Result<Vec<(String, Fields)>> {
                read::list(&self.connection, group, collection, after, limit)
            }

            /// What was written to a record, winning or not, newest first; at most [`MAX_VERSIONS`], with at most
            /// [`MAX_HISTORY`] of values.
            ///
            /// # Errors
            /// [`StoreError::UnknownGroup`] and storage errors.
            ///
            /// [`MAX_VERSIONS`]: crate::store::MAX_VERSIONS
            /// [`MAX_HISTORY`]: crate::store::MAX_HISTORY
            pub fn history(&self, group: GroupId, collection: &str, id: &str) -> Result<Vec<Version>> {
                history::history(&self.connection, group, collection, id)
            }
        }
    };
}

queries!(Store);
queries!(Reader);

impl Reader {
    /// The members of a group, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn members(&self, group: GroupId) -> Result<Vec<Member>> {
        read::members(&self.connection, group)
    }

    /// What a user may do in a group; `None` for who is no member.
    ///
    /// # Errors
    /// Storage errors.
    pub fn role(&self, group: GroupId, user: UserId) -> Result<Option<Role>> {
        read::role(&self.connection, group, user)
    }
}
