//! Messages: what travels through mailboxes, sealed.
//!
//! A message is a JSON object, signed with the sender's box key. The signature proves that the sender
//! owns the return address it announces; the sealing ([`crate::seal`]) proves that it was given ours.
//!
//! ```json
//! {"v":1,"kind":"offer","id":"…","sid":"…","to":"…","exp":1790000000000000,
//!  "connectoid":"…","sdpOffer":{"type":"offer","sdp":"…"},"alg":"ES384","sig":"…"}
//! ```
//!
//! `sig` is ES384, raw r‖s, over the RFC 8785 canonical form of the object without `sig`. Fields that a
//! reader does not know are covered by the signature and otherwise ignored. Numbers are integers below
//! 2^53; anything else is refused, so that canonical forms cannot differ between languages.

use p384::ecdsa::{
    Signature, SigningKey, VerifyingKey,
    signature::{Signer, Verifier},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::{
    address::{Address, AddressError},
    boxes::{BoxId, BoxKey},
    encoding::{base64url, join, parse_base64url_array},
    seal::{self, Export, SealError},
    strict_json,
};

/// The version of the message format.
pub const VERSION: u64 = 1;

/// How long an offer may be answered, in µs: a session description goes stale, because the network of
/// the one who wrote it may have changed.
pub const OFFER_LIFETIME: u64 = 90_000_000;

/// How long any other message is worth reading, in µs: what a mailbox keeps it for.
pub const MESSAGE_LIFETIME: u64 = 3_600_000_000;

/// The greatest length of a session description, in bytes.
pub const MAX_SDP_LEN: usize = 12 << 10;

const MAX_SAFE_INTEGER: u64 = (1 << 53) - 1;
const MAX_DEPTH: usize = 8;

/// 16 random bytes that name a message or a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id([u8; 16]);

impl Id {
    /// Draws a new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 16];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Restores an id from storage.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl Serialize for Id {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url(&self.0))
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        parse_base64url_array(&text).map(Self).map_err(serde::de::Error::custom)
    }
}

/// What two people can compare to see whether they mean the same box key, without the key itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// The fingerprint of a box: the first half of SHA-256(`connectoid/1 fingerprint` ‖ Q).
    pub fn of(id: &BoxId) -> Self {
        let hash = Sha256::digest(join(&[b"connectoid/1 fingerprint", id.as_bytes()]));
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        Self(bytes)
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl std::fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&base64url(&self.0))
    }
}

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Body {
    /// "Connect to me thus."
    Offer {
        /// The WebRTC session description (RFC 8866), with all its candidates.
        sdp: String,
    },
    /// "And you to me thus."
    Answer {
        /// The WebRTC session description.
        sdp: String,
    },
    /// "The link that you opened is not open to you."
    Refused {
        /// The offer that is refused.
        refused: Id,
        /// Why.
        why: Refusal,
    },
    /// "We do not share any more; forget the keys."
    Unshared,
    /// "I want to talk, and you do not answer where I think that you are: make me an offer." Goes to boxes that the
    /// reader has left, or should have, in case that it was put back to an older copy of its store.
    Call,
}

/// Why a link's creator does not accept an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Somebody else was first.
    Used {
        /// When the link was used, in µs since the epoch by the creator's clock.
        at: u64,
        /// Which key used it.
        winner: Fingerprint,
    },
    /// Its time had run out.
    Expired,
    /// Its creator took it back.
    Revoked,
}

/// A message, read and verified.
#[derive(Clone)]
pub struct Message {
    /// Names the message; seen twice, it is dropped.
    pub id: Id,
    /// The session it belongs to.
    pub sid: Id,
    /// The end of its usefulness, in µs since the epoch; written as 2^53 − 1 where a clock says more.
    pub exp: u64,
    /// The sender's return address, whose key signed this.
    pub from: Address,
    /// What it says.
    pub body: Body,
}

/// A message could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MessageError {
    /// Not sealed to this box by a holder of its address.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Not the JSON that this version writes.
    #[error("the message is malformed")]
    Malformed,
    /// Written by a version that this one cannot read.
    #[error("the message has version {0}, this software reads version {VERSION}")]
    Version(u64),
    /// A message for another box, put into this one.
    #[error("the message is addressed to another box")]
    NotForThisBox,
    /// The return address is damaged.
    #[error("the return address is damaged: {0}")]
    ReturnAddress(#[from] AddressError),
    /// The signature does not prove ownership of the return address.
    #[error("the signature is not by the owner of the return address")]
    Signature,
}

