//! Operations: the single steps of a change.

use minicbor::{Decoder, data::Type};

use super::{ChangeError, ChangeHash, ROLES};
use crate::{
    cbor::{self, NotCanonical, Writer},
    membership::Role,
    record::{Writes, write_field},
    user::{UserId, UserPublic},
    value::{Value, ValueError, read_map, write_map},
};

/// The greatest length of a collection's, field's or group's name, in bytes.
pub const MAX_NAME_LEN: usize = 128;

/// The greatest length of a record's id, in bytes.
pub const MAX_RECORD_ID_LEN: usize = 256;

/// Length of the random part of a genesis, in bytes.
pub const NONCE_LEN: usize = 16;

const SET: u64 = 0;
const DELETE: u64 = 1;
const GENESIS: u64 = 2;
const MEMBER: u64 = 3;
const REMOVE: u64 = 4;
const WITHDRAW: u64 = 13;

/// The greatest number of changes that one withdrawal names.
pub const MAX_WITHDRAWN: usize = 1000;

/// One step of a change.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Op {
    /// Sets and removes fields of a record.
    Set {
        /// The record's collection.
        collection: String,
        /// The record's id in it.
        id: String,
        /// At least one field.
        fields: Writes,
    },
    /// Deletes a record: hides everything set up to now.
    Delete {
        /// The record's collection.
        collection: String,
        /// The record's id in it.
        id: String,
    },
    /// Founds a group. Its author is the owner.
    Genesis {
        /// The owner's key.
        owner: UserPublic,
        /// Random, so that two groups never have the same id.
        nonce: [u8; NONCE_LEN],
        /// What people call the group.
        name: String,
    },
    /// Makes somebody a member, or changes a member's role.
    Member {
        /// Whom.
        user: UserId,
        /// The key of that user.
        key: UserPublic,
        /// Writer or reader.
        role: Role,
    },
    /// Ends a membership.
    Remove {
        /// Whose.
        user: UserId,
    },
    /// Takes own changes back that a wrong clock stamped: wherever they are, they do not count.
    Withdraw {
        /// Their names, ascending.
        changes: Vec<ChangeHash>,
    },
}

impl Op {
    /// Whether the operation concerns the group itself rather than a record.
    pub fn is_membership(&self) -> bool {
        matches!(self, Self::Genesis { .. } | Self::Member { .. } | Self::Remove { .. })
    }

    /// Whether the operation takes changes back.
    pub fn is_withdrawal(&self) -> bool {
        matches!(self, Self::Withdraw { .. })
    }

    /// What the operation is about; a change has at most one operation about each thing.
    pub(super) fn subject(&self) -> Subject<'_> {
        match self {
            Self::Set { collection, id, .. } | Self::Delete { collection, id } => {
                Subject::Record(collection, id)
            }
            Self::Genesis { .. } => Subject::Group,
            Self::Member { user, .. } | Self::Remove { user } => Subject::User(*user),
            Self::Withdraw { .. } => Subject::Changes,
        }
    }

    /// The rules that one operation has to keep.
    pub(super) fn check(&self) -> Result<(), ChangeError> {
        match self {
            Self::Set { collection, id, fields } => {
                check_record(collection, id)?;
                if fields.is_empty() {
                    return Err(ChangeError::NoFields);
                }
                fields.iter().try_for_each(|(field, value)| {
                    check_name(field, MAX_NAME_LEN)?;
                    Ok(value.as_ref().map_or(Ok(()), Value::check)?)
                })
            }
            Self::Delete { collection, id } => check_record(collection, id),
            Self::Genesis { name, .. } => check_name(name, MAX_NAME_LEN),
            Self::Member { user, key, role } => {
                role_code(*role)?;
                if key.id() == *user { Ok(()) } else { Err(ChangeError::BadKey) }
            }
            Self::Remove { .. } => Ok(()),
            Self::Withdraw { changes } => check_withdrawn(changes),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Set { collection, id, fields } => {
                writer.array(4).uint(SET).text(collection).text(id);
                write_map(fields, writer, |value, writer| write_field(value.as_ref(), writer));
            }
            Self::Delete { collection, id } => {
                writer.array(3).uint(DELETE).text(collection).text(id);
            }
            Self::Genesis { owner, nonce, name } => {
                writer.array(4).uint(GENESIS).bytes(owner.as_bytes()).bytes(nonce).text(name);
            }
            Self::Member { user, key, role } => {
                // An unappointable role has no code; `check` refuses it before anything is written.
                let role = role_code(*role).unwrap_or_default();
                writer.array(4).uint(MEMBER).bytes(user.as_bytes()).bytes(key.as_bytes()).uint(role);
            }
            Self::Remove { user } => {
                writer.array(2).uint(REMOVE).bytes(user.as_bytes());
            }
            Self::Withdraw { changes } => {
                writer.array(2).uint(WITHDRAW).array(changes.len());
                for change in changes {
                    writer.bytes(change.as_bytes());
                }
            }
        }
    }

    /// Reads an operation and checks it by itself; the caller checks that it is canonical.
    pub(super) fn read(decoder: &mut Decoder<'_>) -> Result<Self, ChangeError> {
        let length = cbor::array(decoder)?;
        let kind = decoder.u64().map_err(NotCanonical::from)?;
        let op = match (kind, length) {
            (SET, 4) => Self::Set {
                collection: read_text(decoder)?,
                id: read_text(decoder)?,
                fields: read_map(decoder, read_field)?,
            },
            (DELETE, 3) => Self::Delete { collection: read_text(decoder)?, id: read_text(decoder)? },
            (GENESIS, 4) => Self::Genesis {
                owner: read_key(decoder)?,
                nonce: cbor::fixed(decoder)?,
                name: read_text(decoder)?,
            },
            (MEMBER, 4) => Self::Member {
                user: UserId::from_bytes(cbor::fixed(decoder)?),
                key: read_key(decoder)?,
                role: read_role(decoder)?,
            },
            (REMOVE, 2) => Self::Remove { user: UserId::from_bytes(cbor::fixed(decoder)?) },
            (WITHDRAW, 2) => Self::Withdraw { changes: read_withdrawn(decoder)? },
            _ => return Err(NotCanonical.into()),
        };
        op.check()?;
        Ok(op)
    }
}

