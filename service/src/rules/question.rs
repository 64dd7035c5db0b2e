//! What a question seals, and whether an answer is right.
//!
//! The 32 bytes are an HMAC over the origin, the box and the minute under the service's secret. Nothing
//! has to be remembered about a question that was asked: whoever has the secret, be it after a restart
//! or on another machine, can judge the answer. The answer stays good for the rest of that minute and
//! the next one, so that it always lives for at least a minute.

use std::fmt;

use connectoid_protocol::{boxes::BoxId, encoding::join, question::NONCE_LEN};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{Micros, SECOND};

/// The length of the service's secret, in bytes: what HMAC-SHA-256 gets the most out of (RFC 2104 §3).
pub const SECRET_LEN: usize = 32;

/// HMAC pads its key with zeros to a block of SHA-256.
const BLOCK_LEN: usize = 64;

const LABEL: &[u8] = b"connectoid/1 question nonce";

/// The service's secret. `Debug` is redacted.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Secret([u8; BLOCK_LEN]);

impl Secret {
    /// Takes the secret, which must come from a good source of randomness.
    pub fn new(bytes: &[u8; SECRET_LEN]) -> Self {
        let mut block = [0; BLOCK_LEN];
        block[..SECRET_LEN].copy_from_slice(bytes);
        Self(block)
    }

    /// What a question to this box, for this origin and in this minute, seals.
    pub fn nonce(&self, origin: &str, id: &BoxId, minute: u64) -> [u8; NONCE_LEN] {
        let mut mac = Hmac::<Sha256>::new(&self.0.into());
        mac.update(&join(&[LABEL, origin.as_bytes(), id.as_bytes(), &minute.to_be_bytes()]));
        mac.finalize().into_bytes().into()
    }

    /// Whether the answer is right, found out in constant time.
    pub fn accepts(&self, origin: &str, id: &BoxId, now: Micros, answer: &[u8; NONCE_LEN]) -> bool {
        let current = self.nonce(origin, id, minute(now)).ct_eq(answer);
        let previous = self.nonce(origin, id, minute(now).wrapping_sub(1)).ct_eq(answer);
        bool::from(current | previous)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// The minute in which a question is asked.
pub const fn minute(now: Micros) -> u64 {
    now / (60 * SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "https://mail.example";
    const NOW: Micros = 1_700_000_000 * SECOND;

    fn id(byte: u8) -> BoxId {
        let mut bytes = [byte; 49];
        bytes[0] = 2;
        BoxId::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn an_answer_is_good_for_this_minute_and_the_next() {
        let secret = Secret::new(&[1; SECRET_LEN]);
        let asked = minute(NOW);
        let answer = secret.nonce(ORIGIN, &id(1), asked);
        let accepts = |minute: u64| secret.accepts(ORIGIN, &id(1), minute * 60 * SECOND, &answer);
        assert!(!accepts(asked - 1) && accepts(asked) && accepts(asked + 1) && !accepts(asked + 2));
        assert!(secret.accepts(ORIGIN, &id(1), (asked + 2) * 60 * SECOND - 1, &answer));
    }

    #[test]
    fn an_answer_is_good_for_nothing_else() {
        let secret = Secret::new(&[1; SECRET_LEN]);
        let answer = secret.nonce(ORIGIN, &id(1), minute(NOW));
        assert!(!secret.accepts(ORIGIN, &id(2), NOW, &answer));
        assert!(!secret.accepts("https://mail.example:444", &id(1), NOW, &answer));
        assert!(!Secret::new(&[2; SECRET_LEN]).accepts(ORIGIN, &id(1), NOW, &answer));
        assert!(!secret.accepts(ORIGIN, &id(1), NOW, &[0; NONCE_LEN]));
    }

    #[test]
    fn it_is_plain_hmac_sha256() {
        let secret = Secret::new(&[1; SECRET_LEN]);
        let mut mac = Hmac::<Sha256>::new_from_slice(&[1; SECRET_LEN]).unwrap();
        mac.update(&join(&[LABEL, ORIGIN.as_bytes(), id(1).as_bytes(), &7_u64.to_be_bytes()]));
        assert_eq!(secret.nonce(ORIGIN, &id(1), 7)[..], mac.finalize().into_bytes()[..]);
        assert_eq!(format!("{secret:?}"), "Secret(redacted)");
    }
}
