//! What a peer may make the library hold. Pure: packets and deliveries come in, a verdict goes out.
//!
//! # Why
//! SCTP cuts messages into fragments, each with a number of its own (TSN), and puts them together again at
//! the receiver. Until a message is whole, and those before it were delivered, its fragments wait in memory.
//! The library bounds the bytes that wait, but not how many pieces they come in, nor what each piece costs; it
//! keeps some requests for ever and looks through all it has for each new fragment. A stranger who was let in
//! only as far as the encryption, before it has proved who it is, could so fill the memory or the processor.
//!
//! # What
//! Every packet passes here after it was decrypted and before the library sees it (`watch`). The guard keeps a
//! ledger: what each message has cost so far, until it is delivered to the application. It does not matter what
//! the library made of a packet, since everything that arrives is charged, repetitions too. Three things may
//! happen to a packet:
//!
//! - It **passes**.
//! - It is **lost**: there is no room, and a receiver without room may drop what is new (RFC 9260 §6.2). The peer
//!   sends it again, more slowly. This is what an honest peer meets whose messages nobody reads.
//! - It **ends** the connection: no honest peer would send it.
//!
//! What fills gaps has a reserve of its own, or what waits for the gap would wait for ever.
//!
//! # What honest peers send
//! Four ordered, reliable channels that live as long as the connection. So there are no other streams, nothing
//! unordered, nothing that is given up, no stream is reset, and no other association is begun.

mod checks;
mod packet;
pub(crate) mod provider;
pub(super) mod socket;
pub(super) mod watch;

use std::collections::VecDeque;

use self::packet::{Chunk, Data, Packet};
use super::Channel;

/// What may wait, in bytes of memory. An honest peer with ordinary messages is stopped by the receive window
/// ([`MAX_WINDOW`](super::window::MAX_WINDOW)) and the library's queues before; only with the largest messages,
/// unread, these take more.
const BUDGET: usize = 16 * 1024 * 1024;

/// The same before the connection is open. All that comes then is the beginning of a handshake.
const BUDGET_BEFORE_OPEN: usize = 1024 * 1024;

/// The part of a budget that is added for what fills gaps. An honest peer has no more on its way than the receive
/// window.
const RESERVE: usize = 4;

/// What the library keeps of a message besides its bytes, in bytes of memory: a set with room for four
/// fragments, its place in a queue, an event.
const MESSAGE_COST: usize = 1024;

/// The same of each further fragment: twice, as the set doubles, and once more until the gaps before it are
/// filled.
const FRAGMENT_COST: usize = 512;

/// What may arrive of one message, repetitions included. The largest has 57 fragments on the smallest path
/// ([`MAX_MESSAGE`](super::MAX_MESSAGE) in pieces of 1,160 bytes), and each of them may be repeated a few times.
/// The library looks through all of them for each, so that this also bounds its work.
const MAX_FRAGMENTS: u16 = 1024;

/// The same in bytes.
const MAX_BYTES: usize = 8 * 64 * 1024;

/// Messages of one channel that may wait. Their numbers have 16 bits; the library takes what is more than half
/// of that ahead for old, and drops what it has acknowledged.
const MAX_WAITING: u16 = 16 * 1024;

/// How far fragments may be ahead of the first gap. The library keeps every one beyond it twice, and names them in
/// each acknowledgement. A full receive window of the largest fragments has 3,600.
const MAX_AHEAD: u32 = 8 * 1024;

/// Chunks of one packet that are not fragments. Several kinds are answered by a packet each, and nobody needs more
/// than an acknowledgement and an answer at a time.
const MAX_CONTROL: usize = 4;

/// INITs of one peer: the first, and its repetitions (Max.Init.Retransmits is 8, RFC 9260 §16). The library begins an
/// association with each.
const MAX_INITS: u32 = 16;

/// What is to happen to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The library may have it.
    Pass,
    /// As if the network had lost it.
    Lose,
    /// The peer breaks the rules.
    End,
}

/// The ledger of one connection.
#[derive(Debug)]
pub(super) struct Guard {
    association: Option<Association>,
    channels: [Waiting; Channel::ALL.len()],
    /// The sum of what waits.
    held: usize,
    budget: usize,
    tally: Tally,
}

/// How near a peer has come to the bounds.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    /// The most that has waited, in bytes by the guard's reckoning.
    pub(super) held: usize,
    /// How many packets were dropped because of what they said.
    pub(super) lost: usize,
}

/// The one association of a connection.
#[derive(Debug)]
struct Association {
    /// What its peer calls itself, and its first TSN.
    peer: (u32, u32),
    /// What this side is called, once a packet has said so.
    tag: Option<u32>,
    inits: u32,
    /// Everything up to this TSN has arrived, by our own acknowledgements.
    acknowledged: u32,
    /// The highest TSN that passed.
    highest: u32,
}

impl Association {
    fn new(peer: u32, tsn: u32) -> Association {
        let before = tsn.wrapping_sub(1);
        Association { peer: (peer, tsn), tag: None, inits: 0, acknowledged: before, highest: before }
    }
}

impl Guard {
    pub(super) fn new() -> Guard {
        Guard {
            association: None,
            channels: std::array::from_fn(|_| Waiting::default()),
            held: 0,
            budget: BUDGET_BEFORE_OPEN,
            tally: Tally::default(),
        }
    }

    /// The application reads from now on.
    pub(super) fn opened(&mut self) {
        self.budget = BUDGET;
    }

    /// The application has got the next message of a channel.
    pub(super) fn delivered(&mut self, channel: Channel) {
        self.held -= self.channels[channel.index()].deliver();
    }

