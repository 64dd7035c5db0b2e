//! One pair while the node runs: what is remembered, the connector, and the live session.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use connectoid_protocol::{
    address::Address,
    boxes::BoxId,
    connect::{AttemptId, Connector},
    frame::Numbers,
    handshake::{Identity, Proven},
    rotation::OwnBox,
    sas::{Emojis, ExpectAccept, ExpectReveal},
    sync::Sync,
    user::GroupId,
};

use super::{commands::RequestId, record::PairRecord};
use crate::api::{ConnectionState, PairState};

/// How many app messages may wait for a connection.
pub(super) const MAX_QUEUED: usize = 64;

/// How many app messages may be under way to a peer,
pub(super) const MAX_UNANSWERED: usize = 256;

/// and how many bytes of them: as much as a peer's app has to hold that does not take any. Docs: `connecting.md` section 7.
pub(super) const MAX_UNANSWERED_BYTES: usize = 8 << 20;

/// See the [module](self).
pub(super) struct Pair {
    pub(super) record: PairRecord,
    pub(super) connector: Connector,
    pub(super) session: Option<Session>,
    /// The groups that the peer is a member of.
    pub(super) shared: BTreeSet<GroupId>,
    /// How many groups the peer has announced in the present or last session that are too many to be taken.
    pub(super) not_taken: u32,
    /// App messages that wait for a connection.
    pub(super) queue: VecDeque<(RequestId, Vec<u8>)>,
    /// Whether the peer's last message came into a box that it should have left.
    pub(super) heard_in_old: bool,
    /// The box in which the peer's last offer lay, whose key signs the answer, and where the answer goes.
    pub(super) answers_go: Option<(OwnBox, Address)>,
    /// Offers go to the peer's home: it called from there, or the box where it was is closed.
    pub(super) goes_home: bool,
    /// Whether the last offer went there.
    pub(super) offered_home: bool,
    /// Somebody waits for emoji.
    pub(super) verify_wanted: bool,
    /// The emoji that two people are comparing. That takes longer than a session needs to last.
    pub(super) shown: Option<Shown>,
}

/// Emoji that were shown to both.
pub(super) struct Shown {
    pub(super) emojis: Emojis,
    /// When nobody compares them any more.
    pub(super) until: u64,
}

/// A live session.
pub(super) struct Session {
    pub(super) attempt: AttemptId,
    pub(super) proven: Proven,
    pub(super) sync: Sync,
    pub(super) sas: Sas,
    /// Since when control frames of the peer are counted, and how many there were.
    pub(super) controls: (u64, u32),
    /// Whether the peer has said that boxes were counted further; it says so once.
    pub(super) was_behind: bool,
    /// App messages that the peer has not answered yet, and how long they are.
    pub(super) unanswered: BTreeMap<u64, (RequestId, usize)>,
    pub(super) next_message: u64,
    /// App messages of the peer that the app has not taken yet, and how long they are.
    pub(super) untaken: BTreeMap<u64, usize>,
    /// When a message was sent or came last.
    pub(super) spoke_at: u64,
    /// How far the peer's clock is ahead of what is gone by here, in µs, as far as it has told,
    pub(super) clock_ahead: i64,
    /// and whether the app was told in this session that it is off, or that changes wait.
    pub(super) told_skew: bool,
    /// The app messages of the peer, so far.
    pub(super) heard: Numbers,
    /// When the connection is laid to rest if nothing happens.
    pub(super) rest_at: u64,
}

/// Where the comparison of emoji stands.
pub(super) enum Sas {
    /// Not started; there is one attempt per session.
    Fresh,
    Started(Box<ExpectAccept>),
    Accepted(Box<ExpectReveal>),
    Over,
}

impl Pair {
    pub(super) fn new(record: PairRecord, own: Identity, first_attempt: u64) -> Self {
        let expected = record.peer.map(|peer| peer.user);
        let connector = Connector::new(record.side, own, expected, first_attempt);
        Self {
            record,
            connector,
            session: None,
            shared: BTreeSet::new(),
            not_taken: 0,
            queue: VecDeque::new(),
            heard_in_old: false,
            answers_go: None,
            goes_home: false,
            offered_home: false,
            verify_wanted: false,
            shown: None,
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<u64> {
        let rest = self.session.as_ref().map(|session| session.rest_at);
        self.connector.poll_timeout().into_iter().chain(rest).min()
    }

    pub(super) fn state(&self) -> PairState {
        if self.record.refused.is_some() {
            return PairState::Refused;
        }
        match (&self.record.peer, &self.record.sending) {
            (Some(_), _) => PairState::Paired,
            (None, Some(_)) if self.record.side == connectoid_protocol::connect::Side::Opener => {
                PairState::Opening
            }
            _ => PairState::Invited,
        }
    }

    pub(super) fn connection(&self) -> ConnectionState {
        if self.connector.is_live() {
            ConnectionState::Connected
        } else if self.connector.is_connecting() {
            ConnectionState::Connecting
        } else {
            ConnectionState::Resting
        }
    }

    /// Whether the peer, whose message by this key has just come, seems not to read what is sent to it: it was put
    /// back to an older copy. If only its key is old, an acknowledgement may as well have been lost; unless there was no
    /// answer before. What went to its home it reads, though.
    pub(super) fn is_peer_behind(&self, signer: &BoxId) -> bool {
        let key_is_old = self.record.sending.as_ref().is_some_and(|to| to.current.box_id() != *signer);
        !self.offered_home && (self.heard_in_old || (key_is_old && self.connector.failures() > 0))
    }

    /// Whether a message went from home to home.
    pub(super) fn is_from_home(&self, own: &BoxId, from: &BoxId) -> bool {
        self.record.homes().is_some_and(|(home, theirs)| home.id() == *own && theirs.box_id() == *from)
    }

    /// Whether there is anybody to connect to.
    pub(super) fn is_reachable(&self) -> bool {
        self.record.sending.is_some() && self.record.refused.is_none()
    }

    /// Whether there is somebody to connect to, and no session yet.
    pub(super) fn is_away(&self) -> bool {
        self.is_reachable() && self.session.is_none()
    }
}
