//! Proof of work: what a service may ask for before it takes a message, so that flooding boxes costs more
//! than bandwidth.
//!
//! Whoever sends a message looks for a number, the *nonce*, with which a hash over the box, the minute and
//! the message begins with enough zero bits. There is no better way than trying one after the other, and
//! each try takes a hash. Checking a nonce takes one. The box and the message are in it so that the work is
//! good for this message alone, and the minute so that none can be done in store.
//!
//! `SHA-256(join("connectoid/1 work", Q, minute, SHA-256(data), nonce))` with minute and nonce as big-endian
//! `u64`, and `data` as it stands in the request.

use sha2::{Digest, Sha256};

use crate::{boxes::BoxId, encoding::join, mailbox::MAX_AT};

/// The most bits that a service may ask for, and that a client does: some 4 million hashes, which take a
/// slow phone about 4 s, well below the minute for which a nonce is at least good.
pub const MAX_WORK_BITS: u32 = 22;

/// The greatest nonce: as for `at`, the greatest integer that every JSON reader gets right.
pub const MAX_NONCE: u64 = MAX_AT;

/// So many times as many tries as are needed on average find a nonce, except once in e^16 ≈ 9 million times.
const PATIENCE: u64 = 16;

const LABEL: &[u8] = b"connectoid/1 work";

/// What the work is to be done for: a message to a box in a minute.
pub struct Challenge {
    /// The hash so far, which all tries share.
    before_nonce: Sha256,
}

impl Challenge {
    /// The work for `data`, as it stands in the request, to a box in a minute since the Unix epoch.
    pub fn new(id: &BoxId, minute: u64, data: &str) -> Self {
        let data = Sha256::digest(data.as_bytes());
        let before_nonce = join(&[LABEL, id.as_bytes(), &minute.to_be_bytes(), &data]);
        Self { before_nonce: Sha256::new_with_prefix(before_nonce) }
    }

    /// The hash with a nonce.
    pub fn hash(&self, nonce: u64) -> [u8; 32] {
        let mut hash = self.before_nonce.clone();
        // What `join` writes for these eight bytes, without its allocation.
        hash.update([0, 0, 0, 8]);
        hash.update(nonce.to_be_bytes());
        hash.finalize().into()
    }

    /// Whether a nonce does the work of so many bits.
    pub fn is_done_by(&self, nonce: u64, bits: u32) -> bool {
        zero_bits(&self.hash(nonce)) >= bits
    }

    /// Looks for a nonce, for a bounded time: `None` for more than [`MAX_WORK_BITS`], or if chance is against it.
    pub fn work(&self, bits: u32) -> Option<u64> {
        let tries = if bits > MAX_WORK_BITS { 0 } else { PATIENCE << bits };
        (0..tries).find(|nonce| self.is_done_by(*nonce, bits))
    }
}

/// Whether a message carries enough work for this minute or the one before.
pub fn is_enough(id: &BoxId, minute: u64, data: &str, nonce: u64, bits: u32) -> bool {
    let done = |minute| Challenge::new(id, minute, data).is_done_by(nonce, bits);
    done(minute) || done(minute.wrapping_sub(1))
}

fn zero_bits(hash: &[u8; 32]) -> u32 {
    let zeros = hash.iter().take_while(|byte| **byte == 0).count();
    let first = hash.get(zeros).map_or(0, |byte| byte.leading_zeros());
    u32::try_from(zeros).unwrap_or(u32::MAX).saturating_mul(8) + first
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::boxes::BoxKey;

    fn id(seed: u64) -> BoxId {
        BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed)).id()
    }

    #[test]
    fn work_is_good_for_one_message_in_this_minute_and_the_next() {
        let bits = 12;
        let nonce = Challenge::new(&id(1), 7, "AAAA").work(bits).unwrap();
        let enough = |seed, minute, data, nonce| is_enough(&id(seed), minute, data, nonce, bits);
        assert!(enough(1, 7, "AAAA", nonce) && enough(1, 8, "AAAA", nonce));
        assert!(!enough(1, 6, "AAAA", nonce) && !enough(1, 9, "AAAA", nonce));
        assert!(!enough(2, 7, "AAAA", nonce) && !enough(1, 7, "AAAB", nonce));
        assert!(nonce > 0 && !enough(1, 7, "AAAA", nonce - 1));
        assert!(is_enough(&id(1), 0, "AAAA", 0, 0), "the first minute has none before it");
    }

    #[test]
    fn no_more_is_done_than_a_client_is_willing_to() {
        assert_eq!(Challenge::new(&id(1), 7, "AAAA").work(MAX_WORK_BITS + 1), None);
        assert_eq!(Challenge::new(&id(1), 7, "AAAA").work(u32::MAX), None);
        assert_eq!(Challenge::new(&id(1), 7, "AAAA").work(0), Some(0));
    }

    #[test]
    fn bits_are_counted_from_the_left_across_bytes() {
        let with = |first: [u8; 3]| {
            let mut hash = [0; 32];
            hash[..3].copy_from_slice(&first);
            zero_bits(&hash)
        };
        assert_eq!((with([0x80, 0, 0]), with([1, 0xff, 0]), with([0, 0x10, 0])), (0, 7, 11));
        assert_eq!((with([0, 0, 1]), with([0; 3])), (23, 256));
    }

    #[test]
    fn the_hash_is_the_specified_one() {
        let (minute, nonce) = (7_u64.to_be_bytes(), 9_u64.to_be_bytes());
        let data = Sha256::digest(b"AAAA");
        let whole = join(&[b"connectoid/1 work", id(1).as_bytes(), &minute, &data, &nonce]);
        assert_eq!(Challenge::new(&id(1), 7, "AAAA").hash(9)[..], Sha256::digest(whole)[..]);
    }
}
