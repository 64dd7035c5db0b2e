//! Boxes: where messages for one receiver wait, and how an address is blinded.
//!
//! A box has three faces.
//!
//! - [`BoxSecret`] (P) travels in links. It is a point on P-384, but nobody uses it as a key: it is a
//!   *secret shared* by the receiver and whoever was given the address.
//! - [`BoxId`] (Q = P + t·G, where t is a hash of P) is the box's only public key and its name at a
//!   mailbox service. Whoever knows P computes Q; from Q nobody gets P.
//! - [`BoxKey`] (q = p + t) is the private key to Q. Only the receiver has it; p is forgotten as soon
//!   as the box is minted.
//!
//! A service therefore sees an id which it can challenge, and nothing with which it could write to the
//! box itself: messages are sealed under P as a pre-shared key (see [`crate::seal`]). Had the id *been*
//! the address, a service could have answered every offer in the other side's name.

use core::fmt;

use p384::{
    NistP384, NonZeroScalar, ProjectivePoint, PublicKey, Scalar, SecretKey,
    elliptic_curve::{Generate, Group, sec1::ToSec1Point},
    hash2curve,
};
use rand_core::CryptoRng;
use sha2::Sha384;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::encoding::{base64url, parse_base64url_array};

/// Length of a SEC1-compressed P-384 point, in bytes.
pub const POINT_LEN: usize = 49;

/// Length of a P-384 private key, in bytes.
pub const SCALAR_LEN: usize = 48;

/// Length of a box as the device stores it, in bytes: q, P and Q.
pub const STORED_LEN: usize = SCALAR_LEN + 2 * POINT_LEN;

const BLINDING_DST: &[u8] = b"CONNECTOID-V1-BOX";

/// The bytes do not name a box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BoxError {
    /// Not the right number of bytes, not compressed SEC1, or not base64url.
    #[error("not a compressed P-384 point")]
    Malformed,
    /// Of the right form, but not on the curve, or blinding it gives no usable key.
    #[error("not a usable point on P-384")]
    NotOnCurve,
    /// Not a private key of P-384.
    #[error("not a private key of P-384")]
    WrongKey,
}

/// P: the secret in a link from which a box's id and sealing key follow.
///
/// It has neither `Debug` nor `Display`, so that it cannot reach a log, and is wiped when dropped.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct BoxSecret([u8; POINT_LEN]);

impl BoxSecret {
    /// Reads P and computes the id of its box, which proves that P is usable.
    ///
    /// # Errors
    /// [`BoxError::Malformed`] or [`BoxError::NotOnCurve`].
    pub fn parse(bytes: &[u8; POINT_LEN]) -> Result<(Self, BoxId), BoxError> {
        let secret = Self(*bytes);
        let point = parse_point(bytes)?.to_projective();
        let id = BoxId::from_point(&(point + ProjectivePoint::GENERATOR * secret.blinding()?))?;
        Ok((secret, id))
    }

    /// Takes what the device's own authenticated storage kept.
    pub(crate) fn restore(bytes: [u8; POINT_LEN]) -> Self {
        Self(bytes)
    }

    /// P as it stands in a link, before base64url.
    pub fn as_bytes(&self) -> &[u8; POINT_LEN] {
        &self.0
    }

    /// t, by which P is blinded: `hash_to_field` over the group order (RFC 9380 §5.2).
    fn blinding(&self) -> Result<Scalar, BoxError> {
        let t = hash2curve::hash_to_scalar::<
            NistP384,
            hash2curve::ExpandMsgXmd<Sha384>,
            p384::elliptic_curve::consts::U72,
        >(&[&self.0], &[BLINDING_DST])
        .map_err(|_| BoxError::NotOnCurve)?;
        if bool::from(p384::elliptic_curve::Field::is_zero(&t)) { Err(BoxError::NotOnCurve) } else { Ok(t) }
    }
}

/// Q: the name of a box at a mailbox service, and the public key its owner answers for.
///
/// `Debug` is redacted: who uses which box is nobody's business but the two who share it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BoxId([u8; POINT_LEN]);

impl BoxId {
    /// Reads an id by its form alone: 49 bytes that start with 2 or 3.
    ///
    /// Finding the point takes a square root, which a service must not pay for every request;
    /// [`BoxId::public_key`] does it where the point is used.
    ///
    /// # Errors
    /// [`BoxError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BoxError> {
        let bytes: [u8; POINT_LEN] = bytes.try_into().map_err(|_| BoxError::Malformed)?;
        if matches!(bytes[0], 2 | 3) { Ok(Self(bytes)) } else { Err(BoxError::Malformed) }
    }

    /// Reads an id written as base64url, as it stands in `pub` and `to`.
    ///
    /// # Errors
    /// [`BoxError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, BoxError> {
        let bytes: [u8; POINT_LEN] = parse_base64url_array(text).map_err(|_| BoxError::Malformed)?;
        Self::from_bytes(&bytes)
    }

    /// The id as bytes.
    pub fn as_bytes(&self) -> &[u8; POINT_LEN] {
        &self.0
    }

    /// The id as text, 66 characters.
    pub fn to_base64(&self) -> String {
        base64url(&self.0)
    }

    /// The point that the id names.
    ///
    /// # Errors
    /// [`BoxError::NotOnCurve`] where there is none.
    pub fn public_key(&self) -> Result<PublicKey, BoxError> {
        parse_point(&self.0)
    }

    fn from_point(point: &ProjectivePoint) -> Result<Self, BoxError> {
        if bool::from(point.is_identity()) {
            return Err(BoxError::NotOnCurve);
        }
        Self::from_bytes(point.to_affine().to_compressed_point().as_slice())
    }
}

