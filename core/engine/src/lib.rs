//! The part of a node that is the same wherever it runs: what it decides, what it keeps, and what it says.
//!
//! A node is this engine and a driver. The engine knows no runtime, thread, socket or clock: time and what happened
//! come in, what is to be done goes out (see [`engine`]). So one engine serves phones and desktops, a simulator, and
//! whatever else can keep SQLite and open a connection. Apps do not use this crate; they use `connectoid`, the driver
//! for native systems, which shows again what they need of it.
//!
//! # Rooms of this house
//!
//! | module | what it is |
//! |---|---|
//! | [`api`] | commands, replies and events: the one definition under all languages |
//! | [`calls`] | the same as JSON with bytes beside, for languages that speak JSON |
//! | [`engine`] | the brain: decides everything, does nothing; a step is a transaction |
//! | [`mailbox`] | the client of mailbox services, without its HTTP |
//! | [`store`] | SQLite |
//! | [`reads`] | reading records, from the engine's store or beside it |
//! | [`qr`] | links as QR codes |
//!
//! The rules themselves are pure and live in the crate `connectoid-protocol`.

pub mod api;
pub mod calls;
mod channel;
pub mod engine;
mod entropy;
mod error;
pub mod mailbox;
pub mod qr;
pub mod reads;
pub mod store;
mod vault;

pub use connectoid_protocol::{connect::Side, link::Placement, membership::Role, poll::Pace};

pub use self::{
    api::{Event, EventKind},
    channel::Channel,
    entropy::OsRandom,
    error::{Blame, Error, ErrorKind, Result},
    vault::{MasterSecret, Vault, VaultError, secret_json},
};

/// How long a link can be opened, unless it says otherwise.
pub const DEFAULT_LINK_LIFETIME: std::time::Duration = std::time::Duration::from_hours(24);
