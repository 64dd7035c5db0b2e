//! Clocks that were wrong: what they stamped is taken back and made again, and nobody believes to have everything
//! before that.

use connectoid_protocol::{
    stamp::LATEST,
    sync::{Applied, Refusal},
};

use super::*;
use crate::store::Restamped;

const MINUTE: u64 = 60 * SECOND;
const DAY: u64 = 24 * 60 * MINUTE;

/// An owner and a writer who hold the same.
fn pair() -> (Node, Node, GroupId) {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    sync(&mut owner, &mut writer, NOW);
    (owner, writer, group)
}

/// Connects two nodes with clocks of their own until both are silent.
fn sync_clocks(one: &mut Node, first: u64, other: &mut Node, second: u64) -> Wire {
    let mut wire = Wire::connect_clocks((one, first), (other, second));
    while wire.deliver(0, one, first).unwrap() | wire.deliver(1, other, second).unwrap() {}
    wire
}

fn restamp(node: &mut Node, group: GroupId, now: u64) -> Restamped {
    let author = Author { key: &node.key, device: node.device };
    let restamped = node.store.restamp(group, &author, now, &mut node.rng).unwrap();
    check_consistency(&node.store);
    restamped
}

fn withdraw(changes: &[&Change]) -> Op {
    let mut changes: Vec<_> = changes.iter().map(|change| change.hash()).collect();
    changes.sort_unstable();
    Op::Withdraw { changes }
}

#[test]
fn what_had_left_is_taken_back_and_made_again() {
    let (mut owner, mut writer, group) = pair();
    let wrong = NOW + 11 * MINUTE;
    writer.commit(group, vec![set("a", &[("x", 1)])], wrong);
    let wire = sync_clocks(&mut owner, NOW, &mut writer, wrong);
    assert_eq!(owner.note(group, "a"), None);
    assert!(!wire.sessions.iter().any(|session| session.is_synced(group)), "something waits");
    assert!(wire.sessions.iter().all(|session| session.is_quiet(group)), "but nothing is under way");
    assert!(wire.events[0].contains(&Event::Waiting(group)));
    let seen = writer.store.health(group, owner.device, wrong).unwrap();
    assert_eq!((seen.lacks, seen.held_there, seen.held_here), (0, 1, 0));
    assert_eq!(seen.held_until, Some(wrong + MINUTE), "by the writer's clock");
    let seen = owner.store.health(group, writer.device, NOW).unwrap();
    assert_eq!((seen.held_there, seen.held_here, seen.held_until), (0, 1, Some(NOW + MINUTE)));

    // The clock is right again.
    let restamped = restamp(&mut writer, group, NOW + SECOND);
    assert_eq!((restamped.again, restamped.held), (1, 0));
    assert_eq!(restamp(&mut writer, group, NOW + SECOND).again, 0, "once");
    let later = writer.commit(group, vec![set("b", &[("x", 2)])], NOW + 2 * SECOND);
    assert_eq!(later.micros(), NOW + 2 * SECOND, "the wrong stamps are not gone on from");
    let wire = sync(&mut owner, &mut writer, NOW + 3 * SECOND);
    assert_eq!((owner.note(group, "a"), owner.note(group, "b")), (ints(&[("x", 1)]), ints(&[("x", 2)])));
    assert!(wire.sessions.iter().all(|session| session.is_synced(group)));
    for (node, device) in [(&owner, writer.device), (&writer, owner.device)] {
        let health = node.store.health(group, device, NOW + 3 * SECOND).unwrap();
        assert_eq!((health.lacks, health.held_there, health.held_here), (0, 0, 0));
    }
    // Nor does what was taken back ever count, when its time has come.
    owner.commit(group, vec![set("a", &[("x", 3)])], NOW + MINUTE);
    assert_eq!(owner.store.release_parked(NOW + DAY).unwrap(), []);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 3)]));
}

