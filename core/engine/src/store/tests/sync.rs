use connectoid_protocol::sync::{ChangeLog, MAX_CLOCKS, Misbehaviour};

use super::*;

fn same(one: &Node, other: &Node) {
    assert_eq!(dump(&one.store).visible(), dump(&other.store).visible());
}

/// An owner and a writer who hold the same.
fn pair() -> (Node, Node, GroupId) {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    sync(&mut owner, &mut writer, NOW);
    (owner, writer, group)
}

fn count(wire: &Wire, side: usize, event: &Event) -> usize {
    wire.events[side].iter().filter(|other| *other == event).count()
}

#[test]
fn a_new_member_gets_everything() {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW);
    owner.add(group, &writer.key, Role::Writer, NOW);
    let wire = sync(&mut owner, &mut writer, NOW);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 1)]));
    assert_eq!(count(&wire, 1, &Event::Joined(group)), 1);
    assert_eq!((count(&wire, 0, &Event::Synced(group)), count(&wire, 1, &Event::Synced(group))), (1, 1));
    same(&owner, &writer);
    let health = owner.store.health(group, writer.device, NOW).unwrap();
    assert_eq!((health.last_synced_at, health.lacks), (Some(NOW), 0));
}

#[test]
fn who_has_a_part_is_not_said_to_have_synced() {
    let (mut owner, mut writer, group) = pair();
    for n in 0..3 {
        let fields = [("x".to_owned(), Some(Value::Bytes(vec![7; 50 << 10])))].into();
        let op = Op::Set { collection: "notes".into(), id: n.to_string(), fields };
        owner.commit(group, vec![op], NOW + 10);
    }
    let mut wire = Wire::connect(&mut owner, &mut writer, NOW);
    while owner.store.lacks(group, writer.device).unwrap() == 3 {
        wire.deliver(1, &mut writer, NOW + 20).unwrap();
        wire.deliver(0, &mut owner, NOW + 20).unwrap();
    }
    let health = owner.store.health(group, writer.device, NOW).unwrap();
    assert_eq!((health.lacks, health.last_synced_at), (2, Some(NOW)));
    wire.settle(&mut owner, &mut writer, NOW + 30);
    let health = owner.store.health(group, writer.device, NOW).unwrap();
    assert_eq!((health.lacks, health.last_synced_at), (0, Some(NOW + 30)));
}

#[test]
fn commits_stream_while_connected() {
    let (mut owner, mut writer, group) = pair();
    let mut wire = sync(&mut owner, &mut writer, NOW);
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 1);
    assert_eq!(owner.store.lacks(group, writer.device).unwrap(), 1);
    wire.committed(0, &mut owner, group);
    assert!(!wire.sessions[0].is_synced(group));
    wire.settle(&mut owner, &mut writer, NOW + 1);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 1)]));
    writer.commit(group, vec![set("a", &[("x", 2)])], NOW + 2);
    wire.committed(1, &mut writer, group);
    wire.settle(&mut owner, &mut writer, NOW + 2);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 2)]));
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
    assert_eq!(owner.store.lacks(group, writer.device).unwrap(), 0);
    same(&owner, &writer);
}

#[test]
fn members_come_and_go_while_connected() {
    let (mut owner, mut other) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW);
    let mut wire = sync(&mut owner, &mut other, NOW);
    assert!(other.store.groups().unwrap().is_empty());
    owner.add(group, &other.key, Role::Writer, NOW + 1);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut other, NOW + 1);
    assert_eq!(other.note(group, "a"), ints(&[("x", 1)]));

    owner.remove(group, &other.key, NOW + 2);
    owner.commit(group, vec![set("a", &[("x", 2)])], NOW + 3);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut other, NOW + 3);
    assert_eq!(other.note(group, "a"), ints(&[("x", 1)]), "not for former members");
    assert_eq!(count(&wire, 1, &Event::Removed(group)), 1);
    let mut wire = sync(&mut owner, &mut other, NOW + 4);
    assert_eq!(other.note(group, "a"), ints(&[("x", 1)]));

    owner.add(group, &other.key, Role::Reader, NOW + 5);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut other, NOW + 5);
    assert_eq!(other.note(group, "a"), ints(&[("x", 2)]));
    assert_eq!(count(&wire, 1, &Event::Joined(group)), 1);
    same(&owner, &other);
}

