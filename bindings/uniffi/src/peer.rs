//! Peers: everybody this node shares with.

use std::time::SystemTime;

use connectoid::api;

use crate::{
    bytes::Bytes,
    error::{NodeError, Problem},
    event::time,
    group::Acceptance,
    limits::{self, MAX_MESSAGE},
    node::Node,
};

/// A peer.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Peer {
    /// What this user calls the person.
    pub nickname: String,
    /// Who made the link.
    pub side: Side,
    /// How far the pair has come.
    pub state: PairState,
    /// Whether there is a connection.
    pub connection: ConnectionState,
    /// How sure this user can be of who it is.
    pub verified: Verified,
    /// The peer's user id, once it has proven it.
    pub user: Option<String>,
    /// How many others tried to open the link.
    pub alarms: u8,
    /// The last failure, if the last attempt failed.
    pub problem: Option<Problem>,
    /// How well each shared group is replicated to this peer.
    pub groups: Vec<GroupSync>,
}

/// How well one group is replicated to one peer.
#[derive(Debug, Clone, uniffi::Record)]
pub struct GroupSync {
    /// The group's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How far the peer's device takes it, as far as it has told.
    pub acceptance: Acceptance,
    /// When the peer last had all that this node has.
    pub last_synced_at: Option<SystemTime>,
    /// How many of this node's changes the peer is not known to have, or holds back because of a wrong clock.
    pub lacks: u64,
    /// How many changes that the peer has brought are held back here, for the same reason.
    pub held: u64,
    /// When the last of those that wait for their time will be taken.
    pub held_until: Option<SystemTime>,
}

/// Who made the link.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Side {
    /// This side.
    Creator,
    /// The other side; this one opened it.
    Opener,
}

/// How far a pair has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum PairState {
    /// This node made a link that nobody has opened yet.
    Invited,
    /// This node opened a link; its creator has not answered yet.
    Opening,
    /// Both have met.
    Paired,
    /// The link was refused: used, expired or revoked; or the peer's mailbox is closed.
    Refused,
    /// A state that this binding does not know.
    Unknown,
}

/// Whether there is a connection to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum ConnectionState {
    /// None, and none is needed or possible now.
    Resting,
    /// One is being made.
    Connecting,
    /// One is open.
    Connected,
    /// A state that this binding does not know.
    Unknown,
}

/// How sure this user can be of who a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Verified {
    /// As sure as of the messenger that carried the link.
    Link,
    /// As of the messenger and of the web host that the link's query was shown to.
    LinkQuery,
    /// This user scanned the link from the peer's own device, in that person's presence.
    InPersonQr,
    /// The two people compared emoji.
    Sas,
    /// A way that this binding does not know.
    Unknown,
}

#[uniffi::export]
impl Node {
    /// Everybody this node shares with, and how well each group is replicated to them.
    pub async fn peers(&self) -> Result<Vec<Peer>, NodeError> {
        Ok(self.open_node()?.peers().await?.into_iter().map(Into::into).collect())
    }

    /// Stops sharing with a person: both sides delete the keys, the link is dead, and the person is removed from the
    /// groups that this user owns. What the person has already, it keeps.
    pub async fn unshare(&self, nickname: String) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.unshare(&nickname).await?)
    }

    /// Connects to a person now. Not needed for sync, which connects by itself.
    pub async fn connect(&self, nickname: String) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.connect(&nickname).await?)
    }

    /// Closes the connection to a person. New data opens it again.
    pub async fn disconnect(&self, nickname: String) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.disconnect(&nickname).await?)
    }

    /// Starts comparing emoji with a person: the event `Emojis` brings them, on both sides.
    pub async fn verify(&self, nickname: String) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.verify(&nickname).await?)
    }

    /// Says whether the emoji on both sides were the same.
    pub async fn confirm_verify(&self, nickname: String, same: bool) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.confirm_verify(&nickname, same).await?)
    }

    /// Sends a message to a person's app, of at most 256 KiB. Returns when that app has it; cancelling takes the
    /// message back if it was not sent yet. Messages are not kept over a restart.
    pub async fn send(&self, nickname: String, data: Bytes) -> Result<(), NodeError> {
        limits::names(&[&nickname])?;
        limits::within("bytes of a message", data.0.len(), MAX_MESSAGE)?;
        Ok(self.open_node()?.send(&nickname, data.0).await?)
    }
}

impl From<api::PeerInfo> for Peer {
    fn from(peer: api::PeerInfo) -> Self {
        Self {
            nickname: peer.nickname,
            side: peer.side.into(),
            state: peer.state.into(),
            connection: peer.connection.into(),
            verified: peer.verified.into(),
            user: peer.user,
            alarms: peer.alarms,
            problem: peer.problem.map(Into::into),
            groups: peer.groups.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<api::GroupSync> for GroupSync {
    fn from(group: api::GroupSync) -> Self {
        let (last_synced_at, held_until) = (group.last_synced_at.map(time), group.held_until.map(time));
        let api::GroupSync { id, name, lacks, held, .. } = group;
        let acceptance = group.acceptance.into();
        Self { id, name, acceptance, last_synced_at, lacks, held, held_until }
    }
}

impl From<connectoid::Side> for Side {
    fn from(side: connectoid::Side) -> Self {
        match side {
            connectoid::Side::Creator => Self::Creator,
            connectoid::Side::Opener => Self::Opener,
        }
    }
}

impl From<api::PairState> for PairState {
    fn from(state: api::PairState) -> Self {
        match state {
            api::PairState::Invited => Self::Invited,
            api::PairState::Opening => Self::Opening,
            api::PairState::Paired => Self::Paired,
            api::PairState::Refused => Self::Refused,
            _ => Self::Unknown,
        }
    }
}

impl From<api::ConnectionState> for ConnectionState {
    fn from(state: api::ConnectionState) -> Self {
        match state {
            api::ConnectionState::Resting => Self::Resting,
            api::ConnectionState::Connecting => Self::Connecting,
            api::ConnectionState::Connected => Self::Connected,
            _ => Self::Unknown,
        }
    }
}

impl From<api::Verified> for Verified {
    fn from(verified: api::Verified) -> Self {
        match verified {
            api::Verified::Link => Self::Link,
            api::Verified::LinkQuery => Self::LinkQuery,
            api::Verified::InPersonQr => Self::InPersonQr,
            api::Verified::Sas => Self::Sas,
            _ => Self::Unknown,
        }
    }
}
