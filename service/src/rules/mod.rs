//! The service's rules as pure functions: who may do what, how often, and how long things last.
//!
//! Nothing here reads a clock, draws randomness or does I/O: the time is an argument. The stores
//! ([`crate::store`]) apply [`quota`] inside their transactions, so that every backend decides alike;
//! the mailbox ([`crate::mailbox`]) applies the rest.

pub mod cache;
pub mod headcount;
pub mod network;
pub mod origin;
pub mod question;
pub mod quota;
pub mod refused;
pub mod throttle;

/// µs since the Unix epoch, as the wall clock says.
pub type Micros = u64;

/// µs in a second.
pub const SECOND: Micros = 1_000_000;

/// As how many clients those of one neighbourhood ([`Network::neighbourhood`]) count together: whoever rents a whole one is
/// no more than that, and most people share one with few who use the same service at the same time.
pub const NEIGHBOURS: u32 = 8;

pub use network::Network;
pub use refused::Refused;
