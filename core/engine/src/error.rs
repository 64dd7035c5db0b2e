//! Errors: what went wrong, whose fault it is, and what to do.
//!
//! Every call of this SDK fails with one [`Error`]. Its [`ErrorKind`] is stable across versions and
//! languages and says who is at fault; its text says what to do. Nothing in it is secret: no link, key or
//! address.

use connectoid_protocol::{connect::Failure, handshake::HandshakeError, link::LinkError, mailbox};

use crate::{store::StoreError, vault::VaultError};

/// What went wrong, in a form that programs can rely on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call itself is wrong: an unknown nickname, a malformed value. Fix the call.
    Usage,
    /// The text is no link, or the link is damaged. Ask for it again.
    LinkMalformed,
    /// The user made the link, which is for somebody else to open. Send it to that person; the message says whom.
    LinkOwn,
    /// The link was opened here before, and the two share already; the message says with whom. Nothing to do.
    AlreadyShared,
    /// Somebody else opened the link first, or the same person on another device or in another app. Else tell its
    /// sender; do not trust the messenger that carried it.
    LinkUsed,
    /// The link's time has run out. Ask for a new one.
    LinkExpired,
    /// The link was taken back, or what was shared by it has ended. Ask for a new one.
    LinkRevoked,
    /// The link's mailbox was closed, says the service. Ask for a new link.
    LinkClosed,
    /// The peer uses another mailbox than this node knows: one of both was restored from an old copy, or the
    /// peer stopped sharing. Unshare the peer and share a new link.
    PairLost,
    /// Nobody answered yet: the other side is offline. The SDK keeps trying. From `send`: the app there did not
    /// take it, or too many messages wait already; send it again later.
    Unanswered,
    /// Both sides answered, but no packets get through. Set STUN and TURN servers; the message says which is
    /// missing.
    NoRoute,
    /// The peer connected and then said nothing, or the connection was lost. Nothing to do: the SDK tries again.
    PeerSilent,
    /// The peer broke the protocol, or could not prove who it is. If it stays so, ask the person, and share anew.
    PeerMisbehaved,
    /// The peer's version and this one have nothing in common. Update the older one.
    VersionMismatch,
    /// No mailbox service could be reached. Check the network and the service's URL.
    ServiceUnreachable,
    /// The service refuses: a wrong API key, or it is full. Check the key in the settings; ask the operator.
    ServiceRefused,
    /// The service asks to come back later. Nothing to do: the SDK does.
    ServiceTooOften,
    /// This device's clock and the service's are far apart. Set the clock.
    ClockSkew,
    /// The data folder cannot be used: no room, no permission, or in use by another node; or the key store failed. The
    /// message says which. Mend that, and open again.
    StorageUnavailable,
    /// The data folder is damaged or incomplete, or written by a newer version. Update the app, or restore a backup.
    StorageCorrupt,
    /// The key that opens the data folder is wrong or missing. Ask for the passphrase again; without the key, the data
    /// is lost.
    WrongKey,
    /// The user may not do this in this group: write as a reader, or share what is another's. Do not offer it: groups
    /// tell the role.
    NotPermitted,
    /// The node was closed. Open it again.
    Closed,
    /// The key store did not answer within two minutes. Have the user unlock it, and open again. From the command line
    /// also: nothing came of it in the time that was given.
    Timeout,
    /// The app took the call back. Nothing to do.
    Cancelled,
    /// A defect of this SDK. Please report it.
    Internal,
}

