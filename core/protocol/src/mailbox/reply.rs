//! Replies: what a service answers, and how a client reads it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Refusal, RequestError, limits::MAX_REPLY_LEN};
use crate::strict_json;

/// A successful reply, whose JSON is `{"ok":true, …}`.
pub trait Reply: Serialize + DeserializeOwned {
    /// Writes the reply.
    fn to_json(&self) -> Vec<u8> {
        json(&Envelope { reply: Some(self), ..Envelope::new(true) })
    }
}

/// The reply to `send` and `drop`: it is done, durably.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {}

/// The reply to a `check` of one box.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checked {
    /// Whether the box holds a message after the request's `at`.
    pub found: bool,
    /// The sealed question, in base64url, if something was found or the request asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
}

/// The reply to a `check` of several boxes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckedMany {
    /// Whether any of the boxes holds anything new.
    pub found: bool,
    /// The boxes about which there is something to say; nothing was found in the others.
    #[serde(default, deserialize_with = "strict_json::or_default", skip_serializing_if = "Vec::is_empty")]
    pub boxes: Vec<BoxReport>,
}

/// What a service says unasked on a WebSocket: something happened in a box of the last [`super::CheckMany`].
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pushed {
    /// Always true; replies have no such field.
    pub push: bool,
    /// As in the reply to a `check` now.
    #[serde(flatten)]
    pub checked: CheckedMany,
}

/// What there is to say about one box of several.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxReport {
    /// The box id, in base64url, as in the request.
    #[serde(rename = "pub")]
    pub id: String,
    /// As in [`Checked`].
    pub found: bool,
    /// As in [`Checked`]. Missing beside `found` when the service asks no more questions just now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The `error` that a `check` of this box alone would have got: see [`Refusal::parse`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// The reply to `receive`.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Received {
    /// `at` of the last of `messages`: the reader's next cursor, once it has processed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<u64>,
    /// `data` of the last of `messages`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data: Option<String>,
    /// The messages after the request's `at`, oldest first.
    #[serde(default, deserialize_with = "strict_json::or_default")]
    pub messages: Vec<Message>,
}

/// A message as it lies in a box.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// When it arrived, in µs since the epoch, and unique within its box.
    pub at: u64,
    /// The sealed message, in base64url.
    pub data: String,
}

impl Received {
    /// The reply that hands `messages` out. They ascend by `at`.
    pub fn new(messages: Vec<Message>) -> Self {
        let last = messages.last();
        Self { at: last.map(|last| last.at), data: last.map(|last| last.data.clone()), messages }
    }
}

impl Reply for Done {}
impl Reply for Checked {}
impl Reply for CheckedMany {}
impl Reply for Pushed {}
impl Reply for Received {}

/// The reply is no success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplyError {
    /// The service refused.
    #[error("the service refused: {0}")]
    Refused(Refusal),
    /// The service refused for a reason that this version does not know; the HTTP status says what kind.
    #[error("the service refused for an unknown reason")]
    RefusedOtherwise,
    /// The service's reply is not what the specification describes.
    #[error("the service's reply is malformed")]
    Malformed,
}

/// Reads a reply of the kind that the request calls for.
///
/// # Errors
/// [`ReplyError`] if it is a refusal or malformed.
pub fn parse_reply<T: Reply>(body: &[u8]) -> Result<T, ReplyError> {
    if body.len() > MAX_REPLY_LEN {
        return Err(ReplyError::Malformed);
    }
    let verdict: Verdict = strict_json::read(body).map_err(|_| ReplyError::Malformed)?;
    if verdict.ok {
        return serde_json::from_slice(body).map_err(|_| ReplyError::Malformed);
    }
    let refusal = verdict.error.as_deref().and_then(Refusal::parse);
    Err(refusal.map_or(ReplyError::RefusedOtherwise, ReplyError::Refused))
}

impl Refusal {
    /// Writes the reply `{"ok":false,"error":…,"detail":…}`. `detail` helps a developer; programs go by `error`.
    pub fn to_json(self, detail: Option<RequestError>) -> Vec<u8> {
        self.to_frame(detail, None)
    }

    /// Writes the reply for a WebSocket, where nothing but the JSON can say how many seconds to wait.
    pub fn to_frame(self, detail: Option<RequestError>, retry_after: Option<u64>) -> Vec<u8> {
        let detail = detail.map(|detail| detail.to_string());
        json(&Envelope::<Done> { error: Some(self.as_str()), detail, retry_after, ..Envelope::new(false) })
    }
}

#[derive(Serialize)]
struct Envelope<'a, T> {
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    #[serde(flatten)]
    reply: Option<&'a T>,
}

impl<T> Envelope<'_, T> {
    const fn new(ok: bool) -> Self {
        Self { ok, error: None, detail: None, retry_after: None, reply: None }
    }
}

