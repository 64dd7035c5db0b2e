//! What a field of a record can hold: JSON, or bytes.
//!
//! Each value has one encoding, so that a hash of it means something:
//!
//! | value | deterministic CBOR |
//! |---|---|
//! | null, booleans | simple values 22, 20, 21 |
//! | a number that is integral and below 2^53 in size | integer, shortest form |
//! | any other finite number | 64-bit float, never shorter |
//! | text | UTF-8 text string |
//! | bytes | byte string; in JSON `{"$bytes": "<base64url>"}` |
//! | array, map with text keys | definite length; keys in bytewise order of their encodings |
//!
//! NaN, the infinities and −0 do not exist, nor does the map key `$bytes`, which would make the JSON
//! form ambiguous. Arrays and maps nest at most [`MAX_NESTING`] deep.

mod json;
mod number;

use std::collections::BTreeMap;

use minicbor::{Decoder, data::Type};

pub use number::check_numbers;

use crate::cbor::{self, NotCanonical, Writer};

/// How deep arrays and maps may nest: a scalar is at depth 0, `[[1]]` nests 2 deep.
///
/// Decoders recurse, so there has to be a bound; no data model of an app comes near it.
pub const MAX_NESTING: usize = 16;

/// Integers are smaller than this in size, as in JavaScript and RFC 8785: 2^53.
pub const INT_BOUND: i64 = 1 << 53;

/// The map key by which JSON marks bytes.
pub const BYTES_KEY: &str = "$bytes";

/// A value that records cannot hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// An integer of 2^53 or more in size.
    #[error("integers must be smaller than 2^53 in size; write greater ones as text")]
    TooGreat,
    /// NaN, an infinity or −0; or an integral float that should have been an integer.
    #[error("not a number that records can hold: NaN, an infinity, -0, or an integer held as a float")]
    BadFloat,
    /// A number in a JSON text that no 64-bit float keeps: it has more digits, or is greater or smaller than any.
    #[error("a number that would be rounded: it has more digits than a 64-bit float keeps; write it as text")]
    Rounded,
    /// More than [`MAX_NESTING`] arrays and maps inside each other.
    #[error("nested more than {MAX_NESTING} deep")]
    TooDeep,
    /// A map with the key `$bytes` that is not the JSON form of bytes.
    #[error("the key {BYTES_KEY} is reserved for bytes as base64url")]
    ReservedKey,
    /// Not the deterministic CBOR of any value.
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
}

/// The value of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing, but said explicitly: a field that is null exists.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer, |n| < 2^53.
    Int(i64),
    /// A finite number that is not an integer below 2^53, nor −0. [`Value::number`] sees to it.
    Float(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    Array(Vec<Value>),
    /// A map with text keys.
    Map(BTreeMap<String, Value>),
}

impl Value {
    /// The one value for a number: an integer where it is one.
    ///
    /// # Errors
    /// [`ValueError::BadFloat`] for NaN, the infinities and −0.
    pub fn number(number: f64) -> Result<Self, ValueError> {
        if !number.is_finite() || (number == 0.0 && number.is_sign_negative()) {
            return Err(ValueError::BadFloat);
        }
        Ok(match integral(number) {
            Some(int) => Self::Int(int),
            None => Self::Float(number),
        })
    }

    /// Reads deterministic CBOR.
    ///
    /// # Errors
    /// [`ValueError::NotCanonical`] for any other bytes, and the other variants for values that break
    /// a rule.
    pub fn decode(bytes: &[u8]) -> Result<Self, ValueError> {
        cbor::strict(bytes, Self::read, Self::write)
    }

