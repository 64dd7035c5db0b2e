//! Sealing: what only the owner of a box can read, from somebody who was given its address.
//!
//! HPKE (RFC 9180) in **mode_psk, always**, with DHKEM(P-384, HKDF-SHA384), HKDF-SHA384 and
//! ChaCha20-Poly1305. The key is sealed to Q, which a mailbox service knows; the pre-shared key comes
//! from P, which it does not. So a message that opens was written by a holder of the address.
//!
//! | part | value |
//! |---|---|
//! | psk | HKDF-SHA384, ikm = P, no salt, info = `connectoid/1 psk`, 48 bytes |
//! | psk_id | `connectoid/1` |
//! | info | `connectoid/1 msg` ‖ SHA-384 of the recipient's address, its exact text |
//! | aad | Q |
//! | sealed | encapsulated key (97 bytes, uncompressed) then ciphertext and tag |
//!
//! The plaintext is padded ([`pad`]) so that its length says little. Both ends can also *export* a
//! secret from the same exchange ([`Export`]); a session key is made of the two exports of offer and
//! answer.

use hkdf::Hkdf;
use hpke::{
    Deserializable, HpkeError, OpModeR, OpModeS, PskBundle, Serializable,
    aead::ChaCha20Poly1305,
    kdf::HkdfSha384,
    kem::{DhP384HkdfSha384, Kem},
};
use rand_core::CryptoRng;
use sha2::{Digest, Sha384};
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use crate::{
    address::Address,
    boxes::{BoxId, BoxKey},
    encoding::join,
};

/// Length of an encapsulated key, in bytes.
pub const ENCAPPED_LEN: usize = 97;

/// Length of the authentication tag, in bytes.
pub const TAG_LEN: usize = 16;

/// Lengths that a padded plaintext may have, in bytes.
pub const PADDED_LENS: [usize; 4] = [2 << 10, 4 << 10, 8 << 10, 16 << 10];

/// The greatest length of a sealed message, in bytes; as base64url it stays below 24 KiB.
pub const MAX_SEALED: usize = ENCAPPED_LEN + PADDED_LENS[3] + TAG_LEN;

/// The greatest length of a plaintext before padding, in bytes.
pub const MAX_PLAINTEXT: usize = PADDED_LENS[3] - LENGTH_LEN;

const LENGTH_LEN: usize = 4;
const EXPORT_LEN: usize = 48;

/// Sealing or opening failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The box to seal to is not a point on the curve.
    #[error("the recipient's box id is not a key")]
    BadRecipient,
    /// Sealed to another key, with another address, tampered with, or nothing sealed at all.
    #[error("not sealed to this box by a holder of its address")]
    NotForUs,
    /// The plaintext does not fit a message.
    #[error("the message is longer than {MAX_PLAINTEXT} bytes")]
    TooLong,
}

/// A secret that both ends of one sealed message can derive, and nobody else.
#[derive(Clone, PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub struct Export([u8; EXPORT_LEN]);

impl Export {
    /// The secret, as input to a key derivation.
    pub(crate) fn as_bytes(&self) -> &[u8; EXPORT_LEN] {
        &self.0
    }

    /// Restores an export from the device's own sealed storage.
    pub fn from_bytes(bytes: [u8; EXPORT_LEN]) -> Self {
        Self(bytes)
    }
}

/// Seals `plaintext` to the owner of `to`.
///
/// # Errors
/// [`SealError::TooLong`] above [`MAX_PLAINTEXT`] bytes.
pub fn seal(
    to: &Address,
    plaintext: &[u8],
    rng: &mut impl CryptoRng,
) -> Result<(Vec<u8>, Export), SealError> {
    let psk = psk(to);
    let mode = OpModeS::Psk(bundle(&psk)?);
    let (encapped, mut context) = Suite::setup_sender(&mode, &public_key(&to.box_id())?, &info(to), rng)?;
    let padded = pad(plaintext)?;
    let sealed = context.seal(&padded, to.box_id().as_bytes()).map_err(|_| SealError::BadRecipient)?;
    let mut export = Export([0; EXPORT_LEN]);
    context.export(EXPORT_CONTEXT, &mut export.0).map_err(|_| SealError::BadRecipient)?;
    Ok(([&encapped.to_bytes(), sealed.as_slice()].concat(), export))
}

