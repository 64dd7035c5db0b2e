//! Whoever is made a member of a group has a say in it, and a group has only so much room.

use connectoid_protocol::sync::{Acceptance, Frame, MAX_INVITATIONS};
use rand_chacha::rand_core::Rng;

use super::{super::MAX_MEMBERSHIP_BYTES, *};

/// A group of the first with a record in it, of which the second has been made a member.
fn invited() -> (Node, Node, GroupId) {
    let (mut owner, mut friend) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &friend.key, Role::Writer, NOW);
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 1);
    meet(&mut owner, &mut friend);
    (owner, friend, group)
}

/// Two meet who have shared a link before.
fn meet(one: &mut Node, other: &mut Node) -> Wire {
    let mut wire = Wire::connect_without_link(one, other, NOW + SECOND);
    wire.settle(one, other, NOW + SECOND);
    check_consistency(&one.store);
    check_consistency(&other.store);
    wire
}

fn told(node: &Node, other: &Node, group: GroupId) -> Option<Acceptance> {
    node.store.told_acceptance(group, other.device).unwrap()
}

/// What the engine remembers of what a peer has told.
fn remember(node: &mut Node, other: &Node, events: &[Event]) {
    for event in events {
        if let Event::Acceptance { group, acceptance } = event {
            node.store.set_told_acceptance(*group, other.device, *acceptance).unwrap();
        }
    }
}

#[test]
fn an_invitation_brings_the_members_and_no_records() {
    let (mut owner, mut friend, group) = invited();
    assert_eq!(friend.store.acceptance(group).unwrap(), Acceptance::Invited);
    assert_eq!(friend.store.members(group).unwrap().len(), 2);
    assert_eq!(friend.note(group, "a"), None);
    assert_eq!(friend.store.group_named("home").unwrap(), None, "a name means nothing that was not accepted");
    let refused = friend.try_commit(group, vec![set("b", &[("x", 1)])], NOW + 2);
    assert!(matches!(refused, Err(StoreError::NotAccepted)));

    let wire = meet(&mut owner, &mut friend);
    remember(&mut owner, &friend, &wire.events[0]);
    assert_eq!(told(&owner, &friend, group), Some(Acceptance::Invited));
    assert!(!wire.sessions[0].is_synced(group) && !wire.sessions[1].is_synced(group));
    assert_eq!(owner.store.lacks(group, friend.device).unwrap(), 3, "nothing of it is promised to be there");
}

#[test]
fn what_is_accepted_comes_at_once() {
    let (mut owner, mut friend, group) = invited();
    let mut wire = meet(&mut owner, &mut friend);
    friend.store.accept(group).unwrap();
    wire.committed(1, &mut friend, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.note(group, "a"), ints(&[("x", 1)]));
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
    assert!(wire.events[0].contains(&Event::Acceptance { group, acceptance: Acceptance::Accepted }));
    assert_eq!(owner.store.lacks(group, friend.device).unwrap(), 0);
    assert_eq!(friend.store.group_named("home").unwrap(), Some(group));
    friend.commit(group, vec![set("b", &[("x", 2)])], NOW + 2);
    wire.committed(1, &mut friend, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(owner.note(group, "b"), ints(&[("x", 2)]));
}

#[test]
fn what_was_accepted_while_apart_comes_when_both_meet() {
    let (mut owner, mut friend, group) = invited();
    meet(&mut owner, &mut friend);
    friend.store.accept(group).unwrap();
    let wire = meet(&mut owner, &mut friend);
    assert_eq!(friend.note(group, "a"), ints(&[("x", 1)]));
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
}

#[test]
fn a_member_of_an_invitation_is_still_told_who_is_in_it() {
    let (mut owner, mut friend, group) = invited();
    owner.add(group, &UserKey::from_bytes(&[9; 32]), Role::Reader, NOW + 2);
    meet(&mut owner, &mut friend);
    assert_eq!(friend.store.members(group).unwrap().len(), 3);
    owner.remove(group, &friend.key, NOW + 3);
    let wire = meet(&mut owner, &mut friend);
    assert!(wire.events[1].contains(&Event::Removed(group)));
}

#[test]
fn who_has_left_neither_takes_nor_gives() {
    let (mut owner, mut friend, group) = invited();
    friend.store.accept(group).unwrap();
    let mut wire = meet(&mut owner, &mut friend);
    friend.store.leave(group).unwrap();
    wire.committed(1, &mut friend, group);
    owner.commit(group, vec![set("b", &[("x", 2)])], NOW + 2);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.note(group, "b"), None);
    assert_eq!(friend.note(group, "a"), ints(&[("x", 1)]), "what is here stays");
    assert!(wire.events[0].contains(&Event::Acceptance { group, acceptance: Acceptance::Left }));

    let wire = meet(&mut owner, &mut friend);
    assert!(wire.events[0].contains(&Event::Acceptance { group, acceptance: Acceptance::Left }));
    assert_eq!(friend.note(group, "b"), None);
    assert_eq!(owner.store.lacks(group, friend.device).unwrap(), 1);

    friend.store.accept(group).unwrap();
    meet(&mut owner, &mut friend);
    assert_eq!(friend.note(group, "b"), ints(&[("x", 2)]));
}