#[test]
fn who_is_appointed_elsewhere_is_believed_as_soon_as_that_is_known() {
    let (mut owner, mut writer, group) = pair();
    let mut third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 1);
    sync(&mut owner, &mut third, NOW + 1);
    third.commit(group, vec![set("a", &[("x", 3)])], NOW + 2);
    // The writer hears of the third member only from that member.
    sync(&mut third, &mut writer, NOW + 3);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 3)]));
    same(&third, &writer);
}

#[test]
fn what_a_former_member_sends_is_asked_for_again_after_rejoining() {
    let (mut owner, mut writer, group) = pair();
    writer.commit(group, vec![set("a", &[("x", 2)])], NOW + 1);
    owner.remove(group, &writer.key, NOW + 10);
    let mut wire = sync(&mut owner, &mut writer, NOW + 11);
    assert_eq!(owner.note(group, "a"), None);
    owner.add(group, &writer.key, Role::Writer, NOW + 12);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut writer, NOW + 12);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 2)]));
    same(&owner, &writer);
}

#[test]
fn changes_travel_through_others() {
    let (mut owner, mut writer, group) = pair();
    let mut third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 1);
    sync(&mut owner, &mut third, NOW + 1);
    third.commit(group, vec![set("a", &[("x", 3)])], NOW + 2);
    sync(&mut owner, &mut third, NOW + 3);
    sync(&mut owner, &mut writer, NOW + 4);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 3)]));
    same(&third, &writer);
}

#[test]
fn a_reconnection_costs_what_is_new() {
    let (mut owner, mut writer, group) = pair();
    for n in 0..500 {
        owner.commit(group, vec![set(&n.to_string(), &[("x", n)])], NOW + 1);
    }
    sync(&mut owner, &mut writer, NOW + 2);
    let idle = sync(&mut owner, &mut writer, NOW + 3).bytes;
    assert!(idle < 700, "{idle}");
    owner.commit(group, vec![set("new", &[("x", 1)])], NOW + 4);
    let bytes = sync(&mut owner, &mut writer, NOW + 5).bytes;
    assert!(bytes < 1500, "{bytes}");
    same(&owner, &writer);
}

#[test]
fn a_restored_store_compares() {
    let (mut owner, mut writer, group) = pair();
    for n in 0..500 {
        owner.commit(group, vec![set(&n.to_string(), &[("x", n)])], NOW + 1);
    }
    sync(&mut owner, &mut writer, NOW + 2);
    let elsewhere = connectoid_protocol::sync::Mark { epoch: [7; 16], seq: 3 };
    writer.store.set_mark(group, owner.device, elsewhere).unwrap();
    owner.store.set_mark(group, writer.device, elsewhere).unwrap();
    for n in 0..5 {
        owner.commit(group, vec![set(&n.to_string(), &[("x", 1000)])], NOW + 4);
        writer.commit(group, vec![set(&(n + 100).to_string(), &[("x", 1000)])], NOW + 4);
    }
    let wire = sync(&mut owner, &mut writer, NOW + 5);
    assert_eq!((count(&wire, 0, &Event::Lost(group)), count(&wire, 1, &Event::Lost(group))), (1, 1));
    assert!(wire.bytes < 40_000, "{}", wire.bytes);
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
    same(&owner, &writer);
    let again = sync(&mut owner, &mut writer, NOW + 6).bytes;
    assert!(again < 700, "{again}");
}

#[test]
fn a_copy_that_was_put_back_loses_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (path, copy) = (directory.path().join("store"), directory.path().join("copy"));
    let mut owner = Node::with_store(1, Store::open(&path).unwrap());
    let mut writer = Node::new(2);
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    owner.store.connection().execute("VACUUM INTO ?1", [copy.to_str().unwrap()]).unwrap();
    let commit_often = |owner: &mut Node, id: &str| {
        owner.store.begin_transaction().unwrap();
        for n in 0..1200 {
            owner.commit(group, vec![set(id, &[("x", n)])], NOW + 1);
        }
        owner.store.commit_transaction().unwrap();
    };
    commit_often(&mut owner, "a");
    sync(&mut owner, &mut writer, NOW + 2);

    owner.store = Store::open(&copy).unwrap();
    owner.commit(group, vec![set("b", &[("x", 1)])], NOW + 3);
    let known = writer.store.mark(group, owner.device).unwrap().unwrap();
    assert!(owner.store.head(group).unwrap() < known.seq, "the numbers of the original are used again");
    commit_often(&mut owner, "c");
    assert!(owner.store.head(group).unwrap() > known.seq);
    let wire = sync(&mut owner, &mut writer, NOW + 4);
    assert_eq!((count(&wire, 0, &Event::Lost(group)), count(&wire, 1, &Event::Lost(group))), (1, 0));
    assert_eq!(writer.note(group, "b"), ints(&[("x", 1)]));
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1199)]), "what the copy lacked came back");
    same(&owner, &writer);
}

