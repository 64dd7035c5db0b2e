//! Judging many changes again, in parts.

use super::*;

/// More than a part, and more than what is looked up at once.
const MANY: u64 = 1_500;

/// An owner, a writer, and a third member who has got `MANY` records from the writer.
fn crowd(store: Store) -> (Node, Node, Node, GroupId) {
    let (mut owner, mut writer, mut third) = (Node::new(1), Node::new(2), Node::with_store(3, store));
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    owner.add(group, &third.key, Role::Writer, NOW);
    writer.accept_from(group, &owner);
    third.accept_from(group, &owner);
    // Two of three records are written twice, so that some changes are history.
    let changes: Vec<_> = (0..MANY)
        .map(|number| {
            let ops = vec![set(&(number % (MANY / 3 * 2)).to_string(), &[("x", number.cast_signed())])];
            writer.sign(group, NOW + (10 + number) * SECOND / 10, ops).into_bytes()
        })
        .collect();
    third.store.apply(group, &writer.source(), &changes, NOW + 300 * SECOND).unwrap();
    (owner, writer, third, group)
}

fn barred(store: &Store) -> i64 {
    let sql = "SELECT count(*) FROM changes WHERE state = 2";
    store.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Judges until all is done; says how many parts that took, and the most that were barred or released in one.
fn finish(store: &mut Store, now: u64) -> (u64, i64) {
    let (mut parts, mut most) = (0, 0);
    while store.is_judging().unwrap() {
        let before = barred(store);
        store.judge_again(now + parts * SECOND).unwrap();
        parts += 1;
        most = most.max((barred(store) - before).abs());
    }
    check_consistency(store);
    (parts, most)
}

/// A removal that stands before everything the writer wrote.
fn early_removal(owner: &mut Node, writer: &Node, group: GroupId) -> Change {
    owner.sign(group, NOW + SECOND / 2, vec![Op::Remove { user: writer.key.id() }])
}

#[test]
fn a_late_removal_is_followed_in_parts_that_survive_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let (mut owner, writer, mut third, group) = crowd(Store::open(&path).unwrap());
    let removal = early_removal(&mut owner, &writer, group);
    let now = NOW + 301 * SECOND;
    let applied = third.store.apply(group, &owner.source(), &[removal.bytes()], now).unwrap();
    assert!(applied.membership_changed && third.store.is_judging().unwrap());
    let first = barred(&third.store);
    assert!(first > 0 && first < MANY.cast_signed() - 200, "{first} in the first part");

    third.store = Store::in_memory().unwrap();
    third.store = Store::open(&path).unwrap();
    let (parts, most) = finish(&mut third.store, now);
    assert!(parts >= 2 && most <= 1_000, "{most} at most, in {parts} parts");
    assert_eq!(barred(&third.store), MANY.cast_signed());
    assert_eq!(dump(&third.store).fields.len(), 0);
}

#[test]
fn members_who_come_and_go_meanwhile_only_move_the_mark_back() {
    let (mut owner, writer, mut third, group) = crowd(Store::in_memory().unwrap());
    let whole = dump(&third.store);
    let now = NOW + 301 * SECOND;
    let removal = early_removal(&mut owner, &writer, group);
    third.store.apply(group, &owner.source(), &[removal.bytes()], now).unwrap();
    let spent = barred(&third.store);
    for number in 1..=20 {
        let op = if number % 2 == 1 {
            Op::Member { user: writer.key.id(), key: writer.key.public(), role: Role::Writer }
        } else {
            Op::Remove { user: writer.key.id() }
        };
        let toggle = owner.sign(group, NOW + SECOND / 2 + number, vec![op]);
        third.store.apply(group, &owner.source(), &[toggle.bytes()], now).unwrap();
        assert_eq!(barred(&third.store), spent, "nothing more is done on arrival");
    }
    let again = Op::Member { user: writer.key.id(), key: writer.key.public(), role: Role::Writer };
    let again = owner.sign(group, NOW + SECOND / 2 + 30, vec![again]);
    third.store.apply(group, &owner.source(), &[again.bytes()], now).unwrap();
    let (_, most) = finish(&mut third.store, now);
    assert!(most <= 1_000, "{most}");
    assert_eq!(barred(&third.store), 0);
    assert!(dump(&third.store).fields == whole.fields);
}

#[test]
fn both_sides_are_the_same_only_when_all_is_judged() {
    let (mut owner, writer, mut third, group) = crowd(Store::in_memory().unwrap());
    let now = NOW + 301 * SECOND;
    let mut wire = sync(&mut owner, &mut third, now);
    assert!(wire.sessions[1].is_synced(group));
    let (removal, me) = (early_removal(&mut owner, &writer, group), owner.source());
    owner.store.apply(group, &me, &[removal.bytes()], now).unwrap();
    wire.committed(0, &mut owner, group);
    wire.settle(&mut owner, &mut third, now);
    assert!(third.store.is_judging().unwrap() && !wire.sessions[1].is_synced(group));
    wire.events[1].clear();
    finish(&mut owner.store, now);
    finish(&mut third.store, now);
    wire.committed(1, &mut third, group);
    wire.settle(&mut owner, &mut third, now);
    assert!(wire.sessions[1].is_synced(group) && wire.events[1].contains(&Event::Synced(group)));
}

