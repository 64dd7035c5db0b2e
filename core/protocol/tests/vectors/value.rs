//! `value.json`: what a field can hold, as JSON and as deterministic CBOR.

use connectoid_protocol::value::{Value, check_numbers};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{Hex, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Values {
    values: Vec<Pair>,
    refused: Vec<Refused>,
    refused_json: Vec<serde_json::Value>,
    numbers: Vec<Number>,
    refused_numbers: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Pair {
    json: serde_json::Value,
    cbor: Hex,
}

/// A number as it is written in a JSON text.
#[derive(Serialize, Deserialize)]
struct Number {
    text: String,
    cbor: Hex,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) what: String,
    pub(crate) cbor: Hex,
}

impl Vectors for Values {
    const FILE: &'static str = "value.json";

    fn generate() -> Self {
        let nested = (0..16).fold(json!(1), |inner, _| json!([inner]));
        let json = json!([
            null, true, false, 0, 23, 24, -1, -24, -25, 255, 256, 65536, 4_294_967_296_u64,
            9_007_199_254_740_991_u64, -9_007_199_254_740_991_i64,
            0.5, -0.1, 1e300, 5e-324,
            "", "Grüße 🐶", "a\u{0}b", {"$bytes": "-_8"}, {"$bytes": ""},
            [], [1, [2, "x"]], {}, {"b": 1, "aa": 2, "": 3, "ä": 4, "z": null}, nested
        ]);
        let cbor = |json: &serde_json::Value| Value::from_json(json.clone()).unwrap().encode().into();
        let values =
            json.as_array().unwrap().iter().map(|json| Pair { cbor: cbor(json), json: json.clone() });
        let refused =
            REFUSED.iter().map(|(cbor, what)| Refused { what: (*what).to_owned(), cbor: cbor.into() });
        let too_deep =
            Refused { what: "17 arrays in each other".into(), cbor: [&[0x81; 17][..], &[1]].concat().into() };
        Self {
            values: values.collect(),
            refused: refused.chain([too_deep]).collect(),
            refused_json: vec![
                json!({"$bytes": "-_9"}),
                json!({"$bytes": 1}),
                json!({"$bytes": "", "a": 1}),
                (0..17).fold(json!(1), |inner, _| json!([inner])),
            ],
            numbers: NUMBERS
                .iter()
                .map(|text| Number {
                    text: (*text).to_owned(),
                    cbor: from_text(text).unwrap().encode().into(),
                })
                .collect(),
            refused_numbers: REFUSED_NUMBERS.iter().map(|text| (*text).to_owned()).collect(),
        }
    }

    fn check(&self) {
        for Pair { json, cbor } in &self.values {
            let value = Value::from_json(json.clone()).unwrap();
            assert_eq!(Hex::from(value.encode()), *cbor, "{json}");
            assert_eq!(Value::decode(&cbor.0), Ok(value));
        }
        for Refused { what, cbor } in &self.refused {
            assert!(Value::decode(&cbor.0).is_err(), "{what}");
        }
        for json in &self.refused_json {
            assert!(Value::from_json(json.clone()).is_err(), "{json}");
        }
        for Number { text, cbor } in &self.numbers {
            assert_eq!(from_text(text).unwrap(), Value::decode(&cbor.0).unwrap(), "{text}");
        }
        for text in &self.refused_numbers {
            assert!(from_text(text).is_none(), "{text}");
        }
    }
}

fn from_text(text: &str) -> Option<Value> {
    check_numbers(text).ok()?;
    Value::from_json(serde_json::from_str(text).ok()?).ok()
}

const NUMBERS: &[&str] = &[
    "0",
    "1.0",
    "1e3",
    "-2.50",
    "0e9",
    "9007199254740991",
    "9007199254740991.0",
    "9007199254740992.0",
    "100000000000000000000.0",
    "1.8446744073709552e19",
    "1e23",
    "1658206780088562.2",
    "1658206780088562.3",
    "0.1",
    "0.10000000000000000555",
    "4.9e-324",
    "1.7976931348623157e308",
];

const REFUSED_NUMBERS: &[&str] = &[
    "-0",
    "-0.0",
    "-0e7",
    "9007199254740992",
    "-9007199254740992",
    "18446744073709551616",
    "9007199254740993.0",
    "9.007199254740993e15",
    "1.8446744073709551617e19",
    "0.10000000000000000001",
    "1.2345e-322",
    "1658206780088562.4",
    "1e-400",
    "1e400",
];

const REFUSED: &[(&[u8], &str)] = &[
    (&[], "nothing"),
    (&[0, 0], "trailing bytes"),
    (&[0x18, 1], "a head longer than needed"),
    (&[0x58, 1, 0], "a length longer than needed"),
    (&[0x9f, 0xff], "an array of indefinite length"),
    (&[0xbf, 0xff], "a map of indefinite length"),
    (&[0x5f, 0xff], "bytes of indefinite length"),
    (&[0x7f, 0xff], "text of indefinite length"),
    (&[0xf9, 0x38, 0], "a float of two bytes"),
    (&[0xfa, 0x3f, 0, 0, 0], "a float of four bytes"),
    (&[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0], "1.0"),
    (&[0xfb, 0x80, 0, 0, 0, 0, 0, 0, 0], "-0"),
    (&[0xfb, 0x7f, 0xf0, 0, 0, 0, 0, 0, 0], "infinity"),
    (&[0xfb, 0x7f, 0xf8, 0, 0, 0, 0, 0, 0], "NaN"),
    (&[0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0], "2^53 as an integer"),
    (&[0x3b, 0, 0x1f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "-2^53 as an integer"),
    (&[0xa2, 0x61, b'b', 0, 0x61, b'a', 0], "keys out of order"),
    (&[0xa2, 0x62, b'a', b'a', 0, 0x61, b'b', 0], "keys in the order of their text"),
    (&[0xa2, 0x61, b'a', 0, 0x61, b'a', 0], "a key twice"),
    (&[0xa1, 0, 0], "a key that is not text"),
    (&[0xa1, 0x66, b'$', b'b', b'y', b't', b'e', b's', 0], "the reserved key"),
    (&[0xf7], "undefined"),
    (&[0xe0], "an unassigned simple value"),
    (&[0xc0, 0], "a tag"),
    (&[0x9b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], "more items than there are bytes"),
    (&[0x62, 0xc3, 0x28], "text that is not UTF-8"),
];