    /// Writes deterministic CBOR.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        writer.finish()
    }

    /// Whether the value keeps the rules of this module, which its public variants cannot enforce.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), ValueError> {
        self.check_within(MAX_NESTING)
    }

    pub(crate) fn read(decoder: &mut Decoder<'_>) -> Result<Self, ValueError> {
        read_within(decoder, MAX_NESTING)
    }

    pub(crate) fn write(&self, writer: &mut Writer) {
        match self {
            Self::Null => writer.null(),
            Self::Bool(value) => writer.bool(*value),
            Self::Int(number) => writer.int(*number),
            Self::Float(number) => writer.float(*number),
            Self::Text(text) => writer.text(text),
            Self::Bytes(bytes) => writer.bytes(bytes),
            Self::Array(items) => {
                writer.array(items.len());
                for item in items {
                    item.write(writer);
                }
                writer
            }
            Self::Map(map) => {
                write_map(map, writer, Self::write);
                writer
            }
        };
    }

    fn check_within(&self, nesting: usize) -> Result<(), ValueError> {
        match self {
            Self::Int(number) => check_int(*number).map(|_| ()),
            Self::Float(number) => check_float(*number).map(|_| ()),
            Self::Array(items) => {
                let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
                items.iter().try_for_each(|item| item.check_within(inner))
            }
            Self::Map(map) if map.contains_key(BYTES_KEY) => Err(ValueError::ReservedKey),
            Self::Map(map) => {
                let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
                map.values().try_for_each(|item| item.check_within(inner))
            }
            Self::Null | Self::Bool(_) | Self::Text(_) | Self::Bytes(_) => Ok(()),
        }
    }
}

/// Writes a map whose keys are sorted by their encodings: by length first, then by bytes.
pub(crate) fn write_map<V>(map: &BTreeMap<String, V>, writer: &mut Writer, write: impl Fn(&V, &mut Writer)) {
    let mut entries: Vec<_> = map.iter().collect();
    entries.sort_unstable_by_key(|(key, _)| (key.len(), key.as_bytes()));
    writer.map(entries.len());
    for (key, value) in entries {
        writer.text(key);
        write(value, writer);
    }
}

