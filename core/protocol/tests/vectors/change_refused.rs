//! Changes that must be refused, built without the implementation under test.

use connectoid_protocol::{
    change::{Change, ChangeError},
    encoding::base64url,
    value::{Value, ValueError},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::support::{Hex, user};

#[derive(Serialize, Deserialize)]
pub(crate) struct Refused {
    what: String,
    key: Hex,
    bytes: Hex,
    error: String,
}

impl Refused {
    pub(crate) fn check(&self) {
        assert_eq!(error_of(&self.bytes.0), self.error, "{}", self.what);
    }
}

/// What is wrong with a change by the first user.
fn error_of(bytes: &[u8]) -> &'static str {
    let error = Change::decode(bytes).and_then(|change| change.verify(&user(1).public()));
    match error {
        Ok(()) => "accepted",
        Err(ChangeError::NotCanonical(_) | ChangeError::BadValue(ValueError::NotCanonical(_))) => {
            "not_canonical"
        }
        Err(ChangeError::BadOpCount) => "bad_op_count",
        Err(ChangeError::BadName) => "bad_name",
        Err(ChangeError::NoFields) => "no_fields",
        Err(ChangeError::BadValue(_)) => "bad_value",
        Err(ChangeError::Repeated) => "repeated",
        Err(ChangeError::Mixed) => "mixed",
        Err(ChangeError::Forgotten) => "forgotten",
        Err(ChangeError::BadGroup) => "bad_group",
        Err(ChangeError::BadKey) => "bad_key",
        Err(ChangeError::BadWithdrawal) => "bad_withdrawal",
        Err(ChangeError::BadRole) => "bad_role",
        Err(ChangeError::Forged) => "forged",
        Err(other) => panic!("{other}"),
    }
}

pub(crate) fn refused() -> Vec<Refused> {
    let cases = wrong_bytes().into_iter().chain(wrong_ops()).chain(wrong_headers());
    cases.map(|(what, bytes)| refuse(what, bytes)).collect()
}

fn refuse(what: &str, bytes: Vec<u8>) -> Refused {
    let error = error_of(&bytes).to_owned();
    assert_ne!(error, "accepted", "{what}");
    Refused { what: what.to_owned(), key: user(1).public().as_bytes().into(), bytes: bytes.into(), error }
}

