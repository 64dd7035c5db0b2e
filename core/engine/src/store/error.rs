//! Why a store fails.

use connectoid_protocol::{change::ChangeError, membership::Role, user::GroupId};
use rusqlite::ErrorCode;

pub(super) type Result<T> = core::result::Result<T, StoreError>;

/// Why the store could not do something.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Storage: the file is damaged, or not a database at all.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// Storage: no room left.
    #[error("the disk is full")]
    Full,
    /// Storage: another process holds the store.
    #[error("the store is in use by somebody else")]
    Busy,
    /// Storage: the file system fails, or does not permit.
    #[error("the store cannot be read or written")]
    Io(#[source] rusqlite::Error),
    /// The store was written by a newer version of this library.
    #[error("the store was written by a newer version")]
    NewerVersion,
    /// A database, but of something else.
    #[error("not a store of this library")]
    NotAStore,
    /// API misuse: no such group here.
    #[error("no such group: {0}")]
    UnknownGroup(GroupId),
    /// The user is no member of the group (any more).
    #[error("not a member of the group")]
    NotAMember,
    /// The user takes no part in the group: was invited and has not accepted, or has left.
    #[error("this user takes no part in the group: accept the invitation first")]
    NotAccepted,
    /// The user's role does not allow this.
    #[error("the role does not allow this: {role:?}")]
    NotPermitted {
        /// The role the user has.
        role: Role,
    },
    /// API misuse: the owner of a group stays its owner.
    #[error("the owner of a group can be neither removed nor given another role")]
    OwnerIsFixed,
    /// API misuse: what was to be written breaks a rule.
    #[error(transparent)]
    Change(#[from] ChangeError),
    /// API misuse: `commit` takes operations on records only.
    #[error("members are changed by add_member and remove_member")]
    NotARecordOp,
    /// The clock stands after the year 2255, or a member's does.
    #[error("no stamps are left")]
    Clock,
    /// API misuse: a call in the transaction failed, and the transaction was to be committed nevertheless.
    #[error("the transaction cannot be committed, because a part of it failed")]
    HalfWritten,
    /// A bug in this library, or in SQLite.
    #[error("the store failed unexpectedly")]
    Internal(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Corrupt(error.to_string()),
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy,
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly
                | ErrorCode::PermissionDenied,
            ) => Self::Io(error),
            _ => Self::Internal(error),
        }
    }
}

impl From<rusqlite_migration::Error> for StoreError {
    fn from(error: rusqlite_migration::Error) -> Self {
        match error {
            rusqlite_migration::Error::RusqliteError { err, .. } => err.into(),
            rusqlite_migration::Error::MigrationDefinition(_) => Self::NewerVersion,
            _ => Self::NotAStore,
        }
    }
}

/// Stored bytes that this library wrote and cannot read back.
pub(super) fn damaged(what: &str) -> StoreError {
    StoreError::Corrupt(format!("unreadable {what}"))
}
