//! Errors: what went wrong, whose fault it is, and what to do.

/// What went wrong, for programs. Stable across versions and languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
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
    /// The peer uses another mailbox than this node knows. Unshare the peer and share a new link.
    PairLost,
    /// Nobody answered yet: the other side is offline. The SDK keeps trying.
    Unanswered,
    /// Both sides answered, but no packets get through: STUN and TURN servers are needed.
    NoRoute,
    /// The peer connected and then said nothing, or the connection was lost.
    PeerSilent,
    /// The peer broke the protocol, or could not prove who it is.
    PeerMisbehaved,
    /// The peer's version and this one have nothing in common. Update the older one.
    VersionMismatch,
    /// No mailbox service could be reached. Check the network and the service's URL.
    ServiceUnreachable,
    /// The service refuses: a wrong API key, or it is full.
    ServiceRefused,
    /// The service asks to come back later.
    ServiceTooOften,
    /// This device's clock and the service's are far apart. Set the clock.
    ClockSkew,
    /// The data folder cannot be used: no room, no permission, or in use by another program.
    StorageUnavailable,
    /// The data folder is damaged or incomplete, or written by a newer version.
    StorageCorrupt,
    /// The key that opens the data folder is wrong or missing.
    WrongKey,
    /// The user may not write to this group.
    NotPermitted,
    /// The node was closed.
    Closed,
    /// The call took longer than it was given.
    Timeout,
    /// The app took the call back.
    Cancelled,
    /// A defect of this SDK. Please report it.
    Internal,
    /// A kind that this binding does not know.
    Unknown,
}

/// Who is at fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
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

/// What went wrong. Nothing in it is secret: no link, key or address.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct Problem {
    /// For programs.
    pub kind: ErrorKind,
    /// Who is at fault.
    pub blame: Blame,
    /// For people: what went wrong and what to do, in English.
    pub text: String,
    /// For bug reports.
    pub debug: String,
}

/// What a call fails with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum NodeError {
    /// The call failed.
    #[error("{}", problem.text)]
    Failed {
        /// Why.
        problem: Problem,
    },
}

/// What the app's own code fails with, where this SDK calls it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, uniffi::Error)]
pub enum HostError {
    /// The app's code failed.
    #[error("{reason}")]
    Failed {
        /// Why, without secrets.
        reason: String,
    },
}

impl From<uniffi::UnexpectedUniFFICallbackError> for HostError {
    fn from(error: uniffi::UnexpectedUniFFICallbackError) -> Self {
        Self::Failed { reason: error.reason }
    }
}

impl From<connectoid::Error> for NodeError {
    fn from(error: connectoid::Error) -> Self {
        Self::Failed { problem: error.into() }
    }
}

impl From<connectoid::Error> for Problem {
    fn from(error: connectoid::Error) -> Self {
        let (kind, blame) = (error.kind.into(), error.kind.blame().into());
        Self { kind, blame, debug: format!("{error:?}"), text: error.message }
    }
}

impl From<connectoid::Blame> for Blame {
    fn from(blame: connectoid::Blame) -> Self {
        match blame {
            connectoid::Blame::Usage => Self::Usage,
            connectoid::Blame::Peer => Self::Peer,
            connectoid::Blame::Service => Self::Service,
            connectoid::Blame::Storage => Self::Storage,
            connectoid::Blame::Internal => Self::Internal,
        }
    }
}

impl From<connectoid::ErrorKind> for ErrorKind {
    fn from(kind: connectoid::ErrorKind) -> Self {
        use connectoid::ErrorKind as Kind;
        match kind {
            Kind::Usage => Self::Usage,
            Kind::LinkMalformed => Self::LinkMalformed,
            Kind::LinkOwn => Self::LinkOwn,
            Kind::AlreadyShared => Self::AlreadyShared,
            Kind::LinkUsed => Self::LinkUsed,
            Kind::LinkExpired => Self::LinkExpired,
            Kind::LinkRevoked => Self::LinkRevoked,
            Kind::LinkClosed => Self::LinkClosed,
            Kind::PairLost => Self::PairLost,
            Kind::Unanswered => Self::Unanswered,
            Kind::NoRoute => Self::NoRoute,
            Kind::PeerSilent => Self::PeerSilent,
            Kind::PeerMisbehaved => Self::PeerMisbehaved,
            Kind::VersionMismatch => Self::VersionMismatch,
            Kind::ServiceUnreachable => Self::ServiceUnreachable,
            Kind::ServiceRefused => Self::ServiceRefused,
            Kind::ServiceTooOften => Self::ServiceTooOften,
            Kind::ClockSkew => Self::ClockSkew,
            Kind::StorageUnavailable => Self::StorageUnavailable,
            Kind::StorageCorrupt => Self::StorageCorrupt,
            Kind::WrongKey => Self::WrongKey,
            Kind::NotPermitted => Self::NotPermitted,
            Kind::Closed => Self::Closed,
            Kind::Timeout => Self::Timeout,
            Kind::Cancelled => Self::Cancelled,
            Kind::Internal => Self::Internal,
            _ => Self::Unknown,
        }
    }
}
