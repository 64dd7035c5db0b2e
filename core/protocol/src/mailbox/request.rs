//! Requests: the four operations as values, and their JSON.

use core::fmt;

use super::{
    Refusal,
    limits::{MAX_EXT_LEN, MAX_REQUEST_LEN},
    wire::{Text, Wire, WireCursor},
};
use crate::{boxes::BoxId, encoding::base64url, question::NONCE_LEN};

/// What a client asks of a service.
///
/// `ext` is the text that stands in the box's address, such as an API key. `Debug` is redacted throughout.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Leave a message.
    Send(Send),
    /// Is there anything newer in this box?
    Check(Check),
    /// Is there anything newer in any of these boxes?
    CheckMany(CheckMany),
    /// Hand the messages out.
    Receive(Receive),
    /// Close the box.
    Drop(Drop),
}

/// `send`: leave a message in a box.
#[derive(Clone, PartialEq, Eq)]
pub struct Send {
    /// The box.
    pub id: BoxId,
    /// `ext` of the box's address.
    pub ext: Option<String>,
    /// The sealed message, as 1 to [`MAX_DATA_LEN`](super::MAX_DATA_LEN) characters of base64url.
    pub data: String,
    /// The nonce of [`crate::work`], where the service asks for it.
    pub pow: Option<u64>,
}

/// A box and how far its reader has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The box.
    pub id: BoxId,
    /// `at` of the last message processed, or 0.
    pub at: u64,
}

/// `check` of one box.
#[derive(Clone, PartialEq, Eq)]
pub struct Check {
    /// What to check.
    pub cursor: Cursor,
    /// `ext` of the box's address.
    pub ext: Option<String>,
    /// Hold the reply back for up to so many seconds, at most [`MAX_WAIT_SECS`](super::MAX_WAIT_SECS), while there is nothing.
    pub wait: u64,
    /// Ask the question even if there is nothing: for `drop`.
    pub ask: bool,
}

/// `check` of several boxes.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckMany {
    /// What to check: 1 to [`MAX_BATCH`](super::MAX_BATCH) boxes.
    pub cursors: Vec<Cursor>,
    /// `ext` of the boxes' addresses.
    pub ext: Option<String>,
    /// As in [`Check`].
    pub wait: u64,
}

/// `receive`: hand messages out, oldest first.
#[derive(Clone, PartialEq, Eq)]
pub struct Receive {
    /// The box and the reader's cursor.
    pub cursor: Cursor,
    /// `ext` of the box's address.
    pub ext: Option<String>,
    /// The answer to the question of a `check`.
    pub answer: [u8; NONCE_LEN],
    /// At most so many messages: 1 to [`MAX_BOX_MESSAGES`](super::MAX_BOX_MESSAGES); 1 where the request says nothing.
    pub limit: usize,
}

/// `drop`: close the box and forget its messages.
#[derive(Clone, PartialEq, Eq)]
pub struct Drop {
    /// The box.
    pub id: BoxId,
    /// `ext` of the box's address.
    pub ext: Option<String>,
    /// The answer to the question of a `check`.
    pub answer: [u8; NONCE_LEN],
}

/// The bytes are not a request. The message names the field and never its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RequestError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    NotText,
    /// Not one JSON object.
    #[error("not a JSON object")]
    Json,
    /// A name twice in one object, known or not.
    #[error("a field given twice")]
    Repeated,
    /// `type` is missing or no text.
    #[error("type: missing, or no text")]
    NoType,
    /// An operation that this version does not know.
    #[error("type: unknown")]
    Type,
    /// `pub` is missing or no box id.
    #[error("pub: not 49 bytes of base64url that begin with 2 or 3")]
    Box,
    /// `at` is no integer up to [`MAX_AT`](super::MAX_AT).
    #[error("at: not an integer from 0 to 2^53 - 1")]
    At,
    /// `data` is missing, empty or not base64url.
    #[error("data: missing, empty, or not base64url")]
    Data,
    /// `data` or the body is too long.
    #[error("too long")]
    TooLong,
    /// `pow` is no integer up to [`MAX_NONCE`](crate::work::MAX_NONCE).
    #[error("pow: not an integer from 0 to 2^53 - 1")]
    Pow,
    /// `ext` is no text, or too long.
    #[error("ext: not a text of at most 256 bytes")]
    Ext,
    /// `answer` is missing or not 32 bytes of base64url.
    #[error("answer: not 32 bytes of base64url")]
    Answer,
    /// `wait` is no integer up to [`MAX_WAIT_SECS`](super::MAX_WAIT_SECS).
    #[error("wait: not an integer from 0 to 25")]
    Wait,
    /// `limit` is no integer from 1 to [`MAX_BOX_MESSAGES`](super::MAX_BOX_MESSAGES).
    #[error("limit: not an integer from 1 to 32")]
    Limit,
    /// `ask` is no truth value.
    #[error("ask: neither true nor false")]
    Ask,
    /// `boxes` is no array of objects, or empty, or stands beside `pub` or `ask`.
    #[error("boxes: not an array of objects, empty, or beside pub or ask")]
    Boxes,
    /// `boxes` has more than [`MAX_BATCH`](super::MAX_BATCH) entries.
    #[error("boxes: more than 64")]
    Batch,
}

