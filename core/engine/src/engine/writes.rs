//! What an app wants written, as the operations of a change.
//!
//! To replace a record writes only what differs from what it shows, so that edits of other fields that come in the
//! meantime survive.

use connectoid_protocol::{
    change::Op,
    record::{Fields, Writes},
    user::GroupId,
    value::Value,
};

use super::commands::CommandResult;
use crate::{
    api::{Write, bad_value},
    error::Error,
    store::Store,
};

/// The operation that a write calls for; none if the record is so already.
pub(super) fn to_op(store: &Store, group: GroupId, write: Write) -> CommandResult<Option<Op>> {
    let (collection, id, fields) = match write {
        Write::Delete { collection, id } => return Ok(Some(Op::Delete { collection, id })),
        Write::Put { collection, id, fields } => {
            let fields = to_values(fields)?.into_iter().map(|(name, value)| (name, Some(value)));
            (collection, id, fields.collect())
        }
        Write::RemoveFields { collection, id, fields } => {
            if fields.is_empty() {
                return Err(Error::usage("name at least one field to remove").into());
            }
            (collection, id, fields.into_iter().map(|name| (name, None)).collect())
        }
        Write::Replace { collection, id, fields } => {
            let shown = store.record(group, &collection, &id)?.unwrap_or_default();
            let differing = difference(&shown, to_values(fields)?);
            if differing.is_empty() {
                return Ok(None);
            }
            (collection, id, differing)
        }
    };
    Ok(Some(Op::Set { collection, id, fields }))
}

fn to_values(fields: serde_json::Map<String, serde_json::Value>) -> Result<Fields, Error> {
    if fields.is_empty() {
        return Err(Error::usage("a record has at least one field; to take it away, delete it"));
    }
    let convert = |(name, value)| Ok((name, Value::from_json(value).map_err(bad_value)?));
    fields.into_iter().map(convert).collect()
}

/// What has to be written so that a record that shows some fields has exactly others.
fn difference(shown: &Fields, wanted: Fields) -> Writes {
    let gone = shown.keys().filter(|name| !wanted.contains_key(*name)).map(|name| (name.clone(), None));
    let mut writes: Writes = gone.collect();
    let differs = |(name, value): &(String, Value)| shown.get(name) != Some(value);
    writes.extend(wanted.into_iter().filter(differs).map(|(name, value)| (name, Some(value))));
    writes
}
