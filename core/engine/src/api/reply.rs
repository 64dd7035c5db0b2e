//! Replies: what a node answers.

use connectoid_protocol::{connect::Side, membership::Role, sync};
use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind};

/// What a node answers to a [`super::Command`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "reply", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reply {
    /// It is done, durably.
    Done {},
    /// The link that was asked for.
    Link(SharedLink),
    /// The peers.
    Peers {
        /// In the order in which they were added.
        peers: Vec<PeerInfo>,
    },
    /// The groups.
    Groups {
        /// In the order in which they were added.
        groups: Vec<GroupInfo>,
    },
    /// The group that was made.
    Group {
        /// Its id.
        id: String,
    },
    /// A record, if it exists.
    Record {
        /// The record.
        record: Option<Record>,
    },
    /// Records.
    Records {
        /// In the order of their ids.
        records: Vec<Record>,
    },
    /// Versions of a record.
    History {
        /// The winning ones first.
        versions: Vec<HistoryEntry>,
    },
    /// What the doctor found.
    Diagnosis(Diagnosis),
    /// This user.
    User {
        /// The user's id, by which peers know it.
        id: String,
    },
    /// An image.
    Image {
        /// The content of an image file.
        #[serde(default, with = "super::command::base64_text", skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", schemars(with = "String", extend("contentEncoding" = "base64url")))]
        data: Vec<u8>,
    },
}

/// A link to send to a person. `Debug` shows no link.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SharedLink {
    /// The link, a secret between sender and receiver.
    pub link: String,
    /// When it stops working, in µs since the epoch.
    pub expires: u64,
    /// The id of the group that is shared.
    pub group: String,
}

impl std::fmt::Debug for SharedLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SharedLink").field("group", &self.group).finish_non_exhaustive()
    }
}

/// How sure this user can be of who a peer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Verified {
    /// As sure as of the messenger that carried the link.
    #[default]
    Link,
    /// As of the messenger and of the web host that the link's query was shown to.
    LinkQuery,
    /// This user scanned the link from the peer's own device, in that person's presence.
    InPersonQr,
    /// The two people compared emoji.
    Sas,
}

/// How far a pair has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PairState {
    /// This node made a link that nobody has opened yet.
    Invited,
    /// This node opened a link; its creator has not answered yet.
    Opening,
    /// Both have met.
    Paired,
    /// The link was refused: used, expired or revoked; or the peer's mailbox is closed.
    Refused,
}

/// Whether there is a connection to a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ConnectionState {
    /// None, and none is needed or possible now.
    Resting,
    /// One is being made.
    Connecting,
    /// One is open.
    Connected,
}

/// A peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PeerInfo {
    /// What this user calls the person.
    pub nickname: String,
    /// Who made the link: this side or the other.
    pub side: Side,
    /// How far the pair has come.
    pub state: PairState,
    /// Whether there is a connection.
    pub connection: ConnectionState,
    /// How sure this user can be of who it is.
    pub verified: Verified,
    /// The peer's user id, once it has proven it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// How many others tried to open the link.
    pub alarms: u8,
    /// The last failure, if the last attempt failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<Error>,
    /// How well each shared group is replicated to this peer.
    pub groups: Vec<GroupSync>,
}

/// How far a device takes a group that its user is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Acceptance {
    /// The user has not said anything to the invitation yet: who the members are is known there, and nothing else.
    Invited,
    /// The user takes part: everything is received.
    #[default]
    Accepted,
    /// As well, but there is no room for more on the device (setting `group_quota`).
    Full,
    /// The user has declined the invitation, or left: nothing is received or given.
    Left,
}

impl From<sync::Acceptance> for Acceptance {
    fn from(acceptance: sync::Acceptance) -> Self {
        match acceptance {
            sync::Acceptance::Invited => Self::Invited,
            sync::Acceptance::Accepted => Self::Accepted,
            sync::Acceptance::Full => Self::Full,
            sync::Acceptance::Left => Self::Left,
        }
    }
}

/// How well one group is replicated to one peer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupSync {
    /// The group's id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How far the peer's device takes it, as far as it has told.
    pub acceptance: Acceptance,
    /// When the peer last had all that this node has, in µs since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_synced_at: Option<u64>,
    /// How many of this node's changes the peer is not known to have, or holds back: they are stamped more than ten
    /// minutes ahead of its clock.
    pub lacks: u64,
    /// How many changes that the peer has brought are held back here, for the same reason. While there are any, here or
    /// there, both do not have the same.
    pub held: u64,
    /// When the last of those that wait for their time will be taken, in µs since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub held_until: Option<u64>,
}

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupInfo {
    /// Its id, the same on every device.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How far this device takes it.
    pub acceptance: Acceptance,
    /// About how many bytes it takes on this device.
    pub bytes: u64,
    /// What this user may do in it, as far as it is accepted.
    pub role: Option<Role>,
    /// Who is in it.
    pub members: Vec<MemberInfo>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct MemberInfo {
    /// The user's id.
    pub user: String,
    /// What the member may do.
    pub role: Role,
    /// What this node calls the user: a peer's nickname, or `me`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Record {
    /// Its id, unique in its collection.
    pub id: String,
    /// Its fields.
    pub fields: serde_json::Map<String, serde_json::Value>,
}

/// One record of a collection as it is now.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Observed {
    /// The record's id.
    pub id: String,
    /// The record; none if it was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<Record>,
}

/// One version of one field, or of a record's deletion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct HistoryEntry {
    /// The field; none for a deletion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The value; none for a deletion, where the field was removed, and if it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<serde_json::Value>,
    /// Whether the value is not shown: there are more than 4 MiB of them, and the winning ones come first.
    pub left_out: bool,
    /// Whether this took the field away, or the whole record; a field may also have the value null.
    pub removed: bool,
    /// The user who wrote it.
    pub author: String,
    /// What this node calls that user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nickname: Option<String>,
    /// When it was written, in µs since the epoch by the writer's clock.
    pub stamp: u64,
    /// Whether this is what a reader sees.
    pub winning: bool,
    /// Why it lost, if it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Until when a losing version is kept, in µs since the epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kept_until: Option<u64>,
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Diagnosis {
    /// The findings; none if all is well.
    pub findings: Vec<Finding>,
    /// What happened lately, oldest first, without secrets.
    pub trace: Vec<String>,
}

/// One finding of the doctor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Finding {
    /// The peer or service that it is about.
    pub about: String,
    /// What is wrong, for programs.
    pub kind: ErrorKind,
    /// What is wrong and what to do, for people.
    pub message: String,
}
