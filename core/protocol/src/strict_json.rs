//! JSON in which no object has a name twice, and all of which is text.
//!
//! RFC 8259 leaves open what a repeated name means, and readers differ. What is signed must mean one thing, and what
//! two programs say to each other should, so a repeated name is refused, and so is what is no UTF-8 or no Unicode: also
//! in parts that the reader skips (I-JSON, RFC 7493 §2.1 and §2.3).

use core::fmt;
use std::{borrow::Cow, collections::BTreeSet};

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// What is said of a repeated name, to tell it from what else may be wrong.
pub(crate) const REPEATED: &str = "a name twice in one object";

/// Reads an object.
///
/// # Errors
/// If it is no JSON object, or has a name twice anywhere in it.
pub(crate) fn object(bytes: &[u8]) -> Result<Map<String, Value>, serde_json::Error> {
    match serde_json::from_slice::<Strict>(bytes)?.0 {
        Value::Object(map) => Ok(map),
        _ => Err(Error::custom("not an object")),
    }
}

/// Reads a value of a known type, whose type may leave out what it does not know.
///
/// # Errors
/// If it is not that, is no UTF-8, or has a name twice anywhere in it.
pub(crate) fn read<'de, T: Deserialize<'de>>(bytes: &'de [u8]) -> Result<T, serde_json::Error> {
    let text = core::str::from_utf8(bytes).map_err(Error::custom)?;
    serde_json::from_str::<Skipped>(text)?;
    serde_json::from_str(text)
}

/// A field that may be `null` where it may be absent.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated names")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(array.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, Strict(value))) = entries.next_entry::<String, Strict>()? {
            if map.insert(name, value).is_some() {
                return Err(Error::custom(REPEATED));
            }
        }
        Ok(map.into())
    }
}

/// A value of which nothing is kept, but that is read: its texts are texts, and no object has a name twice.
pub(crate) struct Skipped;

impl<'de> Deserialize<'de> for Skipped {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SkippingVisitor)
    }
}

struct SkippingVisitor;

impl<'de> Visitor<'de> for SkippingVisitor {
    type Value = Skipped;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated names")
    }

    fn visit_unit<E>(self) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_str<E>(self, _: &str) -> Result<Skipped, E> {
        Ok(Skipped)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Skipped, A::Error> {
        while items.next_element::<Skipped>()?.is_some() {}
        Ok(Skipped)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Skipped, A::Error> {
        let mut names = Names::default();
        while let Some(name) = entries.next_key_seed(NameSeed)? {
            names.add(name)?;
            entries.next_value::<Skipped>()?;
        }
        Ok(Skipped)
    }
}

/// The names that an object has had so far.
#[derive(Default)]
pub(crate) struct Names<'de>(BTreeSet<Cow<'de, str>>);

impl<'de> Names<'de> {
    /// Takes note of a name, which must be new.
    pub(crate) fn add<E: Error>(&mut self, name: Cow<'de, str>) -> Result<(), E> {
        if self.0.insert(name) { Ok(()) } else { Err(E::custom(REPEATED)) }
    }
}

/// A name, borrowed where it has no escapes.
pub(crate) struct NameSeed;

impl<'de> DeserializeSeed<'de> for NameSeed {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(NameVisitor)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn repeated_names_are_refused_at_every_depth() {
        for bad in [r#"{"a":1,"a":1}"#, r#"{"a":[{"b":1,"c":2,"b":3}]}"#, r#"{"a":1,"\u0061":2}"#, "[]", "{"]
        {
            assert!(object(bad.as_bytes()).is_err(), "{bad}");
        }
        assert!(object(br#"{"a":{"b":1},"b":{"b":1}}"#).is_ok());
    }

    #[derive(Deserialize)]
    struct Known {
        a: u8,
    }

    #[test]
    fn what_is_skipped_is_read_as_strictly() {
        let read = |json: &[u8]| read::<Known>(json).map(|known| known.a).ok();
        assert_eq!(read(br#"{"a":1,"b":{"c":[1,"x",null,true,-2.5]},"d":{"c":0}}"#), Some(1));
        for bad in [
            &br#"{"a":1,"b":1,"b":1}"#[..],
            br#"{"a":1,"b":[{"c":1,"c":1}]}"#,
            br#"{"a":1,"b":1,"\u0062":1}"#,
            b"{\"a\":1,\"b\":\"\xff\"}",
            b"{\"a\":1,\"\xff\":1}",
            br#"{"a":1,"b":"\ud800"}"#,
            br#"{"a":1,"b":1e999}"#,
            b"\xef\xbb\xbf{\"a\":1}",
        ] {
            assert_eq!(read(bad), None, "{}", String::from_utf8_lossy(bad));
        }
        let deep = [r#"{"a":1,"b":"#, &"[".repeat(100_000), &"]".repeat(100_000), "}"].concat();
        assert_eq!(read(deep.as_bytes()), None, "no stack is used up");
    }

    proptest! {
        #[test]
        fn everything_else_reads_as_usual(text in "[\\[\\]{}a:,\"0-9.eE+ -]{0,40}") {
            let usual = serde_json::from_str::<Value>(&text).ok().filter(Value::is_object);
            let strict = object(text.as_bytes()).ok().map(Value::Object);
            if let Some(strict) = strict {
                prop_assert_eq!(Some(strict), usual);
            }
            let skipped = serde_json::from_str::<Skipped>(&text).is_ok();
            prop_assert!(!skipped || serde_json::from_str::<Value>(&text).is_ok());
        }
    }
}