type Case = (&'static str, Vec<u8>);

fn wrong_bytes() -> Vec<Case> {
    let good = change(&[delete("a")]);
    let mut long_head = good.clone();
    // The outer array's head, 0x83, in two bytes.
    long_head.splice(0..1, [0x98, 3]);
    let unordered = [&[0x84, 0, 0x61, b'c', 0x61, b'a', 0xa2][..], &[0x61, b'b', 0, 0x61, b'a', 0]].concat();
    let float =
        [&[0x84, 0, 0x61, b'c', 0x61, b'a', 0xa1, 0x61, b'f'][..], &[0xfb, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]]
            .concat();
    vec![
        ("a trailing byte", [&good[..], &[0]].concat()),
        ("a head longer than needed", long_head),
        ("cut short", good[..good.len() - 1].to_vec()),
        ("a signature that is not the author's", good),
        ("fields out of order", outer(&header(GROUP, 1, 5), &[held(&unordered)], &[0; 64])),
        ("a field that holds 1.0", outer(&header(GROUP, 1, 5), &[held(&float)], &[0; 64])),
        ("a removal inside a value", {
            let nested = [&[0x84, 0, 0x61, b'c', 0x61, b'a', 0xa1, 0x61, b'f'][..], &[0x81, 0xf7]].concat();
            outer(&header(GROUP, 1, 5), &[held(&nested)], &[0; 64])
        }),
        ("a signature of 63 bytes", outer(&header(GROUP, 1, 5), &[held(&delete("a"))], &[0; 63])),
        ("a salt of 15 bytes", {
            let slot = json!([bytes(&[1; 15]), bytes(&delete("a"))]);
            outer(&header(GROUP, 1, 5), &[slot], &[0; 64])
        }),
        ("a forgotten operation's hash of 31 bytes", {
            outer(&header(GROUP, 1, 5), &[held(&delete("a")), bytes(&[1; 31])], &[0; 64])
        }),
    ]
}

fn wrong_ops() -> Vec<Case> {
    let (id, key) = (user(2).id(), user(2).public());
    let member = |role| op(&json!([3, bytes(id.as_bytes()), bytes(key.as_bytes()), role]));
    let imposed = op(&json!([3, bytes(&[7; 32]), bytes(key.as_bytes()), 1]));
    let remove = op(&json!([4, bytes(id.as_bytes())]));
    let withdraw = |names: &[u8]| {
        let names: Vec<_> = names.iter().map(|name| bytes(&[*name; 32])).collect();
        op(&json!([13, names]))
    };
    let with_forgotten = outer(&header(GROUP, 1, 5), &[held(&remove), bytes(&[1; 32])], &[0; 64]);
    vec![
        ("no operation", change(&[])),
        ("an unknown operation", change(&[op(&json!([5, "c"]))])),
        ("an operation with too many parts", change(&[op(&json!([1, "c", "a", 0]))])),
        ("an empty collection", change(&[op(&json!([1, "", "a"]))])),
        ("a collection of 129 bytes", change(&[op(&json!([1, "x".repeat(129), "a"]))])),
        ("a record id of 257 bytes", change(&[delete(&"x".repeat(257))])),
        ("an empty field", change(&[op(&json!([0, "c", "a", {"": 1}]))])),
        ("no field", change(&[op(&json!([0, "c", "a", {}]))])),
        ("the same record twice", change(&[delete("a"), op(&json!([0, "c", "a", {"f": 1}]))])),
        ("the same member twice", change(&[member(1), remove.clone()])),
        ("a record and a member", change(&[delete("a"), remove])),
        ("a member with the role of an owner", change(&[member(0)])),
        ("a member with another's key", change(&[imposed])),
        ("a membership change with an operation forgotten", with_forgotten),
        ("a withdrawal of nothing", change(&[withdraw(&[])])),
        ("a withdrawal out of order", change(&[withdraw(&[2, 1])])),
        ("a withdrawal of the same twice", change(&[withdraw(&[1, 1])])),
        ("a withdrawal that is not alone", change(&[withdraw(&[1]), delete("a")])),
    ]
}

fn wrong_headers() -> Vec<Case> {
    let genesis = |owner| {
        let key = user(owner).public();
        op(&json!([2, bytes(key.as_bytes()), bytes(&[2; 16]), "home"]))
    };
    let with = |header: &[u8], op: &[u8]| outer(header, &[held(op)], &[0; 64]);
    let version = encoded(&json!([2, bytes(&GROUP), bytes(user(1).id().as_bytes()), bytes(&[3; 16]), 5]));
    let mut long_stamp = header(GROUP, 1, 5);
    long_stamp.pop();
    long_stamp.extend([0x18, 5]);
    vec![
        ("another version", with(&version, &delete("a"))),
        ("a stamp longer than needed", with(&long_stamp, &delete("a"))),
        ("a stamp of 2^53", with(&header(GROUP, 1, 1 << 53), &delete("a"))),
        ("records in no group", with(&header([0; 32], 1, 5), &delete("a"))),
        ("a genesis in a group", with(&header(GROUP, 1, 5), &genesis(1))),
        ("a genesis for another owner", with(&header([0; 32], 1, 5), &genesis(2))),
        ("a genesis that is not alone", {
            outer(
                &header([0; 32], 1, 5),
                &[held(&genesis(1)), held(&op(&json!([4, bytes(&[7; 32])])))],
                &[0; 64],
            )
        }),
        ("by another author than the key's", with(&header(GROUP, 2, 5), &delete("a"))),
    ]
}

const GROUP: [u8; 32] = [9; 32];

/// A change of these operations with a signature of zeros.
fn change(ops: &[Vec<u8>]) -> Vec<u8> {
    let slots: Vec<_> = ops.iter().map(|op| held(op)).collect();
    outer(&header(GROUP, 1, 5), &slots, &[0; 64])
}

fn outer(header: &[u8], slots: &[serde_json::Value], signature: &[u8]) -> Vec<u8> {
    encoded(&json!([bytes(header), slots, bytes(signature)]))
}

fn header(group: [u8; 32], author: u8, stamp: i64) -> Vec<u8> {
    let part = |bytes: &[u8]| Value::Bytes(bytes.to_vec());
    let author = part(user(author).id().as_bytes());
    Value::Array(vec![Value::Int(1), part(&group), author, part(&[3; 16]), Value::Int(stamp)]).encode()
}

fn held(op: &[u8]) -> serde_json::Value {
    json!([bytes(&[1; 16]), bytes(op)])
}

fn delete(id: &str) -> Vec<u8> {
    op(&json!([1, "c", id]))
}

fn op(json: &serde_json::Value) -> Vec<u8> {
    encoded(json)
}

fn encoded(json: &serde_json::Value) -> Vec<u8> {
    Value::from_json(json.clone()).unwrap().encode()
}

fn bytes(bytes: &[u8]) -> serde_json::Value {
    json!({"$bytes": base64url(bytes)})
}