#[test]
fn who_accepts_again_in_the_same_session_gets_what_it_missed() {
    let (mut owner, mut friend, group) = invited();
    friend.store.accept(group).unwrap();
    let mut wire = meet(&mut owner, &mut friend);
    friend.store.leave(group).unwrap();
    wire.committed(1, &mut friend, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    owner.commit(group, vec![set("b", &[("x", 2)])], NOW + 2);
    wire.committed(0, &mut owner, group);
    friend.store.accept(group).unwrap();
    wire.committed(1, &mut friend, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.note(group, "b"), ints(&[("x", 2)]));
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
}

/// Another group is not kept waiting by one that the peer has left.
#[test]
fn what_the_peer_has_left_is_not_asked_for() {
    let (mut owner, mut friend, group) = invited();
    let other = owner.create_group();
    owner.add(other, &friend.key, Role::Writer, NOW);
    let mut wire = meet(&mut owner, &mut friend);
    owner.store.leave(group).unwrap();
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    for group in [group, other] {
        friend.store.accept(group).unwrap();
        wire.committed(1, &mut friend, group);
    }
    owner.commit(other, vec![set("b", &[("x", 2)])], NOW + 2);
    wire.committed(0, &mut owner, other);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.note(other, "b"), ints(&[("x", 2)]));
    owner.store.accept(group).unwrap();
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.note(group, "a"), ints(&[("x", 1)]));
}

/// Full when the session begins, with a mark from before: nothing that is passed over counts as stored, whatever is under
/// way when there is room again.
#[test]
fn what_was_passed_over_while_there_was_no_room_comes() {
    for at in 0..8 {
        let (mut owner, mut friend, group) = invited();
        friend.store.accept(group).unwrap();
        meet(&mut owner, &mut friend);
        friend.store.set_group_quota(1);
        let mut wire = meet(&mut owner, &mut friend);
        assert!(!wire.sessions[1].is_synced(group), "full is not synced");
        owner.commit(group, vec![set("late", &[("x", 1)])], NOW + 2);
        wire.committed(0, &mut owner, group);
        owner.add(group, &UserKey::from_bytes(&[9; 32]), Role::Reader, NOW + 3);
        wire.committed(0, &mut owner, group);
        for _ in 0..at {
            wire.deliver(1, &mut friend, NOW + SECOND).unwrap();
        }
        friend.store.set_group_quota(u64::MAX);
        wire.committed(1, &mut friend, group);
        // The session breaks in the middle of what comes then.
        for _ in 0..at % 3 {
            wire.deliver(0, &mut owner, NOW + SECOND).unwrap();
            wire.deliver(1, &mut friend, NOW + SECOND).unwrap();
        }
        drop(wire);
        meet(&mut owner, &mut friend);
        assert_eq!(friend.note(group, "late"), ints(&[("x", 1)]), "{at}");
    }
}

#[test]
fn who_was_removed_before_answering_has_nothing_to_answer() {
    let (mut owner, mut friend) = (Node::new(1), Node::new(2));
    friend.store.set_user(friend.key.id());
    for _ in 0..MAX_INVITATIONS + 5 {
        let group = owner.create_group();
        owner.add(group, &friend.key, Role::Writer, NOW);
        meet(&mut owner, &mut friend);
        assert!(friend.store.has_group(group).unwrap());
        owner.remove(group, &friend.key, NOW + 1);
        meet(&mut owner, &mut friend);
    }
}

/// A link's maker does not have others' groups accepted.
#[test]
fn a_link_accepts_no_group_that_its_maker_is_not_in() {
    let (mut owner, mut friend, group) = invited();
    let stranger = Node::new(7);
    let mut session = Sync::new(friend.key.id(), stranger.key.id(), stranger.device).expecting_group();
    session.start(&mut friend.store, NOW).unwrap();
    let have = Frame::Have { group, epoch: [1; 16], head: 9 };
    session.on_frame(&mut friend.store, &have.encode(), NOW).unwrap();
    assert_eq!(friend.store.acceptance(group).unwrap(), Acceptance::Invited);
    friend.store.forget(group).unwrap();
    session.on_frame(&mut friend.store, &have.encode(), NOW).unwrap();
    meet(&mut owner, &mut friend);
    assert!(!friend.store.has_group(group).unwrap(), "it does not come back by itself");
}