/// Opens what was sealed to `key`'s box under the address that its owner gave away.
///
/// # Errors
/// [`SealError::NotForUs`].
pub fn open(
    key: &BoxKey,
    address: &Address,
    sealed: &[u8],
) -> Result<(Zeroizing<Vec<u8>>, Export), SealError> {
    if sealed.len() < ENCAPPED_LEN || sealed.len() > MAX_SEALED {
        return Err(SealError::NotForUs);
    }
    let (encapped, sealed) = sealed.split_at(ENCAPPED_LEN);
    let encapped = Encapped::from_bytes(encapped).map_err(|_| SealError::NotForUs)?;
    let psk = psk(address);
    let mode = OpModeR::Psk(bundle(&psk)?);
    let mut context = Suite::setup_receiver(&mode, &private_key(key)?, &encapped, &info(address))?;
    let padded = Zeroizing::new(context.open(sealed, key.id().as_bytes()).map_err(|_| SealError::NotForUs)?);
    let mut export = Export([0; EXPORT_LEN]);
    context.export(EXPORT_CONTEXT, &mut export.0).map_err(|_| SealError::NotForUs)?;
    Ok((unpad(&padded)?, export))
}

const EXPORT_CONTEXT: &[u8] = b"connectoid/1 session";

/// Pads a plaintext: its length as a big-endian `u32`, itself, and zeros up to one of [`PADDED_LENS`].
/// [`seal`] does so by itself.
///
/// # Errors
/// [`SealError::TooLong`] above [`MAX_PLAINTEXT`] bytes.
pub fn pad(plaintext: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let needed = plaintext.len() + LENGTH_LEN;
    let length = *PADDED_LENS.iter().find(|length| **length >= needed).ok_or(SealError::TooLong)?;
    let mut padded = Zeroizing::new(Vec::with_capacity(length));
    padded.extend_from_slice(&u32::try_from(plaintext.len()).unwrap_or(u32::MAX).to_be_bytes());
    padded.extend_from_slice(plaintext);
    padded.resize(length, 0);
    Ok(padded)
}

/// Takes the padding off. [`open`] does so by itself.
///
/// # Errors
/// [`SealError::NotForUs`] if it is no padded plaintext.
pub fn unpad(padded: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
    let (length, rest) = padded.split_first_chunk::<LENGTH_LEN>().ok_or(SealError::NotForUs)?;
    let length = usize::try_from(u32::from_be_bytes(*length)).map_err(|_| SealError::NotForUs)?;
    if !PADDED_LENS.contains(&padded.len()) || length > rest.len() {
        return Err(SealError::NotForUs);
    }
    let (plaintext, zeros) = rest.split_at(length);
    if zeros.iter().any(|byte| *byte != 0) {
        return Err(SealError::NotForUs);
    }
    Ok(Zeroizing::new(plaintext.to_vec()))
}

fn psk(address: &Address) -> Zeroizing<[u8; 48]> {
    let mut psk = Zeroizing::new([0; 48]);
    let filled =
        Hkdf::<Sha384>::new(None, address.secret().as_bytes()).expand(b"connectoid/1 psk", &mut *psk);
    debug_assert!(filled.is_ok(), "48 bytes are one block of SHA-384");
    psk
}

fn bundle(psk: &[u8; 48]) -> Result<PskBundle<'_>, SealError> {
    PskBundle::new(psk, b"connectoid/1").map_err(|_| SealError::BadRecipient)
}

fn info(address: &Address) -> Vec<u8> {
    join(&[b"connectoid/1 msg", &Sha384::digest(address.as_text().as_bytes())])
}

/// The one HPKE suite of this protocol.
pub(crate) struct Suite;

pub(crate) type Encapped = <DhP384HkdfSha384 as Kem>::EncappedKey;
type Public = <DhP384HkdfSha384 as Kem>::PublicKey;
type Private = <DhP384HkdfSha384 as Kem>::PrivateKey;
type SenderContext = hpke::aead::AeadCtxS<ChaCha20Poly1305, HkdfSha384, DhP384HkdfSha384>;
type ReceiverContext = hpke::aead::AeadCtxR<ChaCha20Poly1305, HkdfSha384, DhP384HkdfSha384>;

