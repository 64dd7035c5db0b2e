//! `encoding.json`: base64url and joining.

use connectoid_protocol::encoding::{base64url, join, parse_base64url};
use serde::{Deserialize, Serialize};

use crate::support::{Hex, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Encoding {
    base64url: Vec<Text>,
    refused: Vec<String>,
    join: Vec<Joined>,
}

#[derive(Serialize, Deserialize)]
struct Text {
    bytes: Hex,
    text: String,
}

#[derive(Serialize, Deserialize)]
struct Joined {
    parts: Vec<Hex>,
    joined: Hex,
}

impl Vectors for Encoding {
    const FILE: &'static str = "encoding.json";

    fn generate() -> Self {
        let bytes: [&[u8]; 5] = [b"", &[0], &[0xfb, 0xff], b"foo", &[0xff; 4]];
        let lists: [&[&[u8]]; 4] = [&[], &[b""], &[b"ab", b"c"], &[b"a", b"", b"bc"]];
        Self {
            base64url: bytes.map(|bytes| Text { bytes: bytes.into(), text: base64url(bytes) }).into(),
            refused: ["-_8=", "-_9", "+/8", "-_8 ", "-", "-_8\n", "-_8-_"].map(str::to_owned).into(),
            join: lists
                .map(|list| Joined { parts: list.iter().map(Hex::from).collect(), joined: join(list).into() })
                .into(),
        }
    }

    fn check(&self) {
        for Text { bytes, text } in &self.base64url {
            assert_eq!(base64url(&bytes.0), *text);
            assert_eq!(parse_base64url(text).as_ref(), Ok(&bytes.0));
        }
        for text in &self.refused {
            assert!(parse_base64url(text).is_err(), "{text:?}");
        }
        for Joined { parts, joined } in &self.join {
            let parts: Vec<_> = parts.iter().map(|part| part.0.as_slice()).collect();
            assert_eq!(join(&parts), joined.0);
        }
    }
}
