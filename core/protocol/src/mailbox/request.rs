//! Requests: the four operations as values, and their JSON.

use core::fmt;
use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    Refusal,
    limits::{
        ANSWER_TEXT_LEN, MAX_AT, MAX_BATCH, MAX_BOX_MESSAGES, MAX_DATA_LEN, MAX_EXT_LEN, MAX_REQUEST_LEN,
        MAX_WAIT_SECS,
    },
};
use crate::{
    boxes::BoxId,
    encoding::{base64url, parse_base64url_array},
    question::NONCE_LEN,
    work::MAX_NONCE,
};

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
    /// The sealed message, as 1 to [`MAX_DATA_LEN`] characters of base64url.
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
    /// Hold the reply back for up to so many seconds, at most [`MAX_WAIT_SECS`], while there is nothing.
    pub wait: u64,
    /// Ask the question even if there is nothing: for `drop`.
    pub ask: bool,
}

/// `check` of several boxes.
#[derive(Clone, PartialEq, Eq)]
pub struct CheckMany {
    /// What to check: 1 to [`MAX_BATCH`] boxes.
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
    /// At most so many messages: 1 to [`MAX_BOX_MESSAGES`]; 1 where the request says nothing.
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
    /// Not one JSON object whose known fields have the right types.
    #[error("not a JSON object with fields of the right types")]
    Json,
    /// An operation that this version does not know.
    #[error("type: unknown")]
    Type,
    /// `pub` is missing or no box id.
    #[error("pub: not 49 bytes of base64url")]
    Box,
    /// `at` is beyond [`MAX_AT`].
    #[error("at: not below 2^53")]
    At,
    /// `data` is missing, empty or not base64url.
    #[error("data: not base64url")]
    Data,
    /// `data` or the body is too long.
    #[error("too long")]
    TooLong,
    /// `pow` is beyond [`MAX_NONCE`].
    #[error("pow: not below 2^53")]
    Pow,
    /// `ext` is too long.
    #[error("ext: too long")]
    Ext,
    /// `answer` is missing or not 32 bytes of base64url.
    #[error("answer: not 32 bytes of base64url")]
    Answer,
    /// `wait` is beyond [`MAX_WAIT_SECS`].
    #[error("wait: too long")]
    Wait,
    /// `limit` is 0 or beyond [`MAX_BOX_MESSAGES`].
    #[error("limit: not 1 to 32")]
    Limit,
    /// `boxes` is empty, or stands beside `pub` or `ask`.
    #[error("boxes: empty, or beside pub or ask")]
    Boxes,
    /// `boxes` has more than [`MAX_BATCH`] entries.
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
        let wire: Wire<'_> = serde_json::from_slice(json).map_err(|_| RequestError::Json)?;
        if wire.ext.as_ref().is_some_and(|ext| ext.0.len() > MAX_EXT_LEN) {
            return Err(RequestError::Ext);
        }
        match wire.kind.0.as_ref() {
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

/// All fields of all requests. One flat structure keeps the parser free of buffering.
#[derive(Default, Serialize, Deserialize)]
struct Wire<'a> {
    #[serde(rename = "type", borrow)]
    kind: Text<'a>,
    #[serde(rename = "pub", borrow, default, skip_serializing_if = "Option::is_none")]
    id: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    ext: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    data: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    answer: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pow: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ask: Option<bool>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    boxes: Option<Vec<WireCursor<'a>>>,
}

#[derive(Serialize, Deserialize)]
struct WireCursor<'a> {
    #[serde(rename = "pub", borrow)]
    id: Text<'a>,
    #[serde(default)]
    at: u64,
}

/// A string, borrowed from the body where it has no escapes.
#[derive(Default, Serialize, Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Text<'a> {
    const fn new(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<&Cursor> for WireCursor<'_> {
    fn from(cursor: &Cursor) -> Self {
        Self { id: Text(cursor.id.to_base64().into()), at: cursor.at }
    }
}

impl WireCursor<'_> {
    fn parse(&self) -> Result<Cursor, RequestError> {
        Ok(Cursor { id: parse_id(Some(&self.id))?, at: parse_at(self.at)? })
    }
}

impl<'a> Wire<'a> {
    fn new(kind: &'a str, ext: Option<&'a str>, id: Option<&BoxId>) -> Self {
        Self {
            kind: Text(kind.into()),
            id: id.map(|id| Text(id.to_base64().into())),
            ext: ext.map(Text::new),
            ..Self::default()
        }
    }

    fn into_send(self) -> Result<Send, RequestError> {
        let data = self.data.as_ref().map(|data| data.0.as_ref()).ok_or(RequestError::Data)?;
        if data.len() > MAX_DATA_LEN {
            return Err(RequestError::TooLong);
        }
        if data.is_empty()
            || !data.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        {
            return Err(RequestError::Data);
        }
        if self.pow.is_some_and(|nonce| nonce > MAX_NONCE) {
            return Err(RequestError::Pow);
        }
        let (id, data, pow) = (parse_id(self.id.as_ref())?, data.to_owned(), self.pow);
        Ok(Send { id, data, pow, ext: self.into_ext() })
    }

    fn into_check(self) -> Result<Check, RequestError> {
        let (cursor, wait) = (self.cursor()?, self.wait()?);
        Ok(Check { cursor, wait, ask: self.ask.unwrap_or(false), ext: self.into_ext() })
    }

    fn into_check_many(self) -> Result<CheckMany, RequestError> {
        let boxes = self.boxes.as_deref().unwrap_or_default();
        if boxes.is_empty() || self.id.is_some() || self.ask.is_some() {
            return Err(RequestError::Boxes);
        }
        if boxes.len() > MAX_BATCH {
            return Err(RequestError::Batch);
        }
        let cursors = boxes.iter().map(WireCursor::parse).collect::<Result<_, _>>()?;
        Ok(CheckMany { cursors, wait: self.wait()?, ext: self.into_ext() })
    }

    fn into_receive(self) -> Result<Receive, RequestError> {
        let limit = self.limit.unwrap_or(1);
        if !(1..=MAX_BOX_MESSAGES).contains(&limit) {
            return Err(RequestError::Limit);
        }
        Ok(Receive { cursor: self.cursor()?, answer: self.answer()?, limit, ext: self.into_ext() })
    }

    fn into_drop(self) -> Result<Drop, RequestError> {
        Ok(Drop { id: parse_id(self.id.as_ref())?, answer: self.answer()?, ext: self.into_ext() })
    }

    fn into_ext(self) -> Option<String> {
        self.ext.map(|ext| ext.0.into_owned())
    }

    fn cursor(&self) -> Result<Cursor, RequestError> {
        Ok(Cursor { id: parse_id(self.id.as_ref())?, at: parse_at(self.at.unwrap_or(0))? })
    }

    fn wait(&self) -> Result<u64, RequestError> {
        let wait = self.wait.unwrap_or(0);
        if wait > MAX_WAIT_SECS { Err(RequestError::Wait) } else { Ok(wait) }
    }

    fn answer(&self) -> Result<[u8; NONCE_LEN], RequestError> {
        let text = self.answer.as_ref().filter(|text| text.0.len() == ANSWER_TEXT_LEN);
        text.and_then(|text| parse_base64url_array(&text.0).ok()).ok_or(RequestError::Answer)
    }
}

fn parse_id(text: Option<&Text<'_>>) -> Result<BoxId, RequestError> {
    text.and_then(|text| BoxId::parse(&text.0).ok()).ok_or(RequestError::Box)
}

fn parse_at(at: u64) -> Result<u64, RequestError> {
    if at > MAX_AT { Err(RequestError::At) } else { Ok(at) }
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