#[test]
fn a_group_founded_by_a_wrong_clock_is_used_at_once() {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let author = Author { key: &owner.key, device: owner.device };
    let group = owner.store.create_group("home", &author, NOW + 400 * DAY, &mut owner.rng).unwrap();
    owner.add(group, &writer.key, Role::Writer, NOW + 400 * DAY);
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + 400 * DAY);
    sync_clocks(&mut owner, NOW + 400 * DAY, &mut writer, NOW);
    assert_eq!(writer.note(group, "a"), None);
    assert_eq!(restamp(&mut owner, group, NOW + SECOND).again, 2, "all but the founding");
    let wire = sync(&mut owner, &mut writer, NOW + 2 * SECOND);
    assert_eq!(count(&wire, 1, &Event::Joined(group)), 1);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 1)]));
    let stamp = writer.commit(group, vec![set("a", &[("x", 2)])], NOW + 3 * SECOND);
    assert_eq!(stamp.micros(), NOW + 3 * SECOND);
    let wire = sync(&mut owner, &mut writer, NOW + 4 * SECOND);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 2)]));
    assert!(wire.sessions.iter().all(|session| session.is_synced(group)));
}

fn count(wire: &Wire, side: usize, event: &Event) -> usize {
    wire.events[side].iter().filter(|other| *other == event).count()
}

#[test]
fn what_others_stamped_wrongly_waits_once_the_own_clock_is_right() {
    let (mut owner, mut writer, group) = pair();
    writer.commit(group, vec![set("a", &[("x", 1)])], NOW + DAY);
    sync(&mut owner, &mut writer, NOW + DAY);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]), "both clocks are ahead");
    let restamped = restamp(&mut owner, group, NOW + SECOND);
    assert_eq!((restamped.again, restamped.held), (0, 1));
    assert_eq!(owner.note(group, "a"), None);
    restamp(&mut writer, group, NOW + SECOND);
    sync(&mut owner, &mut writer, NOW + 2 * SECOND);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));
}

/// The changes of a day with a wrong clock, as somebody else gets them.
fn wrong_day(owner: &mut Node, writer: &mut Node, group: GroupId) -> Vec<Change> {
    let wrong = writer.sign(group, NOW + DAY, vec![set("a", &[("x", 1)]), delete("b")]);
    let withdrawal = writer.sign(group, NOW + SECOND, vec![withdraw(&[&wrong])]);
    let again = writer.sign(group, NOW + SECOND + 1, vec![set("a", &[("x", 1)]), delete("b")]);
    let other = owner.sign(group, NOW + 2 * SECOND, vec![set("a", &[("x", 2)]), set("b", &[("x", 2)])]);
    vec![wrong, withdrawal, again, other]
}

#[test]
fn a_withdrawal_holds_in_any_order_of_arrival_and_whatever_the_clock() {
    let (mut owner, mut writer, group) = pair();
    let changes = wrong_day(&mut owner, &mut writer, group);
    let mut dumps = Vec::new();
    for turn in 0..24 {
        let mut order: Vec<usize> = (0..4).collect();
        let mut left = turn;
        let order: Vec<usize> = (1..=4)
            .rev()
            .map(|n| {
                let pick = left % n;
                left /= n;
                order.remove(pick)
            })
            .collect();
        for ahead in [0, 2 * DAY] {
            let mut third = Node::new(3);
            third.accept_from(group, &owner);
            third.store.apply(group, &owner.source(), &owner.all_changes(group), NOW + ahead).unwrap();
            for index in &order {
                let applied = third
                    .store
                    .apply(group, &owner.source(), &[changes[*index].bytes()], NOW + ahead)
                    .unwrap();
                assert!(applied.is_complete());
            }
            assert_eq!(third.note(group, "a"), ints(&[("x", 2)]), "{order:?}");
            assert_eq!(third.note(group, "b"), ints(&[("x", 2)]), "{order:?}");
            dumps.push(dump(&third.store).visible());
        }
    }
    assert!(dumps.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn nobody_withdraws_what_is_not_its_own_or_was_made_before() {
    let (mut owner, mut writer, group) = pair();
    let mine = owner.sign(group, NOW + 3 * SECOND, vec![set("a", &[("x", 1)])]);
    let source = writer.source();
    let offer = |owner: &mut Node, change: &Change| -> Applied {
        owner.store.apply(group, &source, &[change.bytes()], NOW + MINUTE).unwrap()
    };
    offer(&mut owner, &mine);
    let foreign = writer.sign(group, NOW + SECOND, vec![withdraw(&[&mine])]);
    assert_eq!(offer(&mut owner, &foreign).accepted, 1);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));
    let late = owner.sign(group, NOW + 4 * SECOND, vec![withdraw(&[&mine])]);
    offer(&mut owner, &late);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));
    // Whoever is no member any more may not undo what it did.
    let done = writer.sign(group, NOW + 3 * SECOND, vec![set("b", &[("x", 1)])]);
    offer(&mut owner, &done);
    owner.remove(group, &writer.key, NOW + 10 * SECOND);
    let vengeful = writer.sign(group, NOW + 2 * SECOND, vec![withdraw(&[&done])]);
    assert_eq!(offer(&mut owner, &vengeful).untrusted, 1);
    assert_eq!(owner.note(group, "b"), ints(&[("x", 1)]));
    // And what somebody did not sign is false.
    let mut forged = owner.sign(group, NOW + SECOND, vec![withdraw(&[&mine])]).into_bytes();
    *forged.last_mut().unwrap() ^= 1;
    let third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 11 * SECOND);
    let applied = owner.store.apply(group, &third.source(), &[forged], NOW + MINUTE).unwrap();
    assert!(matches!(applied.refused[..], [Refusal::False(_)]));
}

