//! Calls and what comes back, as JSON with bytes beside: what every language is served by that does not link Rust types.
//!
//! A call is a [`Command`](crate::api::Command) or [`Changes`]. [`METHODS`] lists them with their replies.
//!
//! # Bytes
//!
//! Bytes never go through JSON: they lie beside it. A field that holds bytes (`data` of a message or an image) is
//! left out of the JSON, and the bytes beside it are its content. Bytes among the fields of a record are
//! `{"$bytes": [offset, length]}`, a part of the bytes beside. A caller may also write them as
//! `{"$bytes": "<base64url>"}`.

mod attach;
mod call;
mod encoded;

pub use self::{
    call::{Call, Changes, METHODS, Method, is_promised, parse, read},
    encoded::{Encoded, Page, to_json},
};
