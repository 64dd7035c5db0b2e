//! The Connectoid mailbox service.
//!
//! Apps that want to connect leave each other sealed messages in boxes. The service keeps them for an
//! hour, or until they were processed, and hands them to whoever proves to own the box. It can neither read nor forge them, and knows
//! no users: only boxes, named by public keys.
//!
//! # The way of a request
//!
//! 1. [`http`] reads it from a connection, within limits of size, time and number.
//! 2. [`connectoid_protocol::mailbox`] makes it a value.
//! 3. [`mailbox`] does what it asks, under the [`rules`], which are pure functions.
//! 4. [`store`] keeps boxes and messages; nothing is acknowledged before it is durable.
//!
//! [`Service::start`] runs a service inside any program; the binary adds a command line.
//! The API is specified in `docs/protocol/service.md`.

pub mod clock;
pub mod config;
mod data;
pub mod http;
pub mod mailbox;
pub mod rules;
mod service;
pub mod stop;
pub mod store;

pub use clock::{Clock, ManualClock};
pub use config::{ApiKeys, Config, Limits, Storage, TlsFiles};
pub use data::DataError;
pub use service::{RunningService, Service, StartError};