/// Peers remember up to which arrival they have everything, in whatever group that was.
#[test]
fn who_has_forgotten_a_group_is_not_taken_for_restored() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (mut owner, _, group) = invited();
    let mut friend = Node::with_store(2, Store::open(&path).unwrap());
    sync(&mut owner, &mut friend, NOW);
    let mine = friend.create_group();
    friend.add(mine, &owner.key, Role::Writer, NOW);
    friend.commit(mine, vec![set("m", &[("x", 1)])], NOW + 2);
    sync(&mut owner, &mut friend, NOW + SECOND);
    for number in 0..3000 {
        owner.commit(group, vec![set(&format!("r{number}"), &[("x", number)])], NOW + 2);
    }
    sync(&mut owner, &mut friend, NOW + SECOND);
    friend.store.forget(group).unwrap();
    while friend.store.clear_forgotten().unwrap() {}
    drop(friend);
    let mut friend = Node::with_store(2, Store::open(&path).unwrap());
    let wire = meet(&mut owner, &mut friend);
    let lost = |event: &Event| matches!(event, Event::Lost(_));
    assert!(!wire.events.iter().flatten().any(lost));
}

/// Who is invited, is removed and hears that the owner has forgotten the group, before it knew of it.
#[test]
fn a_group_that_is_gone_before_it_is_known_does_no_harm() {
    let (mut owner, mut friend) = (Node::new(1), Node::new(2));
    let mut wire = Wire::connect_without_link(&mut owner, &mut friend, NOW);
    let group = owner.create_group();
    owner.add(group, &friend.key, Role::Writer, NOW);
    wire.committed(0, &mut owner, group);
    owner.store.forget(group).unwrap();
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW);
    assert!(friend.store.groups().unwrap().is_empty());
    assert!(!wire.events[1].iter().any(|event| matches!(event, Event::Acceptance { .. })));
}

/// Frames about a group that is forgotten meanwhile, or was never known, are no failure of the store.
#[test]
fn a_peer_cannot_have_the_store_fail_by_a_group_that_is_not_here() {
    let (mut owner, mut friend) = (Node::new(1), Node::new(2));
    let mut wire = Wire::connect_without_link(&mut owner, &mut friend, NOW);
    let unknown = GroupId::from_bytes([9; 32]);
    let have = Frame::Have { group: unknown, epoch: [1; 16], head: 9 };
    let about = |group| {
        [
            Frame::Stale { group },
            Frame::Pull { group, epoch: [1; 16], from: 0, acceptance: Acceptance::Accepted },
            Frame::Compare { group, message: vec![0x61, 0, 0, 2, 0] },
            Frame::Compared { group, message: vec![0x61] },
            Frame::Want { group, hashes: vec![connectoid_protocol::change::ChangeHash::from_bytes([5; 32])] },
            Frame::Sent { group },
            Frame::Changes { group, span: Some((0, 9)), changes: Vec::new() },
            Frame::Ack { group, upto: Some(9) },
            Frame::Left { group },
        ]
    };
    for frame in [vec![have.clone()], about(unknown).to_vec()].concat() {
        let taken = friend.store.savepoint(|store| wire.sessions[1].on_frame(store, &frame.encode(), NOW));
        assert!(matches!(taken, Ok(()) | Err(SyncError::Peer(_))), "{frame:?}: {taken:?}");
    }
    for at in 0..30 {
        let (mut owner, mut friend) = (Node::new(1), Node::new(2));
        let group = owner.create_group();
        owner.add(group, &friend.key, Role::Writer, NOW);
        owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 1);
        let mut wire = Wire::connect(&mut owner, &mut friend, NOW);
        for _ in 0..at {
            wire.deliver(0, &mut owner, NOW).unwrap();
            wire.deliver(1, &mut friend, NOW).unwrap();
        }
        owner.store.forget(group).unwrap();
        wire.committed(0, &mut owner, group);
        wire.settle(&mut owner, &mut friend, NOW);
        for frame in about(group) {
            let frame = frame.encode();
            let taken = owner.store.savepoint(|store| wire.sessions[0].on_frame(store, &frame, NOW));
            assert!(matches!(taken, Ok(()) | Err(SyncError::Peer(_))), "{taken:?}");
        }
    }
}

