//! A request's JSON, as it is written and read.
//!
//! Reading is strict: UTF-8, no name twice in an object, also in what is not known and skipped. What is wrong with a
//! field is told by the field's name and not by a position, which helps whoever writes a client.

use core::fmt;
use std::borrow::Cow;

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeSeed, MapAccess, SeqAccess, Visitor},
};
use serde_json::error::Category;

use super::{
    limits::{ANSWER_TEXT_LEN, MAX_AT, MAX_BATCH, MAX_BOX_MESSAGES, MAX_DATA_LEN, MAX_WAIT_SECS},
    request::{Check, CheckMany, Cursor, Drop, Receive, RequestError, Send},
};
use crate::{
    boxes::BoxId,
    encoding::{parse_base64url, parse_base64url_array},
    question::NONCE_LEN,
    strict_json::{NameSeed, Names, Skipped},
    work::MAX_NONCE,
};

/// All fields of all requests. One flat structure keeps the parser free of buffering.
#[derive(Default, Serialize)]
pub(super) struct Wire<'a> {
    #[serde(rename = "type")]
    pub(super) kind: Option<Text<'a>>,
    #[serde(rename = "pub", skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ext: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) data: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) answer: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) pow: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) wait: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ask: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) boxes: Option<Vec<WireCursor<'a>>>,
}

/// One of several boxes.
#[derive(Default, Serialize)]
pub(super) struct WireCursor<'a> {
    #[serde(rename = "pub")]
    id: Option<Text<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
}

/// A string, borrowed from the body where it has no escapes.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'a> Text<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self(Cow::Borrowed(text))
    }
}

impl From<&Cursor> for WireCursor<'_> {
    fn from(cursor: &Cursor) -> Self {
        Self { id: Some(Text(cursor.id.to_base64().into())), at: Some(cursor.at) }
    }
}

impl WireCursor<'_> {
    fn parse(&self) -> Result<Cursor, RequestError> {
        Ok(Cursor { id: parse_id(self.id.as_ref())?, at: parse_at(self.at.unwrap_or(0))? })
    }
}

impl<'a> Wire<'a> {
    pub(super) fn new(kind: &'a str, ext: Option<&'a str>, id: Option<&BoxId>) -> Self {
        Self {
            kind: Some(Text(kind.into())),
            id: id.map(|id| Text(id.to_base64().into())),
            ext: ext.map(Text::new),
            ..Self::default()
        }
    }

    /// Reads a request; the bounds of its fields are for the operation to check.
    pub(super) fn read(json: &'a [u8]) -> Result<Self, RequestError> {
        let text = core::str::from_utf8(json).map_err(|_| RequestError::NotText)?;
        let mut wrong = None;
        let mut json = serde_json::Deserializer::from_str(text);
        let read = Reader { wrong: &mut wrong, fields: Self::default() }.deserialize(&mut json);
        read.and_then(|wire| json.end().map(|()| wire)).map_err(|error| match error.classify() {
            Category::Data => wrong.unwrap_or(RequestError::Json),
            _ => RequestError::Json,
        })
    }

    pub(super) fn into_send(self) -> Result<Send, RequestError> {
        let data = self.data.as_ref().map(|data| data.0.as_ref()).ok_or(RequestError::Data)?;
        if data.len() > MAX_DATA_LEN {
            return Err(RequestError::TooLong);
        }
        if data.is_empty() || parse_base64url(data).is_err() {
            return Err(RequestError::Data);
        }
        if self.pow.is_some_and(|nonce| nonce > MAX_NONCE) {
            return Err(RequestError::Pow);
        }
        let (id, data, pow) = (parse_id(self.id.as_ref())?, data.to_owned(), self.pow);
        Ok(Send { id, data, pow, ext: self.into_ext() })
    }

    pub(super) fn into_check(self) -> Result<Check, RequestError> {
        let (cursor, wait) = (self.cursor()?, self.wait()?);
        Ok(Check { cursor, wait, ask: self.ask.unwrap_or(false), ext: self.into_ext() })
    }

