//! The mailbox service as its clients see it: what goes over the wire, and nothing that sends it.
//!
//! A service holds boxes. A box is named by its public key Q ([`BoxId`], `pub` on the wire) and holds
//! sealed messages for an hour. Four operations, each one JSON object in a `POST /`:
//!
//! - `send` leaves a message in a box. Anybody who knows Q may.
//! - `check` asks whether a box holds anything newer than `at`, the reader's cursor. If so the service
//!   asks a [`crate::question`] that only the holder of q can answer.
//! - `receive` shows the answer and gets the messages.
//! - `drop` shows the answer and closes the box.
//!
//! A message's `at` is its arrival in µs since the epoch, made unique within the box by the store. It
//! is the only order there is, and all a reader has to remember.
//!
//! [`Request`] and the replies turn into JSON and back; both directions ignore unknown fields, so that
//! either side may be the newer one. The normative description is `docs/protocol/service.md`.

mod info;
mod limits;
mod refusal;
mod reply;
mod request;
mod wire;

pub use info::{Extension, ServiceInfo, ServiceLimits};
pub use limits::*;
pub use refusal::Refusal;
pub use reply::{
    BoxReport, Checked, CheckedMany, Done, Message, Pushed, Received, Reply, ReplyError, parse_reply,
};
pub use request::{Check, CheckMany, Cursor, Drop, Receive, Request, RequestError, Send};

#[doc(no_inline)]
pub use crate::boxes::BoxId;
