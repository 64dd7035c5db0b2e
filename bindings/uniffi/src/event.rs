//! Events: what happens by itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connectoid::{EventStream, api};
use futures_util::FutureExt;

use crate::{
    bytes::Bytes,
    error::{HostError, NodeError, Problem},
    group::Acceptance,
    limits::{MAX_BATCH, MAX_BATCH_BYTES},
    node::Node,
};

/// Something happened, at a place in the order of all that happened on this node.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Event {
    /// Counts the node's events from 1; a gap means that some were dropped, which `Resync` tells too.
    pub sequence: u64,
    /// When.
    pub at: SystemTime,
    /// What.
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, uniffi::Enum)]
pub enum EventKind {
    /// The first person to open a link did so, and both have met.
    Paired {
        /// The peer.
        nickname: String,
    },
    /// A connection is open and the peer has proven who it is.
    Connected {
        /// The peer.
        nickname: String,
    },
    /// A connection is closed.
    Disconnected {
        /// The peer.
        nickname: String,
        /// Why; none if there was nothing left to do.
        problem: Option<Problem>,
    },
    /// A connection could not be made; the node tries again if there is something to say.
    ConnectFailed {
        /// The peer.
        nickname: String,
        /// Why.
        problem: Problem,
    },
    /// A link that this node opened is not open to it.
    OpenRefused {
        /// The peer.
        nickname: String,
        /// Why: used, expired, revoked or closed.
        problem: Problem,
        /// When somebody else used it.
        used_at: Option<SystemTime>,
        /// The fingerprint of the key that used it.
        winner: Option<String>,
    },
    /// Alarm: somebody else tried to open a link that was already used. One of the two is a thief.
    LinkOpenedAgain {
        /// The peer that the link was made for.
        nickname: String,
        /// The fingerprint of the key that was first.
        winner: String,
        /// The fingerprint of the key that came second.
        other: String,
    },
    /// Records have changed, here or at a peer.
    Changed {
        /// The group's id.
        group: String,
        /// The records concerned; empty if there are too many to name.
        records: Vec<RecordKey>,
    },
    /// A peer has made this user a member of a group. Nothing of it is received until `accept_invitation`; `leave_group`
    /// declines.
    Invited {
        /// The group's id.
        group: String,
        /// Its name, which its owner chose: another group here may have the same.
        name: String,
        /// Its owner, if that is a peer.
        nickname: Option<String>,
    },
    /// A peer's device has told how far it takes a group.
    Acceptance {
        /// The peer.
        nickname: String,
        /// The group's id.
        group: String,
        /// How far.
        acceptance: Acceptance,
    },
    /// The room that a group may take on this device is four fifths taken, or all of it. Then new records of others are not
    /// received; they come once a fifth of the room is free.
    GroupRoom {
        /// The group's id.
        group: String,
        /// About how many bytes it takes.
        bytes: u64,
        /// How many it may take.
        quota: u64,
        /// Whether there is no room left.
        full: bool,
    },
    /// This user now takes part in a group.
    Joined {
        /// The group's id.
        group: String,
        /// Its name.
        name: String,
    },
    /// This user is no longer in a group. What it has of it stays.
    Removed {
        /// The group's id.
        group: String,
    },
    /// The members of a group have changed.
    MembersChanged {
        /// The group's id.
        group: String,
    },
    /// This node and a peer have the same, in this group.
    Synced {
        /// The peer.
        nickname: String,
        /// The group's id.
        group: String,
    },
    /// A peer's app sent a message.
    Message {
        /// The peer.
        nickname: String,
        /// The message.
        data: Bytes,
    },
    /// Emoji to compare with a peer; then call `confirm_verify`.
    Emojis {
        /// The peer.
        nickname: String,
        /// The emoji's names, which are the same in every language of this SDK.
        names: Vec<String>,
        /// The emoji.
        emojis: String,
    },
    /// A peer stopped sharing; its keys are deleted here too.
    Unshared {
        /// The peer.
        nickname: String,
    },
    /// This node's data folder is an older copy, as a peer shows that knew more of it.
    Restored {
        /// The peer.
        nickname: String,
    },
    /// A mailbox service does not work; others of the same link are tried.
    ServiceProblem {
        /// The service's URL.
        service: String,
        /// Why.
        problem: Problem,
    },
    /// A clock is wrong, or was: this device's, by that of the service, or a peer's, by what this node goes by. A device
    /// whose clock is wrong goes by its service's, and makes anew what it had stamped wrongly.
    ClockSkew {
        /// The peer whose clock it is; none if it is this device's.
        nickname: Option<String>,
        /// How far the clock is ahead, in µs; negative if it is behind.
        ahead: i64,
        /// How many changes wait because of it,
        held: u64,
        /// and until when the last of them.
        until: Option<SystemTime>,
    },
    /// Events were dropped, because nobody took them. Read again what is shown.
    Resync,
    /// Something that this binding does not know.
    Unknown,
}

/// Names a record in its group.
#[derive(Debug, Clone, uniffi::Record)]
pub struct RecordKey {
    /// The collection.
    pub collection: String,
    /// The record's id.
    pub id: String,
}