#[test]
fn a_clock_centuries_off_stamps_within_bounds_and_is_healed() {
    let (mut owner, mut writer, group) = pair();
    for wrong in [10_400_000_000_000_000, u64::MAX] {
        let stamp = writer.commit(group, vec![set("a", &[("x", 1)])], wrong);
        assert!(stamp.micros() < LATEST + SECOND);
        sync_clocks(&mut owner, NOW, &mut writer, wrong);
        assert_eq!(owner.note(group, "a"), None);
        assert_eq!(restamp(&mut writer, group, NOW + SECOND).again, 1);
        sync(&mut owner, &mut writer, NOW + SECOND);
        assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));
        owner.commit(group, vec![delete("a")], NOW + 2 * SECOND);
        sync(&mut owner, &mut writer, NOW + 2 * SECOND);
    }
}

#[test]
fn a_clock_in_1970_sees_nothing_new_and_says_so() {
    let (mut owner, mut writer, group) = pair();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    let wire = sync_clocks(&mut owner, NOW + SECOND, &mut writer, 0);
    assert_eq!(writer.note(group, "a"), None);
    assert!(!wire.sessions.iter().any(|session| session.is_synced(group)));
    assert!(owner.store.health(group, writer.device, NOW + SECOND).unwrap().held_there > 0);
    // What it writes goes on from what it has seen, and so counts.
    let stamp = writer.commit(group, vec![set("b", &[("x", 1)])], 0);
    assert!(stamp.micros() > NOW);
    // A service has told it the date.
    writer.store.release_parked(NOW + 2 * SECOND).unwrap();
    let wire = sync(&mut owner, &mut writer, NOW + 2 * SECOND);
    assert_eq!((writer.note(group, "a"), owner.note(group, "b")), (ints(&[("x", 1)]), ints(&[("x", 1)])));
    assert!(wire.sessions.iter().all(|session| session.is_synced(group)));
}

#[test]
fn a_clock_that_was_put_right_in_a_session_is_told_there() {
    let (mut owner, mut writer, group) = pair();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    let (right, wrong) = (NOW + SECOND, NOW - DAY);
    let mut wire = sync_clocks(&mut owner, right, &mut writer, wrong);
    assert!(!wire.sessions[0].is_synced(group));
    wire.sessions[1].tell_clock(right);
    writer.store.release_parked(right).unwrap();
    wire.sessions[1].on_committed(&mut writer.store, group, right).unwrap();
    wire.collect();
    while wire.deliver(0, &mut owner, right).unwrap() | wire.deliver(1, &mut writer, right).unwrap() {}
    assert!(wire.sessions.iter().all(|session| session.is_synced(group)));
    assert_eq!(owner.store.health(group, writer.device, right).unwrap().held_there, 0);
}
