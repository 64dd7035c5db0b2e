//! The one definition of what a node can be told and what it tells.
//!
//! Every surface of this SDK (the Rust methods of a node, the C ABI, the languages above them,
//! and the socket by which the command line talks to a running node) builds a [`Command`], hands it to
//! the one dispatch and gets a [`Reply`]; what happens by itself arrives as [`Event`]s. Surfaces
//! therefore cannot drift apart.
//!
//! As JSON, a command is `{"method":"share","nickname":"bob",…}`, an event `{"event":"connected",…}`.
//! Unknown fields are ignored. Times are µs since the epoch, below 2^53.

mod command;
mod event;
mod fields;
mod reply;

pub use command::{Command, Credentials, ImageFormat, Write};
pub use event::{Event, EventKind};
pub(crate) use fields::bad_value;
pub use fields::{check_numbers, parse_fields};
pub use reply::{
    Acceptance, ConnectionState, Diagnosis, Finding, GroupInfo, GroupSync, HistoryEntry, MemberInfo,
    Observed, PairState, PeerInfo, Record, Reply, SharedLink, Verified,
};
