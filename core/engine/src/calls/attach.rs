//! Byte values beside the JSON instead of in it.
//!
//! Inside the SDK, bytes among a record's fields are `{"$bytes": "<base64url>"}`. Here the text is replaced by
//! `[offset, length]`, a part of the bytes beside, so that no language has to decode base64.

use connectoid_protocol::{
    encoding::{base64url, parse_base64url},
    value::BYTES_KEY,
};
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};

/// The most bytes among the fields of one call: wider than what a commit takes, since that is judged elsewhere.
const MAX_ATTACHED: usize = 1 << 20;

/// Moves the bytes among a record's fields to the end of `beside`.
pub(super) fn detach_fields(fields: &mut Map<String, Value>, beside: &mut Vec<u8>) {
    fields.values_mut().for_each(|value| detach(value, beside));
}

/// Moves the bytes in a value to the end of `beside`. Values nest 16 deep at most.
pub(super) fn detach(value: &mut Value, beside: &mut Vec<u8>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| detach(item, beside)),
        Value::Object(map) => {
            let bytes =
                map.get(BYTES_KEY).and_then(Value::as_str).and_then(|text| parse_base64url(text).ok());
            if let Some(bytes) = bytes {
                map.insert(BYTES_KEY.to_owned(), json!([beside.len(), bytes.len()]));
                beside.extend_from_slice(&bytes);
            } else {
                detach_fields(map, beside);
            }
        }
        _ => {}
    }
}

/// The bytes that lie beside a call, and how many of them it may still put into its fields: each as often as it
/// likes, but a commit takes 256 KiB, and what a call names over and over must not grow without bound.
pub(super) struct Beside<'a> {
    bytes: &'a [u8],
    left: usize,
}

impl<'a> Beside<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, left: MAX_ATTACHED }
    }

    /// Puts bytes back among a record's fields. `serde_json` reads no more than 128 levels.
    pub(super) fn attach_fields(&mut self, fields: &mut Map<String, Value>) -> Result<()> {
        fields.values_mut().try_for_each(|value| self.attach(value))
    }

    fn attach(&mut self, value: &mut Value) -> Result<()> {
        match value {
            Value::Array(items) => items.iter_mut().try_for_each(|item| self.attach(item)),
            Value::Object(map) => match map.get_mut(BYTES_KEY) {
                Some(place @ Value::Array(_)) => {
                    let bytes = part(place, self.bytes).ok_or_else(outside)?;
                    self.left = self.left.checked_sub(bytes.len()).ok_or_else(too_many)?;
                    *place = base64url(bytes).into();
                    Ok(())
                }
                _ => self.attach_fields(map),
            },
            _ => Ok(()),
        }
    }
}

fn part<'a>(place: &Value, beside: &'a [u8]) -> Option<&'a [u8]> {
    let (offset, length): (usize, usize) = serde::Deserialize::deserialize(place).ok()?;
    beside.get(offset..offset.checked_add(length)?)
}

fn too_many() -> Error {
    Error::usage("the bytes among the fields are more than a commit takes")
}

fn outside() -> Error {
    Error::usage("$bytes is [offset, length], a part of the bytes that the call brings")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    fn fields(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn bytes_go_beside_and_back() {
        let inline =
            fields(&json!({"a": {"$bytes": "AQID"}, "n": [1, {"m": {"$bytes": ""}}, {"$bytes": "BA"}]}));
        let (mut moved, mut beside) = (inline.clone(), vec![9]);
        detach_fields(&mut moved, &mut beside);
        assert_eq!(beside, [9, 1, 2, 3, 4]);
        let expected =
            json!({"a": {"$bytes": [1, 3]}, "n": [1, {"m": {"$bytes": [4, 0]}}, {"$bytes": [4, 1]}]});
        assert_eq!(moved, fields(&expected));
        Beside::new(&beside).attach_fields(&mut moved).unwrap();
        assert_eq!(moved, inline);
    }

    #[test]
    fn a_part_lies_within_what_is_there() {
        let wrong = [
            json!([0, 4]),
            json!([3, 1]),
            json!([u64::MAX, 1]),
            json!([1, u64::MAX]),
            json!([0]),
            json!([-1, 1]),
        ];
        for place in wrong {
            let mut value = fields(&json!({"a": {"$bytes": place}}));
            assert_eq!(
                Beside::new(&[1, 2, 3]).attach_fields(&mut value).unwrap_err().kind,
                ErrorKind::Usage,
                "{value:?}"
            );
        }
    }

    #[test]
    fn what_is_named_over_and_over_is_bounded() {
        let bytes = vec![0; MAX_ATTACHED / 4];
        let named = |times: usize| {
            let place = json!({"$bytes": [0, bytes.len()]});
            let mut value = fields(&json!({"a": vec![place; times]}));
            Beside::new(&bytes).attach_fields(&mut value)
        };
        assert!(named(4).is_ok());
        assert_eq!(named(5).unwrap_err().kind, ErrorKind::Usage);
    }
}
