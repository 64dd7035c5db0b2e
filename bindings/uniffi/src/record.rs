//! Records: reading and writing them.
//!
//! Fields cross as JSON text: one copy per record, whatever is in it, and what every language reads with its own tools.
//! Bytes are `{"$bytes": "<base64url>"}` in it.

use std::time::SystemTime;

use connectoid::{Error, ErrorKind, api};
use futures_util::FutureExt;
use serde_json::{Map, Value};

use crate::{
    error::NodeError,
    event::time,
    limits::{self, MAX_COMMIT, MAX_FIELDS, MAX_WRITES},
    node::Node,
};

/// A record.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Record {
    /// Its id, unique in its collection.
    pub id: String,
    /// Its fields, a JSON object.
    pub fields: String,
}

/// One write of a commit.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Write {
    /// Set fields of a record; fields that are not named stay.
    Put {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The fields, a JSON object.
        fields: String,
    },
    /// Make a record exactly this: fields that are not named go; what does not differ is not written.
    Replace {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The fields, a JSON object.
        fields: String,
    },
    /// Remove fields of a record, whether it has them or not.
    RemoveFields {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The names of the fields.
        fields: Vec<String>,
    },
    /// Delete a record.
    Delete {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
}

/// One version of one field, or of a record's deletion.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Version {
    /// The field; none for a deletion.
    pub field: Option<String>,
    /// The value as JSON; none for a deletion, where the field was removed, and if it is left out.
    pub value: Option<String>,
    /// Whether the value is not shown: there are more than 4 MiB of them, and the winning ones come first.
    pub left_out: bool,
    /// Whether this took the field away, or the whole record.
    pub removed: bool,
    /// The user who wrote it.
    pub author: String,
    /// What this node calls that user.
    pub nickname: Option<String>,
    /// When it was written, by the writer's clock.
    pub stamp: SystemTime,
    /// Whether this is what a reader sees.
    pub winning: bool,
    /// Why it lost, if it did.
    pub why: Option<String>,
    /// Until when a losing version is kept.
    pub kept_until: Option<SystemTime>,
}

#[uniffi::export]
#[allow(clippy::needless_pass_by_value, reason = "what comes from another language is owned")]
impl Node {
    /// Sets fields of a record, a JSON object; fields that are not named stay. Durable when this returns.
    pub async fn put(
        &self,
        group: String,
        collection: String,
        id: String,
        fields: String,
    ) -> Result<(), NodeError> {
        self.commit(group, vec![Write::Put { collection, id, fields }]).await
    }

    /// Makes a record exactly this, a JSON object: fields that are not named go; what does not differ is not written.
    /// Durable when this returns.
    pub async fn replace(
        &self,
        group: String,
        collection: String,
        id: String,
        fields: String,
    ) -> Result<(), NodeError> {
        self.commit(group, vec![Write::Replace { collection, id, fields }]).await
    }

    /// Removes fields of a record, whether it has them or not. Durable when this returns.
    pub async fn remove_fields(
        &self,
        group: String,
        collection: String,
        id: String,
        fields: Vec<String>,
    ) -> Result<(), NodeError> {
        self.commit(group, vec![Write::RemoveFields { collection, id, fields }]).await
    }

    /// Deletes a record. Durable when this returns.
    pub async fn delete(&self, group: String, collection: String, id: String) -> Result<(), NodeError> {
        self.commit(group, vec![Write::Delete { collection, id }]).await
    }

    /// Writes several records: all of them or none, here and at every peer. At most 1,000 writes and 256 KiB.
    pub async fn commit(&self, group: String, writes: Vec<Write>) -> Result<(), NodeError> {
        limits::names(&[&group])?;
        limits::within("writes of a commit", writes.len(), MAX_WRITES)?;
        let bytes = writes.iter().map(|write| match write {
            Write::Put { fields, .. } | Write::Replace { fields, .. } => fields.len(),
            Write::RemoveFields { fields, .. } => fields.iter().map(String::len).sum(),
            Write::Delete { .. } => 0,
        });
        limits::within("bytes of a commit", bytes.sum(), MAX_COMMIT)?;
        let writes = writes.into_iter().map(TryInto::try_into).collect::<Result<_, NodeError>>()?;
        Ok(self.open_node()?.commit(&group, writes).await?)
    }

    /// Reads a record, on the caller's thread.
    pub fn record(&self, group: String, collection: String, id: String) -> Result<Option<Record>, NodeError> {
        limits::names(&[&group, &collection, &id])?;
        let record = at_once(self.open_node()?.record(&group, &collection, &id))?;
        Ok(record.map(Into::into))
    }

    /// Reads records of a collection in the order of their ids, at most 10,000, those behind `after`, on the caller's
    /// thread.
    pub fn list(
        &self,
        group: String,
        collection: String,
        after: Option<String>,
        limit: u32,
    ) -> Result<Vec<Record>, NodeError> {
        limits::names(&[&group, &collection, after.as_deref().unwrap_or_default()])?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let records = at_once(self.open_node()?.list(&group, &collection, after.as_deref(), limit))?;
        Ok(records.into_iter().map(Into::into).collect())
    }

    /// Reads all versions of a record that are still kept, the losing ones too, and why they lost.
    pub async fn history(
        &self,
        group: String,
        collection: String,
        id: String,
    ) -> Result<Vec<Version>, NodeError> {
        limits::names(&[&group, &collection, &id])?;
        let versions = self.open_node()?.history(&group, &collection, &id).await?;
        Ok(versions.into_iter().map(Into::into).collect())
    }
}

/// What is read never waits.
fn at_once<T>(reading: impl Future<Output = connectoid::Result<T>>) -> Result<T, NodeError> {
    let waits = || Err(Error::new(ErrorKind::Internal, "a reading waits"));
    Ok(reading.now_or_never().unwrap_or_else(waits)?)
}

impl From<api::Record> for Record {
    fn from(record: api::Record) -> Self {
        Self { id: record.id, fields: Value::Object(record.fields).to_string() }
    }
}

impl From<api::HistoryEntry> for Version {
    fn from(version: api::HistoryEntry) -> Self {
        Self {
            field: version.field,
            removed: version.removed,
            left_out: version.left_out,
            value: version.value.map(|value| value.to_string()),
            author: version.author,
            nickname: version.nickname,
            stamp: time(version.stamp),
            winning: version.winning,
            why: version.why,
            kept_until: version.kept_until.map(time),
        }
    }
}

fn read_fields(json: &str) -> Result<Map<String, Value>, NodeError> {
    limits::within("bytes of a record's fields", json.len(), MAX_FIELDS)?;
    Ok(api::parse_fields(json)?)
}

impl TryFrom<Write> for api::Write {
    type Error = NodeError;

    fn try_from(write: Write) -> Result<Self, NodeError> {
        match write {
            Write::Put { collection, id, fields } => {
                limits::names(&[&collection, &id])?;
                Ok(Self::Put { collection, id, fields: read_fields(&fields)? })
            }
            Write::Replace { collection, id, fields } => {
                limits::names(&[&collection, &id])?;
                Ok(Self::Replace { collection, id, fields: read_fields(&fields)? })
            }
            Write::RemoveFields { collection, id, fields } => {
                limits::names(&[&collection, &id])?;
                Ok(Self::RemoveFields { collection, id, fields })
            }
            Write::Delete { collection, id } => {
                limits::names(&[&collection, &id])?;
                Ok(Self::Delete { collection, id })
            }
        }
    }
}
