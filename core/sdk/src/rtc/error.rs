//! What can go wrong, and whose fault it is.

use thiserror::Error;

/// Why a connection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub(crate) enum CloseReason {
    /// This side closed it, or dropped its handles.
    Local,
    /// The peer closed it.
    Remote,
    /// It never opened: no pair of addresses answered.
    Unreachable,
    /// It was open and the peer stopped answering.
    Lost,
    /// The peer broke the rules, such as by opening a channel of its own or sending too large a message.
    PeerMisbehaved,
    /// The driver stopped on its own, as when the system took its sockets away.
    Failed,
}

/// An error of the WebRTC driver.
#[derive(Debug, Error)]
#[non_exhaustive]
pub(crate) enum RtcError {
    /// The peer's SDP is not one this driver accepts. The peer is at fault.
    #[error("the peer's session description was refused: {0}")]
    Description(DescriptionFault),
    /// The library could not apply the peer's SDP. The peer is at fault.
    #[error("the peer's session description could not be applied")]
    Rejected(#[source] webrtc::error::Error),
    /// A configured STUN or TURN server cannot be used. The configuration is at fault.
    #[error("a STUN or TURN server cannot be used: {0}")]
    Server(ServerFault),
    /// The connection could not be set up on this device, as when no socket could be bound.
    #[error("the connection could not be set up on this device")]
    Setup(#[source] webrtc::error::Error),
    /// An answer was given to a connection that awaits none. API misuse.
    #[error("this connection does not await an answer")]
    UnexpectedAnswer,
    /// A message larger than [`MAX_MESSAGE`](super::MAX_MESSAGE). API misuse.
    #[error("a message of {size} bytes is larger than a channel carries")]
    MessageTooLarge {
        /// Its size in bytes.
        size: usize,
    },
    /// A message sent before [`RtcEvent::Open`](super::RtcEvent::Open). API misuse.
    #[error("the connection is not open yet")]
    NotOpen,
    /// The connection has ended.
    #[error("the connection is closed ({0:?})")]
    Closed(CloseReason),
}

/// What is wrong with an SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum DescriptionFault {
    /// Larger than [`MAX_SDP`](super::sdp::MAX_SDP).
    #[error("it is too large")]
    TooLarge,
    /// It names more addresses than anyone needs.
    #[error("it has too many candidates")]
    TooManyCandidates,
    /// It is not an SDP.
    #[error("it is not SDP")]
    NotSdp,
    /// It asks for something else than one set of data channels.
    #[error("it does not describe exactly one set of data channels")]
    NotDataChannels,
    /// It has no SHA-256 certificate fingerprint, or one of another kind.
    #[error("it lacks a SHA-256 certificate fingerprint")]
    NoFingerprint,
    /// The peer takes no messages as large as [`MAX_MESSAGE`](super::MAX_MESSAGE).
    #[error("its author takes only small messages")]
    SmallMessages,
}

/// What is wrong with a configured server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub(crate) enum ServerFault {
    /// Not of the form `stun:host[:port]` or `turn:host[:port][?transport=udp]` (RFC 7064, RFC 7065).
    #[error("its URL is malformed")]
    Malformed,
    /// TURN is spoken over UDP only: neither `stuns:`, `turns:` nor `transport=tcp`.
    #[error("only plain UDP is supported, not TCP or TLS")]
    NotUdp,
    /// A `turn:` URL without a username or credential.
    #[error("a TURN server needs a username and a credential")]
    NoCredential,
    /// More URLs than the driver asks at once.
    #[error("there are too many servers")]
    TooMany,
}