#[derive(Deserialize)]
struct Verdict {
    ok: bool,
    #[serde(default)]
    error: Option<String>,
}

/// Writes a value of this module as JSON. Only maps with other keys than strings, and a failing
/// writer, could make that fail: there are neither.
pub(super) fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::super::limits::{MAX_AT, MAX_BOX_LEN, MAX_BOX_MESSAGES, MAX_DATA_LEN};
    use super::*;

    #[test]
    fn replies_have_the_specified_form() {
        let text = |reply: Vec<u8>| String::from_utf8(reply).unwrap();
        assert_eq!(text(Done {}.to_json()), r#"{"ok":true}"#);
        assert_eq!(text(Checked { found: false, question: None }.to_json()), r#"{"ok":true,"found":false}"#);
        assert_eq!(
            text(Checked { found: true, question: Some("Q".into()) }.to_json()),
            r#"{"ok":true,"found":true,"question":"Q"}"#
        );
        let messages = vec![Message { at: 1, data: "A".into() }, Message { at: 2, data: "B".into() }];
        assert_eq!(
            text(Received::new(messages).to_json()),
            r#"{"ok":true,"at":2,"data":"B","messages":[{"at":1,"data":"A"},{"at":2,"data":"B"}]}"#
        );
        assert_eq!(text(Received::new(vec![]).to_json()), r#"{"ok":true,"messages":[]}"#);
        assert_eq!(
            text(CheckedMany { found: false, boxes: vec![] }.to_json()),
            r#"{"ok":true,"found":false}"#
        );
        assert_eq!(text(Refusal::TooOften.to_json(None)), r#"{"ok":false,"error":"Too often"}"#);
        assert_eq!(
            text(Refusal::TooOften.to_frame(None, Some(5))),
            r#"{"ok":false,"error":"Too often","retry_after":5}"#
        );
        let checked = CheckedMany { found: true, boxes: vec![] };
        assert_eq!(text(Pushed { push: true, checked }.to_json()), r#"{"ok":true,"push":true,"found":true}"#);
        assert_eq!(
            text(Refusal::Malformed.to_json(Some(RequestError::At))),
            r#"{"ok":false,"error":"Malformed","detail":"at: not an integer from 0 to 2^53 - 1"}"#
        );
    }

    #[test]
    fn replies_come_back_and_unknown_fields_are_ignored() {
        let report =
            BoxReport { id: "Q".into(), found: true, question: None, error: Some("Too often".into()) };
        let many = CheckedMany { found: true, boxes: vec![report] };
        assert!(parse_reply::<CheckedMany>(&many.to_json()) == Ok(many));
        assert_eq!(parse_reply::<Done>(br#"{"new":[1],"ok":true}"#), Ok(Done {}));
        assert!(parse_reply::<Received>(br#"{"ok":true}"#) == Ok(Received::new(vec![])));
        let nothing = CheckedMany { found: false, boxes: vec![] };
        assert!(parse_reply(br#"{"ok":true,"found":false,"boxes":null}"#) == Ok(nothing));
    }

    #[test]
    fn refusals_and_damage_are_told_apart() {
        for refusal in Refusal::ALL {
            assert_eq!(parse_reply::<Done>(&refusal.to_json(None)), Err(ReplyError::Refused(refusal)));
        }
        let newer = br#"{"ok":false,"error":"Too fancy"}"#;
        assert_eq!(parse_reply::<Done>(newer), Err(ReplyError::RefusedOtherwise));
        for damaged in
            ["", "null", "[]", "<html>", r#"{"found":true}"#, r#"{"ok":1}"#, r#"{"ok":true,"x":1,"x":2}"#]
        {
            assert_eq!(parse_reply::<Done>(damaged.as_bytes()), Err(ReplyError::Malformed), "{damaged}");
        }
        assert_eq!(parse_reply::<Done>(b"{\"ok\":true,\"x\":\"\xff\"}"), Err(ReplyError::Malformed));
        assert!(parse_reply::<Checked>(br#"{"ok":true}"#) == Err(ReplyError::Malformed));
        assert!(parse_reply::<Done>(&vec![b' '; MAX_REPLY_LEN + 1]) == Err(ReplyError::Malformed));
    }

    #[test]
    fn the_longest_reply_fits() {
        let mut messages =
            vec![Message { at: MAX_AT, data: "A".repeat((MAX_BOX_LEN - MAX_DATA_LEN) / 31) }; 31];
        messages.push(Message { at: MAX_AT, data: "A".repeat(MAX_DATA_LEN) });
        assert_eq!(messages.len(), MAX_BOX_MESSAGES);
        assert!(Received::new(messages).to_json().len() <= MAX_REPLY_LEN);
    }
}
