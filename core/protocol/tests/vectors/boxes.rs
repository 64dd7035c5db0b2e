//! `box.json`: how an address is blinded.

use connectoid_protocol::{
    boxes::{BoxError, BoxId, BoxKey, BoxSecret, SCALAR_LEN},
    message::Fingerprint,
};
use p384::{
    NistP384, ProjectivePoint, PublicKey, Scalar,
    elliptic_curve::{consts::U72, ff::PrimeField, sec1::ToSec1Point},
    hash2curve::{ExpandMsgXmd, hash_to_scalar},
};
use serde::{Deserialize, Serialize};
use sha2::Sha384;

use crate::support::{Hex, Vectors, seeded};

#[derive(Serialize, Deserialize)]
pub(crate) struct Boxes {
    boxes: Vec<Minted>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Minted {
    #[serde(rename = "P")]
    secret: Hex,
    t: Hex,
    #[serde(rename = "Q")]
    id: Hex,
    q: Hex,
    fingerprint: String,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    what: String,
    #[serde(rename = "P")]
    secret: Hex,
    error: String,
}

impl Vectors for Boxes {
    const FILE: &'static str = "box.json";

    fn generate() -> Self {
        let mut rng = seeded(1);
        let boxes = (0..3).map(|_| minted(&BoxKey::generate(&mut rng))).collect();
        let mut uncompressed = [7; 49];
        uncompressed[0] = 4;
        let refused = [
            ("no point has this x", [&[2][..], &[0; 47], &[1]].concat()),
            ("x is the field's order or more", [&[3][..], &[0xff; 48]].concat()),
            ("the tag of an uncompressed point", uncompressed.to_vec()),
            ("the identity", vec![0; 49]),
        ]
        .map(|(what, secret)| {
            let error = BoxSecret::parse(secret.as_slice().try_into().unwrap()).err().unwrap();
            Refused { what: what.to_owned(), secret: secret.into(), error: name(error).to_owned() }
        });
        Self { boxes, refused: refused.into() }
    }

    fn check(&self) {
        for Minted { secret, t, id, q, fingerprint } in &self.boxes {
            let (_, found) = BoxSecret::parse(&secret.array()).unwrap();
            assert_eq!(Hex::from(found.as_bytes()), *id);
            assert_eq!(Fingerprint::of(&found).to_string(), *fingerprint);
            assert_eq!(found.public_key().unwrap(), PublicKey::from_affine(generator(q)).unwrap());
            let point = BoxId::from_bytes(&secret.0).unwrap().public_key().unwrap();
            let blinded = point.to_projective() + generator(t);
            assert_eq!(blinded.to_affine(), *found.public_key().unwrap().as_affine());
        }
        for Refused { what, secret, error } in &self.refused {
            assert_eq!(BoxSecret::parse(&secret.array()).err().map(name), Some(error.as_str()), "{what}");
        }
    }
}

fn minted(key: &BoxKey) -> Minted {
    let secret = key.secret().as_bytes();
    let t =
        hash_to_scalar::<NistP384, ExpandMsgXmd<Sha384>, U72>(&[secret], &[b"CONNECTOID-V1-BOX"]).unwrap();
    Minted {
        secret: secret.into(),
        t: t.to_repr().into(),
        id: key.id().public_key().unwrap().to_compressed_point().into(),
        q: key.to_bytes()[..SCALAR_LEN].into(),
        fingerprint: Fingerprint::of(&key.id()).to_string(),
    }
}

fn generator(times: &Hex) -> p384::AffinePoint {
    let scalar = Scalar::from_repr(times.array().into()).unwrap();
    (ProjectivePoint::GENERATOR * scalar).to_affine()
}

pub(crate) fn name(error: BoxError) -> &'static str {
    match error {
        BoxError::Malformed => "box_malformed",
        BoxError::NotOnCurve => "box_not_on_curve",
        other => panic!("{other}"),
    }
}
