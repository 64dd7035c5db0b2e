//! `seal.json`: sealed envelopes, with the keys that open them.

use connectoid_protocol::{
    address::Address,
    boxes::BoxKey,
    encoding::join,
    seal::{self, ENCAPPED_LEN, Export, SealError},
};
use hkdf::Hkdf;
use hpke::{
    Deserializable, OpModeR, PskBundle,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha384,
    kem::{DhP384HkdfSha384, Kem},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};

use crate::support::{Base64, Hex, Party, Replay, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Sealing {
    envelopes: Vec<Envelope>,
}

#[derive(Serialize, Deserialize)]
struct Envelope {
    recipient: Party,
    psk: Hex,
    info: Hex,
    #[serde(rename = "ikmE")]
    ikm_e: Hex,
    plaintext: String,
    sealed: Base64,
    export: Hex,
    /// Another address of the same box, under which the envelope does not open.
    other_address: String,
}

impl Vectors for Sealing {
    const FILE: &'static str = "seal.json";

    fn generate() -> Self {
        let short = envelope(20, None, "{\"hello\":\"Grüße\"}".to_owned());
        let second_size = envelope(21, Some("key"), "0123456789".repeat(205)[..2045].to_owned());
        Self { envelopes: vec![envelope(22, None, String::new()), short, second_size] }
    }

    fn check(&self) {
        for Envelope { recipient, ikm_e, plaintext, sealed, export, other_address, .. } in &self.envelopes {
            let (key, address) = (recipient.key(), recipient.address());
            let expected = Export::from_bytes(export.array());
            let (opened, exported) = seal::open(&key, &address, &sealed.0).unwrap();
            assert_eq!(*opened, plaintext.as_bytes());
            assert!(exported == expected);
            let (again, exported) =
                seal::seal(&address, plaintext.as_bytes(), &mut Replay(&ikm_e.0)).unwrap();
            assert_eq!(again, sealed.0);
            assert!(exported == expected);
            let other = Address::parse(other_address).unwrap();
            assert_eq!(seal::open(&key, &other, &sealed.0).err(), Some(SealError::NotForUs));
            assert_tampering_is_noticed(&key, &address, &sealed.0);
        }
    }
}

fn assert_tampering_is_noticed(key: &BoxKey, address: &Address, sealed: &[u8]) {
    for position in [0, ENCAPPED_LEN - 1, ENCAPPED_LEN, sealed.len() - 1] {
        let mut tampered = sealed.to_vec();
        tampered[position] ^= 1;
        assert_eq!(seal::open(key, address, &tampered).err(), Some(SealError::NotForUs), "byte {position}");
    }
}

fn envelope(seed: u8, ext: Option<&str>, plaintext: String) -> Envelope {
    let recipient = Party::new(seed.into(), ext);
    let ikm_e = Hex::from([seed; 48]);
    let (sealed, _) = seal::seal(&recipient.address(), plaintext.as_bytes(), &mut Replay(&ikm_e.0)).unwrap();
    Envelope {
        psk: psk(&recipient),
        info: info(&recipient),
        export: export(&recipient, &sealed),
        other_address: other_address(&recipient.address),
        recipient,
        ikm_e,
        plaintext,
        sealed: Base64(sealed),
    }
}

/// Another address of the same box: with `ext` where it had none, and without where it had one.
fn other_address(address: &str) -> String {
    match address.match_indices('.').nth(1) {
        Some((end, _)) => address[..end].to_owned(),
        None => format!("{address}.a2V5"),
    }
}

fn psk(recipient: &Party) -> Hex {
    let mut psk = [0; 48];
    Hkdf::<Sha384>::new(None, &recipient.secret.0).expand(b"connectoid/1 psk", &mut psk).unwrap();
    psk.into()
}

fn info(recipient: &Party) -> Hex {
    join(&[b"connectoid/1 msg", &Sha384::digest(&recipient.address)]).into()
}

/// The secret that both ends export, which the implementation does not give away.
pub(crate) fn export(recipient: &Party, sealed: &[u8]) -> Hex {
    type Private = <DhP384HkdfSha384 as Kem>::PrivateKey;
    type Encapped = <DhP384HkdfSha384 as Kem>::EncappedKey;
    let psk = psk(recipient);
    let mode = OpModeR::Psk(PskBundle::new(&psk.0, b"connectoid/1").unwrap());
    let key = Private::from_bytes(&recipient.q.0).unwrap();
    let encapped = Encapped::from_bytes(&sealed[..ENCAPPED_LEN]).unwrap();
    let context = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha384, DhP384HkdfSha384>(
        &mode,
        &key,
        &encapped,
        &info(recipient).0,
    )
    .unwrap();
    let mut export = [0; 48];
    context.export(b"connectoid/1 session", &mut export).unwrap();
    export.into()
}