#[test]
fn a_lost_mark_is_no_loss() {
    let (mut owner, mut writer, group) = pair();
    for n in 0..3000 {
        owner.commit(group, vec![set(&n.to_string(), &[("x", n)])], NOW + 1);
    }
    let group_no = writer.store.known_group_no(group).unwrap();
    let device_no = writer.store.device_no(owner.device).unwrap();
    writer.store.clear_mark(group_no, device_no).unwrap();
    sync(&mut owner, &mut writer, NOW + 2);
    assert!(writer.store.mark(group, owner.device).unwrap().is_some());
    same(&owner, &writer);
}

#[test]
fn large_changes_pass() {
    let (mut owner, mut writer, group) = pair();
    for n in 0..12 {
        let fields = [("x".to_owned(), Some(Value::Bytes(vec![7; 250 << 10])))].into();
        owner.commit(group, vec![Op::Set { collection: "notes".into(), id: n.to_string(), fields }], NOW + n);
    }
    sync(&mut owner, &mut writer, NOW + 20);
    same(&owner, &writer);
}

#[test]
fn devices_of_one_user_sync_too() {
    let mut phone = Node::new(1);
    let mut laptop = Node::new(1);
    laptop.device = DeviceId::from_bytes([77; 16]);
    let group = phone.create_group();
    phone.commit(group, vec![set("a", &[("x", 1)])], NOW);
    sync(&mut phone, &mut laptop, NOW);
    laptop.commit(group, vec![set("a", &[("x", 2)])], NOW + 1);
    sync(&mut phone, &mut laptop, NOW + 1);
    assert_eq!(phone.note(group, "a"), ints(&[("x", 2)]));
    same(&phone, &laptop);
}

#[test]
fn nobody_sees_a_group_that_is_not_theirs() {
    let (mut owner, mut stranger) = (Node::new(1), Node::new(2));
    let (mine, ours) = (owner.create_group(), owner.create_group());
    owner.add(ours, &stranger.key, Role::Reader, NOW);
    owner.commit(mine, vec![set("secret", &[("x", 1)])], NOW);
    let wire = sync(&mut owner, &mut stranger, NOW);
    assert_eq!(stranger.store.groups().unwrap().len(), 1);
    let secret = Change::decode(owner.all_changes(mine).last().unwrap()).unwrap().hash();
    let scope = connectoid_protocol::sync::Scope::Everything;
    assert_eq!(owner.store.change(ours, &secret, scope).unwrap(), None, "not under another group's name");
    drop(wire);
}

#[test]
fn an_invitation_by_a_stranger_is_checked() {
    let (mut owner, mut liar) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &liar.key, Role::Writer, NOW);
    sync(&mut owner, &mut liar, NOW);
    // The liar appoints a friend without having the right to.
    let friend = Node::new(3);
    let op = Op::Member { user: friend.key.id(), key: friend.key.public(), role: Role::Writer };
    let forged = liar.sign(group, NOW + 5, vec![op]);
    let group_no = liar.store.known_group_no(group).unwrap();
    liar.store.take_membership(group_no, &forged, 0, None).unwrap();
    let mut friend = friend;
    let mut session = Sync::new(friend.key.id(), liar.key.id(), liar.device);
    let mut sender = Sync::new(liar.key.id(), friend.key.id(), friend.device);
    sender.start(&mut liar.store, NOW).unwrap();
    session.start(&mut friend.store, NOW).unwrap();
    for side in [&mut sender, &mut session] {
        assert!(matches!(side.poll_output(), Some(Output::Frame(clock)) if clock[1] == 10));
        assert_eq!(side.poll_output(), None, "no frame names the group");
    }
    assert!(friend.store.groups().unwrap().is_empty());
}

