//! Tests of the store, and of sync between stores.

mod acceptance;
mod alternating;
mod basics;
mod clocks;
mod costs;
mod guards;
mod history;
mod judging;
mod model;
mod simulation;
mod sync;
mod view;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use connectoid_protocol::{
    change::{Change, Op},
    membership::Role,
    record::{Fields, encode_field},
    stamp::Stamp,
    sync::{Event, Output, Source, Sync, SyncError},
    user::{DeviceId, GroupId, UserKey},
    value::Value,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{Author, Store, StoreError, rows::State};

const SECOND: u64 = 1_000_000;
const NOW: u64 = 1_700_000_000 * SECOND;

/// A user with one device and its store.
struct Node {
    key: UserKey,
    device: DeviceId,
    store: Store,
    rng: ChaCha20Rng,
}

impl Node {
    fn new(seed: u8) -> Self {
        Self::with_store(seed, Store::in_memory().unwrap())
    }

    fn with_store(seed: u8, store: Store) -> Self {
        Self {
            key: UserKey::from_bytes(&[seed; 32]),
            device: DeviceId::from_bytes([seed; 16]),
            store,
            rng: ChaCha20Rng::seed_from_u64(u64::from(seed)),
        }
    }

    fn source(&self) -> Source {
        Source { device: self.device, user: self.key.id() }
    }

    fn create_group(&mut self) -> GroupId {
        let author = Author { key: &self.key, device: self.device };
        self.store.create_group("home", &author, NOW, &mut self.rng).unwrap()
    }

    fn add(&mut self, group: GroupId, other: &UserKey, role: Role, now: u64) {
        let author = Author { key: &self.key, device: self.device };
        self.store.add_member(group, &author, &other.public(), role, now, &mut self.rng).unwrap();
    }

    fn remove(&mut self, group: GroupId, other: &UserKey, now: u64) {
        let author = Author { key: &self.key, device: self.device };
        self.store.remove_member(group, &author, other.id(), now, &mut self.rng).unwrap();
    }

    fn try_commit(&mut self, group: GroupId, ops: Vec<Op>, now: u64) -> Result<Stamp, StoreError> {
        let author = Author { key: &self.key, device: self.device };
        let committed = self.store.commit(group, &author, ops, now, &mut self.rng)?;
        Ok(committed.stamp)
    }

    fn commit(&mut self, group: GroupId, ops: Vec<Op>, now: u64) -> Stamp {
        self.try_commit(group, ops, now).unwrap()
    }

    /// Signs without storing, with any stamp.
    fn sign(&mut self, group: GroupId, stamp: u64, ops: Vec<Op>) -> Change {
        let stamp = Stamp::new(stamp).unwrap();
        Change::sign(Some(group), &self.key, self.device, stamp, ops, &mut self.rng).unwrap()
    }

    /// Knows a group from another node's membership changes, and takes part in it.
    fn accept_from(&mut self, group: GroupId, other: &Node) {
        let changes = other.all_changes(group);
        self.store.apply(group, &other.source(), &changes, NOW).unwrap();
        self.store.accept(group).unwrap();
    }

    fn note(&self, group: GroupId, id: &str) -> Option<Fields> {
        self.store.record(group, "notes", id).unwrap()
    }

    /// The bytes of all valid changes.
    fn all_changes(&self, group: GroupId) -> Vec<Vec<u8>> {
        let group_no = self.store.known_group_no(group).unwrap();
        let sql = "SELECT no FROM changes WHERE grp = ?1 AND state < 2 ORDER BY seq";
        let numbers = self.store.numbers(sql, [group_no]).unwrap();
        numbers
            .into_iter()
            .map(|no| super::rows::load(self.store.connection(), no).unwrap().into_bytes())
            .collect()
    }
}

fn set(id: &str, fields: &[(&str, i64)]) -> Op {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), Some(Value::Int(*value)))).collect();
    Op::Set { collection: "notes".into(), id: id.into(), fields }
}

fn remove(id: &str, fields: &[&str]) -> Op {
    let fields = fields.iter().map(|name| ((*name).to_owned(), None)).collect();
    Op::Set { collection: "notes".into(), id: id.into(), fields }
}

fn delete(id: &str) -> Op {
    Op::Delete { collection: "notes".into(), id: id.into() }
}

/// What [`Node::note`] gives of such a record.
#[allow(clippy::unnecessary_wraps)] // To be compared with it.
fn ints(fields: &[(&str, i64)]) -> Option<Fields> {
    Some(fields.iter().map(|(name, value)| ((*name).to_owned(), Value::Int(*value))).collect())
}

/// Collection, record id and field.
type FieldName = (String, String, String);

/// Everything of a store that must not depend on the order of arrival.
#[derive(Debug, PartialEq, Eq, Default)]
struct Dump {
    fields: BTreeMap<FieldName, (Vec<u8>, [u8; 32])>,
    deletes: BTreeMap<(String, String), [u8; 32]>,
    live: BTreeSet<[u8; 32]>,
    history: BTreeSet<[u8; 32]>,
    parked: BTreeSet<[u8; 32]>,
}

impl Dump {
    /// What two stores that sync have in common: not what only one of them keeps for history's sake.
    fn visible(mut self) -> Self {
        self.history.clear();
        self.parked.clear();
        self
    }
}

