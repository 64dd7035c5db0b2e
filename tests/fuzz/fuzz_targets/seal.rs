//! Sealed bytes: noise does not open, and what is sealed opens unless a single bit is different.

#![no_main]

use connectoid_fuzz::party::SEALED_TO;
use connectoid_protocol::seal;
use libfuzzer_sys::fuzz_target;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

fuzz_target!(|input: (u16, u8, &[u8])| {
    let (position, flip, bytes) = input;
    let party = &*SEALED_TO;
    if let Ok((plaintext, _)) = seal::open(&party.key, &party.address, bytes) {
        assert!(plaintext.len() <= seal::MAX_PLAINTEXT && bytes.len() <= seal::MAX_SEALED);
    }
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let Ok((mut sealed, export)) = seal::seal(&party.address, bytes, &mut rng) else {
        assert!(bytes.len() > seal::MAX_PLAINTEXT);
        return;
    };
    assert!(seal::PADDED_LENS.contains(&(sealed.len() - seal::ENCAPPED_LEN - seal::TAG_LEN)));
    let position = usize::from(position) % sealed.len();
    sealed[position] ^= flip;
    match seal::open(&party.key, &party.address, &sealed) {
        Ok((plaintext, opened)) => assert!(flip == 0 && *plaintext == bytes && opened == export),
        Err(error) => assert!(flip != 0, "{error}"),
    }
});
