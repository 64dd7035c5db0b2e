//! Files, bytes as text, and randomness that is known beforehand.

use std::{convert::Infallible, env, fs, path::PathBuf};

use connectoid_protocol::{
    address::Address,
    boxes::{BoxKey, POINT_LEN, SCALAR_LEN},
    encoding::{base64url, parse_base64url},
    user::UserKey,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{SeedableRng, TryCryptoRng, TryRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned, de::Error};

/// One file of vectors.
pub(crate) trait Vectors: Serialize + DeserializeOwned {
    /// Its name.
    const FILE: &'static str;

    /// Makes its content, always the same.
    fn generate() -> Self;

    /// Checks the implementation against its content.
    fn check(&self);
}

/// Checks one file, after writing it anew if that is asked for.
pub(crate) fn run<V: Vectors>() {
    if env::var_os("CONNECTOID_WRITE_VECTORS").is_some() {
        let mut json = serde_json::to_string_pretty(&V::generate()).unwrap();
        json.push('\n');
        fs::write(path(V::FILE), json).unwrap();
    }
    load::<V>(V::FILE).check();
}

/// Reads one file.
pub(crate) fn load<T: DeserializeOwned>(file: &str) -> T {
    let json = fs::read(path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    serde_json::from_slice(&json).unwrap_or_else(|error| panic!("{file}: {error}"))
}

fn path(file: &str) -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "../../tests/vectors", file].iter().collect()
}

/// Bytes that stand in a file as lower-case hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hex(pub(crate) Vec<u8>);

impl Hex {
    pub(crate) fn array<const N: usize>(&self) -> [u8; N] {
        self.0.as_slice().try_into().unwrap()
    }
}

impl<T: AsRef<[u8]>> From<T> for Hex {
    fn from(bytes: T) -> Self {
        Self(bytes.as_ref().to_vec())
    }
}

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap();
        let text: String = self.0.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        let byte = |pair: &[u8]| Some(digit(pair[0])? << 4 | digit(*pair.get(1)?)?);
        let bytes: Option<_> = text.as_bytes().chunks(2).map(byte).collect();
        bytes.map(Self).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}

/// Bytes that stand in a file as base64url, because they do on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Base64(pub(crate) Vec<u8>);

impl Serialize for Base64 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&base64url(&self.0))
    }
}

impl<'de> Deserialize<'de> for Base64 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        parse_base64url(&String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// A box, with the address under which it was given away.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Party {
    pub(crate) q: Hex,
    #[serde(rename = "P")]
    pub(crate) secret: Hex,
    #[serde(rename = "Q")]
    pub(crate) id: Hex,
    pub(crate) address: String,
}

impl Party {
    pub(crate) fn new(seed: u64, ext: Option<&str>) -> Self {
        let key = BoxKey::generate(&mut seeded(seed));
        let service = format!("https://mail{seed}.example");
        let address = Address::new(&key, &[service], ext).unwrap().as_text().to_owned();
        let q = key.to_bytes()[..SCALAR_LEN].into();
        Self { q, secret: key.secret().as_bytes().into(), id: key.id().as_bytes().into(), address }
    }

    pub(crate) fn key(&self) -> BoxKey {
        let stored = [self.q.array::<SCALAR_LEN>().as_slice(), &self.secret.0, &self.id.0].concat();
        BoxKey::from_bytes(stored.as_slice().try_into().unwrap()).unwrap()
    }

    pub(crate) fn address(&self) -> Address {
        let address = Address::parse(&self.address).unwrap();
        assert_eq!(address.box_id().as_bytes(), &self.id.array::<POINT_LEN>());
        address
    }
}

/// The user whose private key is `byte`, 32 times.
pub(crate) fn user(byte: u8) -> UserKey {
    UserKey::from_bytes(&[byte; 32])
}

pub(crate) fn seeded(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// Draws what a file says was drawn.
pub(crate) struct Replay<'a>(pub(crate) &'a [u8]);

impl TryRng for Replay<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("the protocol draws bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("the protocol draws bytes")
    }

    fn try_fill_bytes(&mut self, destination: &mut [u8]) -> Result<(), Infallible> {
        let (now, later) = self.0.split_at(destination.len());
        destination.copy_from_slice(now);
        self.0 = later;
        Ok(())
    }
}

impl TryCryptoRng for Replay<'_> {}
