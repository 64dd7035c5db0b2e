//! `user.json`: Ed25519 keys, ids and signatures, and what must not verify.

use connectoid_protocol::user::{UserError, UserKey, UserPublic};
use serde::{Deserialize, Serialize};

use crate::support::{Hex, Vectors, user};

#[derive(Serialize, Deserialize)]
pub(crate) struct Users {
    users: Vec<User>,
    refused_keys: Vec<Hex>,
    refused_signatures: Vec<Signed>,
}

#[derive(Serialize, Deserialize)]
struct User {
    seed: Hex,
    key: Hex,
    user: Hex,
    message: String,
    signature: Hex,
}

/// A signature over a message, by a key.
#[derive(Serialize, Deserialize)]
pub(crate) struct Signed {
    pub(crate) what: String,
    pub(crate) key: Hex,
    pub(crate) message: String,
    pub(crate) signature: Hex,
}

impl Signed {
    pub(crate) fn verify(&self) -> Result<(), UserError> {
        UserPublic::from_bytes(&self.key.array())?.verify(self.message.as_bytes(), &self.signature.array())
    }
}

/// The order of the base point, little-endian (RFC 8032 §5.1).
const ORDER: [u8; 32] = [
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
];

impl Vectors for Users {
    const FILE: &'static str = "user.json";

    fn generate() -> Self {
        let users = [1, 2].map(|seed| {
            let (key, message) = (user(seed), "connectoid/1 test");
            User {
                seed: key.to_bytes().into(),
                key: key.public().as_bytes().into(),
                user: key.id().as_bytes().into(),
                message: message.to_owned(),
                signature: key.sign(message.as_bytes()).into(),
            }
        });
        Self { users: users.into(), refused_keys: refused_keys(), refused_signatures: refused_signatures() }
    }

    fn check(&self) {
        for User { seed, key, user, message, signature } in &self.users {
            let private = UserKey::from_bytes(&seed.array());
            assert_eq!(Hex::from(private.public().as_bytes()), *key);
            assert_eq!(Hex::from(private.id().as_bytes()), *user);
            assert_eq!(Hex::from(private.sign(message.as_bytes())), *signature);
            assert_eq!(private.public().verify(message.as_bytes(), &signature.array()), Ok(()));
        }
        for key in &self.refused_keys {
            assert_eq!(UserPublic::from_bytes(&key.array()), Err(UserError::BadKey), "{key:?}");
        }
        for signed in &self.refused_signatures {
            assert_eq!(signed.verify(), Err(UserError::BadSignature), "{}", signed.what);
        }
    }
}

/// Points of small order, what is no point at all, and y = 3 written as p + 3.
fn refused_keys() -> Vec<Hex> {
    let mut identity = [0; 32];
    identity[0] = 1;
    let mut no_point = [0; 32];
    no_point[0] = 2;
    let mut order_two = [0xff; 32];
    (order_two[0], order_two[31]) = (0xec, 0x7f);
    let mut second_spelling = [0xff; 32];
    (second_spelling[0], second_spelling[31]) = (0xf0, 0x7f);
    [identity, [0; 32], order_two, no_point, second_spelling].map(Hex::from).into()
}

fn refused_signatures() -> Vec<Signed> {
    let (key, message) = (user(1), "connectoid/1 test");
    let good = key.sign(message.as_bytes());
    let mut other_r = good;
    other_r[0] ^= 1;
    let mut no_r = good;
    no_r[..32].fill(0);
    no_r[0] = 1;
    let cases = [
        ("over another message", "connectoid/1 toast", good),
        ("R changed", message, other_r),
        ("R is the identity", message, no_r),
        ("S plus the group's order", message, with_greater_s(good)),
    ];
    let signed = cases.map(|(what, message, signature)| Signed {
        what: what.to_owned(),
        key: key.public().as_bytes().into(),
        message: message.to_owned(),
        signature: signature.into(),
    });
    signed.into()
}

/// The same S modulo the group's order, in a second spelling.
fn with_greater_s(mut signature: [u8; 64]) -> [u8; 64] {
    let mut carry = 0;
    for (byte, order) in signature[32..].iter_mut().zip(ORDER) {
        let sum = u16::from(*byte) + u16::from(order) + carry;
        *byte = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    signature
}
