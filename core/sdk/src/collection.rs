//! Handles: a group, a collection in it, and the same with records as types of the app.
//!
//! ```no_run
//! # async fn example(node: connectoid::Node) -> connectoid::Result<()> {
//! #[derive(serde::Serialize, serde::Deserialize)]
//! struct Item {
//!     count: u32,
//!     #[serde(skip_serializing_if = "Option::is_none")]
//!     note: Option<String>,
//! }
//!
//! let items = node.group("shopping").collection("items").typed::<Item>();
//! items.put("milk", &Item { count: 2, note: None }).await?;
//! let milk: Option<Item> = items.get("milk").await?;
//! let mut lists = items.observe();
//! while let Some(list) = lists.next().await {
//!     for item in list? {
//!         match item.value {
//!             Ok(value) => println!("{}: {}", item.id, value.count),
//!             Err(problem) => println!("{}: {problem}", item.id),
//!         }
//!     }
//! }
//! # Ok(())
//! # }
//! ```
//!
//! A handle is two names and costs nothing; the group and the collection need not exist yet.

use std::{fmt, marker::PhantomData};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    Error, ErrorKind, Result,
    api::{HistoryEntry, Record},
    changes::Changes,
    node::Node,
    observe::Observer,
};

/// A group; made by [`Node::group`].
#[derive(Debug, Clone)]
pub struct GroupHandle {
    node: Node,
    group: String,
}

impl GroupHandle {
    pub(crate) fn new(node: Node, group: &str) -> Self {
        Self { node, group: group.to_owned() }
    }

    /// A collection of the group.
    pub fn collection(&self, name: &str) -> RecordCollection {
        RecordCollection { node: self.node.clone(), group: self.group.clone(), name: name.to_owned() }
    }
}

/// A collection of a group; made by [`GroupHandle::collection`]. What its methods do, the methods of [`Node`] of the
/// same names do, with the same errors.
#[derive(Debug, Clone)]
pub struct RecordCollection {
    node: Node,
    group: String,
    name: String,
}

impl RecordCollection {
    /// The same, with records as a type of the app.
    pub fn typed<T>(&self) -> TypedCollection<T> {
        TypedCollection { collection: self.clone(), of: PhantomData }
    }

    /// As [`Node::record`].
    ///
    /// # Errors
    /// As there.
    pub async fn record(&self, id: &str) -> Result<Option<Record>> {
        self.node.record(&self.group, &self.name, id).await
    }

    /// As [`Node::list`].
    ///
    /// # Errors
    /// As there.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<Record>> {
        self.node.list(&self.group, &self.name, after, limit).await
    }

    /// As [`Node::put`]: fields that are not named stay.
    ///
    /// # Errors
    /// As there.
    pub async fn put(&self, id: &str, fields: serde_json::Value) -> Result<()> {
        self.node.put(&self.group, &self.name, id, fields).await
    }

    /// As [`Node::replace`]: fields that are not named go.
    ///
    /// # Errors
    /// As there.
    pub async fn replace(&self, id: &str, fields: serde_json::Value) -> Result<()> {
        self.node.replace(&self.group, &self.name, id, fields).await
    }

    /// As [`Node::remove_fields`].
    ///
    /// # Errors
    /// As there.
    pub async fn remove_fields(&self, id: &str, fields: &[&str]) -> Result<()> {
        self.node.remove_fields(&self.group, &self.name, id, fields).await
    }

    /// As [`Node::delete`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.node.delete(&self.group, &self.name, id).await
    }

    /// As [`Node::history`].
    ///
    /// # Errors
    /// As there.
    pub async fn history(&self, id: &str) -> Result<Vec<HistoryEntry>> {
        self.node.history(&self.group, &self.name, id).await
    }

    /// As [`Node::observe`].
    pub fn observe(&self) -> Observer {
        self.node.observe(&self.group, &self.name)
    }

    /// As [`Node::changes`].
    pub fn changes(&self) -> Changes {
        self.node.changes(&self.group, &self.name)
    }
}

