//! One test for each attack, which succeeds without its guard.

use connectoid_protocol::sync::{Applied, Mark, Scope};

use super::*;
use crate::store::MAX_PARKED_CHANGES;

/// An owner and a writer who hold the same.
fn pair() -> (Node, Node, GroupId) {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    sync(&mut owner, &mut writer, NOW);
    (owner, writer, group)
}

fn offer(to: &mut Node, from: &Node, group: GroupId, change: &Change, now: u64) -> Applied {
    to.store.apply(group, &from.source(), &[change.bytes()], now).unwrap()
}

#[test]
fn somebody_removed_cannot_backdate() {
    let (mut owner, mut writer, group) = pair();
    owner.remove(group, &writer.key, NOW + 10 * SECOND);
    let backdated = writer.sign(group, NOW + 5 * SECOND, vec![set("a", &[("x", 666)])]);
    let applied = offer(&mut owner, &writer, group, &backdated, NOW + 20 * SECOND);
    assert_eq!((applied.accepted, applied.untrusted), (0, 1));
    assert_eq!(owner.note(group, "a"), None);

    // The same through a session: the removed writer stores it first, and is believed by nobody.
    let (mut owner, mut writer, group) = pair();
    writer.commit(group, vec![set("a", &[("x", 666)])], NOW + 5 * SECOND);
    owner.remove(group, &writer.key, NOW + 10 * SECOND);
    let wire = sync(&mut owner, &mut writer, NOW + 20 * SECOND);
    assert_eq!(owner.note(group, "a"), None);
    assert!(wire.events[1].contains(&Event::Removed(group)));
}

#[test]
fn what_a_removed_writer_stamps_later_never_counts() {
    let (mut owner, mut writer, group) = pair();
    owner.remove(group, &writer.key, NOW + 10 * SECOND);
    let late = writer.sign(group, NOW + 15 * SECOND, vec![set("a", &[("x", 666)])]);
    let third = Node::new(3);
    owner.add(group, &third.key, Role::Writer, NOW + 11 * SECOND);
    let applied = offer(&mut owner, &third, group, &late, NOW + 20 * SECOND);
    assert_eq!((applied.accepted, applied.parked), (0, 1));
    assert_eq!(owner.note(group, "a"), None);
}

#[test]
fn a_late_removal_undoes_what_came_after_it() {
    let (mut owner, mut writer, group) = pair();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    let removal = owner.sign(group, NOW + 2 * SECOND, vec![Op::Remove { user: writer.key.id() }]);
    let later = writer.sign(group, NOW + 3 * SECOND, vec![set("a", &[("x", 666)]), delete("b")]);
    assert_eq!(offer(&mut owner, &writer, group, &later, NOW + 4 * SECOND).accepted, 1);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 666)]));
    let me = Node::new(1);
    let head = owner.store.head(group).unwrap();
    offer(&mut owner, &me, group, &removal, NOW + 5 * SECOND);
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));
    let dump = dump(&owner.store);
    assert!(dump.parked.contains(later.hash().as_bytes()) && dump.deletes.is_empty());
    assert!(owner.store.head(group).unwrap() > head, "what comes back to life arrives again");
}

#[test]
fn the_dead_stay_dead() {
    let (mut owner, mut writer, group) = pair();
    let old = writer.sign(group, NOW + SECOND, vec![set("a", &[("x", 1), ("y", 1)])]);
    owner.commit(group, vec![delete("a")], NOW + 2 * SECOND);
    offer(&mut owner, &writer, group, &old, NOW + 3 * SECOND);
    assert_eq!(owner.note(group, "a"), None);
    let new = writer.sign(group, NOW + 4 * SECOND, vec![set("a", &[("y", 2)])]);
    offer(&mut owner, &writer, group, &new, NOW + 5 * SECOND);
    assert_eq!(owner.note(group, "a"), ints(&[("y", 2)]));
}

