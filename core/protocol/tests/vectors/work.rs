//! `work.json`: proof of work for messages to boxes.

use connectoid_protocol::{
    boxes::{BoxId, POINT_LEN},
    work::{Challenge, is_enough},
};
use serde::{Deserialize, Serialize};

use crate::support::{Hex, Party, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Work {
    work: Vec<Done>,
    refused: Vec<Refused>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Done {
    #[serde(rename = "Q")]
    id: Hex,
    minute: u64,
    data: String,
    bits: u32,
    nonce: u64,
    hash: Hex,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    what: String,
    #[serde(rename = "Q")]
    id: Hex,
    minute: u64,
    data: String,
    bits: u32,
    nonce: u64,
}

impl Vectors for Work {
    const FILE: &'static str = "work.json";

    fn generate() -> Self {
        let cases = [(40, "AAAA", 0), (41, "cGhj", 7), (42, "o1Zk", 12), (43, &*"-_8A".repeat(6144), 16)];
        let work: Vec<_> = cases.into_iter().map(|(seed, data, bits)| Done::new(seed, data, bits)).collect();
        let refused = refused(&work[3], &work[0]);
        Self { work, refused }
    }

    fn check(&self) {
        for done in &self.work {
            let Done { minute, data, bits, nonce, hash, .. } = done;
            let challenge = Challenge::new(&done.id(), *minute, data);
            assert_eq!(Hex::from(challenge.hash(*nonce)), *hash);
            assert_eq!(challenge.work(*bits), Some(*nonce), "the first that does");
            for minute in [*minute, minute + 1] {
                assert!(is_enough(&done.id(), minute, data, *nonce, *bits));
            }
        }
        for Refused { what, id, minute, data, bits, nonce } in &self.refused {
            let id = BoxId::from_bytes(&id.array::<POINT_LEN>()).unwrap();
            assert!(!is_enough(&id, *minute, data, *nonce, *bits), "{what}");
        }
    }
}

impl Done {
    fn new(seed: u64, data: &str, bits: u32) -> Self {
        let (id, minute) = (Party::new(seed, None).id, 29_333_333 + seed);
        let challenge = Challenge::new(&BoxId::from_bytes(&id.array::<POINT_LEN>()).unwrap(), minute, data);
        let nonce = challenge.work(bits).unwrap();
        Self { id, minute, data: data.to_owned(), bits, nonce, hash: challenge.hash(nonce).into() }
    }

    fn id(&self) -> BoxId {
        BoxId::from_bytes(&self.id.array::<POINT_LEN>()).unwrap()
    }
}

/// The same work, shown for something else.
fn refused(done: &Done, other: &Done) -> Vec<Refused> {
    let changed = |what: &str, change: &dyn Fn(&mut Done)| {
        let mut changed = done.clone();
        change(&mut changed);
        let Done { id, minute, data, bits, nonce, .. } = changed;
        Refused { what: what.to_owned(), id, minute, data, bits, nonce }
    };
    vec![
        changed("a minute before the work was done", &|done| done.minute -= 1),
        changed("two minutes after", &|done| done.minute += 2),
        changed("another box", &|done| done.id = other.id.clone()),
        changed("another message", &|done| done.data.clone_from(&other.data)),
        changed("another nonce", &|done| done.nonce += 1),
        changed("more bits than were worked for", &|done| done.bits += 8),
    ]
}