    pub(super) fn into_check_many(self) -> Result<CheckMany, RequestError> {
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

    pub(super) fn into_receive(self) -> Result<Receive, RequestError> {
        let limit = self.limit.unwrap_or(1);
        if !(1..=MAX_BOX_MESSAGES).contains(&limit) {
            return Err(RequestError::Limit);
        }
        Ok(Receive { cursor: self.cursor()?, answer: self.answer()?, limit, ext: self.into_ext() })
    }

    pub(super) fn into_drop(self) -> Result<Drop, RequestError> {
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

/// An object with named fields, read field by field.
trait Fields<'de>: Default {
    /// Takes the value of a field; skips that of one that is not known. Notes which field is `wrong` when it fails.
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        entries: &mut A,
        wrong: &mut Option<RequestError>,
    ) -> Result<(), A::Error>;
}

impl<'de> Fields<'de> for Wire<'de> {
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        entries: &mut A,
        wrong: &mut Option<RequestError>,
    ) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = value(entries, wrong, RequestError::NoType)?,
            "pub" => self.id = value(entries, wrong, RequestError::Box)?,
            "ext" => self.ext = value(entries, wrong, RequestError::Ext)?,
            "data" => self.data = value(entries, wrong, RequestError::Data)?,
            "answer" => self.answer = value(entries, wrong, RequestError::Answer)?,
            "at" => self.at = value(entries, wrong, RequestError::At)?,
            "pow" => self.pow = value(entries, wrong, RequestError::Pow)?,
            "limit" => self.limit = value(entries, wrong, RequestError::Limit)?,
            "wait" => self.wait = value(entries, wrong, RequestError::Wait)?,
            "ask" => self.ask = value(entries, wrong, RequestError::Ask)?,
            "boxes" => self.boxes = entries.next_value_seed(BoxesReader { wrong })?,
            _ => {
                entries.next_value::<Skipped>()?;
            }
        }
        Ok(())
    }
}

impl<'de> Fields<'de> for WireCursor<'de> {
    fn take<A: MapAccess<'de>>(
        &mut self,
        name: &str,
        entries: &mut A,
        wrong: &mut Option<RequestError>,
    ) -> Result<(), A::Error> {
        match name {
            "pub" => self.id = value(entries, wrong, RequestError::Box)?,
            "at" => self.at = value(entries, wrong, RequestError::At)?,
            _ => {
                entries.next_value::<Skipped>()?;
            }
        }
        Ok(())
    }
}

fn value<'de, A: MapAccess<'de>, T: Deserialize<'de>>(
    entries: &mut A,
    wrong: &mut Option<RequestError>,
    error: RequestError,
) -> Result<T, A::Error> {
    entries.next_value().inspect_err(|_| *wrong = Some(error))
}

struct Reader<'w, T> {
    wrong: &'w mut Option<RequestError>,
    fields: T,
}

impl<'de, T: Fields<'de>> DeserializeSeed<'de> for Reader<'_, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Fields<'de>> Visitor<'de> for Reader<'_, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut entries: A) -> Result<T, A::Error> {
        let mut names = Names::default();
        while let Some(name) = entries.next_key_seed(NameSeed)? {
            self.fields.take(&name, &mut entries, self.wrong)?;
            names.add(name).inspect_err(|_| *self.wrong = Some(RequestError::Repeated))?;
        }
        Ok(self.fields)
    }
}

struct BoxesReader<'w> {
    wrong: &'w mut Option<RequestError>,
}

impl<'de> DeserializeSeed<'de> for BoxesReader<'_> {
    type Value = Option<Vec<WireCursor<'de>>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        *self.wrong = Some(RequestError::Boxes);
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for BoxesReader<'_> {
    type Value = Option<Vec<WireCursor<'de>>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of boxes")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut boxes = Vec::new();
        loop {
            let reader = Reader { wrong: &mut *self.wrong, fields: WireCursor::default() };
            let Some(cursor) = items.next_element_seed(reader)? else { return Ok(Some(boxes)) };
            boxes.push(cursor);
        }
    }
}
