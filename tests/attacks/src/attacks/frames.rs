//! What a member of a group can send, whose owner may be the attacker as well.

use std::{collections::BTreeMap, time::Duration};

use connectoid_engine::{
    Channel, OsRandom, Role,
    api::{Command, Reply, Write},
};
use connectoid_protocol::{
    change::{Change, Op},
    stamp::Stamp,
    sync::{Frame, TARGET_FRAME},
    user::{DeviceId, GroupId, UserKey},
    value::Value,
};
use serde_json::json;
use tokio::time::sleep;

use super::Extent;
use crate::{
    Outcome,
    hostile::{Hostile, now},
    meter::Cost,
    stage::Stage,
};

/// How many changes a frame carries at most.
const MAX_CHANGES: usize = 1000;

/// What 10,000 small changes that wait take on the disk, in bytes, and not twice as many.
const PARKED: u64 = 8 << 20;

/// Somebody whom the attacker makes a member, and no member, as it likes.
struct Puppet {
    key: UserKey,
    device: DeviceId,
}

impl Puppet {
    fn new() -> Self {
        Self { key: UserKey::generate(&mut OsRandom), device: DeviceId::generate(&mut OsRandom) }
    }

    fn sign(&self, group: GroupId, stamp: u64, ops: Vec<Op>) -> Outcome<Vec<u8>> {
        sign(&self.key, self.device, group, stamp, ops)
    }

    fn join(&self, role: Role) -> Op {
        Op::Member { user: self.key.id(), key: self.key.public(), role }
    }
}

fn sign(key: &UserKey, device: DeviceId, group: GroupId, stamp: u64, ops: Vec<Op>) -> Outcome<Vec<u8>> {
    let stamp = Stamp::new(stamp).ok_or("no such time")?;
    Ok(Change::sign(Some(group), key, device, stamp, ops, &mut OsRandom)?.into_bytes())
}

fn write(id: &str, value: Value) -> Op {
    let fields = BTreeMap::from([("x".to_owned(), Some(value))]);
    Op::Set { collection: "c".to_owned(), id: id.to_owned(), fields }
}

/// Delivers changes in full frames, and waits until they are dealt with. Says whether the victim is still there.
async fn deliver(hostile: &Hostile, group: GroupId, changes: Vec<Vec<u8>>) -> Outcome<bool> {
    let before = hostile.acks();
    let (mut frames, mut frame, mut length) = (0, Vec::new(), 0);
    for change in changes {
        if !frame.is_empty() && (length + change.len() > TARGET_FRAME || frame.len() == MAX_CHANGES) {
            frames += 1;
            if !send(hostile, group, std::mem::take(&mut frame)).await? {
                return Ok(false);
            }
            length = 0;
        }
        length += change.len() + 3;
        frame.push(change);
    }
    Ok(send(hostile, group, frame).await? && hostile.acknowledged(before + frames + 1).await?)
}

async fn send(hostile: &Hostile, group: GroupId, changes: Vec<Vec<u8>>) -> Outcome<bool> {
    hostile.send(Channel::Sync, &Frame::Changes { group, span: None, changes }.encode()).await
}

/// The puppet comes and goes, each time before everything that it has written: all has to be judged again.
async fn come_and_go(
    hostile: &Hostile,
    group: GroupId,
    puppet: &Puppet,
    from: u64,
    times: u64,
) -> Outcome<bool> {
    let before = hostile.acks();
    for number in 0..times {
        let leaves = number % 2 == 0;
        let op = if leaves { Op::Remove { user: puppet.key.id() } } else { puppet.join(Role::Writer) };
        let change = sign(&hostile.key, hostile.device, group, from + number, vec![op])?;
        if !send(hostile, group, vec![change]).await? {
            return Ok(false);
        }
    }
    hostile.acknowledged(before + times).await
}

/// An attacker with a puppet that may write from `from` on.
async fn with_puppet(stage: &Stage) -> Outcome<(Hostile, GroupId, Puppet, u64)> {
    let (hostile, group) = stage.attacker().await?;
    hostile.turn_hostile();
    let (puppet, from) = (Puppet::new(), now());
    let join = sign(&hostile.key, hostile.device, group, from, vec![puppet.join(Role::Writer)])?;
    if !deliver(&hostile, group, vec![join]).await? {
        return Err("the victim takes no member".into());
    }
    Ok((hostile, group, puppet, from + 1_000_000))
}