impl Suite {
    pub(crate) fn setup_sender(
        mode: &OpModeS<'_, DhP384HkdfSha384>,
        to: &Public,
        info: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<(Encapped, SenderContext), SealError> {
        hpke::setup_sender_with_rng(mode, to, info, rng).map_err(|_: HpkeError| SealError::BadRecipient)
    }

    pub(crate) fn setup_receiver(
        mode: &OpModeR<'_, DhP384HkdfSha384>,
        key: &Private,
        encapped: &Encapped,
        info: &[u8],
    ) -> Result<ReceiverContext, SealError> {
        hpke::setup_receiver(mode, key, encapped, info).map_err(|_: HpkeError| SealError::NotForUs)
    }
}

pub(crate) fn public_key(id: &BoxId) -> Result<Public, SealError> {
    use p384::elliptic_curve::sec1::ToSec1Point;
    let point = id.public_key().map_err(|_| SealError::BadRecipient)?.to_uncompressed_point();
    Public::from_bytes(&point).map_err(|_| SealError::BadRecipient)
}

pub(crate) fn private_key(key: &BoxKey) -> Result<Private, SealError> {
    let bytes = Zeroizing::new(key.private_key().to_bytes());
    Private::from_bytes(&bytes).map_err(|_| SealError::NotForUs)
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn minted(seed: u64) -> (BoxKey, Address) {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed));
        let address = Address::new(&key, &["https://mail.example".to_owned()], None).unwrap();
        (key, address)
    }

    #[test]
    fn both_ends_read_the_same_and_export_the_same() {
        let (key, address) = minted(1);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        for length in [0, 1, 2044, 2045, MAX_PLAINTEXT] {
            let (sealed, exported) = seal(&address, &vec![9; length], &mut rng).unwrap();
            let (opened, export) = open(&key, &address, &sealed).unwrap();
            assert_eq!(*opened, vec![9; length]);
            assert!(export == exported);
        }
        assert_eq!(seal(&address, &[0; MAX_PLAINTEXT + 1], &mut rng).err(), Some(SealError::TooLong));
    }

    #[test]
    fn a_service_that_knows_only_the_id_cannot_write() {
        let (key, address) = minted(1);
        let (_, guessed) = minted(5);
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        let forged_psk = psk(&guessed);
        let mode = OpModeS::Psk(bundle(&forged_psk).unwrap());
        let (encapped, mut context) =
            Suite::setup_sender(&mode, &public_key(&key.id()).unwrap(), &info(&address), &mut rng).unwrap();
        let sealed = context.seal(&pad(b"{}").unwrap(), key.id().as_bytes()).unwrap();
        let sealed = [encapped.to_bytes().as_slice(), &sealed].concat();
        assert_eq!(open(&key, &address, &sealed).err(), Some(SealError::NotForUs));
    }

    #[test]
    fn padding_says_nothing() {
        for (at, byte, fine) in
            [(0, 0, true), (2047, 0, true), (4 + 5, 1, false), (2047, 1, false), (3, 6, true)]
        {
            let mut padded = pad(b"hello").unwrap().to_vec();
            padded[at] = byte;
            assert_eq!(unpad(&padded).is_ok(), fine, "{byte} at {at}");
        }
        assert!(unpad(&pad(b"hello").unwrap()[..2047]).is_err());
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let (key, address) = minted(1);
        let (sealed, _) = seal(&address, b"hello", &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
        for position in [0, 1, 50, 96, 97, 98, sealed.len() - 1] {
            let mut tampered = sealed.clone();
            tampered[position] ^= 1;
            assert_eq!(open(&key, &address, &tampered).err(), Some(SealError::NotForUs), "{position}");
        }
        assert_eq!(open(&key, &address, &sealed[..96]).err(), Some(SealError::NotForUs));
    }

    #[test]
    fn the_address_that_was_given_away_is_bound_in() {
        let (key, address) = minted(1);
        let other = Address::new(&key, &["https://other.example".to_owned()], None).unwrap();
        let (sealed, _) = seal(&address, b"hello", &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
        assert_eq!(open(&key, &other, &sealed).err(), Some(SealError::NotForUs));
    }
}
