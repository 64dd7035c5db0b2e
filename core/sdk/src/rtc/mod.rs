//! The WebRTC driver: one direct, encrypted connection between two devices.
//!
//! # What WebRTC does for us
//! Two devices that cannot be dialled (they sit behind NATs and firewalls) exchange one text each, an SDP
//! *offer* and an *answer*, through the mailbox. Each text names the addresses at which its author might
//! be reached (ICE *candidates*), a one-time name and password for reachability checks, and the
//! fingerprint of a certificate made for this connection alone. Both sides then send checks to each other's
//! addresses until a pair answers (ICE, RFC 8445), run a TLS handshake over that pair (DTLS), and open
//! ordered, reliable message channels inside (SCTP data channels, RFC 8831).
//!
//! ```text
//! offerer                               answerer
//! Connection::offer(config)
//!        ── offer SDP, by mailbox ──▶   Connection::answer(config, offer)
//!        ◀── answer SDP, by mailbox ──
//! connection.accept_answer(answer)
//!        ◀═ ICE checks, DTLS, SCTP ═▶
//! RtcEvent::Open                        RtcEvent::Open
//! ```
//!
//! # What this module adds
//! - **Certificates, not promises.** [`RtcEvent::Open`] carries the hash of the certificate each side
//!   really presented in DTLS. The handshake above this module binds them to the peer's identity.
//! - **Four fixed channels** ([`Channel`]), agreed beforehand on both sides, so that opening them costs no
//!   round trip and a peer cannot invent more: one that tries is disconnected.
//! - **Back-pressure in both directions.** [`Connection::send`] waits for room in a window that follows
//!   the path (see `window`). A receiver that stops reading stops its peer: the library queues 256 messages
//!   per channel and 256 more before them, then leaves the rest in SCTP's receive buffer, whose shrinking
//!   window stops the sender. Where that bounds too little (very large or very many messages), the guard drops
//!   what is new, and the sender repeats it.
//! - **A guard** around the library (`guard`), against peers that would make it hold or compute without bound. Whatever
//!   a peer sends inside the encryption, before or after it has proved who it is, the library holds at most
//!   20 MiB for it by the guard's reckoning, which is above what is measured (10 MB under the worst attack in
//!   the tests); a handshake is bounded before. What no honest peer sends ends the connection as
//!   [`CloseReason::PeerMisbehaved`].
//! - **No leak.** One supervising task per connection owns the library's driver and closes it, whatever
//!   happens first: `close`, the last handle dropped, a cancelled `offer`, the peer leaving, an I/O error.
//! - **Distrust of the peer's SDP.** It is bounded, must be one data-channel section with a SHA-256
//!   fingerprint, and only candidates that are plain UDP addresses are used.
//!
//! # Limits, stated
//! - A connect attempt that fails in DTLS (a wrong certificate) is *silent*, and so is an offer that nobody
//!   answers: callers set their own limit. An attempt that finds no working pair of addresses ends as
//!   [`CloseReason::Unreachable`] after 20 s, as does an open connection, [`CloseReason::Lost`], after 20 s
//!   of silence.
//! - What the peer did is noticed by reading: [`Incoming`] is to be read all the time.
//! - A close is not a flush. [`Connection::close`] waits a moment for what was sent to be acknowledged; what
//!   must have been *processed* needs an answer in the protocol above.
//! - There is no ICE restart: a changed network is answered by a new session that replaces the old one.
//!   A restart would need its own signalling round while the only path is down, which is the same work.
//! - TURN is spoken over UDP only.
//! - The guard does not look into STUN. A peer that checks reachability very often costs an answer for each; it
//!   can do so from 256 addresses at most, or from more by a relay of ours.
//! - The library reports through the `log` crate, addresses included. Applications that collect `log`
//!   records should leave the targets `webrtc` and `rtc` out.

mod certificate;
mod connection;
mod error;
mod flow;
pub(crate) mod guard;
mod handler;
mod ice;
mod incoming;
mod interfaces;
mod lifecycle;
mod runtime;
mod sdp;
mod servers;
mod window;

use std::net::IpAddr;

use bytes::Bytes;
pub(crate) use connectoid_engine::Channel;

pub(crate) use self::connection::Connection;
pub(crate) use self::error::{CloseReason, DescriptionFault, RtcError, ServerFault};
pub(crate) use self::incoming::Incoming;

pub use self::servers::IceServer;

/// The largest message [`Connection::send`] takes, in bytes; callers cut larger things into chunks.
///
/// 64 KiB is what every WebRTC implementation accepts unless told otherwise (RFC 8841 §6.1); the margin
/// leaves callers room for the frame header they put around a chunk.
pub(crate) const MAX_MESSAGE: usize = 60 * 1024;

/// How to reach the network.
#[derive(Clone, Debug, Default)]
pub(crate) struct RtcConfig {
    /// STUN and TURN servers; none are needed within one network.
    pub(crate) ice_servers: Vec<IceServer>,
    /// Local addresses to use. Empty means every usable address of this device.
    pub(crate) bind: Vec<IpAddr>,
    /// Also use loopback, to connect two apps on one device. When the device has no other address, loopback
    /// is used regardless: apps on one device can then still find each other.
    pub(crate) loopback: bool,
}

/// What happened on a connection, in order: one `Open`, then messages, then one `Closed`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum RtcEvent {
    /// Every channel can carry messages.
    Open {
        /// SHA-256 of the certificate (DER) this side presented in DTLS.
        local_certificate: [u8; 32],
        /// SHA-256 of the certificate (DER) the peer presented in DTLS. Checked against the fingerprint in
        /// its SDP; who the peer *is* remains to be proved by the handshake above.
        remote_certificate: [u8; 32],
    },
    /// A message of the peer, at most 64 KiB.
    Message {
        /// The channel it came on.
        channel: Channel,
        /// Its bytes, untrusted.
        data: Bytes,
    },
    /// The connection ended; nothing follows.
    Closed {
        /// Why.
        reason: CloseReason,
    },
}
