//! Messages that must be refused, most of them signed as they should be.

use connectoid_protocol::{encoding::base64url, message::MessageError};
use p384::ecdsa::{Signature, SigningKey, signature::Signer};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{link::address_error, message::read, support::Party};

#[derive(Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) what: String,
    pub(crate) plaintext: String,
    pub(crate) error: String,
}

pub(crate) fn refused(sender: &Party, recipient: &Party) -> Vec<Refused> {
    let good = signed(sender, &unshared(sender, recipient));
    let with = |name: &str, value: Value| {
        let mut object = unshared(sender, recipient);
        object[name] = value;
        signed(sender, &object)
    };
    let without = |name: &str| {
        let mut object = unshared(sender, recipient);
        object.as_object_mut().unwrap().remove(name);
        signed(sender, &object)
    };
    let damaged = &sender.address[1..];
    let nested = (0..8).fold(json!(0), |inner, _| json!([inner]));
    [
        ("no object", "[]".to_owned()),
        ("another version", with("v", json!(2))),
        ("no version", without("v")),
        ("a number that is not integral", with("later", json!(1.5))),
        ("a number of 2^53", with("later", json!(9_007_199_254_740_992_u64))),
        ("arrays nested 8 deep", with("later", nested)),
        ("an unknown kind", with("kind", json!("hello"))),
        ("an offer without a description", with("kind", json!("offer"))),
        ("an id of 15 bytes", with("id", json!("AAAAAAAAAAAAAAAAAAAA"))),
        ("a negative exp", with("exp", json!(-1))),
        ("no exp", without("exp")),
        ("no signature", unshared(sender, recipient).to_string()),
        ("a field that is not signed", good.replacen('{', "{\"later\":true,", 1)),
        ("a name twice", good.replacen('{', "{\"v\":1,", 1)),
        ("another algorithm", with("alg", json!("EdDSA"))),
        ("a signature by another key", signed(recipient, &unshared(sender, recipient))),
        ("for another box", with("to", json!(base64url(&sender.id.0)))),
        ("a damaged return address", with("connectoid", json!(damaged))),
    ]
    .map(|(what, plaintext)| Refused {
        error: read(recipient, &plaintext).err().unwrap_or_else(|| panic!("{what} is accepted")),
        what: what.to_owned(),
        plaintext,
    })
    .into()
}

fn unshared(sender: &Party, recipient: &Party) -> Value {
    json!({
        "v": 1, "kind": "unshared", "id": base64url(&[7; 16]), "sid": base64url(&[8; 16]),
        "to": base64url(&recipient.id.0), "exp": 1_790_000_000_000_000_u64, "connectoid": sender.address, "alg": "ES384",
    })
}

fn signed(by: &Party, object: &Value) -> String {
    let mut object = object.clone();
    let key = SigningKey::from_slice(&by.q.0).unwrap();
    let signature: Signature = key.sign(&serde_json_canonicalizer::to_vec(&object).unwrap());
    object["sig"] = base64url(&signature.to_bytes()).into();
    object.to_string()
}

pub(crate) fn name(error: MessageError) -> &'static str {
    match error {
        MessageError::Malformed => "malformed",
        MessageError::Version(_) => "version",
        MessageError::NotForThisBox => "not_for_this_box",
        MessageError::Signature => "signature",
        MessageError::ReturnAddress(error) => {
            assert_eq!(address_error(error), "malformed");
            "return_address"
        }
        other => panic!("{other}"),
    }
}