#[test]
fn a_false_clock_wins_nothing_before_its_time() {
    let (mut owner, mut writer, group) = pair();
    let ahead = NOW + 60 * 60 * SECOND;
    let poisoned = writer.sign(group, ahead, vec![set("a", &[("x", 666)])]);
    let applied = offer(&mut owner, &writer, group, &poisoned, NOW);
    assert_eq!((applied.accepted, applied.parked), (0, 1));
    let stamp = owner.commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    assert_eq!(stamp.micros(), NOW + SECOND, "stamps are not dragged along");
    assert_eq!(owner.note(group, "a"), ints(&[("x", 1)]));

    let due = owner.store.next_due().unwrap().unwrap();
    assert_eq!(due, ahead - 10 * 60 * SECOND);
    assert_eq!(owner.store.release_parked(due - 1).unwrap(), []);
    let released = owner.store.release_parked(due).unwrap();
    assert_eq!((released[0].0, released[0].1.accepted), (group, 1));
    assert_eq!(owner.note(group, "a"), ints(&[("x", 666)]));
    assert_eq!(owner.store.next_due().unwrap(), None);
}

#[test]
fn a_removal_from_the_future_waits_too() {
    let (mut owner, mut writer, group) = pair();
    let removal = owner.sign(group, NOW + 60 * 60 * SECOND, vec![Op::Remove { user: writer.key.id() }]);
    let applied = offer(&mut writer, &owner, group, &removal, NOW);
    assert_eq!((applied.parked, applied.membership_changed), (1, false));
    assert_eq!(writer.store.role(group, writer.key.id()).unwrap(), Some(Role::Writer));
    let released = writer.store.release_parked(NOW + 60 * 60 * SECOND).unwrap();
    assert!(released[0].1.membership_changed);
    assert_eq!(writer.store.role(group, writer.key.id()).unwrap(), None);
    check_consistency(&writer.store);
}

#[test]
fn what_a_wrong_clock_stamped_is_made_anew_unless_somebody_may_have_it() {
    let (mut owner, mut writer, group) = pair();
    let year = 365 * 24 * 3600 * SECOND;
    writer.commit(group, vec![set("a", &[("x", 1)]), set("b", &[("x", 1)])], NOW + year);
    writer.commit(group, vec![set("a", &[("x", 2)])], NOW + year);
    writer.commit(group, vec![delete("b")], NOW + year);
    let author = Author { key: &writer.key, device: writer.device };
    let restamp =
        |store: &mut Store, rng: &mut ChaCha20Rng| store.restamp(group, &author, NOW + 1, rng).unwrap().again;
    assert_eq!(restamp(&mut writer.store, &mut writer.rng), 3);
    assert_eq!(restamp(&mut writer.store, &mut writer.rng), 0);
    check_consistency(&writer.store);
    assert_eq!((writer.note(group, "a"), writer.note(group, "b")), (ints(&[("x", 2)]), None));
    sync(&mut owner, &mut writer, NOW + 2);
    assert_eq!((owner.note(group, "a"), owner.note(group, "b")), (ints(&[("x", 2)]), None));
    owner.commit(group, vec![set("a", &[("x", 3)])], NOW + 3);
    sync(&mut owner, &mut writer, NOW + 4);
    assert_eq!(writer.note(group, "a"), ints(&[("x", 3)]), "the clock is no longer ahead");

    // What is on its way to somebody is withdrawn, whether or not it arrives.
    writer.commit(group, vec![set("a", &[("x", 4)])], NOW + year);
    let mut wire = Wire::connect(&mut owner, &mut writer, NOW);
    wire.deliver(0, &mut owner, NOW + 5).unwrap();
    wire.deliver(0, &mut owner, NOW + 5).unwrap();
    while wire.deliver(1, &mut writer, NOW + 5).unwrap() {}
    assert_eq!(owner.note(group, "a"), ints(&[("x", 3)]), "it is on its way");
    let author = Author { key: &writer.key, device: writer.device };
    assert_eq!(writer.store.restamp(group, &author, NOW + 6, &mut writer.rng).unwrap().again, 1);
    assert_eq!(
        writer.store.live(group, Scope::Group).unwrap().len(),
        3,
        "the founding, the member, the withdrawal"
    );
}

#[test]
fn a_reader_writes_nothing() {
    let (mut owner, mut reader, group) = pair();
    owner.add(group, &reader.key, Role::Reader, NOW + SECOND);
    let written = reader.sign(group, NOW + 2 * SECOND, vec![set("a", &[("x", 666)])]);
    let applied = offer(&mut owner, &reader, group, &written, NOW + 3 * SECOND);
    assert_eq!((applied.accepted, applied.parked), (0, 1));
    assert_eq!(owner.note(group, "a"), None);
}

