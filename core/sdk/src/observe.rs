//! Following a collection: what an app's list shows, kept up to date.

use std::collections::VecDeque;

use crate::{
    api::{EventKind, Record},
    error::Result,
    node::{EventStream, Node},
};

/// How many records are read at a time.
const PAGE: usize = 1000;

/// One record of a collection as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct Observed {
    /// The record's id.
    pub id: String,
    /// The record; none if it was deleted.
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
        Self { node, group, collection, events, waiting: VecDeque::new(), reading: Reading::From(None) }
    }

    /// The next records: first all that there are, in pages, then those that have changed. An empty list
    /// says that the first reading is complete. `None` when the node is closed.
    ///
    /// # Errors
    /// Storage errors, and [`crate::ErrorKind::Usage`] while there is no such group.
    pub async fn next(&mut self) -> Option<Result<Vec<Observed>>> {
        loop {
            if let Reading::From(after) = std::mem::replace(&mut self.reading, Reading::Complete) {
                return Some(self.read_page(after.as_deref()).await);
            }
            if !self.waiting.is_empty() {
                return Some(self.read_waiting().await);
            }
            let event = self.events.next().await?;
            self.take(event.kind).await;
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
        if let Some(last) = page.last() {
            self.reading = Reading::From(Some(last.id.clone()));
        }
        Ok(page.into_iter().map(|record| Observed { id: record.id.clone(), record: Some(record) }).collect())
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
        Ok(observed)
    }
}
