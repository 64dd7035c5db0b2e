//! The question a mailbox service asks before it hands messages out.
//!
//! The service seals 32 bytes to the box's id. Only the owner of the box can open them, and sending
//! them back is the proof. The origin that the client dialled is bound into the sealing, so that a
//! service cannot pass another service's question on and collect the answer.
//!
//! HPKE (RFC 9180) in mode_base with DHKEM(P-384, HKDF-SHA384), HKDF-SHA384, ChaCha20-Poly1305;
//! `info` = `connectoid/1 question` ‖ origin, `aad` = Q. Sealing takes about 2 ms of CPU, so a service
//! caches sealed questions and limits how many it makes.

use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::{
    boxes::{BoxId, BoxKey},
    encoding::join,
    seal::{Encapped, SealError, Suite, private_key, public_key},
};

/// Length of what a question seals, in bytes.
pub const NONCE_LEN: usize = 32;

/// Length of a sealed question, in bytes: the encapsulated key, the nonce and the tag.
pub const QUESTION_LEN: usize = crate::seal::ENCAPPED_LEN + NONCE_LEN + crate::seal::TAG_LEN;

/// Asks the owner of a box to prove itself to the service at `origin` (`scheme://host[:port]`).
///
/// # Errors
/// [`SealError::BadRecipient`] if the id is not a point on the curve.
pub fn seal(
    to: &BoxId,
    origin: &str,
    nonce: &[u8; NONCE_LEN],
    rng: &mut impl CryptoRng,
) -> Result<Vec<u8>, SealError> {
    let (encapped, mut context) = Suite::setup_sender(&OpModeS::Base, &public_key(to)?, &info(origin), rng)?;
    let sealed = context.seal(nonce, to.as_bytes()).map_err(|_| SealError::BadRecipient)?;
    Ok([&encapped.to_bytes(), sealed.as_slice()].concat())
}

/// Opens a question that came from the service at `origin`, as this client dialled it.
///
/// # Errors
/// [`SealError::NotForUs`] if it was sealed to another box, for another origin, or is no question.
pub fn open(key: &BoxKey, origin: &str, sealed: &[u8]) -> Result<Zeroizing<[u8; NONCE_LEN]>, SealError> {
    if sealed.len() != QUESTION_LEN {
        return Err(SealError::NotForUs);
    }
    let (encapped, sealed) = sealed.split_at(crate::seal::ENCAPPED_LEN);
    let encapped = Encapped::from_bytes(encapped).map_err(|_| SealError::NotForUs)?;
    let mut context = Suite::setup_receiver(&OpModeR::Base, &private_key(key)?, &encapped, &info(origin))?;
    let nonce = Zeroizing::new(context.open(sealed, key.id().as_bytes()).map_err(|_| SealError::NotForUs)?);
    Ok(Zeroizing::new(nonce.as_slice().try_into().map_err(|_| SealError::NotForUs)?))
}

fn info(origin: &str) -> Vec<u8> {
    join(&[b"connectoid/1 question", origin.as_bytes()])
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    const HERE: &str = "https://mail.example";

    #[test]
    fn only_the_owner_answers_and_only_for_the_origin_it_dialled() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let (owner, other) = (BoxKey::generate(&mut rng), BoxKey::generate(&mut rng));
        let nonce = [7; NONCE_LEN];
        let sealed = seal(&owner.id(), HERE, &nonce, &mut rng).unwrap();
        assert_eq!(sealed.len(), QUESTION_LEN);
        assert_eq!(*open(&owner, HERE, &sealed).unwrap(), nonce);
        assert_eq!(open(&other, HERE, &sealed).unwrap_err(), SealError::NotForUs);
        assert_eq!(open(&owner, "https://relay.example", &sealed).unwrap_err(), SealError::NotForUs);
        assert_eq!(open(&owner, HERE, &sealed[1..]).unwrap_err(), SealError::NotForUs);
    }
}