/// Both leave and accept at any moment of a session, while frames are on their way.
#[test]
fn minds_may_be_changed_at_any_moment() {
    for seed in 0..200 {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let mut below = |limit: u32| rng.next_u32() % limit;
        let (mut owner, mut friend, group) = invited();
        for number in 0..40 {
            owner.commit(group, vec![set(&format!("r{number}"), &[("x", number)])], NOW + 2);
        }
        for _ in 0..3 {
            let mut wire = Wire::connect_without_link(&mut owner, &mut friend, NOW + SECOND);
            for _ in 0..below(40) {
                let side = below(2) as usize;
                match below(6) {
                    0 => {
                        match friend.store.acceptance(group).unwrap() {
                            Acceptance::Accepted => friend.store.leave(group).unwrap(),
                            _ => friend.store.accept(group).unwrap(),
                        }
                        wire.committed(1, &mut friend, group);
                    }
                    1 if friend.store.acceptance(group).unwrap() == Acceptance::Accepted => {
                        friend.commit(group, vec![set("mine", &[("x", below(9).into())])], NOW + 3);
                        wire.committed(1, &mut friend, group);
                    }
                    _ => {
                        let node = if side == 0 { &mut owner } else { &mut friend };
                        wire.deliver(side, node, NOW + SECOND).unwrap();
                    }
                }
            }
        }
        friend.store.accept(group).unwrap();
        let wire = meet(&mut owner, &mut friend);
        assert!(wire.sessions[0].is_synced(group), "seed {seed}");
        assert_eq!(dump(&owner.store).visible(), dump(&friend.store).visible(), "seed {seed}");
    }
}

#[test]
fn what_was_forgotten_is_gone_and_comes_back_by_a_link_alone() {
    let (mut owner, mut friend, group) = invited();
    friend.store.accept(group).unwrap();
    for number in 0..1200 {
        owner.commit(group, vec![set(&format!("r{}", number % 900), &[("x", number)])], NOW + 2);
    }
    meet(&mut owner, &mut friend);
    let other = friend.create_group();
    friend.commit(other, vec![set("mine", &[("x", 1)])], NOW + 2);
    friend.store.forget(group).unwrap();
    assert_eq!(friend.store.acceptance(group).unwrap(), Acceptance::Left);
    assert!(!friend.store.has_group(group).unwrap());
    // In the middle of it everything else goes on.
    assert!(friend.store.clear_forgotten().unwrap());
    meet(&mut owner, &mut friend);
    assert_eq!(friend.store.groups().unwrap().len(), 1);
    while friend.store.clear_forgotten().unwrap() {}
    for (table, left) in
        [("changes", 2), ("bodies", 2), ("fields", 1), ("lost", 0), ("groups", 1), ("marks", 0)]
    {
        let sql = format!("SELECT count(*) FROM {table}");
        assert_eq!(friend.store.numbers(&sql, []).unwrap(), [left], "{table}");
    }
    assert!(friend.note(other, "mine").is_some());
    meet(&mut owner, &mut friend);
    assert!(!friend.store.has_group(group).unwrap(), "it does not come back by itself");

    sync(&mut owner, &mut friend, NOW + SECOND);
    for number in 0..900 {
        let id = format!("r{number}");
        assert_eq!(friend.note(group, &id), owner.note(group, &id));
    }
}

#[test]
fn a_link_brings_back_what_is_still_being_cleared_away() {
    let (mut owner, mut friend, group) = invited();
    friend.store.accept(group).unwrap();
    for number in 0..600 {
        owner.commit(group, vec![set(&format!("r{number}"), &[("x", number)])], NOW + 2);
    }
    meet(&mut owner, &mut friend);
    friend.store.forget(group).unwrap();
    friend.store.clear_forgotten().unwrap();
    sync(&mut owner, &mut friend, NOW + SECOND);
    check_consistency(&friend.store);
    assert_eq!(dump(&owner.store).visible(), dump(&friend.store).visible());
}

