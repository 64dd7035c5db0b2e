//! Questions: noise does not open, nor does one for another origin; origins have one form.

use crate::party::ASKED;
use connectoid_protocol::{origin, question};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const DIALLED: &str = "https://mail.example";

pub(super) fn run(bytes: &[u8]) {
    let key = &ASKED.key;
    if question::open(key, DIALLED, bytes).is_ok() {
        assert_eq!(bytes.len(), question::QUESTION_LEN);
    }
    let Some(origin) = std::str::from_utf8(bytes).ok().and_then(origin::of_url) else { return };
    assert_eq!(origin::of_url(&origin).as_ref(), Some(&origin));
    let nonce = [7; question::NONCE_LEN];
    let sealed = question::seal(&key.id(), &origin, &nonce, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    assert_eq!(question::open(key, DIALLED, &sealed).is_ok(), origin == DIALLED);
}
