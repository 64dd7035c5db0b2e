//! Boxes in memory, gone with the process.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    future::ready,
    sync::{Mutex, MutexGuard, PoisonError},
};

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{Message, Refusal},
};

use super::{Appended, Capacity, Glance, IfMissing, Looked, Pending, Store};
use crate::rules::{
    Micros, Refused,
    quota::{BoxRecord, FULL_RETRY, MESSAGE_LIFETIME, Newest, Occupancy, Totals, is_expired},
};

/// How many boxes one sweep visits, so that it holds the lock only briefly.
const SWEEP_BOXES: usize = 1000;

/// How many boxes that were never checked make room for another box at once.
const PURGE_BOXES: usize = 64;

/// A store in memory.
pub struct MemoryStore {
    inner: Mutex<Inner>,
    capacity: Capacity,
}

#[derive(Default)]
struct Inner {
    boxes: HashMap<BoxId, Entry>,
    /// When each box next has something to forget.
    due: BTreeSet<(Micros, BoxId)>,
    /// The boxes that were never checked, soonest to expire first.
    unchecked: BTreeSet<(Micros, BoxId)>,
    length: u64,
}

#[derive(Default)]
struct Entry {
    record: BoxRecord,
    messages: BTreeMap<Micros, Stored>,
}

struct Stored {
    stored: Micros,
    data: String,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(capacity: Capacity) -> Self {
        Self { inner: Mutex::default(), capacity }
    }

    /// A thread that panicked inside leaves each box whole: entries are replaced in one step.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store for MemoryStore {
    fn glance(&self, id: &BoxId, now: Micros) -> Option<Glance> {
        let inner = self.lock();
        inner.boxes.get(id).filter(|entry| !entry.record.needs_mark(now)).map(Entry::glance)
    }

    fn look(&self, id: BoxId, missing: IfMissing, now: Micros) -> Pending<'_, Looked> {
        Box::pin(ready(Ok(self.lock().look(id, missing, now, &self.capacity))))
    }

    fn append(&self, id: BoxId, data: String, missing: IfMissing, now: Micros) -> Pending<'_, Appended> {
        Box::pin(ready(Ok(self.lock().append(id, data, missing, now, &self.capacity))))
    }

    fn read(&self, id: BoxId, after: Micros, limit: usize, now: Micros) -> Pending<'_, Vec<Message>> {
        let inner = self.lock();
        let messages = inner
            .boxes
            .get(&id)
            .into_iter()
            .flat_map(|entry| entry.messages.range(after.saturating_add(1)..));
        let live = messages.filter(|(_, message)| !is_expired(message.stored, now));
        let messages = live.take(limit).map(|(at, message)| Message { at: *at, data: message.data.clone() });
        Box::pin(ready(Ok(messages.collect())))
    }

    fn forget(&self, id: BoxId, up_to: Micros) {
        self.lock().forget(id, up_to);
    }

    fn close(&self, id: BoxId, now: Micros) -> Pending<'_, ()> {
        let mut inner = self.lock();
        let entry = inner.take(&id).unwrap_or_default();
        inner.put(id, Entry { record: entry.record.close(now), messages: BTreeMap::new() });
        Box::pin(ready(Ok(())))
    }

    fn sweep(&self, now: Micros) -> Pending<'_, bool> {
        Box::pin(ready(Ok(self.lock().sweep(now))))
    }

    fn totals(&self) -> Pending<'_, Totals> {
        Box::pin(ready(Ok(self.lock().totals())))
    }
}

impl Inner {
    fn totals(&self) -> Totals {
        Totals { boxes: self.boxes.len() as u64, length: self.length }
    }

    fn look(&mut self, id: BoxId, missing: IfMissing, now: Micros, capacity: &Capacity) -> Looked {
        let Some(mut entry) = self.take(&id) else {
            if missing == IfMissing::Leave {
                return Looked::NoBox;
            }
            if let Err(refused) = self.make_room(1, 0, capacity) {
                return Looked::Refused(refused);
            }
            let entry = Entry { record: BoxRecord::default().check(now), ..Entry::default() };
            let glance = entry.glance();
            self.put(id, entry);
            return Looked::Found(glance);
        };
        entry.record = entry.record.check(now);
        let glance = entry.glance();
        self.put(id, entry);
        Looked::Found(glance)
    }