impl RequestError {
    /// The reply it deserves.
    pub const fn refusal(self) -> Refusal {
        match self {
            Self::TooLong | Self::Batch => Refusal::TooBig,
            Self::Type => Refusal::UnknownType,
            _ => Refusal::Malformed,
        }
    }
}

impl Request {
    /// Reads a request, checking every bound in this module's constants.
    ///
    /// # Errors
    /// [`RequestError`] for anything else than a well-formed request.
    pub fn parse(json: &[u8]) -> Result<Self, RequestError> {
        if json.len() > MAX_REQUEST_LEN {
            return Err(RequestError::TooLong);
        }
        let wire = Wire::read(json)?;
        if wire.ext.as_ref().is_some_and(|ext| ext.0.len() > MAX_EXT_LEN) {
            return Err(RequestError::Ext);
        }
        match wire.kind.as_ref().map(|kind| kind.0.as_ref()).ok_or(RequestError::NoType)? {
            "send" => wire.into_send().map(Self::Send),
            "check" if wire.boxes.is_some() => wire.into_check_many().map(Self::CheckMany),
            "check" => wire.into_check().map(Self::Check),
            "receive" => wire.into_receive().map(Self::Receive),
            "drop" => wire.into_drop().map(Self::Drop),
            _ => Err(RequestError::Type),
        }
    }

    /// Writes the request.
    pub fn to_json(&self) -> Vec<u8> {
        let wire = match self {
            Self::Send(send) => Wire {
                data: Some(Text::new(&send.data)),
                pow: send.pow,
                ..Wire::new("send", send.ext.as_deref(), Some(&send.id))
            },
            Self::Check(check) => Wire {
                at: Some(check.cursor.at),
                wait: (check.wait > 0).then_some(check.wait),
                ask: check.ask.then_some(true),
                ..Wire::new("check", check.ext.as_deref(), Some(&check.cursor.id))
            },
            Self::CheckMany(check) => Wire {
                boxes: Some(check.cursors.iter().map(WireCursor::from).collect()),
                wait: (check.wait > 0).then_some(check.wait),
                ..Wire::new("check", check.ext.as_deref(), None)
            },
            Self::Receive(receive) => Wire {
                at: Some(receive.cursor.at),
                answer: Some(Text(base64url(&receive.answer).into())),
                limit: Some(receive.limit),
                ..Wire::new("receive", receive.ext.as_deref(), Some(&receive.cursor.id))
            },
            Self::Drop(drop) => Wire {
                answer: Some(Text(base64url(&drop.answer).into())),
                ..Wire::new("drop", drop.ext.as_deref(), Some(&drop.id))
            },
        };
        super::reply::json(&wire)
    }

    /// `ext` of the request.
    pub fn ext(&self) -> Option<&str> {
        match self {
            Self::Send(send) => send.ext.as_deref(),
            Self::Check(check) => check.ext.as_deref(),
            Self::CheckMany(check) => check.ext.as_deref(),
            Self::Receive(receive) => receive.ext.as_deref(),
            Self::Drop(drop) => drop.ext.as_deref(),
        }
    }

    /// The operation's name: the `type` on the wire.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Send(_) => "send",
            Self::Check(_) | Self::CheckMany(_) => "check",
            Self::Receive(_) => "receive",
            Self::Drop(_) => "drop",
        }
    }
}

/// Names the operation and hides what it is about.
macro_rules! redacted_debug {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

redacted_debug!(Send Check CheckMany Receive Drop);

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