/// A record as a type of the app, or why it is none: a peer with another version of the app may have written it.
#[derive(Debug, Clone, PartialEq)]
pub struct TypedRecord<T> {
    /// The record's id.
    pub id: String,
    /// The record. The error is of the kind [`crate::ErrorKind::Usage`] and says what does not fit.
    pub value: Result<T>,
}

impl<T: DeserializeOwned> From<Record> for TypedRecord<T> {
    fn from(record: Record) -> Self {
        let value = decode(&record);
        Self { id: record.id, value }
    }
}

fn decode<T: DeserializeOwned>(record: &Record) -> Result<T> {
    T::deserialize(&serde_json::Value::Object(record.fields.clone()))
        .map_err(|error| usage(format!("the record is not of the type that is asked for: {error}")))
}

/// A collection whose records are of one type of the app; made by [`RecordCollection::typed`].
pub struct TypedCollection<T> {
    collection: RecordCollection,
    of: PhantomData<fn() -> T>,
}

impl<T: Serialize + DeserializeOwned> TypedCollection<T> {
    /// The collection without a type.
    pub fn untyped(&self) -> &RecordCollection {
        &self.collection
    }

    /// Reads a record.
    ///
    /// # Errors
    /// As for [`Node::record`]; [`crate::ErrorKind::Usage`] if the record is not of this type.
    pub async fn get(&self, id: &str) -> Result<Option<T>> {
        self.collection.record(id).await?.as_ref().map(decode).transpose()
    }

    /// Reads records in the order of their ids. As [`Node::list`].
    ///
    /// # Errors
    /// As there.
    pub async fn list(&self, after: Option<&str>, limit: usize) -> Result<Vec<TypedRecord<T>>> {
        Ok(self.collection.list(after, limit).await?.into_iter().map(Into::into).collect())
    }

    /// Makes a record exactly this value: what the value leaves out (`skip_serializing_if`) goes, also fields that this
    /// version of the type does not know. As [`Node::replace`].
    ///
    /// # Errors
    /// As there; [`crate::ErrorKind::Usage`] for what is no JSON object.
    pub async fn put(&self, id: &str, value: &T) -> Result<()> {
        self.collection.replace(id, to_json(value)?).await
    }

    /// Sets the fields that a value has; what it leaves out stays. As [`Node::put`].
    ///
    /// # Errors
    /// As for [`TypedCollection::put`].
    pub async fn merge(&self, id: &str, value: &T) -> Result<()> {
        self.collection.put(id, to_json(value)?).await
    }

    /// As [`Node::delete`].
    ///
    /// # Errors
    /// As there.
    pub async fn delete(&self, id: &str) -> Result<()> {
        self.collection.delete(id).await
    }

    /// As [`Node::observe`], with each record as this type.
    pub fn observe(&self) -> TypedObserver<T> {
        TypedObserver { observer: self.collection.observe(), of: PhantomData }
    }
}

fn to_json(value: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(value).map_err(|error| usage(format!("this value cannot be said in JSON: {error}")))
}

// Handles can be copied whatever their records are.
impl<T> Clone for TypedCollection<T> {
    fn clone(&self) -> Self {
        Self { collection: self.collection.clone(), of: PhantomData }
    }
}

impl<T> fmt::Debug for TypedCollection<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TypedCollection").field(&self.collection).finish()
    }
}

/// Follows a collection with each record as a type of the app; made by [`TypedCollection::observe`].
pub struct TypedObserver<T> {
    observer: Observer,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> TypedObserver<T> {
    /// As [`Observer::next`]. A record that is not of the type is among the others, with why.
    ///
    /// # Errors
    /// As there.
    pub async fn next(&mut self) -> Option<Result<Vec<TypedRecord<T>>>> {
        let records = self.observer.next().await?;
        Some(records.map(|records| records.into_iter().map(Into::into).collect()))
    }
}

fn usage(message: String) -> Error {
    Error::new(ErrorKind::Usage, message)
}
