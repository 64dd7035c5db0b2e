//! Commands: what a node can be told.

use connectoid_protocol::{link::Placement, membership::Role, poll::Pace};
use serde::{Deserialize, Deserializer, Serialize};

/// What a node can be told. Each node has a method of the same name. A field that its JSON has beyond these is refused: it
/// is a misspelt one, whose default would be taken in silence.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Command {
    /// Make a link for a person.
    Share {
        /// What this user calls the person; unique on this node.
        nickname: String,
        /// The name or id of the group to share; made if no group has the name.
        group: String,
        /// What the person may do there.
        #[serde(default = "writer")]
        role: Role,
        /// How long the link works, in seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_in: Option<u64>,
        /// Other services than the node's, for this link.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        services: Vec<String>,
        /// Another link base than the node's, for this link.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        link_base: Option<String>,
        /// Where in the URL the address stands.
        #[serde(default)]
        placement: Placement,
    },
    /// Open a link that a person sent.
    Open(Credentials),
    /// Everybody this node shares with.
    #[serde(deserialize_with = "no_fields")]
    Peers,
    /// Stop sharing with a person.
    Unshare {
        /// The person.
        nickname: String,
    },
    /// Connect to a person now.
    Connect {
        /// The person.
        nickname: String,
    },
    /// Close the connection to a person; new data opens it again.
    Disconnect {
        /// The person.
        nickname: String,
    },
    /// Start comparing emoji with a person.
    Verify {
        /// The person.
        nickname: String,
    },
    /// Say whether the emoji were the same.
    ConfirmVerify {
        /// The person.
        nickname: String,
        /// Whether they were.
        same: bool,
    },
    /// Make a group that nobody else is in yet.
    CreateGroup {
        /// Its name.
        name: String,
    },
    /// The groups this user is in, was in, or is invited to.
    #[serde(deserialize_with = "no_fields")]
    Groups,
    /// Make a peer a member of a group, or give it another role there. The peer's user is invited, and takes part once that
    /// is accepted (see [`super::EventKind::Acceptance`]).
    AddMember {
        /// The person.
        nickname: String,
        /// The name or id of the group.
        group: String,
        /// What the person may do there.
        #[serde(default = "writer")]
        role: Role,
    },
    /// End a peer's membership of a group.
    RemoveMember {
        /// The person.
        nickname: String,
        /// The name or id of the group.
        group: String,
    },
    /// Take part in a group that a peer has made this user a member of, or that was left. What is in it comes when its
    /// members are reached.
    AcceptInvitation {
        /// The group's id; or its name, with `nickname/` of its owner before it if there are several.
        group: String,
    },
    /// Take no part in a group any more, or do not accept an invitation. What is here of it stays and can be read; nothing
    /// of it is received or given any more. Its members are told, and it can be accepted again.
    LeaveGroup {
        /// The group's id or name; an invitation's also as in `accept_invitation`.
        group: String,
    },
    /// Leave a group and delete what is here of it. Only a new link brings it back.
    ForgetGroup {
        /// The group's id or name; an invitation's also as in `accept_invitation`.
        group: String,
    },
    /// Write records: all of them or none.
    Commit {
        /// The name or id of the group.
        group: String,
        /// The writes, at most 1,000.
        writes: Vec<Write>,
    },
    /// Read a record.
    Get {
        /// The name or id of the group.
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
    /// Read the records of a collection in the order of their ids.
    List {
        /// The name or id of the group.
        group: String,
        /// The collection.
        collection: String,
        /// Start behind this id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        after: Option<String>,
        /// At most so many, up to 10,000.
        #[serde(default = "page")]
        limit: usize,
    },
    /// Read all versions of a record that are still kept, the losing ones too, and why they lost.
    History {
        /// The name or id of the group.
        group: String,
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
    /// Send a message to a person's app; answered when that app has it.
    Send {
        /// The person.
        nickname: String,
        /// The message, at most 256 KiB.
        #[serde(default, with = "base64_text")]
        #[cfg_attr(feature = "schema", schemars(with = "String", extend("contentEncoding" = "base64url")))]
        data: Vec<u8>,
    },
    /// Find out why a connection does not come about.
    Doctor {
        /// One person; everybody if not given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
    },
    /// The app came to the foreground or went to the background.
    SetPace {
        /// What the app does now.
        pace: Pace,
    },
    /// The network has changed.
    #[serde(deserialize_with = "no_fields")]
    NetworkChanged,
    /// Look into the mailboxes now, and connect to everybody who lacks something.
    #[serde(deserialize_with = "no_fields")]
    SyncNow,
    /// This user's id, by which peers know it.
    #[serde(deserialize_with = "no_fields")]
    UserId,
    /// Draw a link as a QR code, to be scanned in person.
    Qr {
        /// The link.
        link: String,
        /// The image's format.
        #[serde(default)]
        format: ImageFormat,
        /// Pixels per module of a PNG image, 1 to 32.
        #[serde(default = "scale")]
        scale: usize,
    },
}

/// What an image is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ImageFormat {
    /// A vector image, as text; sharp at every size.
    #[default]
    Svg,
    /// A raster image, black on white.
    Png,
}

