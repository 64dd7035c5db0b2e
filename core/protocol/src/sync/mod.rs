//! Sync: how two devices that are connected come to hold the same changes.
//!
//! Each direction works by itself, and the *receiver* is in charge (it pulls). Called S and R, sender and
//! receiver do this for every group in which R's user is or was a member:
//!
//! 1. S says what it **has**: the group, the epoch of its store and the number of its last arrival.
//! 2. If R was told of everything up to some arrival, it **pulls** from there. That is
//!    the fast path, and it costs nothing but what is new.
//! 3. If it was not, or S finds that **stale** because it does not remember to have had so much, both **compare** their sets of live changes by range-based set reconciliation
//!    (Meyer, "Range-Based Set Reconciliation", 2023; the `negentropy` protocol), R **wants** what it lacks,
//!    and then pulls from the arrival that S announced.
//! 4. S streams **changes**: those of the membership first, then the rest in order of arrival, and then
//!    what arrives from now on. R stores them and **acknowledges**, so that S knows what R has for good, and
//!    never has more than [`WINDOW`] bytes on the way.
//!
//! R's user has a say in it: of a group that is not accepted, or has no room, R pulls only who its members are, and of one
//! that the user has **left**, nothing.
//!
//! R believes nothing that it can check. Changes carry their authors' signatures; membership changes are
//! taken from anyone, changes of records only from a current member: somebody who was removed could
//! otherwise go on delivering changes stamped before the removal.
//!
//! [`Sync`] is one such session, both directions. It is pure: what is stored is behind [`ChangeLog`], and
//! what it wants sent comes out of [`Sync::poll_output`]. Call it like every machine of this crate: after
//! each input, take outputs until there are none. **Frames must not leave before the transaction in
//! which they arose is durable**, as an acknowledgement is a promise to have stored.

mod acceptance;
mod frame;
mod inbound;
mod log;
mod outbound;
mod reconcile;
mod session;
mod wellformed;

pub use self::{
    frame::{Frame, MAX_FRAME, TARGET_FRAME},
    log::{
        Acceptance, Applied, ChangeLog, EPOCH_LEN, Epoch, Mark, Page, PageKind, PageRequest, Recall, Refusal,
        Scope, Source,
    },
    session::Sync,
};
use crate::{record::Touched, user::GroupId};

/// The greatest number of bytes of changes on their way unacknowledged.
///
/// Enough to fill a fast link at 100 ms round trip, small enough to be held in memory many times over.
pub const WINDOW: usize = 1 << 20;

/// How often a peer may tell the time in one session: when it begins, and whenever one of both clocks was put right. Each
/// time, what waits is looked through.
pub const MAX_CLOCKS: u32 = 32;

/// The greatest number of changes asked for at once.
pub const MAX_WANT: usize = 1000;

/// The greatest number of groups shared with one peer, from which on the peer brings no new ones: anybody
/// can make anybody a member of a group.
pub const MAX_PEER_GROUPS: usize = 256;

/// The greatest number of groups that one peer is in, to which this user is invited and has not said anything yet; from
/// then on the peer brings no new ones.
pub const MAX_INVITATIONS: usize = 32;

/// The greatest number of bytes of membership changes held of a group before it is known whether they
/// make this user a member, and kept of one that the user has not accepted.
pub const MAX_JOINING: usize = 1 << 20;

/// The same for all groups of a session together.
pub const MAX_JOINING_IN_ALL: usize = 8 << 20;

/// What holding one change costs beyond its bytes: without it, empty ones would be free.
const HELD_OVERHEAD: usize = 64;

/// The greatest number of rounds of one reconciliation; what takes longer differs so much that pulling
/// everything is cheaper.
pub const MAX_ROUNDS: u32 = 64;

/// How often one group may be announced in a session: once, and whenever the receiver becomes a member.
const MAX_ANNOUNCEMENTS: u32 = 64;

/// What comes out of a [`Sync`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Send this to the peer, in order, once what was stored is durable.
    Frame(Vec<u8>),
    /// Tell the app.
    Event(Event),
}

/// What an app may want to know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Records may look different.
    Changed {
        /// The group they are in.
        group: GroupId,
        /// Which records.
        touched: Touched,
    },
    /// Somebody became a member, stopped being one, or has another role.
    Members(GroupId),
    /// This user has become a member of the group, or is invited to be: the log knows whether it has been accepted.
    Joined(GroupId),
    /// The group of the link that this user has opened is known ([`Sync::expecting_group`]).
    LinkGroup {
        /// The group.
        group: GroupId,
        /// Whether it was known already, and has been accepted by this.
        accepted: bool,
    },
    /// The peer has told how far it takes a group.
    Acceptance {
        /// The group.
        group: GroupId,
        /// How far.
        acceptance: Acceptance,
    },
    /// A group's room is getting scarce, or there is none left: then what the peer sends of its records is not taken.
    Room(GroupId),
    /// This user is no longer a member of the group.
    Removed(GroupId),
    /// Both sides hold the same, for now.
    Synced(GroupId),
    /// The peer has announced a group that is not taken: [`MAX_PEER_GROUPS`] are shared with it already, or
    /// [`MAX_INVITATIONS`] are to be answered.
    TooMany(GroupId),
    /// Changes of the group are kept that do not count yet: their stamps are ahead, or their authors may not write.
    Waiting(GroupId),
    /// The peer has told the time: how far its clock is ahead of this one's, in microseconds.
    Clock {
        /// Negative if it is behind.
        ahead: i64,
    },
    /// The peer knows this store from a time that it does not remember: it was restored from a copy. What the
    /// peer has of it comes back.
    Lost(GroupId),
}

/// Why a session has to end.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SyncError<E> {
    /// The other side does not keep to the protocol.
    #[error("the peer misbehaved: {0}")]
    Peer(Misbehaviour),
    /// The own store failed.
    #[error(transparent)]
    Log(#[from] E),
}

/// What the other side did wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// A frame that no implementation would send.
    #[error("a malformed frame")]
    Malformed,
    /// A frame that answers nothing, or is about a group that was not announced.
    #[error("a frame out of turn")]
    OutOfTurn,
    /// A change that is malformed, of another group, or not signed by its author.
    #[error("a false change: {0}")]
    FalseChange(Refusal),
    /// A reconciliation that makes no sense or does not end.
    #[error("a nonsensical reconciliation")]
    BadReconciliation,
}
