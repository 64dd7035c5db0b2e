//! Sealed bytes: noise does not open, nor does what was sealed and then changed by a single bit.
//!
//! The envelopes are sealed once, so that a run costs one multiplication on the curve at most.

use std::sync::LazyLock;

use crate::party::SEALED_TO;
use connectoid_protocol::seal::{self, Export};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

struct Envelope {
    plaintext: Vec<u8>,
    sealed: Vec<u8>,
    export: Export,
}

/// One of each length.
static ENVELOPES: LazyLock<Vec<Envelope>> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let of_length = |length: &usize| {
        let plaintext = vec![7; length - 100];
        let (sealed, export) = seal::seal(&SEALED_TO.address, &plaintext, &mut rng).unwrap();
        Envelope { plaintext, sealed, export }
    };
    seal::PADDED_LENS.iter().map(of_length).collect()
});

pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::arbitrary::<(u8, u16, u8, &[u8])>(bytes) else { return };
    let (which, position, flip, noise) = input;
    let party = &*SEALED_TO;
    if !noise.is_empty() {
        if let Ok((plaintext, _)) = seal::open(&party.key, &party.address, noise) {
            assert!(plaintext.len() <= seal::MAX_PLAINTEXT && noise.len() <= seal::MAX_SEALED);
        }
        return;
    }
    let envelope = &ENVELOPES[usize::from(which) % ENVELOPES.len()];
    let mut sealed = envelope.sealed.clone();
    let position = usize::from(position) % sealed.len();
    sealed[position] ^= flip;
    match seal::open(&party.key, &party.address, &sealed) {
        Ok((plaintext, export)) => {
            assert!(flip == 0 && *plaintext == envelope.plaintext && export == envelope.export);
        }
        Err(error) => assert!(flip != 0, "{error}"),
    }
}
