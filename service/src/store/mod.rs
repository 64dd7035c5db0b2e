//! Stores: where boxes and messages are, behind one trait.
//!
//! A store keeps what [`crate::rules::quota`] decides; it has no opinion of its own. Both stores here
//! pass the same suite (`tests/store.rs`), which a further one has to pass too.
//!
//! - [`SqliteStore`]: durable. Nothing is acknowledged before it is on the disk.
//! - [`MemoryStore`]: for tests, demonstrations and boxes that need not survive a restart.

mod memory;
mod sqlite;

use std::{future::Future, pin::Pin};

use connectoid_protocol::{boxes::BoxId, mailbox::Message};

pub use memory::MemoryStore;
pub use sqlite::{OpenError, SqliteStore};

use crate::rules::{
    Micros, Refused,
    quota::{Newest, Totals},
};

/// An answer of the store that may take I/O.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The store failed. The service is at fault, and the request may be repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Too much is waiting to be written.
    #[error("the store is busy")]
    Busy,
    /// It could not be read or written; the reason is in the service's log.
    #[error("the store failed")]
    Failed,
    /// The store was shut down.
    #[error("the store is closed")]
    Closed,
}

/// What a check has to know of a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Glance {
    /// `at` of the newest message that ever was in the box.
    pub last: Micros,
    /// The newest message, if it is still there; it may have expired.
    pub newest: Option<Newest>,
    /// Whether the box is closed.
    pub closed: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Appended {
    /// It is stored under this `at`.
    Stored(Micros),
    /// It was refused.
    Refused(Refused),
    /// There is no such box, and none was to be made.
    NoBox,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looked {
    /// The box as it is.
    Found(Glance),
    /// A box was to be made, and there is no room.
    Refused(Refused),
    /// There is no such box, and none was to be made.
    NoBox,
}

/// Whether an operation may make the box it names.
///
/// The caller first tries without, so that only new boxes cost what making one costs: proving that the
/// id is a point on the curve, and a share of the client's allowance of new boxes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Make it.
    Create,
    /// Say that there is none.
    Leave,
}

/// How much a store may hold.
pub type Capacity = Totals;

/// Boxes and their messages.
///
/// Operations on one box happen in some order, each wholly or not at all. Once a future is done, so is
/// its effect, durably where the store is durable; dropping a future leaves open whether it is.
pub trait Store: Send + Sync + 'static {
    /// Looks at a box without any I/O. `None` means: ask [`Store::look`].
    fn glance(&self, id: &BoxId, now: Micros) -> Option<Glance>;

    /// Looks at a box on its reader's behalf, which prolongs its life.
    fn look(&self, id: BoxId, missing: IfMissing, now: Micros) -> Pending<'_, Looked>;

    /// Stores a message under `at = max(now, last + 1)`.
    fn append(&self, id: BoxId, data: String, missing: IfMissing, now: Micros) -> Pending<'_, Appended>;

    /// The oldest unexpired messages after `after`, at most `limit`, ascending.
    fn read(&self, id: BoxId, after: Micros, limit: usize, now: Micros) -> Pending<'_, Vec<Message>>;

    /// Deletes the box's messages up to and including `up_to`, which their reader has processed.
    ///
    /// Nobody waits for it: it comes before whatever is asked to be written later, but is not durable by
    /// then, and a store that is busy leaves it out. The messages then stay until the reader says so again
    /// or they expire.
    fn forget(&self, id: BoxId, up_to: Micros);

    /// Deletes the box's messages and leaves a marker in its place, whether or not there was a box.
    fn close(&self, id: BoxId, now: Micros) -> Pending<'_, ()>;

    /// Removes some of what has expired; says whether there is more.
    fn sweep(&self, now: Micros) -> Pending<'_, bool>;

    /// What the store holds, including what has expired and was not yet swept; fails if the store cannot work.
    fn totals(&self) -> Pending<'_, Totals>;
}