/// Takes events. The node may be called from it, and closed.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait EventListener: Send + Sync {
    /// These happened, in order; the next are handed over when this has returned. What it throws is logged, and does not
    /// end the subscription.
    async fn on_events(&self, events: Vec<Event>) -> Result<(), HostError>;

    /// The node is closed; nothing follows.
    async fn on_closed(&self) -> Result<(), HostError>;
}

/// Something that goes on until it is cancelled, or this is dropped.
#[derive(uniffi::Object)]
pub struct Subscription(Mutex<Option<connectoid::Subscription>>);

impl Subscription {
    pub(crate) fn new(subscription: connectoid::Subscription) -> Arc<Self> {
        Arc::new(Self(Mutex::new(Some(subscription))))
    }
}

#[uniffi::export]
impl Subscription {
    /// Ends it. A call of the listener that is under way is cancelled.
    pub fn cancel(&self) -> Result<(), NodeError> {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }
}

#[uniffi::export]
impl Node {
    /// Hands over what happens from now on, in order, until the subscription is dropped.
    pub fn subscribe(&self, listener: Arc<dyn EventListener>) -> Result<Arc<Subscription>, NodeError> {
        let node = self.open_node()?;
        let events = node.events();
        Ok(Subscription::new(node.spawn(deliver(events, listener))))
    }
}

async fn deliver(mut events: EventStream, listener: Arc<dyn EventListener>) {
    while let Some(first) = events.next().await {
        let mut bytes = weight(&first);
        let mut batch = vec![first.into()];
        while batch.len() < MAX_BATCH
            && bytes < MAX_BATCH_BYTES
            && let Some(Some(event)) = events.next().now_or_never()
        {
            bytes += weight(&event);
            batch.push(event.into());
        }
        report(listener.on_events(batch).await);
    }
    report(listener.on_closed().await);
}

/// The bytes of what an event brings that can be long.
fn weight(event: &api::Event) -> usize {
    match &event.kind {
        api::EventKind::Message { data, .. } => data.len(),
        api::EventKind::Changed { records, .. } => {
            records.iter().map(|(collection, id)| collection.len() + id.len()).sum()
        }
        _ => 0,
    }
}

/// What a listener fails with concerns the app alone.
pub(crate) fn report(result: Result<(), HostError>) {
    if let Err(error) = result {
        tracing::warn!("a listener of the app failed: {error}");
    }
}

/// A time of the SDK, in µs since the epoch.
pub(crate) fn time(micros: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_micros(micros)
}

impl From<api::Event> for Event {
    fn from(event: api::Event) -> Self {
        Self { sequence: event.sequence, at: time(event.at), kind: event.kind.into() }
    }
}

impl From<api::EventKind> for EventKind {
    fn from(kind: api::EventKind) -> Self {
        use api::EventKind as Kind;
        match kind {
            Kind::Paired { nickname } => Self::Paired { nickname },
            Kind::Connected { nickname } => Self::Connected { nickname },
            Kind::Disconnected { nickname, problem } => {
                Self::Disconnected { nickname, problem: problem.map(Into::into) }
            }
            Kind::ConnectFailed { nickname, problem } => {
                Self::ConnectFailed { nickname, problem: problem.into() }
            }
            Kind::OpenRefused { nickname, problem, used_at, winner } => {
                Self::OpenRefused { nickname, problem: problem.into(), used_at: used_at.map(time), winner }
            }
            Kind::LinkOpenedAgain { nickname, winner, other } => {
                Self::LinkOpenedAgain { nickname, winner, other }
            }
            Kind::Changed { group, records } => Self::Changed { group, records: keys(records) },
            Kind::Invited { group, name, nickname } => Self::Invited { group, name, nickname },
            Kind::Acceptance { nickname, group, acceptance } => {
                Self::Acceptance { nickname, group, acceptance: acceptance.into() }
            }
            Kind::GroupRoom { group, bytes, quota, full } => Self::GroupRoom { group, bytes, quota, full },
            Kind::Joined { group, name } => Self::Joined { group, name },
            Kind::Removed { group } => Self::Removed { group },
            Kind::MembersChanged { group } => Self::MembersChanged { group },
            Kind::Synced { nickname, group } => Self::Synced { nickname, group },
            Kind::Message { nickname, data } => Self::Message { nickname, data: Bytes(data) },
            Kind::Emojis { nickname, names, emojis } => Self::Emojis { nickname, names, emojis },
            Kind::Unshared { nickname } => Self::Unshared { nickname },
            Kind::Restored { nickname } => Self::Restored { nickname },
            Kind::ServiceProblem { service, problem } => {
                Self::ServiceProblem { service, problem: problem.into() }
            }
            Kind::ClockSkew { nickname, ahead, held, until } => {
                Self::ClockSkew { nickname, ahead, held, until: until.map(time) }
            }
            Kind::Resync {} => Self::Resync,
            _ => Self::Unknown,
        }
    }
}

fn keys(records: Vec<(String, String)>) -> Vec<RecordKey> {
    records.into_iter().map(|(collection, id)| RecordKey { collection, id }).collect()
}
