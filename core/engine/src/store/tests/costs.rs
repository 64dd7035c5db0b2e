//! What an operation costs grows with what it is about, not with what the store holds: counted in the steps of SQLite's
//! machine, which are the same each time.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use connectoid_protocol::sync::{ChangeLog, PageKind, PageRequest, Scope};

use super::*;

/// How many steps are counted as one.
const TICK: i32 = 20;

/// What may come on top, for a tree that is one level deeper.
const SLACK: u64 = 100;

/// The ticks of some work on a store.
fn ticks(node: &mut Node, work: impl FnOnce(&mut Node)) -> u64 {
    let ticks = Arc::new(AtomicU64::new(0));
    let counted = ticks.clone();
    let count = move || {
        counted.fetch_add(1, Ordering::Relaxed);
        false
    };
    node.store.connection().progress_handler(TICK, Some(count)).unwrap();
    work(node);
    node.store.connection().progress_handler(TICK, None::<fn() -> bool>).unwrap();
    ticks.load(Ordering::Relaxed)
}

/// An owner and a writer, who hold so many records, and what the owner knows of the writer's.
struct Pair {
    owner: Node,
    writer: Node,
    group: GroupId,
    now: u64,
}

impl Pair {
    fn holding(records: u64) -> Self {
        let (mut owner, mut writer) = (Node::new(1), Node::new(2));
        let group = owner.create_group();
        owner.add(group, &writer.key, Role::Writer, NOW);
        writer.accept_from(group, &owner);
        let changes: Vec<_> = (0..records)
            .map(|number| {
                let ops = vec![set(&number.to_string(), &[("x", 1)])];
                writer.sign(group, NOW + SECOND + number, ops).into_bytes()
            })
            .collect();
        owner.store.apply(group, &writer.source(), &changes, NOW + 2 * SECOND).unwrap();
        writer.store.apply(group, &writer.source(), &changes, NOW + 2 * SECOND).unwrap();
        Self { owner, writer, group, now: NOW + 10 * SECOND }
    }
}

/// What one operation costs in a store with so many records.
fn cost(records: u64, work: impl FnOnce(&mut Node, &mut Node, GroupId, u64)) -> u64 {
    let Pair { mut owner, mut writer, group, now } = Pair::holding(records);
    ticks(&mut owner, |owner| work(owner, &mut writer, group, now))
}

fn check(what: &str, work: impl Fn(&mut Node, &mut Node, GroupId, u64)) {
    let (small, large) = (cost(200, &work), cost(4_000, &work));
    assert!(large <= small + SLACK, "{what}: {small} ticks with 200 records, {large} with 4,000");
}

#[test]
fn a_commit() {
    check("a commit", |owner, _, group, now| _ = owner.commit(group, vec![set("7", &[("x", 2)])], now));
}

#[test]
fn an_arrival() {
    check("an arrival", |owner, writer, group, now| {
        let change = writer.sign(group, now, vec![set("7", &[("x", 2)])]);
        owner.store.apply(group, &writer.source(), &[change.bytes()], now).unwrap();
    });
}

#[test]
fn a_member_more_and_less() {
    check("a member more and less", |owner, _, group, now| {
        let other = UserKey::from_bytes(&[9; 32]);
        owner.add(group, &other, Role::Writer, now);
        owner.remove(group, &other, now + SECOND);
    });
}

#[test]
fn what_a_session_asks_for() {
    check("a page, marks and health", |owner, writer, group, now| {
        let head = owner.store.head(group).unwrap();
        let (kind, except, max_bytes) = (PageKind::Records, writer.device, 1 << 16);
        let request = PageRequest { group, after: head - 1, kind, except, max_bytes };
        owner.store.set_acked(group, writer.device, head, Some(now)).unwrap();
        ChangeLog::page(&owner.store, &request).unwrap();
        owner.store.health(group, writer.device, now).unwrap();
        owner.store.holds_back(group, writer.device).unwrap();
        owner.store.is_early(group, writer.device, now).unwrap();
        owner
            .store
            .change(group, &writer.sign(group, now, vec![set("7", &[("x", 2)])]).hash(), Scope::Everything)
            .unwrap();
    });
}

#[test]
fn housekeeping_without_work() {
    check("housekeeping", |owner, _, _, now| {
        owner.store.prune(now).unwrap();
        owner.store.clear_forgotten().unwrap();
        owner.store.release_parked(now).unwrap();
        owner.store.next_due().unwrap();
        owner.store.judge_again(now).unwrap();
        owner.store.take_room_again().unwrap();
    });
}

#[test]
fn reading_a_record() {
    check("a record and its history", |owner, _, group, _| {
        owner.store.record(group, "notes", "7").unwrap();
        owner.store.history(group, "notes", "7").unwrap();
    });
}

#[test]
fn looking_for_wrong_stamps() {
    check("wrong stamps", |owner, _, group, now| {
        let author = Author { key: &owner.key, device: owner.device };
        owner.store.restamp(group, &author, now, &mut owner.rng).unwrap();
    });
}