/// A sealed message and what its sender has to remember of it.
pub struct Written {
    /// What goes to the mailbox.
    pub sealed: Vec<u8>,
    /// The exact plaintext, part of the session's transcript.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The secret shared with the reader.
    pub export: Export,
}

/// A message with what its reader has to remember of it.
pub struct Read {
    /// The message.
    pub message: Message,
    /// The exact plaintext, part of the session's transcript.
    pub plaintext: Zeroizing<Vec<u8>>,
    /// The secret shared with the writer.
    pub export: Export,
}

/// Signs a message with `key`, whose address is `message.from`, and seals it to `to`.
///
/// # Errors
/// [`SealError::TooLong`] if a session description makes it too long.
pub fn write(
    message: &Message,
    key: &BoxKey,
    to: &Address,
    rng: &mut impl CryptoRng,
) -> Result<Written, MessageError> {
    let mut object = to_object(message, &to.box_id());
    let signature: Signature = SigningKey::from(key.private_key()).sign(&canonical(&object)?);
    object.insert("sig".into(), base64url(&signature.to_bytes()).into());
    let plaintext = Zeroizing::new(serde_json::to_vec(&object).map_err(|_| MessageError::Malformed)?);
    let (sealed, export) = seal::seal(to, &plaintext, rng)?;
    Ok(Written { sealed, plaintext, export })
}

/// Opens a message in the box of `key`, given away as `address`, and verifies its signature.
///
/// Whether the sender is who it should be at this point of the protocol is for the caller to judge.
///
/// # Errors
/// [`MessageError`]; the message then counts as processed.
pub fn read(key: &BoxKey, address: &Address, sealed: &[u8]) -> Result<Read, MessageError> {
    let (plaintext, export) = seal::open(key, address, sealed)?;
    let message = parse(&plaintext, &key.id())?;
    Ok(Read { message, plaintext, export })
}

/// Parses a message that was opened in the box `to`, and verifies its signature: what [`read`] does with
/// the plaintext.
///
/// # Errors
/// [`MessageError`], though not of the sealing.
pub fn parse(plaintext: &[u8], to: &BoxId) -> Result<Message, MessageError> {
    let mut object = strict_json::object(plaintext).map_err(|_| MessageError::Malformed)?;
    check_values(&object)?;
    match object.get("v").and_then(Value::as_u64) {
        Some(VERSION) => {}
        Some(other) => return Err(MessageError::Version(other)),
        None => return Err(MessageError::Malformed),
    }
    let signature = object.remove("sig").ok_or(MessageError::Malformed)?;
    if object.get("alg").and_then(Value::as_str) != Some(ALGORITHM) {
        return Err(MessageError::Signature);
    }
    if BoxId::parse(text(&object, "to")?).ok() != Some(*to) {
        return Err(MessageError::NotForThisBox);
    }
    let from = Address::parse(text(&object, "connectoid")?)?;
    verify(&object, &signature, &from)?;
    from_object(&object, from)
}

const ALGORITHM: &str = "ES384";

fn verify(object: &Map<String, Value>, signature: &Value, from: &Address) -> Result<(), MessageError> {
    let bytes: [u8; 96] = signature
        .as_str()
        .and_then(|text| parse_base64url_array(text).ok())
        .ok_or(MessageError::Signature)?;
    let signature = Signature::from_slice(&bytes).map_err(|_| MessageError::Signature)?;
    let key = from.box_id().public_key().map_err(|_| MessageError::Signature)?;
    VerifyingKey::from(key).verify(&canonical(object)?, &signature).map_err(|_| MessageError::Signature)
}

fn canonical(object: &Map<String, Value>) -> Result<Vec<u8>, MessageError> {
    serde_json_canonicalizer::to_vec(object).map_err(|_| MessageError::Malformed)
}

fn to_object(message: &Message, to: &BoxId) -> Map<String, Value> {
    let mut object = Map::new();
    let mut set = |name: &str, value: Value| object.insert(name.to_owned(), value);
    set("v", VERSION.into());
    set("kind", kind(&message.body).into());
    set("id", base64url(message.id.as_bytes()).into());
    set("sid", base64url(message.sid.as_bytes()).into());
    set("to", to.to_base64().into());
    set("exp", message.exp.min(MAX_SAFE_INTEGER).into());
    set("connectoid", message.from.as_text().into());
    set("alg", ALGORITHM.into());
    match &message.body {
        Body::Offer { sdp } => drop(set("sdpOffer", serde_json::json!({"type": "offer", "sdp": sdp}))),
        Body::Answer { sdp } => drop(set("sdpAnswer", serde_json::json!({"type": "answer", "sdp": sdp}))),
        Body::Refused { refused, why } => {
            set("refused", base64url(refused.as_bytes()).into());
            if let Refusal::Used { at, winner } = why {
                set("at", (*at).min(MAX_SAFE_INTEGER).into());
                set("winner", winner.to_string().into());
            }
        }
        Body::Unshared | Body::Call => {}
    }
    object
}

