//! What a record with many versions of large values takes, whatever is asked of it. Alone in its process, whose memory
//! is looked at.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use connectoid_engine::store::{Author, MAX_HISTORY, Store};
use connectoid_protocol::{
    change::Op,
    user::{DeviceId, UserKey},
    value::Value,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const NOW: u64 = 1_790_000_000_000_000;
const HOUR: u64 = 3_600_000_000;

/// 60 MB in all.
const VERSIONS: u64 = 300;
const LENGTH: usize = 200_000;

/// Several of the largest changes, the store's own cache of pages, and what history shows.
const ENOUGH: usize = (16 << 20) + 2 * MAX_HISTORY;

/// The most that this process ever had resident, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse::<usize>().unwrap() << 10
}

#[test]
fn many_versions_of_a_record_are_not_in_memory_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = Store::open(&folder.path().join("node.db")).unwrap();
    let (key, mut rng) = (UserKey::from_bytes(&[1; 32]), ChaCha20Rng::seed_from_u64(1));
    let author = Author { key: &key, device: DeviceId::from_bytes([1; 16]) };
    let group = store.create_group("g", &author, NOW, &mut rng).unwrap();
    let mut write = |store: &mut Store, number: u64, at| {
        let fields = [("f".to_owned(), Some(Value::Text(format!("{number}{}", "x".repeat(LENGTH)))))].into();
        let op = Op::Set { collection: "c".into(), id: "a".into(), fields };
        store.commit(group, &author, vec![op], at, &mut rng).unwrap();
    };
    for number in 0..VERSIONS {
        write(&mut store, number, NOW + number);
    }
    // By a clock that is wrong: it is made again, which looks at all versions.
    write(&mut store, VERSIONS, NOW + HOUR);
    let before = peak();
    let mended = store.restamp(group, &author, NOW + VERSIONS, &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
    assert_eq!(mended.again, 1);
    assert_eq!(store.history(group, "c", "a").unwrap().len(), usize::try_from(VERSIONS).unwrap() + 1);
    let grown = peak() - before;
    assert!(grown < ENOUGH, "{} MiB", grown >> 20);
}
