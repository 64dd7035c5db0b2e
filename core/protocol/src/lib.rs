//! The Connectoid protocol as pure state machines.
//!
//! Nothing in this crate opens a socket, reads a clock or draws randomness: time and randomness are
//! arguments, and what a machine wants done comes out of it as a value. That makes every rule here
//! testable under a seeded simulator, and lets one implementation serve every platform.
//!
//! # The way of a message
//!
//! 1. Somebody mints a box ([`boxes`]) and gives its [`address`] away inside a [`link`].
//! 2. A [`message`] to that address is sealed ([`seal`]) and left with a mailbox service
//!    ([`mailbox`]), which asks its reader a [`question`] before handing it out.
//! 3. Two messages, an offer and an answer, make a connection. Over it both sides prove who they are
//!    ([`handshake`]) and then exchange [`frame`]s.
//! 4. The frames carry [`change`]s: signed edits that make records ([`record`]) the same everywhere,
//!    under the rules of a group's [`membership`].
//!
//! The specification for other implementers is in `docs/protocol/`.

pub mod address;
pub mod boxes;
pub mod cbor;
pub mod change;
pub mod connect;
pub mod encoding;
pub mod frame;
pub mod handshake;
pub mod invite;
pub mod link;
pub mod mailbox;
pub mod membership;
pub mod message;
pub mod origin;
pub mod poll;
pub mod question;
pub mod record;
pub mod rotation;
pub mod sas;
pub mod seal;
pub mod stamp;
mod strict_json;
pub mod sync;
pub mod user;
pub mod value;
pub mod work;