/// Frames of some 260 bytes each, of which every one has thousands of records judged again.
pub(super) async fn members(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, group, puppet, from) = with_puppet(stage).await?;
    let records = extent.of(2_000, 30_000);
    let changes = (0..records)
        .map(|number| {
            puppet.sign(group, from + 500_000 + number, vec![write(&number.to_string(), Value::Int(1))])
        })
        .collect::<Outcome<Vec<_>>>()?;
    if !deliver(&hostile, group, changes).await? {
        return Err("the victim takes no records".into());
    }
    let meter = stage.meter(hostile.sent()).await?;
    let held = come_and_go(&hostile, group, &puppet, from, extent.of(101, 2_001)).await?;
    // What is done part by part goes on, with pauses in which the victim seems idle.
    until_none_counts(stage, group).await?;
    let cost = meter.stop(hostile.sent()).await?;
    Ok(cost.that_lasts().promise("all is dealt with", held))
}

/// How many records the victim's app sees, up to a few.
async fn count(stage: &Stage, group: GroupId) -> Outcome<usize> {
    let list = json!({"method": "list", "group": group.to_string(), "collection": "c", "limit": 3});
    let reply = stage.victim.call(list).await?;
    Ok(reply["records"].as_array().map_or(0, Vec::len))
}

/// Waits until the app sees none of the records any more.
async fn until_none_counts(stage: &Stage, group: GroupId) -> Outcome {
    let mut parts = 0;
    while count(stage, group).await? > 0 {
        parts += 1;
        if parts > 300 {
            return Err("what does not count stays".into());
        }
        sleep(Duration::from_millis(100)).await;
    }
    Ok(())
}

/// Changes that each name one of the member's own, of a thousand records each, with many versions: they count no more.
pub(super) async fn withdrawals(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, group, puppet, from) = with_puppet(stage).await?;
    let (versions, records) = (extent.of(10, 60), 1_000);
    let (mut changes, mut names) = (Vec::new(), Vec::new());
    for version in 0..versions {
        let ops = (0..records).map(|record| write(&record.to_string(), Value::Int(version))).collect();
        let stamp = Stamp::new(from + 500_000 + version.unsigned_abs()).ok_or("no such time")?;
        let change = Change::sign(Some(group), &puppet.key, puppet.device, stamp, ops, &mut OsRandom)?;
        names.push(change.hash());
        changes.push(change.into_bytes());
    }
    if !deliver(&hostile, group, changes).await? {
        return Err("the victim takes no records".into());
    }
    let meter = stage.meter(hostile.sent()).await?;
    let mut withdrawals = Vec::new();
    for (number, name) in names.into_iter().enumerate() {
        let ops = vec![Op::Withdraw { changes: vec![name] }];
        withdrawals.push(puppet.sign(group, from + number as u64, ops)?);
    }
    let held = deliver(&hostile, group, withdrawals).await?;
    until_none_counts(stage, group).await?;
    Ok(meter.stop(hostile.sent()).await?.that_lasts().promise("all is dealt with", held))
}

/// Many versions of one record, each large, and then the same.
pub(super) async fn versions(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, group, puppet, from) = with_puppet(stage).await?;
    let value = || Value::Bytes(vec![7; 24 << 10]);
    let meter = stage.meter(hostile.sent()).await?;
    for version in 0..extent.of(40, 250) {
        let change = puppet.sign(group, from + 500_000 + version, vec![write("one", value())])?;
        if !deliver(&hostile, group, vec![change]).await? {
            return Err("the victim takes no versions".into());
        }
    }
    let held = come_and_go(&hostile, group, &puppet, from, 41).await?;
    stage
        .victim
        .call(json!({"method": "history", "group": group.to_string(), "collection": "c", "id": "one"}))
        .await?;
    Ok(meter.stop(hostile.sent()).await?.promise("all is dealt with", held))
}