#[test]
fn false_peers_are_found_out() {
    let (mut owner, mut writer, group) = pair();
    let epoch = owner.store.epoch();
    let frame = |bytes: &[u8]| [&[1, 7][..], bytes].concat();
    for (bad, misbehaviour) in [
        (vec![], Misbehaviour::Malformed),
        (vec![1], Misbehaviour::Malformed),
        (vec![9, 1], Misbehaviour::Malformed),
        (frame(&[0x80]), Misbehaviour::Malformed),
        (ack(group), Misbehaviour::OutOfTurn),
        (pull(epoch, group, 1 << 40, 1), Misbehaviour::OutOfTurn),
        (with_group(9, 1, GroupId::from_bytes([9; 32]), &[]), Misbehaviour::OutOfTurn),
        (pull(epoch, GroupId::from_bytes([9; 32]), 0, 1), Misbehaviour::OutOfTurn),
        (
            changes(group, &[7]),
            Misbehaviour::FalseChange(
                connectoid_protocol::change::ChangeError::from(connectoid_protocol::cbor::NotCanonical)
                    .into(),
            ),
        ),
        (compare(group, &[0x61, 0, 0, 2, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]), Misbehaviour::Malformed),
        (compare(group, &[0x61]), Misbehaviour::Malformed),
        (compare(group, &[0x61, 0xff, 0xff, 0xff]), Misbehaviour::Malformed),
        (compare(group, &[0x61, 0]), Misbehaviour::Malformed),
    ] {
        let mut wire = sync(&mut owner, &mut writer, NOW);
        let error = wire.sessions[0].on_frame(&mut owner.store, &bad, NOW).unwrap_err();
        assert!(matches!(error, SyncError::Peer(found) if found == misbehaviour), "{error} {bad:?}");
    }
    let mut wire = sync(&mut owner, &mut writer, NOW);
    assert!(
        wire.sessions[0].on_frame(&mut owner.store, &[1, 200, 7], NOW).is_ok(),
        "types of later versions"
    );
}

/// What a node answers when a peer announces a group.
fn answer_to_have(node: &mut Node, peer: &Node, group: GroupId) -> Vec<u8> {
    let mut session = Sync::new(node.key.id(), peer.key.id(), peer.device);
    session.start(&mut node.store, NOW).unwrap();
    while session.poll_output().is_some() {}
    let have = with_group(1, 3, group, &[&[0x50][..], &peer.store.epoch(), &[0x18, 99]].concat());
    session.on_frame(&mut node.store, &have, NOW).unwrap();
    let Some(Output::Frame(answer)) = session.poll_output() else { panic!("no answer") };
    answer
}

#[test]
fn who_was_removed_is_not_shown_what_is_written_since() {
    let (mut owner, mut writer, group) = pair();
    owner.remove(group, &writer.key, NOW);
    sync(&mut owner, &mut writer, NOW);
    owner.commit(group, vec![set("secret", &[("x", 1)])], NOW + 1);
    let hash = Change::decode(owner.all_changes(group).last().unwrap()).unwrap().hash();
    // As of a store that the owner has no mark for.
    writer.device = DeviceId::from_bytes([77; 16]);
    let compared = answer_to_have(&mut owner, &writer, group);
    assert_eq!(compared[1], 3, "membership changes are compared");
    assert!(!compared.windows(16).any(|part| *part == hash.as_bytes()[..16]));
}

#[test]
fn a_stranger_is_not_shown_whether_a_group_is_known() {
    let (mut owner, _, group) = pair();
    let stranger = Node::new(7);
    let unknown = GroupId::from_bytes([9; 32]);
    let known = answer_to_have(&mut owner, &stranger, group);
    assert_eq!(known, pull(stranger.store.epoch(), group, 0, 0));
    assert_eq!(answer_to_have(&mut owner, &stranger, unknown), pull(stranger.store.epoch(), unknown, 0, 0));
    let (_, mut writer, group) = pair();
    writer.store.leave(group).unwrap();
    assert_eq!(answer_to_have(&mut writer, &stranger, group), pull(stranger.store.epoch(), group, 0, 0));
    writer.store.forget(group).unwrap();
    assert_eq!(answer_to_have(&mut writer, &stranger, group), pull(stranger.store.epoch(), group, 0, 0));
}

fn with_group(kind: u8, items: u8, group: GroupId, rest: &[u8]) -> Vec<u8> {
    [&[1, kind, 0x80 | items, 0x58, 32][..], group.as_bytes(), rest].concat()
}

fn ack(group: GroupId) -> Vec<u8> {
    with_group(8, 2, group, &[0xf6])
}

