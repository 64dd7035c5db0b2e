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
}

impl Observer {
    pub(crate) fn new(node: Node, group: &str, collection: &str) -> Self {
        let events = node.events();
        let (group, collection) = (group.to_owned(), collection.to_owned());
        let (waiting, told) = (VecDeque::new(), BTreeSet::new());
        Self { node, group, collection, events, waiting, reading: Reading::From(None), told }
    }

    /// The next records: first all that there are, in pages, then those that have changed. An empty list
    /// says that the first reading is complete. `None` when the node is closed.
    ///
    /// # Errors
    /// Storage errors, and [`crate::ErrorKind::Usage`] while there is no such group.
    pub async fn next(&mut self) -> Option<Result<Vec<Observed>>> {
        loop {
            let read = if let Reading::From(after) = std::mem::replace(&mut self.reading, Reading::Complete) {
                self.read_page(after.as_deref()).await
            } else if !self.waiting.is_empty() {
                self.read_waiting().await
            } else {
                let event = self.events.next().await?;
                self.take(event.kind).await;
                continue;
            };
            // The node was closed between the event and the reading.
            let closed = matches!(&read, Err(error) if error.kind == ErrorKind::Closed);
            return if closed { None } else { Some(read) };
        }
    }

    async fn take(&mut self, event: EventKind) {
        match event {
            EventKind::Changed { group, records } if self.is_ours(&group).await => {
                if records.is_empty() {
                    self.reading = Reading::From(None);
                }
                let ours = records.into_iter().filter(|(collection, _)| *collection == self.collection);
                self.waiting.extend(ours.map(|(_, id)| id));
            }
            EventKind::Resync {} => self.reading = Reading::From(None),
            _ => {}
        }
    }

    /// Events name groups by id; the observer may have been given a name.
    async fn is_ours(&mut self, id: &str) -> bool {
        if self.group != id {
            let groups = self.node.groups().await.unwrap_or_default();
            if let Some(group) = groups.into_iter().find(|group| group.name == self.group) {
                self.group = group.id;
            }
        }
        self.group == id
    }

    async fn read_page(&mut self, after: Option<&str>) -> Result<Vec<Observed>> {
        let page = self.node.list(&self.group, &self.collection, after, PAGE).await?;
        let last = page.last().map(|record| record.id.clone());
        let mut observed = self.gone(after, last.as_deref(), &page);
        let more = last.or_else(|| after.filter(|_| !observed.is_empty()).map(str::to_owned));
        if more.is_some() || !observed.is_empty() {
            self.reading = Reading::From(more);
        }
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
