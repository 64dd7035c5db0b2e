//! A node as seen by a language that speaks JSON.
//!
//! Rust has [`connectoid::Node`], whose methods are futures. Other languages are served through a [`Session`]: each
//! call has an id that the caller chose, is one JSON text, and gets exactly one answer with that id through the
//! session's [`Outlet`], where events and the pages of observers arrive too. Nothing here is unsafe, nothing blocks
//! the caller, and everything that a session takes is bounded.
//!
//! # What is said
//!
//! | [`Kind`] | JSON | when |
//! |---|---|---|
//! | `Reply` | [`connectoid::api::Reply`] | a call succeeded |
//! | `Failure` | [`connectoid::Error`] | a call failed, was cancelled, or found the node closed |
//! | `Event` | [`connectoid::Event`] | something happened by itself |
//! | `Page` | [`Page`] | of the observer with that id |
//! | `Request` | [`HostRequest`] | the app is asked for something; [`Session::complete`] answers |
//! | `Log` | [`connectoid::log::Line`] | of a [`Log`], which needs no session |
//!
//! A call is a [`connectoid::api::Command`], or [`Changes`]. [`METHODS`] lists them with their replies.
//!
//! Bytes lie beside the JSON, as [`connectoid_engine::calls`] says.
//!
//! # Threads
//!
//! A session has one thread, `connectoid-calls`. Calls begin in the order in which they were made. Everything is
//! delivered on that thread, one message at a time, so an outlet that takes long delays what comes after, and nothing
//! else: the network goes on. Events wait while [`EVENTS`] of them are held by the receiver; if more than 1,024 come
//! meanwhile, the oldest are dropped and `resync` is told.

mod host;
mod log;
mod message;
mod opening;
mod ready;
mod serve;
mod session;
mod shared;

pub use connectoid::log::{Level, Line};
pub use connectoid_engine::calls::{Changes, METHODS, Method, Page};
pub use host::HostRequest;
pub use log::{LINES, Log};
pub use message::{Kind, Message, Outlet};
pub use opening::Opening;
pub use session::{Refused, Session};
pub use shared::{CALLS, EVENTS, PAGES};
