//! Following a collection: what an app's list shows, kept up to date.

use std::sync::Arc;

use crate::{
    error::{HostError, NodeError, Problem},
    event::{Subscription, report},
    limits,
    node::Node,
    record::Record,
};

/// What an observer of a collection is told.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum Observation {
    /// These records are so now.
    Records {
        /// In the order of their ids.
        records: Vec<Observed>,
    },
    /// All that there was at the beginning, or when it had to be read again, has been told.
    Complete,
    /// Reading failed; everything is told again as soon as something has happened.
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// One record of a collection as it is now.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Observed {
    /// The record's id.
    pub id: String,
    /// The record; none if it was deleted.
    pub record: Option<Record>,
}

/// Takes what an observer tells. The node may be called from it, and closed.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait RecordListener: Send + Sync {
    /// This is so now; the next is handed over when this has returned. What it throws is logged, and does not end the
    /// observer.
    async fn on_observation(&self, observation: Observation) -> Result<(), HostError>;

    /// The node is closed; nothing follows.
    async fn on_closed(&self) -> Result<(), HostError>;
}

#[uniffi::export]
#[allow(clippy::needless_pass_by_value, reason = "what comes from another language is owned")]
impl Node {
    /// Follows the records of a collection: first all that there are, then what changes, as it is by then, until the
    /// subscription is dropped.
    pub fn changes(
        &self,
        group: String,
        collection: String,
        listener: Arc<dyn RecordListener>,
    ) -> Result<Arc<Subscription>, NodeError> {
        limits::names(&[&group, &collection])?;
        let node = self.open_node()?;
        let changes = node.changes(&group, &collection);
        Ok(Subscription::new(node.spawn(deliver(changes, listener))))
    }
}

async fn deliver(mut changes: connectoid::Changes, listener: Arc<dyn RecordListener>) {
    while let Some(result) = changes.next().await {
        report(listener.on_observation(result.into()).await);
    }
    report(listener.on_closed().await);
}

impl From<connectoid::Result<Vec<connectoid::Observed>>> for Observation {
    fn from(result: connectoid::Result<Vec<connectoid::Observed>>) -> Self {
        match result {
            Ok(records) if records.is_empty() => Self::Complete,
            Ok(records) => Self::Records { records: records.into_iter().map(Into::into).collect() },
            Err(error) => Self::Failed { problem: error.into() },
        }
    }
}

impl From<connectoid::Observed> for Observed {
    fn from(observed: connectoid::Observed) -> Self {
        Self { id: observed.id, record: observed.record.map(Into::into) }
    }
}
