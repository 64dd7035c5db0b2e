//! Set reconciliation: finding what one side lacks in a few messages, whatever the size of the set.
//!
//! Items are the live changes of a group by stamp and hash. The protocol is `negentropy` version 1; its
//! messages travel as they are, and are read strictly (`wellformed`) before they get here. It keeps no state between
//! messages, so all that has to be remembered is the set.

use negentropy::{Id, Negentropy, NegentropyStorageVector};

use super::{ChangeLog, Misbehaviour, Scope, SyncError, frame::MAX_RECONCILE, session::Result};
use crate::{change::ChangeHash, user::GroupId};

/// The set of live changes of one group, as it was at some moment: 40 bytes for each change.
#[derive(Debug)]
pub(super) struct Snapshot {
    group: GroupId,
    scope: Scope,
    /// The last arrival that it covers.
    head: u64,
    items: NegentropyStorageVector,
}

/// What the answer of the peer means.
pub(super) struct Compared {
    /// Changes that only the peer has.
    pub(super) lacking: Vec<ChangeHash>,
    /// The next message, unless everything has been compared.
    pub(super) next: Option<Vec<u8>>,
}

impl Snapshot {
    pub(super) fn take<L: ChangeLog>(log: &L, group: GroupId, scope: Scope) -> Result<Self, L> {
        let head = log.head(group)?;
        let live = log.live(group, scope)?;
        let mut items = NegentropyStorageVector::with_capacity(live.len());
        for (stamp, hash) in live {
            items.insert(stamp, Id::from_byte_array(*hash.as_bytes())).map_err(bad)?;
        }
        items.seal().map_err(bad)?;
        Ok(Self { group, scope, head, items })
    }

    /// Whether this is the set to compare for such a group, up to `head` at least.
    pub(super) fn serves(&self, group: GroupId, scope: Scope, head: u64) -> bool {
        self.group == group && self.scope == scope && self.head >= head
    }

    pub(super) fn group(&self) -> GroupId {
        self.group
    }

    /// The first message.
    pub(super) fn begin<E>(&self) -> core::result::Result<Vec<u8>, SyncError<E>> {
        self.machine()?.initiate().map_err(bad)
    }

    /// What the side that began makes of an answer.
    pub(super) fn go_on<E>(&self, answer: &[u8]) -> core::result::Result<Compared, SyncError<E>> {
        let mut machine = self.machine()?;
        machine.set_initiator();
        let (mut having, mut lacking) = (Vec::new(), Vec::new());
        let next = machine.reconcile_with_ids(answer, &mut having, &mut lacking).map_err(bad)?;
        let lacking = lacking.into_iter().map(|id| ChangeHash::from_bytes(id.to_bytes())).collect();
        Ok(Compared { lacking, next })
    }

    /// The answer of the other side.
    pub(super) fn answer<E>(&self, message: &[u8]) -> core::result::Result<Vec<u8>, SyncError<E>> {
        self.machine()?.reconcile(message).map_err(bad)
    }

    fn machine<E>(&self) -> core::result::Result<Negentropy<'_, NegentropyStorageVector>, SyncError<E>> {
        Negentropy::borrowed(&self.items, MAX_RECONCILE as u64).map_err(bad)
    }
}

/// The own set is well-formed by construction, so whatever fails is the fault of the message.
fn bad<E>(_: negentropy::Error) -> SyncError<E> {
    SyncError::Peer(Misbehaviour::BadReconciliation)
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use proptest::prelude::*;
    use sha2::{Digest, Sha256};

    use super::*;

    /// The name of a change. Fingerprints are sums of names: they tell sets apart only if names are hashes.
    fn hash(number: u16) -> [u8; 32] {
        Sha256::digest(number.to_be_bytes()).into()
    }

    fn snapshot(hashes: impl IntoIterator<Item = u16>) -> Snapshot {
        let mut items = NegentropyStorageVector::new();
        for number in hashes {
            items.insert(u64::from(number / 3), Id::from_byte_array(hash(number))).unwrap();
        }
        items.seal().unwrap();
        Snapshot { group: GroupId::from_bytes([0; 32]), scope: Scope::Everything, head: 0, items }
    }

    /// What `one` lacks of `other`, and in how many rounds it found out.
    fn compare(one: &Snapshot, other: &Snapshot) -> (Vec<ChangeHash>, u32) {
        let mut message = one.begin::<Infallible>().unwrap();
        let (mut lacking, mut rounds) = (Vec::new(), 0);
        loop {
            rounds += 1;
            let answer = other.answer::<Infallible>(&message).unwrap();
            assert!(message.len() <= MAX_RECONCILE && answer.len() <= MAX_RECONCILE);
            let compared = one.go_on::<Infallible>(&answer).unwrap();
            lacking.extend(compared.lacking);
            let Some(next) = compared.next else { return (lacking, rounds) };
            message = next;
        }
    }

    #[test]
    fn differences_are_found_in_few_rounds() {
        let (one, other) = (snapshot(0..20_000), snapshot(5..20_010));
        let (lacking, rounds) = compare(&one, &other);
        assert_eq!(lacking.len(), 10);
        assert!(rounds <= 4, "{rounds}");
        let (lacking, _) = compare(&snapshot([]), &snapshot(0..10_000));
        assert_eq!(lacking.len(), 10_000);
    }

    #[test]
    fn a_claimed_count_allocates_nothing() {
        // Version, a bound without limit, an id list, and a count of 2^63 ids of which none follows.
        let bomb = [0x61, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        let set = snapshot(0..100);
        assert!(set.answer::<Infallible>(&bomb).is_err());
        assert!(set.go_on::<Infallible>(&bomb).is_err());
    }

    proptest! {
        #[test]
        fn the_whole_difference_is_found(one in prop::collection::btree_set(any::<u16>(), 0..300), other in prop::collection::btree_set(any::<u16>(), 0..300)) {
            let (lacking, _) = compare(&snapshot(one.iter().copied()), &snapshot(other.iter().copied()));
            let mut found: Vec<[u8; 32]> = lacking.iter().map(|hash| *hash.as_bytes()).collect();
            found.sort_unstable();
            let mut expected: Vec<[u8; 32]> = other.difference(&one).copied().map(hash).collect();
            expected.sort_unstable();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn noise_does_no_harm(body in prop::collection::vec(any::<u8>(), 0..200), size in 0..300_u16) {
            let message = [&[0x61], body.as_slice()].concat();
            let set = snapshot(0..size);
            let _ = set.answer::<Infallible>(&message);
            let _ = set.go_on::<Infallible>(&message);
        }
    }
}
