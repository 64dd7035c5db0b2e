//! Following a collection record by record.

use std::{
    collections::{BTreeMap, BTreeSet},
    hash::{BuildHasher, RandomState},
    ops::Bound,
};

use futures_util::FutureExt;
use serde_json::{Map, Value};
use tokio::task::unconstrained;

use crate::{
    ErrorKind, Result,
    api::{EventKind, Observed, Record},
    events::{EVENT_QUEUE, EventStream},
    node::Node,
    store::Limit,
};

/// How much is told at a time: apps hold it several times over, in their language's objects too.
const PAGE: Limit = Limit { records: 1000, bytes: 1 << 20 };

/// Follows the records of a collection one by one; made by [`Node::changes`]. Dropping it ends it.
pub struct Changes {
    node: Node,
    /// As the app names it: by name or id.
    named: String,
    /// The id, by which events name it; none as long as there is no such group.
    group: Option<String>,
    collection: String,
    events: EventStream,
    /// The ids of what has changed and was not read yet.
    waiting: BTreeSet<String>,
    reading: Reading,
    /// The ids of the records that have been told, and what they were: when all is read again, those that are gone are
    /// told too, and those that are the same are not.
    told: BTreeMap<String, u64>,
    hasher: RandomState,
}

/// Whether everything is being read.
enum Reading {
    /// From the first record, or from behind this one.
    From(Option<String>),
    Complete,
    /// Something could not be read: everything is read again when something has happened.
    Failed,
}

impl Changes {
    pub(crate) fn new(node: Node, group: &str, collection: &str) -> Self {
        let events = node.changes_of_state();
        Self {
            node,
            named: group.to_owned(),
            group: None,
            collection: collection.to_owned(),
            events,
            waiting: BTreeSet::new(),
            reading: Reading::From(None),
            told: BTreeMap::new(),
            hasher: RandomState::new(),
        }
    }

    /// The next records: first all that there are, in pages of up to 1,000 or about 1 MiB, then those that have
    /// changed, as they are now: versions in between are passed over, and what was told already is not told again. What
    /// was committed at once is told at once, unless so much has changed that it takes several pages. An empty list
    /// says that everything was read; it comes again when everything had to be read again. As long as there is no such
    /// group, there is nothing in it. `None` when the node is closed.
    ///
    /// # Errors
    /// Storage errors. After one, everything is read again as soon as something has happened.
    pub async fn next(&mut self) -> Option<Result<Vec<Observed>>> {
        loop {
            let mut is_end = false;
            let read = if let Reading::From(after) = &self.reading {
                let after = after.clone();
                let page = self.read_page(after.as_deref());
                is_end = matches!(self.reading, Reading::Complete);
                page
            } else if !self.waiting.is_empty() {
                self.read_waiting().await
            } else {
                self.take_events().await?;
                continue;
            };
            match &read {
                // All of it was told before.
                Ok(observed) if observed.is_empty() && !is_end => continue,
                Ok(_) => {}
                // The node was closed between the event and the reading.
                Err(error) if error.kind == ErrorKind::Closed => return None,
                Err(_) => {
                    self.reading = Reading::Failed;
                    self.waiting.clear();
                }
            }
            return Some(read);
        }
    }

    /// Waits for an event, and takes those too that are there already, until they fill a page: a list that is behind is
    /// made anew once, not once for each commit.
    async fn take_events(&mut self) -> Option<()> {
        // Nothing is waited for behind this: whoever waits may stop waiting at any moment.
        let event = self.events.next().await?;
        self.take(event.kind);
        for _ in 0..EVENT_QUEUE {
            // As long as there is no such group, every event is a reason to look for it.
            if self.group.is_none() || self.waiting.len() >= PAGE.records {
                break;
            }
            // What is there is taken whatever the task has done before.
            let Some(Some(event)) = unconstrained(self.events.next()).now_or_never() else { break };
            self.take(event.kind);
        }
        Some(())
    }