#[test]
fn groups_are_judged_by_turns() {
    let (mut owner, writer, mut third, first) = crowd(Store::in_memory().unwrap());
    let second = owner.create_group();
    owner.add(second, &third.key, Role::Writer, NOW);
    third.accept_from(second, &owner);
    let now = NOW + 301 * SECOND;
    let removal = early_removal(&mut owner, &writer, first);
    third.store.apply(first, &owner.source(), &[removal.bytes()], now).unwrap();
    let added = Op::Member { user: writer.key.id(), key: writer.key.public(), role: Role::Writer };
    let added = owner.sign(second, NOW + SECOND, vec![added]);
    third.store.apply(second, &owner.source(), &[added.bytes()], now).unwrap();
    let mut told = Vec::new();
    for part in 1..=2 {
        told.extend(
            third.store.judge_again(now + part * SECOND).unwrap().into_iter().map(|(group, _)| group),
        );
    }
    assert!(told.contains(&second) && third.store.is_judging().unwrap(), "of the first, something is left");
}

#[test]
fn what_comes_due_at_once_is_taken_in_parts() {
    let (mut owner, mut writer, mut third, group) = crowd(Store::in_memory().unwrap());
    let due = NOW + 20 * 60 * SECOND;
    let changes: Vec<_> = (0..MANY)
        .map(|number| {
            let ops = vec![set(&number.to_string(), &[("y", 1)])];
            writer.sign(group, due + number, ops).into_bytes()
        })
        .collect();
    let applied = third.store.apply(group, &writer.source(), &changes, NOW + 300 * SECOND).unwrap();
    assert_eq!(applied.parked, changes.len());
    let removal = owner.sign(group, due + MANY, vec![Op::Remove { user: writer.key.id() }]);
    third.store.apply(group, &owner.source(), &[removal.bytes()], NOW + 300 * SECOND).unwrap();
    let (mut now, mut taken) = (due, Vec::new());
    while third.store.next_due().unwrap().is_some_and(|next| next <= now) {
        taken.extend(
            third.store.release_parked(now).unwrap().into_iter().map(|(_, applied)| applied.accepted),
        );
        now += SECOND;
    }
    assert!(taken.len() > 2 && taken.iter().all(|taken| *taken < 500), "{taken:?}");
    assert_eq!(taken.iter().sum::<usize>(), changes.len() + 1);
    check_consistency(&third.store);
}

#[test]
fn what_is_taken_back_leaves_the_view_in_parts() {
    let (mut owner, mut writer, mut third, group) = crowd(Store::in_memory().unwrap());
    let now = NOW + 301 * SECOND;
    let ops = (0..1_000).map(|record| set(&record.to_string(), &[("z", 1)])).collect();
    let great = writer.sign(group, now, ops);
    let source = writer.source();
    third.store.apply(group, &source, &[great.bytes()], now).unwrap();
    let took_back = writer.sign(group, now - 1, vec![Op::Withdraw { changes: vec![great.hash()] }]);
    third.store.apply(group, &source, &[took_back.bytes()], now).unwrap();
    assert!(third.store.is_judging().unwrap());
    let (parts, _) = finish(&mut third.store, now);
    assert!(parts > 1, "{parts}");
    let left = dump(&third.store);
    assert!(left.fields.keys().all(|(_, _, field)| field == "x"), "nothing of it is left");
    assert!(owner.note(group, "1").is_none(), "who has never had it");
    owner.store.apply(group, &source, &[took_back.bytes(), great.bytes()], now).unwrap();
    assert!(!owner.store.is_judging().unwrap());
}

#[test]
fn withdrawals_that_waited_for_their_author_are_taken_one_after_the_other() {
    let (mut owner, writer, _, group) = crowd(Store::in_memory().unwrap());
    let mut stranger = Node::new(9);
    let own: Vec<_> = (0..3_000)
        .map(|number| stranger.sign(group, NOW + 10 * SECOND + number, vec![set("a", &[("x", 1)])]))
        .collect();
    let back: Vec<_> = own
        .iter()
        .map(|change| {
            let op = Op::Withdraw { changes: vec![change.hash()] };
            stranger.sign(group, NOW + 5 * SECOND, vec![op]).into_bytes()
        })
        .collect();
    let now = NOW + 300 * SECOND;
    assert_eq!(owner.store.apply(group, &writer.source(), &back, now).unwrap().parked, back.len());
    owner.add(group, &stranger.key, Role::Writer, NOW + SECOND);
    finish(&mut owner.store, now);
    assert_eq!(barred(&owner.store), 0);
    let own: Vec<_> = own.into_iter().map(Change::into_bytes).collect();
    owner.store.apply(group, &writer.source(), &own, now).unwrap();
    assert_eq!(owner.note(group, "a"), None, "all of it was taken back");
    check_consistency(&owner.store);
}
