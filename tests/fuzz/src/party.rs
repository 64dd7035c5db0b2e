//! The parties of the test vectors, so that their messages are seeds.

use std::sync::LazyLock;

use connectoid_protocol::{
    address::Address,
    boxes::{BoxKey, STORED_LEN},
};
use serde_json::Value;

/// Somebody with a box.
pub struct Party {
    /// The key to it,
    pub key: BoxKey,
    /// q alone, to sign with,
    pub q: Vec<u8>,
    /// and the address that was given away.
    pub address: Address,
}

/// Who reads messages.
pub static RECIPIENT: LazyLock<Party> = LazyLock::new(|| Party::of(&vectors("message")["recipient"]));

/// Who writes them.
pub static SENDER: LazyLock<Party> = LazyLock::new(|| Party::of(&vectors("message")["sender"]));

/// To whom the first of the sealed vectors is.
pub static SEALED_TO: LazyLock<Party> =
    LazyLock::new(|| Party::of(&vectors("seal")["envelopes"][0]["recipient"]));

/// Who is asked the first of the questions, under the origin `https://mail.example`.
pub static ASKED: LazyLock<Party> =
    LazyLock::new(|| Party::of(&vectors("question")["questions"][0]["owner"]));

impl Party {
    fn of(vector: &Value) -> Self {
        let stored: Vec<u8> = ["q", "P", "Q"].iter().flat_map(|part| hex(text(&vector[*part]))).collect();
        let stored: [u8; STORED_LEN] = stored.try_into().unwrap();
        Self {
            key: BoxKey::from_bytes(&stored).unwrap(),
            q: hex(text(&vector["q"])),
            address: Address::parse(text(&vector["address"])).unwrap(),
        }
    }
}

/// One of the files in `tests/vectors`.
pub fn vectors(name: &str) -> Value {
    let path = format!("{}/../vectors/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// A value that is a string.
pub fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Reads hexadecimal.
pub fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.chars().map(|digit| u8::try_from(digit.to_digit(16).unwrap()).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}
