//! Connections between nodes.
//!
//! A session description is a number that names one end. Two ends that used each other's descriptions
//! are connected, after a while and if the network has no partition. Frames of one channel arrive in
//! order and once, those of different channels in any order, as with SCTP.

use std::collections::BTreeMap;

use connectoid_engine::engine::{Channel, LinkId};

/// One end of a connection: which host, and its name for it.
pub type End = (usize, LinkId);

/// All connections there are or are to be.
#[derive(Default)]
pub struct Wires {
    next: u64,
    ends: BTreeMap<u64, End>,
    numbers: BTreeMap<End, u64>,
    peers: BTreeMap<u64, u64>,
    /// When the latest frame of each direction and channel arrives: later ones may not overtake it.
    latest: BTreeMap<(u64, u16), u64>,
}

impl Wires {
    /// Describes a new end.
    pub fn describe(&mut self, end: End) -> String {
        self.next += 1;
        self.ends.insert(self.next, end);
        self.numbers.insert(end, self.next);
        format!("v=0 end {}", self.next)
    }

    /// Takes the description that the other side sent; returns both ends once they know each other.
    pub fn meet(&mut self, end: End, description: &str) -> Option<(End, End)> {
        let own = *self.numbers.get(&end)?;
        let other: u64 = description.strip_prefix("v=0 end ")?.parse().ok()?;
        self.peers.insert(own, other);
        let mutual = self.peers.get(&other) == Some(&own);
        mutual.then(|| Some((end, *self.ends.get(&other)?))).flatten()
    }

    /// The other end, if both are still there.
    pub fn peer(&self, end: End) -> Option<End> {
        let own = self.numbers.get(&end)?;
        let other = self.peers.get(own)?;
        let mutual = self.peers.get(other) == Some(own);
        mutual.then(|| self.ends.get(other).copied()).flatten()
    }

    /// When a frame sent over this end may arrive at the earliest, given when it would like to.
    pub fn in_order(&mut self, end: End, channel: Channel, arrival: u64) -> u64 {
        let Some(number) = self.numbers.get(&end) else { return arrival };
        let latest = self.latest.entry((*number, channel as u16)).or_default();
        *latest = arrival.max(*latest + 1);
        *latest
    }

    /// SHA-256 of the certificate that an end presents: its number will do.
    pub fn certificate(&self, end: End) -> [u8; 32] {
        let number = self.numbers.get(&end).copied().unwrap_or_default();
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        bytes
    }

    /// Forgets an end; returns the one that it was connected to.
    pub fn cut(&mut self, end: End) -> Option<End> {
        let peer = self.peer(end);
        if let Some(number) = self.numbers.remove(&end) {
            self.ends.remove(&number);
            self.peers.remove(&number);
        }
        peer
    }

    /// All connections, each by one of its ends and the other.
    pub fn all(&self) -> Vec<(End, End)> {
        let ends = self.numbers.keys().filter_map(|end| Some((*end, self.peer(*end)?)));
        ends.filter(|(one, other)| one < other).collect()
    }

    /// All ends of a host that crashed.
    pub fn ends_of(&self, host: usize) -> Vec<End> {
        self.numbers.keys().filter(|(at, _)| *at == host).copied().collect()
    }
}