impl fmt::Debug for BoxId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxId(redacted)")
    }
}

/// q with its P and Q: what the receiver keeps of a box.
#[derive(Clone)]
pub struct BoxKey {
    key: SecretKey,
    secret: BoxSecret,
    id: BoxId,
}

impl BoxKey {
    /// Mints a box.
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        loop {
            if let Ok(key) = Self::mint(&NonZeroScalar::generate_from_rng(rng)) {
                return key;
            }
        }
    }

    /// Restores a box from [`BoxKey::to_bytes`].
    ///
    /// The bytes come out of the device's own authenticated storage, so that q, P and Q belong together
    /// is not computed again: a node with a hundred peers would spend half a second on it at every start.
    ///
    /// # Errors
    /// [`BoxError::WrongKey`] if q is no private key, [`BoxError::Malformed`] if Q is no id.
    pub fn from_bytes(bytes: &[u8; STORED_LEN]) -> Result<Self, BoxError> {
        let (q, points) = bytes.split_at(SCALAR_LEN);
        let (p, id) = points.split_at(POINT_LEN);
        Ok(Self {
            key: SecretKey::from_slice(q).map_err(|_| BoxError::WrongKey)?,
            secret: BoxSecret(p.try_into().map_err(|_| BoxError::Malformed)?),
            id: BoxId::from_bytes(id)?,
        })
    }

    /// q, P and Q, for the device's own sealed storage and nowhere else.
    pub fn to_bytes(&self) -> Zeroizing<[u8; STORED_LEN]> {
        let mut bytes = Zeroizing::new([0; STORED_LEN]);
        bytes[..SCALAR_LEN].copy_from_slice(&Zeroizing::new(self.key.to_bytes())[..]);
        bytes[SCALAR_LEN..SCALAR_LEN + POINT_LEN].copy_from_slice(self.secret.as_bytes());
        bytes[SCALAR_LEN + POINT_LEN..].copy_from_slice(self.id.as_bytes());
        bytes
    }

    /// Q, the box's name.
    pub fn id(&self) -> BoxId {
        self.id
    }

    /// P, to be put into an address.
    pub fn secret(&self) -> &BoxSecret {
        &self.secret
    }

    /// q, for opening and signing.
    pub(crate) fn private_key(&self) -> &SecretKey {
        &self.key
    }

    fn mint(p: &NonZeroScalar) -> Result<Self, BoxError> {
        let point = PublicKey::from_secret_scalar(p).to_compressed_point();
        let secret = BoxSecret(point.as_slice().try_into().map_err(|_| BoxError::Malformed)?);
        let q = Zeroizing::new(*p.as_ref() + secret.blinding()?);
        let q = Option::<NonZeroScalar>::from(NonZeroScalar::new(*q)).ok_or(BoxError::NotOnCurve)?;
        let id = BoxId::from_bytes(PublicKey::from_secret_scalar(&q).to_compressed_point().as_slice())?;
        Ok(Self { key: SecretKey::from(q), secret, id })
    }
}

impl fmt::Debug for BoxKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxKey(redacted)")
    }
}

fn parse_point(bytes: &[u8; POINT_LEN]) -> Result<PublicKey, BoxError> {
    if !matches!(bytes[0], 2 | 3) {
        return Err(BoxError::Malformed);
    }
    PublicKey::from_sec1_bytes(bytes).map_err(|_| BoxError::NotOnCurve)
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    #[test]
    fn whoever_holds_the_secret_computes_the_id() {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
        let (_, id) = BoxSecret::parse(key.secret().as_bytes()).unwrap();
        assert_eq!(id, key.id());
        assert_ne!(id.as_bytes(), key.secret().as_bytes());
        assert_eq!(id.public_key().unwrap(), key.private_key().public_key());
    }

    #[test]
    fn a_stored_key_comes_back() {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(2));
        let restored = BoxKey::from_bytes(&key.to_bytes()).unwrap();
        assert_eq!(restored.id(), key.id());
        assert_eq!(*restored.to_bytes(), *key.to_bytes());
        assert_eq!(BoxKey::from_bytes(&[0; STORED_LEN]).unwrap_err(), BoxError::WrongKey);
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        let mut off = [0xff; POINT_LEN];
        assert_eq!(BoxSecret::parse(&off).err(), Some(BoxError::Malformed));
        off[0] = 2;
        assert_eq!(BoxSecret::parse(&off).err(), Some(BoxError::NotOnCurve));
        assert!(BoxId::from_bytes(&off).unwrap().public_key().is_err());
        assert!(BoxId::from_bytes(&[2; 48]).is_err());
    }

    #[test]
    fn debug_says_nothing() {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(3));
        assert_eq!(format!("{key:?} {:?}", key.id()), "BoxKey(redacted) BoxId(redacted)");
    }
}
