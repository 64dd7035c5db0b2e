//! Changes: one spelling, the rules of signing, and no signature over what was not signed.

use crate::group::{CHANGES, OWNER};
use connectoid_protocol::change::Change;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

pub(super) fn run(bytes: &[u8]) {
    let Ok(change) = Change::decode(bytes) else { return };
    assert_eq!(change.bytes(), bytes);
    if change.verify(&OWNER.public()).is_ok() {
        assert!(CHANGES.iter().any(|signed| signed.hash() == change.hash()), "a forgery");
    }
    if let Ok(without) = change.forget(0) {
        assert_eq!(Change::decode(without.bytes()).as_ref(), Ok(&without));
        assert_eq!(without.hash(), change.hash());
        assert!(!without.is_whole());
    }
    if change.is_whole() && !change.is_genesis() {
        let ops = change.ops().cloned().collect();
        let group = Some(change.group());
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let own = Change::sign(group, &OWNER, change.device(), change.stamp(), ops, &mut rng).unwrap();
        assert_eq!(own.bytes().len(), bytes.len());
        assert_eq!(Change::decode(own.bytes()).as_ref(), Ok(&own));
        assert_eq!(own.verify(&OWNER.public()), Ok(()));
    }
}