impl ErrorKind {
    /// Who is at fault.
    pub fn blame(self) -> Blame {
        match self {
            Self::Usage
            | Self::LinkMalformed
            | Self::LinkOwn
            | Self::AlreadyShared
            | Self::NotPermitted
            | Self::Closed
            | Self::Cancelled => Blame::Usage,
            Self::LinkUsed
            | Self::LinkExpired
            | Self::LinkRevoked
            | Self::LinkClosed
            | Self::PairLost
            | Self::Unanswered
            | Self::NoRoute
            | Self::PeerSilent
            | Self::PeerMisbehaved
            | Self::VersionMismatch => Blame::Peer,
            Self::ServiceUnreachable | Self::ServiceRefused | Self::ServiceTooOften | Self::ClockSkew => {
                Blame::Service
            }
            Self::StorageUnavailable | Self::StorageCorrupt | Self::WrongKey | Self::Timeout => {
                Blame::Storage
            }
            Self::Internal => Blame::Internal,
        }
    }
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Blame {
    /// The caller.
    Usage,
    /// The other side, or the way to it.
    Peer,
    /// The mailbox service, or the way to it.
    Service,
    /// This device's storage.
    Storage,
    /// This SDK.
    Internal,
}

/// What a call of this SDK fails with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[error("{message}")]
pub struct Error {
    /// What went wrong, for programs.
    pub kind: ErrorKind,
    /// What went wrong and what to do, for people. In English; without secrets.
    pub message: String,
}

/// The result of a call of this SDK.
pub type Result<T, E = Error> = core::result::Result<T, E>;

impl Error {
    /// An error of a kind, with its text.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// The kind as it is written in JSON.
    pub fn kind_name(&self) -> String {
        serde_json::to_value(self.kind)
            .ok()
            .and_then(|kind| kind.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    /// The call is wrong; the text says how.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, message)
    }

    /// The node is closed.
    pub fn closed() -> Self {
        Self::new(ErrorKind::Closed, "the node is closed")
    }

    /// A defect of this SDK; the text says where.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }
}

impl From<LinkError> for Error {
    fn from(error: LinkError) -> Self {
        Self::new(ErrorKind::LinkMalformed, error.to_string())
    }
}

impl From<&StoreError> for Error {
    fn from(error: &StoreError) -> Self {
        let kind = match error {
            StoreError::Corrupt(_) | StoreError::NewerVersion | StoreError::NotAStore => {
                ErrorKind::StorageCorrupt
            }
            StoreError::UnknownGroup(_) | StoreError::Change(_) | StoreError::NotARecordOp => {
                ErrorKind::Usage
            }
            StoreError::NotAMember
            | StoreError::NotAccepted
            | StoreError::NotPermitted { .. }
            | StoreError::OwnerIsFixed => ErrorKind::NotPermitted,
            StoreError::Clock => ErrorKind::ClockSkew,
            StoreError::Internal(_) => ErrorKind::Internal,
            _ => ErrorKind::StorageUnavailable,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl From<VaultError> for Error {
    fn from(error: VaultError) -> Self {
        let kind = match error {
            VaultError::WrongKey | VaultError::Missing => ErrorKind::WrongKey,
            VaultError::Malformed => ErrorKind::StorageCorrupt,
            VaultError::KeyStore(_) => ErrorKind::StorageUnavailable,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<Failure> for Error {
    fn from(failure: Failure) -> Self {
        let kind = match failure {
            Failure::Unanswered => ErrorKind::Unanswered,
            Failure::NoRoute | Failure::Rtc => ErrorKind::NoRoute,
            Failure::Undelivered => ErrorKind::ServiceUnreachable,
            Failure::MailboxClosed => ErrorKind::LinkClosed,
            Failure::PairLost => ErrorKind::PairLost,
            Failure::Silent | Failure::Lost => ErrorKind::PeerSilent,
            Failure::Handshake(HandshakeError::Version) => ErrorKind::VersionMismatch,
            _ => ErrorKind::PeerMisbehaved,
        };
        Self::new(kind, failure.to_string())
    }
}

impl From<mailbox::Refusal> for Error {
    fn from(refusal: mailbox::Refusal) -> Self {
        let kind = match refusal {
            mailbox::Refusal::Closed => ErrorKind::LinkClosed,
            mailbox::Refusal::TooOften => ErrorKind::ServiceTooOften,
            mailbox::Refusal::Unavailable => ErrorKind::ServiceUnreachable,
            _ => ErrorKind::ServiceRefused,
        };
        Self::new(kind, format!("the mailbox service refused: {refusal}"))
    }
}
