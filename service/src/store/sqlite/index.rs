//! What checks need to know of the boxes in use, in memory.
//!
//! Only the writer changes the index, right after each commit and before it answers, so a box in it is
//! never older than what its users have been told. A box that is not in it is looked up by the writer.

use connectoid_protocol::boxes::BoxId;

use crate::{
    rules::{Micros, cache::Cache, quota::BoxRecord, quota::Newest},
    store::Glance,
};

/// How many boxes the index holds: some 40 MB when full.
const CAPACITY: usize = 200_000;

pub(super) struct Index(Cache<BoxId, Entry>);

/// A box as of the last commit.
#[derive(Clone, Copy)]
pub(super) struct Entry {
    pub(super) record: BoxRecord,
    pub(super) newest: Option<Newest>,
}

impl Index {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The box, unless it is not known here or the check has to be written down.
    pub(super) fn glance(&self, id: &BoxId, now: Micros) -> Option<Glance> {
        let entry = self.0.with(id, |entry| *entry)?;
        if entry.record.needs_mark(now) { None } else { Some(entry.glance()) }
    }

    /// Takes over what a commit has changed.
    pub(super) fn update(&self, id: BoxId, entry: Option<Entry>) {
        match entry {
            Some(entry) => self.0.insert(id, entry),
            None => self.0.remove(&id),
        }
    }
}

impl Entry {
    pub(super) fn glance(&self) -> Glance {
        Glance { last: self.record.last, newest: self.newest, closed: self.record.closed }
    }
}
