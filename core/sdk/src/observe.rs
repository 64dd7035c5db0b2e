//! Following a collection: what an app's list shows, kept up to date.

use std::{
    collections::{BTreeSet, VecDeque},
    ops::Bound,
};

use crate::{
    api::{EventKind, Record},
    error::{ErrorKind, Result},
    events::EventStream,
    node::Node,
};

/// How many records are read at a time.
const PAGE: usize = 1000;

/// One record of a collection as it is now.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observed {
    /// The record's id.
    pub id: String,
    /// The record; none if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// Follows the records of a collection; made by [`Node::observe`]. Dropping it ends it.
pub struct Observer {
    node: Node,
    group: String,
    collection: String,
    events: EventStream,
    /// What was told and is not yet taken in: whoever waits may stop waiting at any moment.
    event: Option<EventKind>,
    waiting: VecDeque<String>,
    reading: Reading,
    /// The ids of the records that have been told: when all is read again, those that are gone are told too.
    told: BTreeSet<String>,
}

/// Whether everything is being read.
enum Reading {
    /// From the first record, or from behind this one.
    From(Option<String>),
    Complete,
    /// Something could not be read: everything is read again when something has happened.
    Failed,
}

impl Observer {
    pub(crate) fn new(node: Node, group: &str, collection: &str) -> Self {
        let events = node.events();
        let (group, collection) = (group.to_owned(), collection.to_owned());
        let (waiting, told) = (VecDeque::new(), BTreeSet::new());
        Self { node, group, collection, events, event: None, waiting, reading: Reading::From(None), told }
    }

    /// The next records: first all that there are, in pages, then those that have changed. An empty list
    /// says that the first reading is complete. `None` when the node is closed.
    ///
    /// # Errors
    /// Storage errors, after which everything is told again as soon as something has happened, and
    /// [`crate::ErrorKind::Usage`] while there is no such group.
    pub async fn next(&mut self) -> Option<Result<Vec<Observed>>> {
        loop {
            let read = if let Reading::From(after) = &self.reading {
                let after = after.clone();
                self.read_page(after.as_deref()).await
            } else if !self.waiting.is_empty() {
                self.read_waiting().await
            } else {
                self.take_event().await?;
                continue;
            };
            if let Err(error) = &read {
                match error.kind {
                    // The node was closed between the event and the reading.
                    ErrorKind::Closed => return None,
                    // There is no such group yet, so nothing is missed.
                    ErrorKind::Usage => self.reading = Reading::Complete,
                    _ => self.reading = Reading::Failed,
                }
            }
            return Some(read);
        }
    }

    async fn take_event(&mut self) -> Option<()> {
        if self.event.is_none() {
            self.event = Some(self.events.next().await?.kind);
        }
        if let Some(EventKind::Changed { group, .. }) = &self.event {
            let group = group.clone();
            self.resolve(&group).await;
        }
        match self.event.take() {
            Some(EventKind::Changed { group, records }) if group == self.group => {
                if records.is_empty() {
                    self.reading = Reading::From(None);
                }
                let ours = records.into_iter().filter(|(collection, _)| *collection == self.collection);
                self.waiting.extend(ours.map(|(_, id)| id));
            }
            Some(EventKind::Resync {}) => self.reading = Reading::From(None),
            _ => {}
        }
        if matches!(self.reading, Reading::Failed) {
            self.reading = Reading::From(None);
        }
        Some(())
    }

    /// Events name groups by id; the observer may have been given a name.
    async fn resolve(&mut self, id: &str) {
        if self.group == id {
            return;
        }
        match self.node.groups().await {
            Ok(groups) => {
                if let Some(group) = groups.into_iter().find(|group| group.name == self.group) {
                    self.group = group.id;
                }
            }
            // It may have been ours.
            Err(_) => self.reading = Reading::Failed,
        }
    }

    async fn read_page(&mut self, after: Option<&str>) -> Result<Vec<Observed>> {
        let page = self.node.list(&self.group, &self.collection, after, PAGE).await?;
        let last = page.last().map(|record| record.id.clone());
        let mut observed = self.gone(after, last.as_deref(), &page);
        let more = last.or_else(|| after.filter(|_| !observed.is_empty()).map(str::to_owned));
        self.reading =
            if more.is_some() || !observed.is_empty() { Reading::From(more) } else { Reading::Complete };
        observed
            .extend(page.into_iter().map(|record| Observed { id: record.id.clone(), record: Some(record) }));
        self.remember(&observed);
        Ok(observed)
    }

    /// What was told of the part of the collection that a page shows, and is not in it.
    fn gone(&self, after: Option<&str>, last: Option<&str>, page: &[Record]) -> Vec<Observed> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = last.map_or(Bound::Unbounded, Bound::Included);
        let there: BTreeSet<&str> = page.iter().map(|record| record.id.as_str()).collect();
        let told = self.told.range::<str, _>((from, to));
        let gone = told.filter(|id| !there.contains(id.as_str()));
        gone.map(|id| Observed { id: id.clone(), record: None }).collect()
    }

    fn remember(&mut self, observed: &[Observed]) {
        for Observed { id, record } in observed {
            match record {
                Some(_) => self.told.insert(id.clone()),
                None => self.told.remove(id),
            };
        }
    }

    async fn read_waiting(&mut self) -> Result<Vec<Observed>> {
        let mut ids: Vec<String> = self.waiting.drain(..).collect();
        ids.sort_unstable();
        ids.dedup();
        let mut observed = Vec::with_capacity(ids.len());
        for id in ids {
            let record = self.node.record(&self.group, &self.collection, &id).await?;
            observed.push(Observed { id, record });
        }
        self.remember(&observed);
        Ok(observed)
    }
}