/// Changes of people who are no members, which may become some.
pub(super) async fn parked(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, group) = stage.attacker().await?;
    hostile.turn_hostile();
    let (from, strangers) = (now(), [(); 50].map(|()| Puppet::new()));
    let changes = (0..extent.of(25_000, 40_000))
        .map(|number| {
            let stranger = &strangers[usize::try_from(number)? % strangers.len()];
            stranger.sign(group, from + number, vec![write(&number.to_string(), Value::Int(1))])
        })
        .collect::<Outcome<Vec<_>>>()?;
    let meter = stage.meter(hostile.sent()).await?;
    let held = deliver(&hostile, group, changes).await?;
    let cost = meter.stop(hostile.sent()).await?;
    let few = cost.disk() < PARKED;
    Ok(cost.promise("all is dealt with", held).promise("few of them are kept", few))
}

/// More than the group may take.
pub(super) async fn quota(stage: &Stage) -> Outcome<Cost> {
    let (hostile, group, puppet, from) = with_puppet(stage).await?;
    let mut heard = stage.victim.listen();
    let meter = stage.meter(hostile.sent()).await?;
    // The record and its change both count.
    for number in 0..crate::stage::QUOTA / (40 << 10) {
        let op = write(&number.to_string(), Value::Bytes(vec![7; 40 << 10]));
        let change = puppet.sign(group, from + 500_000 + number, vec![op])?;
        if !deliver(&hostile, group, vec![change]).await? {
            return Err("the victim is gone".into());
        }
    }
    heard.event("group_room").await?;
    meter.stop(hostile.sent()).await
}

/// Groups with records that the victim was never asked about.
pub(super) async fn invitations(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, _) = stage.attacker().await?;
    let meter = stage.meter(hostile.sent()).await?;
    let groups = 40;
    for number in 0..groups {
        let Reply::Group { id } = hostile.call(Command::CreateGroup { name: format!("g{number}") }).await?
        else {
            return Err("no group".into());
        };
        for record in 0..extent.of(4, 20) {
            let fields = json!({"x": "x".repeat(100_000)});
            let fields = fields.as_object().cloned().unwrap_or_default();
            let put = Write::Put { collection: "c".to_owned(), id: record.to_string(), fields };
            hostile.call(Command::Commit { group: id.clone(), writes: vec![put] }).await?;
        }
        let add = Command::AddMember { nickname: "victim".to_owned(), group: id, role: Role::Writer };
        hostile.call(add).await?;
    }
    let mut asked = stage.victim.listen();
    hostile.call(Command::SyncNow).await?;
    let known = loop {
        let reply = stage.victim.call(json!({"method": "groups"})).await?;
        let known = reply["groups"].as_array().map_or(0, Vec::len) - 2;
        if known >= groups.min(32) {
            break known;
        }
        asked.event("invited").await?;
    };
    let cost = meter.stop(hostile.sent()).await?;
    let reply = stage.victim.call(json!({"method": "groups"})).await?;
    let known = known.max(reply["groups"].as_array().map_or(0, Vec::len) - 2);
    let little = cost.disk() < 4 << 20;
    Ok(cost.promise("32 invitations at most", known <= 32).promise("no records of them", little))
}

/// Comparisons of sets, each of which looks at everything.
pub(super) async fn compare(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (hostile, group, puppet, from) = with_puppet(stage).await?;
    let changes = (0..extent.of(2_000, 20_000))
        .map(|number| {
            puppet.sign(group, from + 500_000 + number, vec![write(&number.to_string(), Value::Int(1))])
        })
        .collect::<Outcome<Vec<_>>>()?;
    deliver(&hostile, group, changes).await?;
    let meter = stage.meter(hostile.sent()).await?;
    // A fingerprint over all there is, which is wrong (Negentropy V1).
    let message = [&[0x61, 0, 0, 1][..], &[7; 16]].concat();
    let frame = Frame::Compare { group, message }.encode();
    for _ in 0..extent.of(200, 5_000) {
        if !hostile.send(Channel::Sync, &frame).await? {
            break;
        }
    }
    meter.stop(hostile.sent()).await
}