/// Reads a map with text keys, whose order the caller checks by writing it again.
pub(crate) fn read_map<V>(
    decoder: &mut Decoder<'_>,
    read: impl Fn(&mut Decoder<'_>) -> Result<V, ValueError>,
) -> Result<BTreeMap<String, V>, ValueError> {
    let mut map = BTreeMap::new();
    for _ in 0..cbor::map(decoder)? {
        let key = decoder.str().map_err(NotCanonical::from)?;
        if map.insert(key.to_owned(), read(decoder)?).is_some() {
            return Err(NotCanonical.into());
        }
    }
    Ok(map)
}

/// Reads a value. Nothing is allocated by a length that the input only claims: each item of an array
/// or map is read before there is room made for it.
fn read_within(decoder: &mut Decoder<'_>, nesting: usize) -> Result<Value, ValueError> {
    let decode = |error: minicbor::decode::Error| ValueError::from(NotCanonical::from(error));
    Ok(match decoder.datatype().map_err(decode)? {
        Type::Null => {
            decoder.null().map_err(decode)?;
            Value::Null
        }
        Type::Bool => Value::Bool(decoder.bool().map_err(decode)?),
        Type::U8 | Type::U16 | Type::U32 | Type::U64 | Type::I8 | Type::I16 | Type::I32 | Type::I64 => {
            Value::Int(check_int(decoder.i64().map_err(decode)?)?)
        }
        Type::F64 => Value::Float(check_float(decoder.f64().map_err(decode)?)?),
        Type::String => Value::Text(decoder.str().map_err(decode)?.to_owned()),
        Type::Bytes => Value::Bytes(decoder.bytes().map_err(decode)?.to_vec()),
        Type::Array => {
            let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
            let mut items = Vec::new();
            for _ in 0..cbor::array(decoder)? {
                items.push(read_within(decoder, inner)?);
            }
            Value::Array(items)
        }
        Type::Map => {
            let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
            let map = read_map(decoder, |decoder| read_within(decoder, inner))?;
            if map.contains_key(BYTES_KEY) {
                return Err(ValueError::ReservedKey);
            }
            Value::Map(map)
        }
        _ => return Err(NotCanonical.into()),
    })
}

fn check_int(number: i64) -> Result<i64, ValueError> {
    if -INT_BOUND < number && number < INT_BOUND { Ok(number) } else { Err(ValueError::TooGreat) }
}

fn check_float(number: f64) -> Result<f64, ValueError> {
    match Value::number(number)? {
        Value::Float(number) => Ok(number),
        _ => Err(ValueError::BadFloat),
    }
}

/// The integer below 2^53 that equals `number`, if there is one.
#[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::float_cmp)] // Exact below 2^53.
fn integral(number: f64) -> Option<i64> {
    (number.abs() < INT_BOUND as f64 && number.trunc() == number).then_some(number as i64)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(super) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            (1 - INT_BOUND..INT_BOUND).prop_map(Value::Int),
            any::<f64>().prop_filter_map("finite", |number| Value::number(number).ok()),
            "\\PC{0,12}".prop_map(Value::Text),
            prop::collection::vec(any::<u8>(), 0..20).prop_map(Value::Bytes),
        ];
        leaf.prop_recursive(4, 40, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                prop::collection::btree_map("[a-z]{0,3}", inner, 0..6).prop_map(Value::Map),
            ]
        })
    }

    fn nested(depth: usize) -> Value {
        (0..depth).fold(Value::Null, |value, _| Value::Array(vec![value]))
    }

    #[test]
    fn each_value_has_one_encoding() {
        let map =
            |pairs: &[&str]| Value::Map(pairs.iter().map(|key| ((*key).to_owned(), Value::Null)).collect());
        for (value, bytes) in [
            (Value::Int(-1), vec![0x20]),
            (Value::Int(24), vec![0x18, 24]),
            (Value::Float(0.5), vec![0xfb, 0x3f, 0xe0, 0, 0, 0, 0, 0, 0]),
            (Value::Bytes(vec![7]), vec![0x41, 7]),
            (map(&["b", "aa"]), vec![0xa2, 0x61, b'b', 0xf6, 0x62, b'a', b'a', 0xf6]),
        ] {
            assert_eq!(value.encode(), bytes);
            assert_eq!(Value::decode(&bytes), Ok(value));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        for (wrong, why) in [
            (&[0x18, 1][..], "long head"),
            (&[0x9f, 0xff], "indefinite array"),
            (&[0xbf, 0xff], "indefinite map"),
            (&[0x5f, 0xff], "indefinite bytes"),
            (&[0xf9, 0x38, 0], "half float"),
            (&[0xfa, 0x3f, 0, 0, 0], "single float"),
            (&[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], "1.0"),
            (&[0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0], "-0"),
            (&[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], "infinity"),
            (&[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "NaN"),
            (&[0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0], "2^53"),
            (&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0], "unsorted keys"),
            (&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], "a key twice"),
            (&[0xa1, 0, 0], "a key that is not text"),
            (&[0xf7], "undefined"),
            (&[0xc0, 0], "tag"),
            (&[0, 0], "trailing bytes"),
            (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "a huge count"),
            (&[0x62, 0xc3, 0x28], "not UTF-8"),
            (&[], "nothing"),
        ] {
            assert!(Value::decode(wrong).is_err(), "{why}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        let deepest = nested(MAX_NESTING);
        assert_eq!(Value::decode(&deepest.encode()).as_ref(), Ok(&deepest));
        assert_eq!(deepest.check(), Ok(()));
        let deeper = nested(MAX_NESTING + 1);
        assert_eq!(Value::decode(&deeper.encode()), Err(ValueError::TooDeep));
        assert_eq!(deeper.check(), Err(ValueError::TooDeep));
        assert!(Value::decode(&vec![0x81; 100_000]).is_err());
    }

    #[test]
    fn variants_that_break_a_rule_are_noticed() {
        let reserved = Value::Map([(BYTES_KEY.to_owned(), Value::Null)].into());
        for wrong in [
            Value::Int(INT_BOUND),
            Value::Float(1.0),
            Value::Float(-0.0),
            Value::Float(f64::NAN),
            Value::Array(vec![Value::Float(f64::INFINITY)]),
            reserved,
        ] {
            assert!(wrong.check().is_err(), "{wrong:?}");
            assert!(Value::decode(&wrong.encode()).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn decoding_undoes_encoding(value in any_value()) {
            prop_assert_eq!(value.check(), Ok(()));
            prop_assert_eq!(Value::decode(&value.encode()), Ok(value));
        }

        #[test]
        fn what_decodes_is_canonical(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(value) = Value::decode(&bytes) {
                prop_assert_eq!(value.encode(), bytes);
            }
        }

        #[test]
        fn a_changed_byte_never_gives_the_same_value(value in any_value(), at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
            let mut bytes = value.encode();
            let at = at.index(bytes.len());
            bytes[at] ^= flip;
            prop_assert_ne!(Value::decode(&bytes), Ok(value));
        }
    }
}