#[test]
fn a_group_takes_no_more_room_than_it_may() {
    let (mut owner, mut friend, group) = invited();
    friend.store.accept(group).unwrap();
    friend.store.set_group_quota(64 << 10);
    for number in 0..500 {
        owner.commit(group, vec![set(&format!("r{number}"), &[("x", number)])], NOW + 2);
    }
    let mut wire = meet(&mut owner, &mut friend);
    assert!(wire.events[1].contains(&Event::Room(group)));
    assert!(wire.events[0].contains(&Event::Acceptance { group, acceptance: Acceptance::Full }));
    assert!(!wire.sessions[0].is_synced(group));
    let used = friend.store.group_bytes(group).unwrap();
    assert!((64 << 10..66 << 10).contains(&used), "{used}");
    assert!(
        owner.store.lacks(group, friend.device).unwrap() > 100,
        "what was not taken was not acknowledged"
    );

    // Nothing more is even sent, and who may be in it is still heard.
    let before = wire.bytes;
    owner.commit(group, vec![set("late", &[("x", 1)])], NOW + 3);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(wire.bytes, before);
    owner.add(group, &UserKey::from_bytes(&[9; 32]), Role::Reader, NOW + 4);
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert_eq!(friend.store.members(group).unwrap().len(), 3);

    // Own writes are not refused, and reach the others.
    friend.commit(group, vec![set("mine", &[("x", 1)])], NOW + 5);
    wire.committed(1, &mut friend, group);
    wire.settle(&mut owner, &mut friend, NOW + SECOND);
    assert!(owner.note(group, "mine").is_some());

    assert_eq!(friend.store.take_room_again().unwrap(), []);
    friend.store.set_group_quota(used + 4096);
    assert_eq!(friend.store.acceptance(group).unwrap(), Acceptance::Full, "a little room is none");
    friend.store.set_group_quota(1 << 30);
    assert_eq!(friend.store.take_room_again().unwrap(), [group]);
    assert_eq!(friend.store.take_room_again().unwrap(), [], "once");
    let wire = meet(&mut owner, &mut friend);
    assert!(wire.sessions[0].is_synced(group) && wire.sessions[1].is_synced(group));
    assert_eq!(dump(&owner.store).visible(), dump(&friend.store).visible());
}

#[test]
fn the_room_of_a_group_is_reckoned_as_the_migration_does() {
    let (mut owner, _, group) = invited();
    for number in 0..50 {
        owner.commit(group, vec![set(&format!("r{}", number % 7), &[("x", number)])], NOW + 2);
    }
    owner.store.prune(NOW + super::super::KEPT_FOR + SECOND).unwrap();
    let sql = "SELECT sum(2 * length(bodies.bytes) + 256) FROM changes JOIN bodies ON change = changes.no";
    let reckoned = owner.store.numbers(sql, []).unwrap()[0].cast_unsigned();
    assert_eq!(owner.store.group_bytes(group).unwrap(), reckoned);
}

#[test]
fn invitations_are_bounded() {
    let (mut owner, mut friend) = (Node::new(1), Node::new(2));
    for _ in 0..MAX_INVITATIONS + 5 {
        let group = owner.create_group();
        owner.add(group, &friend.key, Role::Writer, NOW);
    }
    let wire = meet(&mut owner, &mut friend);
    assert_eq!(friend.store.groups().unwrap().len(), MAX_INVITATIONS);
    let too_many = wire.events[1].iter().filter(|event| matches!(event, Event::TooMany(_))).count();
    assert_eq!(too_many, 5);
    let declined = friend.store.groups().unwrap()[0].id;
    friend.store.forget(declined).unwrap();
    meet(&mut owner, &mut friend);
    assert_eq!(friend.store.groups().unwrap().len(), MAX_INVITATIONS, "an answer makes room");
}

/// Groups of users that nobody knows, brought by somebody who is in none of them.
#[test]
fn a_peer_cannot_bring_invitations_of_strangers() {
    let (mut peer, mut friend, mut stranger) = (Node::new(1), Node::new(2), Node::new(3));
    let group = stranger.create_group();
    stranger.add(group, &peer.key, Role::Writer, NOW);
    stranger.add(group, &friend.key, Role::Writer, NOW);
    sync(&mut stranger, &mut peer, NOW);
    stranger.remove(group, &peer.key, NOW + 1);
    sync(&mut stranger, &mut peer, NOW);
    meet(&mut peer, &mut friend);
    assert!(friend.store.groups().unwrap().is_empty());
}

#[test]
fn an_invitation_takes_little_room() {
    let (mut owner, mut friend, group) = invited();
    for number in 0..20_000_u32 {
        let mut user = [7; 32];
        user[..4].copy_from_slice(&number.to_be_bytes());
        owner.add(group, &UserKey::from_bytes(&user), Role::Reader, NOW + 2);
        if number % 5000 == 4999 {
            meet(&mut owner, &mut friend);
        }
    }
    let used = friend.store.group_bytes(group).unwrap();
    assert!(used < MAX_MEMBERSHIP_BYTES + 1024, "{used}");
}
