//! Following a collection: what an app's list shows, kept up to date.

use std::collections::BTreeMap;

use crate::{Result, api::Record, changes::Changes};

/// Follows a collection as a whole; made by [`Node::observe`](crate::Node::observe). Dropping it ends it.
pub struct Observer {
    changes: Changes,
    /// In the order of their ids.
    records: BTreeMap<String, Record>,
    /// Everything was read once, so that there is a list to tell.
    complete: bool,
    /// Something has changed that no list has told yet.
    changed: bool,
}

impl Observer {
    pub(crate) fn new(changes: Changes) -> Self {
        Self { changes, records: BTreeMap::new(), complete: false, changed: true }
    }

    /// The records of the collection in the order of their ids: now, and again whenever they have changed. Whoever is
    /// slow gets the latest. Empty as long as there is no such group. `None` when the node is closed.
    ///
    /// # Errors
    /// Storage errors. After one, the list comes again as soon as something has happened.
    pub async fn next(&mut self) -> Option<Result<Vec<Record>>> {
        loop {
            match self.changes.next().await? {
                Err(error) => {
                    self.changed = true;
                    return Some(Err(error));
                }
                Ok(changes) => {
                    self.complete |= changes.is_empty();
                    self.changed |= !changes.is_empty();
                    for change in changes {
                        match change.record {
                            Some(record) => self.records.insert(change.id, record),
                            None => self.records.remove(&change.id),
                        };
                    }
                }
            }
            if self.complete && std::mem::take(&mut self.changed) {
                return Some(Ok(self.records.values().cloned().collect()));
            }
        }
    }
}
