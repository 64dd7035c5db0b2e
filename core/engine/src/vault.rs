//! The vault: secrets at rest, sealed under one master secret.
//!
//! Box keys, addresses and the user's key lie in the data folder sealed with XChaCha20-Poly1305 under a
//! 32-byte master secret, each with a fresh 24-byte nonce in front and a label as additional data, so
//! that one sealed value cannot be put in another's place.
//!
//! Where the master secret itself is kept is the app's decision: the SDK has key stores for it.

use std::io;

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use rand_core::CryptoRng;
use serde::Serialize;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

const NONCE_LEN: usize = 24;

/// 32 bytes from which everything secret in a data folder is sealed. Neither `Debug` nor `Display`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MasterSecret([u8; 32]);

impl MasterSecret {
    /// Takes the bytes that a key store kept.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a key store to keep.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A new one.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// A sealed value could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VaultError {
    /// The master secret is another one than the data folder was sealed under.
    #[error("the key does not open this data folder: wrong passphrase, or another device's key")]
    WrongKey,
    /// There is a data folder, but the key store has no key for it: it was restored from a backup.
    #[error("the key of this data folder is missing; peers have to be paired again in a new folder")]
    Missing,
    /// Opened, but not what this version writes.
    #[error("a sealed value in the data folder is damaged")]
    Malformed,
    /// The key store of the app or the operating system failed.
    #[error("the key store failed: {0}")]
    KeyStore(String),
}

/// Seals and opens values under a master secret.
pub struct Vault(XChaCha20Poly1305);

impl Vault {
    /// A vault under this secret.
    pub fn new(secret: &MasterSecret) -> Self {
        Self(XChaCha20Poly1305::new(secret.as_bytes().into()))
    }

    /// Seals a value; `label` says what it is.
    pub fn seal(&self, label: &[u8], value: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let payload = Payload { msg: value, aad: label };
        let sealed = self.0.encrypt(&XNonce::from(nonce), payload);
        debug_assert!(sealed.is_ok(), "values are far below the cipher's limit of 256 GiB");
        [nonce.as_slice(), &sealed.unwrap_or_default()].concat()
    }

    /// Opens a value that was sealed with the same label.
    ///
    /// # Errors
    /// [`VaultError::WrongKey`], which also stands for damage: nobody can tell them apart.
    pub fn open(&self, label: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::WrongKey)?;
        let payload = Payload { msg: sealed, aad: label };
        let opened = self.0.decrypt(&XNonce::from(*nonce), payload).map_err(|_| VaultError::WrongKey)?;
        Ok(Zeroizing::new(opened))
    }
}

/// JSON with secrets in it, at its full length from the beginning: a text that grows leaves parts of it behind.
///
/// # Errors
/// If the value has no form in JSON.
pub fn secret_json(value: &impl Serialize) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let mut length = Length(0);
    serde_json::to_writer(&mut length, value)?;
    let mut json = Zeroizing::new(Vec::with_capacity(length.0));
    serde_json::to_writer(&mut *json, value)?;
    Ok(json)
}

/// Counts what is written, and keeps nothing of it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::OsRandom;

    #[test]
    fn json_of_secrets_does_not_grow() {
        let value = ["x".repeat(1000), "y".repeat(3000)];
        let json = secret_json(&value).unwrap();
        assert_eq!(*json, serde_json::to_vec(&value).unwrap());
        assert_eq!(json.capacity(), json.len());
    }

    #[test]
    fn a_value_opens_with_its_key_and_label_only() {
        let vault = Vault::new(&MasterSecret::from_bytes([1; 32]));
        let sealed = vault.seal(b"pair 1", b"secret", &mut OsRandom);
        assert_eq!(vault.open(b"pair 1", &sealed).unwrap().as_slice(), b"secret");
        assert_eq!(vault.open(b"pair 2", &sealed), Err(VaultError::WrongKey));
        assert_eq!(
            Vault::new(&MasterSecret::from_bytes([2; 32])).open(b"pair 1", &sealed),
            Err(VaultError::WrongKey)
        );
        assert_eq!(vault.open(b"pair 1", &sealed[..10]), Err(VaultError::WrongKey));
    }
}