fn kind(body: &Body) -> &'static str {
    match body {
        Body::Offer { .. } => "offer",
        Body::Answer { .. } => "answer",
        Body::Refused { why: Refusal::Used { .. }, .. } => "used",
        Body::Refused { why: Refusal::Expired, .. } => "expired",
        Body::Refused { why: Refusal::Revoked, .. } => "revoked",
        Body::Unshared => "unshared",
        Body::Call => "call",
    }
}

fn from_object(object: &Map<String, Value>, from: Address) -> Result<Message, MessageError> {
    let body = match text(object, "kind")? {
        "offer" => Body::Offer { sdp: sdp(object, "sdpOffer", "offer")? },
        "answer" => Body::Answer { sdp: sdp(object, "sdpAnswer", "answer")? },
        "used" => {
            let winner = Fingerprint(array(object, "winner")?);
            refused(object, Refusal::Used { at: integer(object, "at")?, winner })?
        }
        "expired" => refused(object, Refusal::Expired)?,
        "revoked" => refused(object, Refusal::Revoked)?,
        "unshared" => Body::Unshared,
        "call" => Body::Call,
        _ => return Err(MessageError::Malformed),
    };
    let (id, sid) = (Id(array(object, "id")?), Id(array(object, "sid")?));
    Ok(Message { id, sid, exp: integer(object, "exp")?, from, body })
}

fn refused(object: &Map<String, Value>, why: Refusal) -> Result<Body, MessageError> {
    Ok(Body::Refused { refused: Id(array(object, "refused")?), why })
}

fn sdp(object: &Map<String, Value>, name: &str, kind: &str) -> Result<String, MessageError> {
    let description = object.get(name).and_then(Value::as_object).ok_or(MessageError::Malformed)?;
    let sdp = text(description, "sdp")?;
    if text(description, "type")? != kind || sdp.len() > MAX_SDP_LEN {
        return Err(MessageError::Malformed);
    }
    Ok(sdp.to_owned())
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Result<&'a str, MessageError> {
    object.get(name).and_then(Value::as_str).ok_or(MessageError::Malformed)
}

fn integer(object: &Map<String, Value>, name: &str) -> Result<u64, MessageError> {
    object.get(name).and_then(Value::as_u64).ok_or(MessageError::Malformed)
}

fn array<const N: usize>(object: &Map<String, Value>, name: &str) -> Result<[u8; N], MessageError> {
    parse_base64url_array(text(object, name)?).map_err(|_| MessageError::Malformed)
}