/// What an operation is about.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Subject<'a> {
    Record(&'a str, &'a str),
    Group,
    User(UserId),
    Changes,
}

fn read_field(decoder: &mut Decoder<'_>) -> Result<Option<Value>, ValueError> {
    if decoder.datatype().map_err(NotCanonical::from)? == Type::Undefined {
        decoder.undefined().map_err(NotCanonical::from)?;
        return Ok(None);
    }
    Value::read(decoder).map(Some)
}

fn check_record(collection: &str, id: &str) -> Result<(), ChangeError> {
    check_name(collection, MAX_NAME_LEN)?;
    check_name(id, MAX_RECORD_ID_LEN)
}

fn check_name(name: &str, longest: usize) -> Result<(), ChangeError> {
    if name.is_empty() || name.len() > longest { Err(ChangeError::BadName) } else { Ok(()) }
}

/// Ascending, so that there is one way to write them, and none is named twice.
fn check_withdrawn(changes: &[ChangeHash]) -> Result<(), ChangeError> {
    let ascend = changes.windows(2).all(|pair| pair[0] < pair[1]);
    if changes.is_empty() || changes.len() > MAX_WITHDRAWN || !ascend {
        return Err(ChangeError::BadWithdrawal);
    }
    Ok(())
}

fn role_code(role: Role) -> Result<u64, ChangeError> {
    let known = ROLES.iter().find(|(_, known)| *known == role);
    known.map(|(code, _)| *code).ok_or(ChangeError::BadRole)
}

fn read_role(decoder: &mut Decoder<'_>) -> Result<Role, ChangeError> {
    let code = decoder.u64().map_err(NotCanonical::from)?;
    let known = ROLES.iter().find(|(known, _)| *known == code);
    known.map(|(_, role)| *role).ok_or(ChangeError::BadRole)
}

fn read_key(decoder: &mut Decoder<'_>) -> Result<UserPublic, ChangeError> {
    UserPublic::from_bytes(&cbor::fixed(decoder)?).map_err(|_| ChangeError::BadKey)
}

fn read_withdrawn(decoder: &mut Decoder<'_>) -> Result<Vec<ChangeHash>, ChangeError> {
    let count = cbor::array(decoder)?;
    if count > MAX_WITHDRAWN as u64 {
        return Err(ChangeError::BadWithdrawal);
    }
    (0..count).map(|_| Ok(ChangeHash::from_bytes(cbor::fixed(decoder)?))).collect()
}

fn read_text(decoder: &mut Decoder<'_>) -> Result<String, NotCanonical> {
    Ok(decoder.str()?.to_owned())
}
