//! Two large stores that differ a little: what it costs to make them the same.
//!
//! Stores and sync alone, on disk, with a transaction for each turn as in a node; no network. A time is what
//! both sides take one after the other.

use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::Path,
    time::{Duration, Instant},
};

use connectoid::store::{Author, Store};
use connectoid_protocol::{
    change::Op,
    membership::Role,
    sync::{Output, Sync},
    user::{DeviceId, GroupId, UserKey},
    value::Value,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tempfile::TempDir;

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::COLLECTION,
};

/// Each is a change of its own: the most that there is to compare.
const RECORDS: u64 = 1_000_000;

/// Records that are written in one transaction.
const AT_ONCE: u64 = 10_000;

/// Characters in a record.
const LENGTH: usize = 200;

/// Changes of each side.
const CHANGES: u64 = 5;

const FAST: u32 = 20;
const REPAIRS: u32 = 5;

/// When the first record is written, in µs since the epoch.
const BEGIN: u64 = 1_700_000_000_000_000;

/// One side.
struct Side {
    key: UserKey,
    device: DeviceId,
    store: Store,
    rng: ChaCha20Rng,
}

/// What one sync took.
struct Cost {
    time: Duration,
    /// Bytes of frames each way.
    bytes: [usize; 2],
}

/// Figures of many syncs.
#[derive(Default)]
struct Costs {
    time: Samples,
    bytes: Samples,
}

pub(crate) fn measure(report: &mut Report) -> Outcome {
    let folder = TempDir::new()?;
    let (mut sides, group) = two_stores(folder.path())?;
    let mut now = BEGIN + 2 * RECORDS;
    synced(&mut sides, group, now)?;

    for (runs, strangers, how, time, bytes) in [
        (FAST, false, "by the fast path", Target::AtMost(100.0), Target::AtMost(16.0)),
        (REPAIRS, true, "by the repair path", Target::AtMost(2000.0), Target::AtMost(256.0)),
    ] {
        let mut costs = Costs::default();
        for _ in 0..runs {
            now += 1_000_000;
            let cost = differ_and_sync(&mut sides, group, strangers, now)?;
            costs.time.push_ms(cost.time);
            costs.bytes.push(kib(cost.bytes[0].max(cost.bytes[1]))?);
        }
        let what = format!("10 changes between two stores of 1,000,000 records {how}");
        report.add(&what, "ms", time, costs.time);
        report.add(format!("{what}, the way that carries more"), "KiB", bytes, costs.bytes);
    }
    Ok(())
}

/// Two stores with the same records, which do not know that yet.
fn two_stores(folder: &Path) -> Outcome<([Side; 2], GroupId)> {
    let (here, there) = (folder.join("alice.db"), folder.join("bob.db"));
    let bob = UserKey::from_bytes(&[2; 32]);
    let mut alice = Side::open(&here, 1)?;
    let author = Author { key: &alice.key, device: alice.device };
    let group = alice.store.create_group("g", &author, BEGIN, &mut alice.rng)?;
    alice.store.add_member(group, &author, &bob.public(), Role::Writer, BEGIN, &mut alice.rng)?;
    for first in (0..RECORDS).step_by(usize::try_from(AT_ONCE)?) {
        alice.store.begin_transaction()?;
        for number in first..first + AT_ONCE {
            alice.write(group, number, BEGIN + number)?;
        }
        alice.store.commit_transaction()?;
    }
    // Closed, it is one file.
    drop(alice);
    fs::copy(&here, &there)?;
    Ok(([Side::open(&here, 1)?, Side::open(&there, 2)?], group))
}

fn differ_and_sync(sides: &mut [Side; 2], group: GroupId, strangers: bool, now: u64) -> Outcome<Cost> {
    for (index, side) in sides.iter_mut().enumerate() {
        for change in 0..CHANGES {
            // Wherever in the store.
            let number = (now + change * 61_813 + index as u64 * 7_919) % RECORDS;
            side.write(group, number, now)?;
        }
        if strangers {
            // What is remembered of a device is how far its store was read.
            side.device = DeviceId::generate(&mut side.rng);
        }
    }
    synced(sides, group, now)
}

/// Has two stores sync until both hold the same.
fn synced(sides: &mut [Side; 2], group: GroupId, now: u64) -> Outcome<Cost> {
    let [alice, bob] = sides;
    let mut syncs = [
        Sync::new(alice.key.id(), bob.key.id(), bob.device).expecting_group(),
        Sync::new(bob.key.id(), alice.key.id(), alice.device).expecting_group(),
    ];
    let (mut waiting, mut bytes) = ([const { VecDeque::<Vec<u8>>::new() }; 2], [0, 0]);
    let start = Instant::now();
    let mut begun = [false; 2];
    while begun != [true; 2] || waiting.iter().any(|frames| !frames.is_empty()) {
        for (index, side) in sides.iter_mut().enumerate() {
            let (sync, frames) = (&mut syncs[index], std::mem::take(&mut waiting[index]));
            side.store.begin_transaction()?;
            if !std::mem::replace(&mut begun[index], true) {
                sync.start(&mut side.store, now)?;
            }
            for frame in frames {
                sync.on_frame(&mut side.store, &frame, now)?;
            }
            side.store.commit_transaction()?;
            while let Some(output) = sync.poll_output() {
                if let Output::Frame(frame) = output {
                    bytes[index] += frame.len();
                    waiting[1 - index].push_back(frame);
                }
            }
        }
    }
    let time = start.elapsed();
    if !syncs.iter().all(|sync| sync.is_synced(group)) {
        return Err("the stores are not synced".into());
    }
    Ok(Cost { time, bytes })
}

impl Side {
    fn open(file: &Path, number: u8) -> Outcome<Self> {
        Ok(Self {
            key: UserKey::from_bytes(&[number; 32]),
            device: DeviceId::from_bytes([number; 16]),
            store: Store::open(file)?,
            rng: ChaCha20Rng::seed_from_u64(u64::from(number)),
        })
    }

    fn write(&mut self, group: GroupId, number: u64, now: u64) -> Outcome {
        let op = Op::Set {
            collection: COLLECTION.to_owned(),
            id: format!("record{number:012}"),
            fields: BTreeMap::from([("text".to_owned(), Some(Value::Text("x".repeat(LENGTH))))]),
        };
        let author = Author { key: &self.key, device: self.device };
        self.store.commit(group, &author, vec![op], now, &mut self.rng)?;
        Ok(())
    }
}

fn kib(bytes: usize) -> Outcome<f64> {
    Ok(f64::from(u32::try_from(bytes)?) / 1024.0)
}