/// Refuses numbers whose canonical form languages disagree about, and nesting that eats the stack.
fn check_values(object: &Map<String, Value>) -> Result<(), MessageError> {
    fn fine(value: &Value, depth: usize) -> bool {
        depth < MAX_DEPTH
            && match value {
                Value::Number(number) => {
                    let magnitude = number.as_u64().or_else(|| number.as_i64().map(i64::unsigned_abs));
                    magnitude.is_some_and(|magnitude| magnitude <= MAX_SAFE_INTEGER)
                }
                Value::Array(values) => values.iter().all(|value| fine(value, depth + 1)),
                Value::Object(object) => object.values().all(|value| fine(value, depth + 1)),
                Value::Null | Value::Bool(_) | Value::String(_) => true,
            }
    }
    if object.values().all(|value| fine(value, 0)) { Ok(()) } else { Err(MessageError::Malformed) }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    struct Party {
        key: BoxKey,
        address: Address,
    }

    fn party(seed: u64) -> Party {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed));
        let address = Address::new(&key, &["https://mail.example".to_owned()], None).unwrap();
        Party { key, address }
    }

    fn message(from: &Party, body: Body) -> Message {
        let mut rng = ChaCha20Rng::seed_from_u64(9);
        let (id, sid) = (Id::generate(&mut rng), Id::generate(&mut rng));
        Message { id, sid, exp: 1_790_000_000_000_000, from: from.address.clone(), body }
    }

    #[test]
    fn a_time_beyond_what_can_be_written_is_the_last_that_can() {
        let (alice, bob) = (party(1), party(2));
        let late = Message { exp: u64::MAX, ..message(&bob, Body::Call) };
        let written = write(&late, &bob.key, &alice.address, &mut ChaCha20Rng::seed_from_u64(3)).unwrap();
        let read = read(&alice.key, &alice.address, &written.sealed).unwrap();
        assert_eq!(read.message.exp, MAX_SAFE_INTEGER);
    }

    #[test]
    fn every_kind_comes_back_as_it_was_sent() {
        let (alice, bob) = (party(1), party(2));
        let mut rng = ChaCha20Rng::seed_from_u64(3);
        let refused = Id::generate(&mut rng);
        for body in [
            Body::Offer { sdp: "v=0\r\n\"ü\"".into() },
            Body::Answer { sdp: "v=0".into() },
            Body::Refused { refused, why: Refusal::Used { at: 7, winner: Fingerprint::of(&bob.key.id()) } },
            Body::Refused { refused, why: Refusal::Expired },
            Body::Refused { refused, why: Refusal::Revoked },
            Body::Unshared,
            Body::Call,
        ] {
            let sent = message(&bob, body.clone());
            let written = write(&sent, &bob.key, &alice.address, &mut rng).unwrap();
            let read = read(&alice.key, &alice.address, &written.sealed).unwrap();
            assert_eq!(read.message.body, body);
            assert_eq!((read.message.id, read.message.sid, read.message.exp), (sent.id, sent.sid, sent.exp));
            assert_eq!(read.message.from.as_text(), bob.address.as_text());
            assert_eq!(read.plaintext, written.plaintext);
            assert!(read.export == written.export);
        }
    }

    #[test]
    fn nobody_announces_an_address_that_is_not_its_own() {
        let (alice, bob, eve) = (party(1), party(2), party(3));
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let forged = message(&bob, Body::Unshared);
        let written = write(&forged, &eve.key, &alice.address, &mut rng).unwrap();
        let error = read(&alice.key, &alice.address, &written.sealed).err();
        assert_eq!(error, Some(MessageError::Signature));
    }

    #[test]
    fn a_message_cannot_be_forwarded_to_another_box() {
        let (alice, bob, carol) = (party(1), party(2), party(3));
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let written = write(&message(&bob, Body::Unshared), &bob.key, &alice.address, &mut rng).unwrap();
        let (forwarded, _) = seal::seal(&carol.address, &written.plaintext, &mut rng).unwrap();
        let error = read(&carol.key, &carol.address, &forwarded).err();
        assert_eq!(error, Some(MessageError::NotForThisBox));
    }

    #[test]
    fn tampered_or_foreign_json_is_refused() {
        let (alice, bob) = (party(1), party(2));
        let mut rng = ChaCha20Rng::seed_from_u64(4);
        let written = write(&message(&bob, Body::Unshared), &bob.key, &alice.address, &mut rng).unwrap();
        let json = String::from_utf8(written.plaintext.to_vec()).unwrap();
        for (json, error) in [
            (json.replace("\"v\":1", "\"v\":2"), MessageError::Version(2)),
            (json.replace("\"v\":1", "\"v\":1.5"), MessageError::Malformed),
            (json.replace("\"v\":1", "\"v\":1,\"n\":9007199254740992"), MessageError::Malformed),
            (json.replace("\"v\":1", "\"v\":1,\"extra\":true"), MessageError::Signature),
            (json.replace("ES384", "none"), MessageError::Signature),
            (json.replace("unshared", "shared"), MessageError::Signature),
            ("[]".to_owned(), MessageError::Malformed),
            (format!("{}0{}", "{\"v\":[".repeat(60), "]}".repeat(60)), MessageError::Malformed),
        ] {
            assert_eq!(parse(json.as_bytes(), &alice.key.id()).err(), Some(error), "{json}");
        }
    }

    #[test]
    fn fields_of_later_versions_are_signed_and_ignored() {
        let (alice, bob) = (party(1), party(2));
        let mut object = to_object(&message(&bob, Body::Unshared), &alice.key.id());
        object.insert("later".into(), serde_json::json!({"a": [1, "b", null, true]}));
        let signature: Signature = SigningKey::from(bob.key.private_key()).sign(&canonical(&object).unwrap());
        object.insert("sig".into(), base64url(&signature.to_bytes()).into());
        let json = serde_json::to_vec(&object).unwrap();
        assert_eq!(parse(&json, &alice.key.id()).unwrap().body, Body::Unshared);
    }
}
