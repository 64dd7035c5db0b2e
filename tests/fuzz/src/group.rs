//! A group of two, from its founding on: always the same changes.

use std::sync::LazyLock;

use connectoid_protocol::{
    change::{Change, Op},
    membership::Role,
    stamp::Stamp,
    sync::{ChangeLog, Source},
    user::{DeviceId, GroupId, UserId, UserKey},
    value::Value,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use crate::log::Log;

/// The time at which everything happens, after all the stamps, in µs since the epoch.
pub const NOW: u64 = FOUNDED + 1_000_000;

/// How many changes come before those of records.
const MEMBERSHIP: usize = 2;

/// The owner's device.
pub const OWNER_DEVICE: DeviceId = DeviceId::from_bytes([0xa1; 16]);

/// The member's device.
pub const MEMBER_DEVICE: DeviceId = DeviceId::from_bytes([0xb2; 16]);

const FOUNDED: u64 = 1_700_000_000_000_000;

/// Who founded the group. No vector is signed with this key.
pub static OWNER: LazyLock<UserKey> = LazyLock::new(|| UserKey::from_bytes(&[0xa1; 32]));

/// Who was made a writer of it.
pub static MEMBER: LazyLock<UserKey> = LazyLock::new(|| UserKey::from_bytes(&[0xb2; 32]));

/// All that was ever signed in the group, in order.
pub static CHANGES: LazyLock<Vec<Change>> = LazyLock::new(|| {
    let genesis = Op::Genesis { owner: OWNER.public(), nonce: [7; 16], name: "home".into() };
    let genesis = sign(None, &OWNER, 0, vec![genesis]);
    let group = Some(genesis.group());
    let member = Op::Member { user: MEMBER.id(), key: MEMBER.public(), role: Role::Writer };
    vec![
        genesis,
        sign(group, &OWNER, 1, vec![member]),
        sign(group, &OWNER, 2, vec![set("a", Value::Text("x".into())), delete("b")]),
        sign(group, &MEMBER, 3, vec![set("b", Value::Array(vec![Value::Int(-1), Value::Null]))]),
        sign(group, &OWNER, 4, vec![delete("a")]),
    ]
});

/// What the member's device holds before a session: the membership, and what the member signed.
pub fn members_log() -> Log {
    let records = CHANGES[MEMBERSHIP..].iter().filter(|change| change.author() == MEMBER.id());
    log_of(MEMBER.id(), MEMBER_DEVICE, CHANGES[..MEMBERSHIP].iter().chain(records))
}

/// What the owner's device holds: all but that.
pub fn owners_log() -> Log {
    log_of(OWNER.id(), OWNER_DEVICE, CHANGES.iter().filter(|change| change.author() == OWNER.id()))
}

fn log_of<'a>(user: UserId, device: DeviceId, changes: impl Iterator<Item = &'a Change>) -> Log {
    let mut log = Log::default();
    let changes: Vec<_> = changes.map(Change::bytes).collect();
    let (group, source) = (CHANGES[0].group(), Source { device, user });
    let Ok(mut applied) = log.apply(group, &source, &changes[..1], NOW);
    let Ok(()) = log.accept(group);
    let Ok(rest) = log.apply(group, &source, &changes[1..], NOW);
    applied.accepted += rest.accepted;
    assert_eq!(applied.accepted, changes.len());
    log
}

fn sign(group: Option<GroupId>, key: &UserKey, after: u64, ops: Vec<Op>) -> Change {
    let device = if key.id() == OWNER.id() { OWNER_DEVICE } else { MEMBER_DEVICE };
    let stamp = Stamp::new(FOUNDED + after).unwrap();
    Change::sign(group, key, device, stamp, ops, &mut ChaCha20Rng::seed_from_u64(after)).unwrap()
}

fn set(id: &str, value: Value) -> Op {
    Op::Set { collection: "notes".into(), id: id.into(), fields: [("f".to_owned(), Some(value))].into() }
}

fn delete(id: &str) -> Op {
    Op::Delete { collection: "notes".into(), id: id.into() }
}