fn dump(store: &Store) -> Dump {
    check_consistency(store);
    let mut dump = Dump::default();
    let sql = "SELECT name, f.id, field, value, hash FROM fields f
               JOIN collections c ON c.no = f.collection JOIN changes ON changes.no = change";
    let mut query = store.connection().prepare(sql).unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let place = (row.get(0).unwrap(), row.get(1).unwrap(), row.get(2).unwrap());
        dump.fields.insert(place, (row.get(3).unwrap(), row.get(4).unwrap()));
    }
    let sql = "SELECT name, d.id, hash FROM deletes d
               JOIN collections c ON c.no = d.collection JOIN changes ON changes.no = change";
    let mut query = store.connection().prepare(sql).unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        dump.deletes.insert((row.get(0).unwrap(), row.get(1).unwrap()), row.get(2).unwrap());
    }
    let mut query = store.connection().prepare("SELECT state, hash FROM changes").unwrap();
    let mut rows = query.query([]).unwrap();
    while let Some(row) = rows.next().unwrap() {
        let state: i64 = row.get(0).unwrap();
        let hash = row.get(1).unwrap();
        match state {
            _ if state == State::Live as i64 => dump.live.insert(hash),
            _ if state == State::History as i64 => dump.history.insert(hash),
            _ => dump.parked.insert(hash),
        };
    }
    dump
}

/// What must hold at any time, whatever happened.
fn check_consistency(store: &Store) {
    for (what, sql) in [
        (
            "wins are counted",
            "SELECT count(*) FROM changes WHERE wins <>
                 (SELECT count(*) FROM fields WHERE change = changes.no)
                 + (SELECT count(*) FROM deletes WHERE change = changes.no)",
        ),
        (
            "live changes win",
            "SELECT count(*) FROM changes WHERE membership = 0 AND (state = 0) <> (wins > 0)",
        ),
        (
            "what is withdrawn does not count",
            "SELECT count(*) FROM withdrawn w JOIN changes c ON c.hash = w.hash JOIN changes by ON by.no = w.change
                 WHERE by.state = 0 AND by.author = c.author AND by.stamp < c.stamp AND c.state < 2",
        ),
        (
            "losses are of valid changes",
            "SELECT count(*) FROM lost WHERE NOT EXISTS
                 (SELECT 1 FROM changes WHERE no = change AND state < 2)",
        ),
        (
            "parked changes are counted",
            "SELECT count(*) FROM devices WHERE parked_count <>
                 (SELECT count(*) FROM changes WHERE source = devices.no AND state >= 2)",
        ),
        ("arrival numbers differ", "SELECT count(*) - count(DISTINCT seq) FROM changes"),
        ("bodies have rows", "SELECT (SELECT count(*) FROM bodies) - (SELECT count(*) FROM changes)"),
    ] {
        let wrong: i64 = store.connection().query_row(sql, [], |row| row.get(0)).unwrap();
        assert_eq!(wrong, 0, "{what}");
    }
}

/// Two sessions with a wire between them.
struct Wire {
    sessions: [Sync; 2],
    frames: [VecDeque<Vec<u8>>; 2],
    events: [Vec<Event>; 2],
    bytes: usize,
    now: u64,
}

impl Wire {
    fn connect(one: &mut Node, other: &mut Node, now: u64) -> Self {
        Self::connect_clocks((one, now), (other, now))
    }

    /// Of which each goes by a clock of its own.
    fn connect_clocks(one: (&mut Node, u64), other: (&mut Node, u64)) -> Self {
        Self::start(one, other, Sync::expecting_group)
    }

    /// Of which neither has opened a link of the other's.
    fn connect_without_link(one: &mut Node, other: &mut Node, now: u64) -> Self {
        Self::start((one, now), (other, now), |sync| sync)
    }

    fn start(
        (one, first): (&mut Node, u64),
        (other, second): (&mut Node, u64),
        with: impl Fn(Sync) -> Sync,
    ) -> Self {
        let mut wire = Self {
            sessions: [
                with(Sync::new(one.key.id(), other.key.id(), other.device)),
                with(Sync::new(other.key.id(), one.key.id(), one.device)),
            ],
            frames: Default::default(),
            events: Default::default(),
            bytes: 0,
            now: first,
        };
        wire.sessions[0].start(&mut one.store, first).unwrap();
        wire.sessions[1].start(&mut other.store, second).unwrap();
        wire.collect();
        wire
    }

    /// Takes outputs; those of side 0 go to side 1.
    fn collect(&mut self) {
        for side in 0..2 {
            while let Some(output) = self.sessions[side].poll_output() {
                match output {
                    Output::Frame(frame) => {
                        self.bytes += frame.len();
                        self.frames[1 - side].push_back(frame);
                    }
                    Output::Event(event) => self.events[side].push(event),
                }
            }
        }
    }

    /// Delivers one frame to a side; says whether there was one.
    fn deliver(&mut self, side: usize, node: &mut Node, now: u64) -> Result<bool, SyncError<StoreError>> {
        let Some(frame) = self.frames[side].pop_front() else { return Ok(false) };
        self.now = self.now.max(now);
        let session = &mut self.sessions[side];
        node.store.savepoint(|store| session.on_frame(store, &frame, now))?;
        self.collect();
        Ok(true)
    }

    fn committed(&mut self, side: usize, node: &mut Node, group: GroupId) {
        self.sessions[side].on_committed(&mut node.store, group, self.now).unwrap();
        self.collect();
    }

    /// Delivers frames until both sides are silent.
    fn settle(&mut self, one: &mut Node, other: &mut Node, now: u64) {
        for _ in 0..100_000 {
            let moved = self.deliver(0, one, now).unwrap() | self.deliver(1, other, now).unwrap();
            if !moved {
                return;
            }
        }
        panic!("the sessions never fall silent");
    }
}

/// Connects two nodes and lets them sync.
fn sync(one: &mut Node, other: &mut Node, now: u64) -> Wire {
    let mut wire = Wire::connect(one, other, now);
    wire.settle(one, other, now);
    wire
}
