//! A mailbox service, honest or malicious.
//!
//! It keeps the contract that a client sees, without questions: who reads a box is decided by the
//! simulator, and that only the owner can is tested where questions are implemented.

use std::collections::{BTreeMap, BTreeSet};

use connectoid_protocol::boxes::BoxId;

/// How long a message stays, in µs.
const LIFETIME: u64 = 3_600_000_000;

/// How badly the service behaves: how many in a hundred messages it treats so.
#[derive(Debug, Clone, Copy, Default)]
pub struct Malice {
    /// Not kept, though it says so.
    pub drops: u64,
    /// Followed by any message that was ever sent to the same box, as if new.
    pub replays: u64,
    /// Put into another box than it was sent to.
    pub swaps: u64,
    /// Changed by one byte.
    pub forges: u64,
    /// Given an `at` in the far future.
    pub lies: u64,
}

/// The service.
#[derive(Default)]
pub struct Mailbox {
    boxes: BTreeMap<BoxId, Vec<(u64, Vec<u8>)>>,
    last: BTreeMap<BoxId, u64>,
    closed: BTreeSet<BoxId>,
    /// Everything that was ever sent, for replays.
    archive: BTreeMap<BoxId, Vec<Vec<u8>>>,
    /// Whether it answers at all.
    pub up: bool,
    /// Whether its answers have a date.
    pub tells_date: bool,
}

impl Mailbox {
    /// Takes a message, in its own way. `draw(n)` is a number below n.
    pub fn send(
        &mut self,
        to: BoxId,
        data: Vec<u8>,
        malice: Malice,
        now: u64,
        mut draw: impl FnMut(u64) -> u64,
    ) {
        if draw(100) < malice.drops {
            return;
        }
        let to = if draw(100) < malice.swaps { self.another_box(to, &mut draw) } else { to };
        let mut data = data;
        if draw(100) < malice.forges && !data.is_empty() {
            let place = usize::try_from(draw(data.len() as u64)).unwrap_or(0);
            data[place] ^= 1;
        }
        let now = if draw(100) < malice.lies { now + draw(10 * LIFETIME) } else { now };
        if malice.replays > 0 {
            self.archive.entry(to).or_default().push(data.clone());
        }
        self.put(to, data, now);
        if draw(100) < malice.replays {
            let old =
                self.archive.get(&to).and_then(|all| all.get(usize::try_from(draw(all.len() as u64)).ok()?));
            if let Some(old) = old.cloned() {
                self.put(to, old, now);
            }
        }
    }

    /// Closes a box for good: its owner has left it.
    pub fn close(&mut self, id: &BoxId) {
        self.closed.insert(*id);
        self.boxes.remove(id);
    }

    /// Whether a box was closed.
    pub fn is_closed(&self, id: &BoxId) -> bool {
        self.closed.contains(id)
    }

    /// The messages of a box after a cursor; a cursor beyond both the clock and the last message counts as 0.
    pub fn receive(&mut self, id: &BoxId, cursor: u64, now: u64) -> Vec<(u64, Vec<u8>)> {
        let last = self.last.get(id).copied().unwrap_or(0);
        let cursor = if cursor > now.max(last) { 0 } else { cursor };
        let messages = self.boxes.entry(*id).or_default();
        messages.retain(|(at, _)| at + LIFETIME > now && *at > cursor);
        messages.iter().take(32).cloned().collect()
    }

    fn put(&mut self, to: BoxId, data: Vec<u8>, now: u64) {
        let last = self.last.entry(to).or_default();
        *last = now.max(*last + 1);
        self.boxes.entry(to).or_default().push((*last, data));
    }

    fn another_box(&self, to: BoxId, draw: &mut impl FnMut(u64) -> u64) -> BoxId {
        let count = self.boxes.len() as u64;
        let other = usize::try_from(draw(count.max(1))).ok().and_then(|place| self.boxes.keys().nth(place));
        other.copied().unwrap_or(to)
    }
}