/// A link and what to call the person who sent it. `Debug` shows no link.
#[derive(Clone, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// The link, with whatever stood around it.
    pub link: String,
    /// What this user calls the person; unique on this node.
    pub nickname: String,
    /// Whether the link was scanned as a QR code from the person's own device, in that person's presence.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_person: bool,
}

/// One write of a commit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Write {
    /// Set fields of a record; fields that are not named stay.
    Put {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The fields: JSON values; bytes as `{"$bytes":"<base64url>"}`.
        fields: serde_json::Map<String, serde_json::Value>,
    },
    /// Make a record exactly this: fields that it shows here and that are not named go, and only what differs is
    /// written. So an edit of another field that a peer made meanwhile survives.
    Replace {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The fields, as for `put`; at least one.
        fields: serde_json::Map<String, serde_json::Value>,
    },
    /// Remove fields of a record, whether it has them or not. Without any field left, there is no such record.
    RemoveFields {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
        /// The names of the fields, at least one.
        fields: Vec<String>,
    },
    /// Delete a record.
    Delete {
        /// The collection.
        collection: String,
        /// The record's id.
        id: String,
    },
}

impl Command {
    /// The method's name on every surface.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Share { .. } => "share",
            Self::Open(_) => "open",
            Self::Peers => "peers",
            Self::Unshare { .. } => "unshare",
            Self::Connect { .. } => "connect",
            Self::Disconnect { .. } => "disconnect",
            Self::Verify { .. } => "verify",
            Self::ConfirmVerify { .. } => "confirm_verify",
            Self::CreateGroup { .. } => "create_group",
            Self::Groups => "groups",
            Self::AddMember { .. } => "add_member",
            Self::RemoveMember { .. } => "remove_member",
            Self::AcceptInvitation { .. } => "accept_invitation",
            Self::LeaveGroup { .. } => "leave_group",
            Self::ForgetGroup { .. } => "forget_group",
            Self::Commit { .. } => "commit",
            Self::Get { .. } => "get",
            Self::List { .. } => "list",
            Self::History { .. } => "history",
            Self::Send { .. } => "send",
            Self::Doctor { .. } => "doctor",
            Self::SetPace { .. } => "set_pace",
            Self::NetworkChanged => "network_changed",
            Self::SyncNow => "sync_now",
            Self::UserId => "user_id",
            Self::Qr { .. } => "qr",
        }
    }
}

/// The name alone: arguments may be secret.
impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Command").field("method", &self.name()).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Credentials").field("nickname", &self.nickname).finish_non_exhaustive()
    }
}

/// A variant without fields: of these alone, Serde would take whatever stands beside the tag.
fn no_fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    Nothing::deserialize(deserializer).map(|Nothing {}| ())
}

fn writer() -> Role {
    Role::Writer
}

fn page() -> usize {
    1000
}

/// About 400 pixels for a usual link: clear on every screen.
fn scale() -> usize {
    8
}

/// Bytes as base64url text.
pub(super) mod base64_text {
    use std::borrow::Cow;

    use connectoid_protocol::encoding::{base64url, parse_base64url};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::api) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url(bytes))
    }

    pub(in crate::api) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        parse_base64url(&Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}