fn pull(epoch: [u8; 16], group: GroupId, from: u64, acceptance: u8) -> Vec<u8> {
    let mut from_bytes = vec![0x1b];
    from_bytes.extend(from.to_be_bytes());
    let from_bytes = if from == 0 { vec![0] } else { from_bytes };
    with_group(2, 4, group, &[&[0x50], &epoch[..], &from_bytes, &[acceptance]].concat())
}

fn changes(group: GroupId, change: &[u8]) -> Vec<u8> {
    let head = 0x40 | u8::try_from(change.len()).unwrap();
    with_group(7, 3, group, &[&[0xf6, 0x81, head], change].concat())
}

fn compare(group: GroupId, message: &[u8]) -> Vec<u8> {
    let head = 0x40 | u8::try_from(message.len()).unwrap();
    with_group(3, 2, group, &[&[head], message].concat())
}

proptest::proptest! {
    #[test]
    fn noise_does_no_harm(kind in 1..10_u8, rest in proptest::collection::vec(proptest::num::u8::ANY, 0..60), items in 1..4_u8) {
        let (mut owner, mut writer, group) = pair();
        let mut wire = sync(&mut owner, &mut writer, NOW);
        let before = dump(&owner.store);
        let frame = with_group(kind, items, group, &rest);
        let _ = owner.store.savepoint(|store| wire.sessions[0].on_frame(store, &frame, NOW));
        assert_eq!(dump(&owner.store), before);
    }
}

/// Whether a frame brings changes with a span.
fn has_span(frame: &[u8]) -> bool {
    frame[1] == 7 && frame[2 + 1 + 34] != 0xf6
}

#[test]
fn frames_of_a_former_stream_do_not_hide_what_was_missed() {
    let (mut owner, mut writer, group) = pair();
    let mut third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 1);
    sync(&mut owner, &mut third, NOW + 1);
    sync(&mut owner, &mut writer, NOW + 1);
    sync(&mut third, &mut writer, NOW + 1);
    for n in 0..3 {
        let fields = [("x".to_owned(), Some(Value::Bytes(vec![7; 50 << 10])))].into();
        let op = Op::Set { collection: "notes".into(), id: n.to_string(), fields };
        third.commit(group, vec![op], NOW + 2);
    }
    owner.remove(group, &third.key, NOW + 10);
    sync(&mut owner, &mut writer, NOW + 10);

    // The writer does not believe the first frame, is told otherwise, and then gets the others.
    let mut wire = Wire::connect(&mut third, &mut writer, NOW);
    for _ in 0..20 {
        while wire.deliver(0, &mut third, NOW + 11).unwrap() {}
        if wire.frames[1].iter().any(|frame| has_span(frame)) {
            break;
        }
        wire.deliver(1, &mut writer, NOW + 11).unwrap();
    }
    assert_eq!(wire.frames[1].iter().filter(|frame| has_span(frame)).count(), 3);
    while !has_span(&wire.frames[1][0]) {
        wire.deliver(1, &mut writer, NOW + 11).unwrap();
    }
    wire.deliver(1, &mut writer, NOW + 11).unwrap();
    assert_eq!(writer.note(group, "0"), None);
    owner.add(group, &third.key, Role::Writer, NOW + 12);
    writer.store.apply(group, &owner.source(), &owner.all_changes(group), NOW + 12).unwrap();
    wire.committed(1, &mut writer, group);
    while wire.deliver(1, &mut writer, NOW + 13).unwrap() {}
    assert!(writer.note(group, "1").is_some() && writer.note(group, "2").is_some());
    drop(wire);

    sync(&mut third, &mut writer, NOW + 14);
    assert!(writer.note(group, "0").is_some());
}

#[test]
fn nobody_is_drawn_into_more_than_256_groups() {
    let (mut owner, mut victim) = (Node::new(1), Node::new(2));
    for _ in 0..260 {
        let group = owner.create_group();
        owner.add(group, &victim.key, Role::Reader, NOW);
    }
    // Whatever the victim says to each.
    for _ in 0..10 {
        sync(&mut owner, &mut victim, NOW);
        for group in victim.store.groups().unwrap() {
            victim.store.accept(group.id).unwrap();
        }
    }
    assert_eq!(victim.store.groups().unwrap().len(), connectoid_protocol::sync::MAX_PEER_GROUPS);
}

