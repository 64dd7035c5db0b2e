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
//!
//! A call is a [`connectoid::api::Command`], or [`Observe`]. [`METHODS`] lists them with their replies.
//!
//! # Bytes
//!
//! Bytes never go through JSON: they lie beside it. A field that holds bytes (`data` of a message or an image) is
//! left out of the JSON, and the bytes beside it are its content. Bytes among the fields of a record are
//! `{"$bytes": [offset, length]}`, a part of the bytes beside. A caller may also write them as
//! `{"$bytes": "<base64url>"}`.
//!
//! # Threads
//!
//! A session has one thread, `connectoid-calls`. Calls begin in the order in which they were made. Everything is
//! delivered on that thread, one message at a time, so an outlet that takes long delays what comes after, and nothing
//! else: the network goes on. Events wait while [`EVENTS`] of them are held by the receiver; if more than 1,024 come
//! meanwhile, the oldest are dropped and `resync` is told.

mod attach;
mod call;
mod host;
mod message;
mod opening;
mod ready;
mod serve;
mod session;
mod shared;

pub use call::{METHODS, Method, Observe};
pub use host::HostRequest;
pub use message::{Kind, Message, Outlet, Page};
pub use opening::Opening;
pub use session::{Refused, Session};
pub use shared::{CALLS, EVENTS, PAGES};