    /// A packet of this side leaves.
    pub(super) fn leaves(&mut self, packet: &[u8]) {
        let Some(association) = &mut self.association else { return };
        for chunk in packet::parse(packet).map(|packet| packet.chunks).unwrap_or_default() {
            if let Chunk::Sack { cumulative } = chunk
                && is_ahead(cumulative, association.acknowledged)
            {
                association.acknowledged = cumulative;
            }
        }
    }

    pub(super) fn tally(&self) -> Tally {
        self.tally
    }

    /// A packet of the peer arrives.
    pub(super) fn arrives(&mut self, packet: &[u8]) -> Verdict {
        let verdict = self.look_at(packet);
        self.tally.held = self.tally.held.max(self.held);
        self.tally.lost += usize::from(verdict == Verdict::Lose);
        verdict
    }

    fn look_at(&mut self, packet: &[u8]) -> Verdict {
        let Some(parsed) = packet::parse(packet) else { return Verdict::Lose };
        if !self.is_for_us(&parsed) {
            return Verdict::Lose;
        }
        for chunk in &parsed.chunks {
            let verdict = match chunk {
                Chunk::Data(data) => self.judge(data),
                Chunk::Reconfig | Chunk::ForwardTsn => Verdict::End,
                Chunk::Init { .. } | Chunk::Sack { .. } | Chunk::Other => Verdict::Pass,
            };
            if verdict != Verdict::Pass {
                return verdict;
            }
        }
        let fragments = parsed.chunks.iter().filter(|chunk| matches!(chunk, Chunk::Data(_))).count();
        if parsed.chunks.len() - fragments > MAX_CONTROL {
            return Verdict::Lose;
        }
        if let Some(share) = packet.len().checked_div(fragments) {
            self.charge(&parsed.chunks, share);
        }
        Verdict::Pass
    }

    /// Whether a packet is of the one association. All packets but INITs name the same receiver.
    fn is_for_us(&mut self, packet: &Packet) -> bool {
        if let [Chunk::Init { tag, tsn, ack }] = packet.chunks[..] {
            if !ack && packet.tag != 0 {
                return false;
            }
            let association = self.association.get_or_insert_with(|| Association::new(tag, tsn));
            if association.peer != (tag, tsn) {
                return false;
            }
            if !ack {
                association.inits += 1;
                return association.inits <= MAX_INITS;
            }
        }
        let Some(association) = &mut self.association else { return false };
        *association.tag.get_or_insert(packet.tag) == packet.tag
    }

    fn judge(&self, data: &Data) -> Verdict {
        let Some(channel) = self.channels.get(usize::from(data.stream)) else { return Verdict::End };
        // Text and binary, each with a variant for the empty message (RFC 8831 §8).
        let is_message = matches!(data.protocol, 51 | 53 | 56 | 57);
        if data.unordered || data.len == 0 || !is_message {
            return Verdict::End;
        }
        let Some(association) = &self.association else { return Verdict::Lose };
        if !is_ahead(data.tsn, association.acknowledged) {
            return Verdict::Pass;
        }
        let new = is_ahead(data.tsn, association.highest);
        let limit = if new { self.budget } else { self.budget + self.budget / RESERVE };
        let too_far = data.tsn.wrapping_sub(association.acknowledged) > MAX_AHEAD;
        if self.held > limit || too_far { Verdict::Lose } else { channel.judge(data) }
    }

    fn charge(&mut self, chunks: &[Chunk], share: usize) {
        let Some(association) = &mut self.association else { return };
        for chunk in chunks {
            if let Chunk::Data(data) = chunk
                && is_ahead(data.tsn, association.acknowledged)
            {
                if is_ahead(data.tsn, association.highest) {
                    association.highest = data.tsn;
                }
                // Looked at by `judge`.
                self.held += self.channels[usize::from(data.stream)].charge(data, share);
            }
        }
    }
}

/// Whether a TSN is later than another (serial numbers, RFC 1982).
fn is_ahead(tsn: u32, of: u32) -> bool {
    tsn != of && tsn.wrapping_sub(of) < 1 << 31
}

/// The messages of one channel that wait, by their numbers.
#[derive(Debug, Default)]
struct Waiting {
    /// The number of the first.
    next: u16,
    messages: VecDeque<Message>,
}

#[derive(Clone, Debug, Default)]
struct Message {
    cost: usize,
    bytes: usize,
    fragments: u16,
}

impl Waiting {
    /// The place of a message among those that wait; `None` when it was delivered.
    fn place(&self, data: &Data) -> Option<u16> {
        Some(data.ssn.wrapping_sub(self.next)).filter(|place| *place < 1 << 15)
    }

    fn judge(&self, data: &Data) -> Verdict {
        // A repetition of what was delivered is acknowledged and dropped.
        let Some(place) = self.place(data) else { return Verdict::Pass };
        if place >= MAX_WAITING {
            return Verdict::Lose;
        }
        match self.messages.get(usize::from(place)) {
            Some(message) if message.fragments >= MAX_FRAGMENTS || message.bytes + data.len > MAX_BYTES => {
                Verdict::End
            }
            _ => Verdict::Pass,
        }
    }

    /// Adds a fragment and returns what it costs.
    fn charge(&mut self, data: &Data, share: usize) -> usize {
        let Some(place) = self.place(data).map(usize::from) else { return 0 };
        if self.messages.len() <= place {
            self.messages.resize(place + 1, Message::default());
        }
        let message = &mut self.messages[place];
        let cost = share + if message.fragments == 0 { MESSAGE_COST } else { FRAGMENT_COST };
        message.fragments += 1;
        message.bytes += data.len;
        message.cost += cost;
        cost
    }

    /// Takes the first message off and returns what it has cost.
    fn deliver(&mut self) -> usize {
        self.next = self.next.wrapping_add(1);
        self.messages.pop_front().map_or(0, |message| message.cost)
    }
}

#[cfg(test)]
mod tests;