    fn take(&mut self, event: EventKind) {
        match self.reading {
            // What will be read is newer than the event.
            Reading::From(_) => return,
            Reading::Failed => return self.read_all(),
            Reading::Complete => {}
        }
        match event {
            EventKind::Changed { group, records } if self.group.as_ref() == Some(&group) => {
                if records.is_empty() {
                    return self.read_all();
                }
                let ours = records.into_iter().filter(|(collection, _)| *collection == self.collection);
                self.waiting.extend(ours.map(|(_, id)| id));
            }
            // Events name groups by id: this one may be of ours.
            EventKind::Changed { .. } if self.group.is_none() && !matches!(self.find_group(), Ok(None)) => {
                self.read_all();
            }
            EventKind::Resync {} => self.read_all(),
            _ => {}
        }
    }

    fn read_all(&mut self) {
        self.reading = Reading::From(None);
        self.waiting.clear();
    }

    /// Remembers the id of the group once there is one: a group stays.
    fn find_group(&mut self) -> Result<Option<String>> {
        if self.group.is_none() {
            self.group = self.node.find_group(&self.named)?;
        }
        Ok(self.group.clone())
    }

    fn read_page(&mut self, after: Option<&str>) -> Result<Vec<Observed>> {
        let page = match self.find_group()? {
            Some(group) => self.node.page(&group, &self.collection, after, PAGE)?,
            None => Vec::new(),
        };
        let last = page.last().map(|record| record.id.clone());
        let gone = self.gone(after, last.as_deref(), &page);
        let more = last.or_else(|| after.filter(|_| !gone.is_empty()).map(str::to_owned));
        self.reading =
            if more.is_some() || !gone.is_empty() { Reading::From(more) } else { Reading::Complete };
        let there = page.into_iter().map(|record| Observed { id: record.id.clone(), record: Some(record) });
        Ok(self.news(gone.into_iter().chain(there)))
    }

    /// What was told of the part of the collection that a page shows, and is not in it.
    fn gone(&self, after: Option<&str>, last: Option<&str>, page: &[Record]) -> Vec<Observed> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let to = last.map_or(Bound::Unbounded, Bound::Included);
        let there: BTreeSet<&str> = page.iter().map(|record| record.id.as_str()).collect();
        let told = self.told.range::<str, _>((from, to));
        let gone = told.map(|(id, _)| id).filter(|id| !there.contains(id.as_str()));
        gone.map(|id| Observed { id: id.clone(), record: None }).collect()
    }

    /// What was not told yet; now it is.
    fn news(&mut self, observed: impl Iterator<Item = Observed>) -> Vec<Observed> {
        let is_new = |Observed { id, record }: &Observed| match record {
            Some(record) => {
                let content = self.hasher.hash_one(&record.fields);
                self.told.insert(id.clone(), content) != Some(content)
            }
            None => self.told.remove(id).is_some(),
        };
        observed.filter(is_new).collect()
    }

    async fn read_waiting(&mut self) -> Result<Vec<Observed>> {
        let group = self.find_group()?;
        let (mut observed, mut bytes) = (Vec::new(), 0);
        while observed.len() < PAGE.records
            && bytes < PAGE.bytes
            && let Some(id) = self.waiting.pop_first()
        {
            // Does not wait, so that nothing is lost if nobody waits for this any more.
            let record = match &group {
                Some(group) => self.node.record(group, &self.collection, &id).await?,
                None => None,
            };
            bytes += record.as_ref().map_or(0, |record| weight_of(&record.fields));
            observed.push(Observed { id, record });
        }
        Ok(self.news(observed.into_iter()))
    }
}

/// About as many bytes as fields take.
fn weight_of(fields: &Map<String, Value>) -> usize {
    fields.iter().map(|(name, value)| name.len() + weight(value)).sum()
}

fn weight(value: &Value) -> usize {
    let content = match value {
        Value::String(text) => text.len(),
        Value::Array(items) => items.iter().map(weight).sum(),
        Value::Object(fields) => weight_of(fields),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    };
    // Nothing is free, not even what is empty.
    content + size_of::<u64>()
}