#[test]
fn what_comes_back_to_life_also_returns_to_where_it_came_from() {
    let (mut owner, mut writer, group) = pair();
    let mut third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 1);
    sync(&mut owner, &mut third, NOW + 1);
    writer.commit(group, vec![set("a", &[("x", 2)])], NOW + 2);
    sync(&mut owner, &mut writer, NOW + 2);
    third.commit(group, vec![set("a", &[("x", 3)])], NOW + 10);
    sync(&mut owner, &mut third, NOW + 10);
    sync(&mut owner, &mut writer, NOW + 10);
    let later = NOW + 11 + crate::store::KEPT_FOR;
    assert_eq!(writer.store.prune(later).unwrap(), 1);
    let removal = owner.sign(group, NOW + 5, vec![Op::Remove { user: third.key.id() }]);
    let me = owner.source();
    owner.store.apply(group, &me, &[removal.bytes()], later).unwrap();
    sync(&mut owner, &mut writer, later);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 2)]));
    same(&owner, &writer);
}

#[test]
fn what_was_parked_is_passed_on_once_it_is_valid() {
    let (mut owner, mut writer, group) = pair();
    let mut third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 1);
    sync(&mut owner, &mut third, NOW + 1);
    let ahead = NOW + 60 * 60 * SECOND;
    writer.commit(group, vec![set("a", &[("x", 2)])], ahead);
    sync(&mut owner, &mut writer, NOW + 2);
    owner.commit(group, vec![set("b", &[("x", 1)])], NOW + 3);
    sync(&mut owner, &mut third, NOW + 4);
    assert_eq!((owner.note(group, "a"), third.note(group, "b")), (None, ints(&[("x", 1)])));
    owner.store.release_parked(ahead).unwrap();
    sync(&mut owner, &mut third, ahead);
    assert_eq!(third.note(group, "a"), ints(&[("x", 2)]));
}

#[test]
fn only_what_was_sent_can_be_acknowledged() {
    let (mut owner, mut writer, group) = pair();
    for bad in [ack(GroupId::from_bytes([9; 32])), with_group(8, 2, group, &[1])] {
        let mut wire = sync(&mut owner, &mut writer, NOW);
        owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 1);
        wire.committed(0, &mut owner, group);
        let error = wire.sessions[0].on_frame(&mut owner.store, &bad, NOW).unwrap_err();
        assert!(matches!(error, SyncError::Peer(Misbehaviour::OutOfTurn)), "{error}");
    }
}

#[test]
fn membership_changes_are_acknowledged_too() {
    let (mut owner, mut writer, group) = pair();
    let mut wire = sync(&mut owner, &mut writer, NOW);
    owner.add(group, &UserKey::from_bytes(&[3; 32]), Role::Reader, NOW + 1);
    assert_eq!(owner.store.lacks(group, writer.device).unwrap(), 1);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut writer, NOW + 1);
    assert_eq!(owner.store.lacks(group, writer.device).unwrap(), 0);
    assert_eq!(count(&wire, 1, &Event::Members(group)), 1);
}

#[test]
fn what_is_compared_covers_what_was_announced() {
    let (mut owner, mut writer, group) = pair();
    owner.remove(group, &writer.key, NOW + 1);
    sync(&mut owner, &mut writer, NOW + 1);
    for (node, other) in [(&mut owner, writer.device), (&mut writer, DeviceId::from_bytes([1; 16]))] {
        let (group_no, device_no) =
            (node.store.known_group_no(group).unwrap(), node.store.device_no(other).unwrap());
        node.store.clear_mark(group_no, device_no).unwrap();
    }
    // The owner has begun to compare, when there is more to announce.
    let mut wire = Wire::connect(&mut owner, &mut writer, NOW);
    wire.deliver(0, &mut owner, NOW + 2).unwrap();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 3);
    owner.add(group, &writer.key, Role::Writer, NOW + 4);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut writer, NOW + 5);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 1)]));
    same(&owner, &writer);
}

#[test]
fn the_time_is_told_so_often_and_no_more() {
    let (mut alice, mut bob) = (Node::new(1), Node::new(2));
    let group = alice.create_group();
    alice.add(group, &bob.key, Role::Writer, NOW);
    let mut wire = sync(&mut alice, &mut bob, NOW);
    for told in 2..=MAX_CLOCKS {
        wire.sessions[0].tell_clock(NOW + u64::from(told) * SECOND);
        wire.collect();
        wire.settle(&mut alice, &mut bob, NOW);
    }
    wire.sessions[0].tell_clock(NOW);
    wire.collect();
    let refused = wire.deliver(1, &mut bob, NOW);
    assert!(matches!(refused, Err(SyncError::Peer(Misbehaviour::OutOfTurn))), "{refused:?}");
}
