//! Events: what happens by itself.

use connectoid_protocol::sas::Emoji;
use serde::{Deserialize, Serialize};

use super::Acceptance;
use crate::error::Error;

/// Something happened, at a place in the order of all that happened on this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Event {
    /// Counts the node's events from 1; a gap means that some were dropped (see [`EventKind::Resync`]).
    pub sequence: u64,
    /// When, in µs since the epoch.
    pub at: u64,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "event", rename_all = "snake_case")]
#[non_exhaustive]
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
        #[serde(skip_serializing_if = "Option::is_none")]
        problem: Option<Error>,
    },
    /// A connection could not be made; the node tries again if there is something to say.
    ConnectFailed {
        /// The peer.
        nickname: String,
        /// Why.
        problem: Error,
    },
    /// A link that this node opened is not open to it.
    OpenRefused {
        /// The peer.
        nickname: String,
        /// Why: used, expired, revoked or closed.
        problem: Error,
        /// When somebody else used it, in µs since the epoch.
        #[serde(skip_serializing_if = "Option::is_none")]
        used_at: Option<u64>,
        /// The fingerprint of the key that used it.
        #[serde(skip_serializing_if = "Option::is_none")]
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
        /// The collections and ids concerned; empty if there are too many to name.
        records: Vec<(String, String)>,
    },
    /// A peer has made this user a member of a group. Nothing of it is received until `accept_invitation`; `leave_group`
    /// declines.
    Invited {
        /// The group's id.
        group: String,
        /// Its name, which its owner chose: another group here may have the same.
        name: String,
        /// Its owner, if that is a peer.
        #[serde(skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
    },
    /// A peer's device has told how far it takes a group: see [`Acceptance`].
    Acceptance {
        /// The peer.
        nickname: String,
        /// The group's id.
        group: String,
        /// How far.
        acceptance: Acceptance,
    },
    /// The room that a group may take on this device (setting `group_quota`) is four fifths taken, or all of it. Then new
    /// records of others are not received, which their devices are told; they come once a fifth of the room is free.
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
        #[serde(default, with = "super::command::base64_text", skip_serializing_if = "Vec::is_empty")]
        #[cfg_attr(feature = "schema", schemars(with = "String", extend("contentEncoding" = "base64url")))]
        data: Vec<u8>,
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
    /// This node's data folder is an older copy, as a peer shows that knew more of it. What the peer has comes back
    /// by itself. Somebody who was first met after the copy was made may not be reached any more
    /// ([`crate::ErrorKind::PairLost`]): unshare, and share a new link.
    Restored {
        /// The peer.
        nickname: String,
    },
    /// A mailbox service does not work; others of the same link are tried.
    ServiceProblem {
        /// The service's URL.
        service: String,
        /// Why.
        problem: Error,
    },
    /// A clock is wrong, or was: by that of the service, this device's; or a peer's, by what this node goes by. Nothing is
    /// to be done but to set it: a device whose clock is wrong goes by its service's, and makes anew what it had stamped
    /// wrongly.
    ClockSkew {
        /// The peer whose clock it is; none if it is this device's.
        #[serde(skip_serializing_if = "Option::is_none")]
        nickname: Option<String>,
        /// How far the clock is ahead, in µs; negative if it is behind. 0 or little if it is right by now.
        ahead: i64,
        /// How many changes wait because of it, at this node and at the peer together,
        held: u64,
        /// and until when the last of them, in µs since the epoch.
        #[serde(skip_serializing_if = "Option::is_none")]
        until: Option<u64>,
    },
    /// Events were dropped, because nobody took them; its place is that of the last of them. Read again what is shown.
    Resync {},
}

impl EventKind {
    pub(crate) fn emojis(nickname: &str, emojis: &[Emoji]) -> Self {
        Self::Emojis {
            nickname: nickname.to_owned(),
            names: emojis.iter().map(|emoji| emoji.name.to_owned()).collect(),
            emojis: emojis.iter().map(|emoji| emoji.emoji).collect::<Vec<_>>().join(" "),
        }
    }
}