    fn append(
        &mut self,
        id: BoxId,
        data: String,
        missing: IfMissing,
        now: Micros,
        capacity: &Capacity,
    ) -> Appended {
        let entry = self.boxes.get(&id);
        if entry.is_none() && missing == IfMissing::Leave {
            return Appended::NoBox;
        }
        let record = entry.map(|entry| entry.record).unwrap_or_default();
        let occupancy = entry.map(|entry| entry.occupancy(now)).unwrap_or_default();
        let boxes = u64::from(entry.is_none());
        let record = match record.append(&occupancy, data.len(), now) {
            Ok(record) => record,
            Err(refused) => return Appended::Refused(refused),
        };
        if let Err(refused) = self.make_room(boxes, data.len() as u64, capacity) {
            return Appended::Refused(refused);
        }
        let mut entry = self.take(&id).unwrap_or_default();
        entry.record = record;
        entry.messages.insert(record.last, Stored { stored: now, data });
        self.put(id, entry);
        Appended::Stored(record.last)
    }

    fn forget(&mut self, id: BoxId, up_to: Micros) {
        let Some(mut entry) = self.take(&id) else { return };
        entry.messages = entry.messages.split_off(&up_to.saturating_add(1));
        self.put(id, entry);
    }

    /// Removes boxes that were never checked, as far as needed.
    fn make_room(&mut self, boxes: u64, length: u64, capacity: &Capacity) -> Result<(), Refused> {
        for _ in 0..PURGE_BOXES {
            if self.totals().has_room(boxes, length, capacity) {
                break;
            }
            let Some((_, id)) = self.unchecked.first().copied() else { break };
            self.take(&id);
        }
        let room = self.totals().has_room(boxes, length, capacity);
        if room { Ok(()) } else { Err(Refused::for_now(Refusal::Full, FULL_RETRY)) }
    }

    fn sweep(&mut self, now: Micros) -> bool {
        for _ in 0..SWEEP_BOXES {
            let Some(&(due, id)) = self.due.first().filter(|(due, _)| *due <= now) else { return false };
            let Some(mut entry) = self.take(&id) else {
                self.due.remove(&(due, id));
                continue;
            };
            if entry.record.expires > now {
                entry.messages.retain(|_, message| !is_expired(message.stored, now));
                self.put(id, entry);
            }
        }
        true
    }

    /// Takes a box out, with all that is kept about it elsewhere.
    fn take(&mut self, id: &BoxId) -> Option<Entry> {
        let entry = self.boxes.remove(id)?;
        self.due.remove(&(entry.due(), *id));
        self.unchecked.remove(&(entry.record.expires, *id));
        self.length -= entry.length();
        Some(entry)
    }

    fn put(&mut self, id: BoxId, entry: Entry) {
        self.due.insert((entry.due(), id));
        if entry.record.checked == 0 && !entry.record.closed {
            self.unchecked.insert((entry.record.expires, id));
        }
        self.length += entry.length();
        self.boxes.insert(id, entry);
    }
}

impl Entry {
    fn glance(&self) -> Glance {
        let newest = self.messages.last_key_value();
        let newest = newest.map(|(at, message)| Newest { at: *at, stored: message.stored });
        Glance { last: self.record.last, newest, closed: self.record.closed }
    }

    fn occupancy(&self, now: Micros) -> Occupancy {
        let live = self.messages.values().filter(|message| !is_expired(message.stored, now));
        let empty = Occupancy { oldest: now, ..Occupancy::default() };
        live.fold(empty, |sum, message| Occupancy {
            messages: sum.messages + 1,
            length: sum.length + message.data.len(),
            oldest: sum.oldest.min(message.stored),
        })
    }

    fn due(&self) -> Micros {
        let oldest = self.messages.values().map(|message| message.stored).min();
        oldest.map_or(self.record.expires, |stored| self.record.expires.min(stored + MESSAGE_LIFETIME))
    }

    fn length(&self) -> u64 {
        self.messages.values().map(|message| message.data.len() as u64).sum()
    }
}
