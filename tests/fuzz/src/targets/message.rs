//! Messages: JSON that is sealed, and signed unless it brings a signature, reads as it says or not at all.

use crate::party::{Party, RECIPIENT, SENDER};
use connectoid_protocol::{
    encoding::base64url,
    message::{self, Message, MessageError},
};
use p384::ecdsa::{Signature, SigningKey, signature::Signer};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::{Map, Value};

pub(super) fn run(json: &[u8]) {
    let to = RECIPIENT.key.id();
    let plaintext = match message::parse(json, &to) {
        Err(MessageError::Malformed) => match missing_signature(json) {
            Some(plaintext) => plaintext,
            None => return,
        },
        _ => json.to_vec(),
    };
    let Ok(message) = message::parse(&plaintext, &to) else { return };
    says(&message, &serde_json::from_slice(&plaintext).unwrap());
    if message.from.box_id() == SENDER.key.id() {
        let Party { key, address, .. } = &*RECIPIENT;
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let written = message::write(&message, &SENDER.key, address, &mut rng).unwrap();
        let again = message::read(key, address, &written.sealed).unwrap().message;
        assert_eq!(again.body, message.body);
        assert_eq!((again.id, again.sid, again.exp), (message.id, message.sid, message.exp));
    }
}

/// The object with the sender's signature, if that is all it lacks. Signing is a thousand times slower than
/// reading JSON, and would be in vain for most of it.
fn missing_signature(json: &[u8]) -> Option<Vec<u8>> {
    let object: Map<String, Value> = serde_json::from_slice(json).ok()?;
    let mut with_any = object.clone();
    with_any.insert("sig".into(), base64url(&[1; 96]).into());
    let parsed = message::parse(&serde_json::to_vec(&with_any).ok()?, &RECIPIENT.key.id());
    if matches!(parsed, Err(MessageError::Signature)) { signed(object) } else { None }
}

/// The object with the sender's signature, unless it has one.
fn signed(mut object: Map<String, Value>) -> Option<Vec<u8>> {
    if object.contains_key("sig") {
        return None;
    }
    let signature: Signature =
        SigningKey::from_slice(&SENDER.q).unwrap().sign(&serde_json_canonicalizer::to_vec(&object).ok()?);
    object.insert("sig".into(), base64url(&signature.to_bytes()).into());
    serde_json::to_vec(&object).ok()
}

fn says(message: &Message, object: &Map<String, Value>) {
    assert_eq!(object["v"], message::VERSION);
    assert_eq!(object["to"], RECIPIENT.key.id().to_base64());
    assert_eq!(object["connectoid"], message.from.as_text());
    assert_eq!(object["id"], base64url(message.id.as_bytes()));
    assert_eq!(object["sid"], base64url(message.sid.as_bytes()));
    assert_eq!(object["exp"], message.exp);
}