#[test]
fn a_flood_of_parked_changes_is_bounded_and_clears_the_mark() {
    let (mut owner, mut writer, group) = pair();
    let mark = Mark { epoch: [1; 16], seq: 5 };
    owner.store.set_mark(group, writer.device, mark).unwrap();
    let mut stranger = Node::new(9);
    let flood: Vec<_> = (0..=u64::try_from(MAX_PARKED_CHANGES).unwrap())
        .map(|n| stranger.sign(group, NOW + n, vec![delete("a")]).into_bytes())
        .collect();
    let (last, first) = flood.split_last().unwrap();
    let applied = owner.store.apply(group, &writer.source(), first, NOW).unwrap();
    assert_eq!((applied.parked, applied.overflowed), (first.len(), false));
    assert_eq!(owner.store.mark(group, writer.device).unwrap(), Some(mark));
    let applied = owner.store.apply(group, &writer.source(), &[last], NOW).unwrap();
    assert_eq!((applied.parked, applied.overflowed), (0, true));
    assert_eq!(owner.store.mark(group, writer.device).unwrap(), None);
    check_consistency(&owner.store);

    // Nor has another device of the same user any room.
    let drawn = Source { device: DeviceId::from_bytes([99; 16]), user: writer.key.id() };
    let applied = owner.store.apply(group, &drawn, &[last], NOW).unwrap();
    assert_eq!((applied.parked, applied.overflowed), (0, true));

    // The device of somebody else has, and time makes some for this one.
    let applied = owner.store.apply(group, &Node::new(1).source(), &[last], NOW).unwrap();
    assert_eq!(applied.parked, 1);
    let later = NOW + crate::store::KEPT_FOR + SECOND;
    while owner.store.prune(later).unwrap() > 0 {}
    assert_eq!(writer.store.prune(later).unwrap(), 0);
    check_consistency(&owner.store);
    assert!(dump(&owner.store).parked.is_empty());
}

#[test]
fn forgeries_of_strangers_are_found_out_when_they_become_known() {
    let (mut owner, writer, group) = pair();
    let mut third = Node::new(3);
    let mut forged = third.sign(group, NOW + 5, vec![set("a", &[("x", 666)])]).into_bytes();
    *forged.last_mut().unwrap() ^= 1;
    let genuine = third.sign(group, NOW + 6 * SECOND, vec![set("b", &[("x", 1)])]);
    owner.store.apply(group, &writer.source(), &[&forged[..], genuine.bytes()], NOW).unwrap();
    assert_eq!(dump(&owner.store).parked.len(), 2);
    owner.add(group, &third.key, Role::Writer, NOW + SECOND);
    assert_eq!((owner.note(group, "a"), owner.note(group, "b")), (None, ints(&[("x", 1)])));
    assert!(dump(&owner.store).parked.is_empty());
}

#[test]
fn nobody_takes_over_what_a_name_means() {
    let mut node = Node::new(1);
    node.store.set_user(node.key.id());
    let join = |node: &mut Node, seed| {
        let mut founder = Node::new(seed);
        let group = founder.create_group();
        founder.add(group, &node.key, Role::Writer, NOW);
        sync(&mut founder, node, NOW);
        (founder, group)
    };
    let named = |node: &Node| node.store.group_named("home").unwrap();
    let (mut friend, first) = join(&mut node, 2);
    assert_eq!(named(&node), Some(first));
    let (_, second) = join(&mut node, 3);
    assert_eq!(named(&node), Some(first), "the first stays");
    assert_eq!(node.store.reader().unwrap().group_named("home").unwrap(), Some(first));
    friend.remove(first, &node.key, NOW + SECOND);
    sync(&mut friend, &mut node, NOW + SECOND);
    assert_eq!(named(&node), Some(second), "one that the user is in");
    let own = node.create_group();
    assert_eq!(named(&node), Some(own), "the user's own");
    assert_eq!(node.store.reader().unwrap().group_named("home").unwrap(), Some(own));
}
