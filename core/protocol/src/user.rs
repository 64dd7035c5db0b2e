//! Users and the names of things: who signs changes, and how people, devices and groups are told apart.
//!
//! A user is an Ed25519 key pair (RFC 8032), shared by the user's devices. Its id is SHA-256 of the
//! public key, so a key proves itself to be the key of an id. A device is 16 random bytes, of use only
//! inside sync. A group is named by the hash of the change that founded it.

use core::fmt;

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use rand_core::CryptoRng;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// Length of an Ed25519 public or private key, in bytes.
pub const KEY_LEN: usize = 32;

/// Length of an Ed25519 signature, in bytes.
pub const SIGNATURE_LEN: usize = 64;

/// A key or signature that is not what it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UserError {
    /// Not a point on the curve, or one of small order, under which anything verifies.
    #[error("not a usable Ed25519 public key")]
    BadKey,
    /// Somebody else signed, or something else was signed.
    #[error("the signature is not by this user over this message")]
    BadSignature,
}

/// Defines a name made of bytes that reads and writes as base64url.
macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $length:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $length]);

        impl $name {
            /// The number of bytes in it.
            pub const LEN: usize = $length;

            /// Takes the bytes as they are.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $length] {
                &self.0
            }

            /// Reads base64url.
            ///
            /// # Errors
            /// [`NotBase64Url`](crate::encoding::NotBase64Url) for any other text or length.
            pub fn parse(text: &str) -> Result<Self, $crate::encoding::NotBase64Url> {
                $crate::encoding::parse_base64url_array(text).map(Self)
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(&$crate::encoding::base64url(&self.0))
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    };
}
pub(crate) use id;

id! {
    /// A user: SHA-256 of the user's first public key.
    UserId, 32
}

id! {
    /// One device of a user: 16 random bytes, drawn when its store is made.
    DeviceId, 16
}

id! {
    /// A group: the hash of the change that founded it.
    GroupId, 32
}

impl DeviceId {
    /// Draws the id of a new device.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut bytes = [0; Self::LEN];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }
}

/// A user's private key. Wiped when dropped, and silent in `Debug`.
#[derive(Clone)]
pub struct UserKey(SigningKey);

impl UserKey {
    /// Makes a new user.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = Zeroizing::new([0; KEY_LEN]);
        rng.fill_bytes(&mut *seed);
        Self::from_bytes(&seed)
    }

    /// Restores a user from [`UserKey::to_bytes`]. Any 32 bytes are a key.
    pub fn from_bytes(seed: &[u8; KEY_LEN]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The private key, for the device's own sealed storage and nowhere else.
    pub fn to_bytes(&self) -> Zeroizing<[u8; KEY_LEN]> {
        Zeroizing::new(self.0.to_bytes())
    }

    /// The public key.
    pub fn public(&self) -> UserPublic {
        UserPublic(self.0.verifying_key())
    }

    /// The user's id.
    pub fn id(&self) -> UserId {
        self.public().id()
    }

    /// Signs a message, which must begin with a label of its own so that no signature fits two uses.
    pub fn sign(&self, message: &[u8]) -> [u8; SIGNATURE_LEN] {
        self.0.sign(message).to_bytes()
    }
}

impl fmt::Debug for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserKey(redacted)")
    }
}

/// A user's public key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct UserPublic(VerifyingKey);

impl UserPublic {
    /// Reads a public key.
    ///
    /// # Errors
    /// [`UserError::BadKey`].
    pub fn from_bytes(bytes: &[u8; KEY_LEN]) -> Result<Self, UserError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| UserError::BadKey)?;
        // Another spelling of the same point (y of 2^255 − 19 or more, RFC 8032 §5.1.3) is no key.
        let canonical = key.to_edwards().compress().as_bytes() == bytes;
        if key.is_weak() || !canonical { Err(UserError::BadKey) } else { Ok(Self(key)) }
    }

    /// The public key as bytes.
    pub fn as_bytes(&self) -> &[u8; KEY_LEN] {
        self.0.as_bytes()
    }

    /// The id that this key proves.
    pub fn id(&self) -> UserId {
        UserId(Sha256::digest(self.as_bytes()).into())
    }

    /// Checks a signature, strictly: all implementations must agree on what verifies.
    ///
    /// # Errors
    /// [`UserError::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8; SIGNATURE_LEN]) -> Result<(), UserError> {
        let signature = Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).map_err(|_| UserError::BadSignature)
    }
}

impl fmt::Debug for UserPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserPublic({})", self.id())
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn a_stored_key_signs_as_before() {
        let key = UserKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let again = UserKey::from_bytes(&key.to_bytes());
        assert_eq!(again.id(), key.id());
        let signature = again.sign(b"label message");
        assert_eq!(key.public().verify(b"label message", &signature), Ok(()));
        assert_eq!(key.public().verify(b"label massage", &signature), Err(UserError::BadSignature));
        assert_eq!(UserPublic::from_bytes(key.public().as_bytes()), Ok(key.public()));
    }

    #[test]
    fn keys_under_which_anything_verifies_are_refused() {
        let mut identity = [0; KEY_LEN];
        identity[0] = 1;
        assert_eq!(UserPublic::from_bytes(&identity), Err(UserError::BadKey));
        assert_eq!(UserPublic::from_bytes(&[0; KEY_LEN]), Err(UserError::BadKey));
    }

    #[test]
    fn private_keys_are_silent_and_ids_are_text() {
        let key = UserKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
        assert_eq!(format!("{key:?}"), "UserKey(redacted)");
        assert_eq!(UserId::parse(&key.id().to_string()), Ok(key.id()));
        assert!(UserId::parse("AA").is_err());
    }
}
