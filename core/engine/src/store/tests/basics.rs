use connectoid_protocol::{
    change::ChangeError,
    record::Touched,
    sync::{Mark, Recall},
};

use super::*;
use crate::store::Limit;

#[test]
fn what_is_committed_is_read() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1), ("y", 2)]), set("b", &[("x", 3)])], NOW);
    node.commit(group, vec![set("a", &[("y", 4)])], NOW);
    node.commit(group, vec![set("c", &[("x", 5)]), delete("b")], NOW);
    assert_eq!(node.note(group, "a"), ints(&[("x", 1), ("y", 4)]));
    assert_eq!(node.note(group, "b"), None);
    assert_eq!(node.store.record(group, "other", "a").unwrap(), None);
    let within = |after, limit| {
        let records = node.store.list(group, "notes", after, limit).unwrap();
        records.into_iter().map(|(id, _)| id).collect::<Vec<_>>()
    };
    let listed = |after, records| within(after, Limit { records, bytes: usize::MAX });
    assert_eq!(listed(None, 10), ["a", "c"]);
    assert_eq!(listed(None, 1), ["a"]);
    assert_eq!(listed(Some("a"), 1), ["c"]);
    assert_eq!(listed(Some("c"), 1), [""; 0]);
    // Whole records: that of two fields, of a byte and a name of another each, is the first that reaches four bytes.
    assert_eq!(within(None, Limit { records: 10, bytes: 4 }), ["a"]);
    assert_eq!(within(None, Limit { records: 10, bytes: 5 }), ["a", "c"]);
    assert_eq!(within(Some("a"), Limit { records: 10, bytes: 1 }), ["c"]);
}

#[test]
fn stamps_go_on_when_the_clock_does_not() {
    let mut node = Node::new(1);
    let group = node.create_group();
    let first = node.commit(group, vec![set("a", &[("x", 1)])], NOW + 50);
    let second = node.commit(group, vec![set("a", &[("x", 2)])], NOW - 50);
    assert_eq!(second.micros(), first.micros() + 1);
    assert_eq!(node.note(group, "a"), ints(&[("x", 2)]));
}

#[test]
fn a_reader_sees_what_is_committed() {
    let directory = tempfile::tempdir().unwrap();
    for store in [Store::in_memory().unwrap(), Store::open(&directory.path().join("store")).unwrap()] {
        let mut node = Node::with_store(1, store);
        let group = node.create_group();
        let reader = node.store.reader().unwrap();
        node.commit(group, vec![set("a", &[("x", 1)])], NOW);
        assert_eq!(reader.record(group, "notes", "a").unwrap(), ints(&[("x", 1)]));
        assert_eq!(
            reader.list(group, "notes", None, Limit { records: 5, bytes: usize::MAX }).unwrap().len(),
            1
        );
        assert_eq!(reader.members(group).unwrap(), node.store.members(group).unwrap());
        assert_eq!(reader.role(group, node.key.id()).unwrap(), Some(Role::Owner));
        assert_eq!(reader.groups().unwrap(), node.store.groups().unwrap());
        elsewhere(move || reader.groups().unwrap());
    }
}

#[test]
fn a_store_can_be_sent_to_another_thread() {
    let store = Store::in_memory().unwrap();
    elsewhere(move || store.groups().unwrap());
}

#[test]
fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut node = Node::with_store(1, Store::open(&path).unwrap());
    let group = node.create_group();
    node.add(group, &UserKey::from_bytes(&[2; 32]), Role::Reader, NOW);
    node.commit(group, vec![set("a", &[("x", 1)])], NOW);
    let (before, epoch, head) = (dump(&node.store), node.store.epoch(), node.store.head(group).unwrap());
    node.store = Store::open(&path).unwrap();
    assert_eq!(dump(&node.store), before);
    assert!(node.store.head(group).unwrap() >= head);
    assert_eq!(node.store.members(group).unwrap().len(), 2);
    assert_ne!(node.store.epoch(), epoch, "each opening begins a new life");
    let recall = |epoch, seq| node.store.recall(&Mark { epoch, seq }).unwrap();
    assert_eq!((recall(epoch, head), recall(epoch, head + 1)), (Recall::Held, Recall::Lost));
    assert_eq!(recall([7; 16], 1), Recall::Lost);
    let (epoch, head) = (node.store.epoch(), node.store.head(group).unwrap());
    assert_eq!((recall(epoch, head), recall(epoch, head + 1)), (Recall::Held, Recall::Never));
}

#[test]
fn a_change_that_came_too_late_is_no_sign_of_a_copy() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut node = Node::with_store(1, Store::open(&path).unwrap());
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1)])], NOW + 50);
    let beaten = node.sign(group, NOW, vec![set("a", &[("x", 2)])]);
    let source = node.source();
    node.store.apply(group, &source, &[beaten.bytes()], NOW + 60).unwrap();
    assert_eq!(node.note(group, "a"), ints(&[("x", 1)]));
    let mark = Mark { epoch: node.store.epoch(), seq: node.store.head(group).unwrap() };
    node.store = Store::open(&path).unwrap();
    assert_eq!(node.store.recall(&mark).unwrap(), Recall::Held);
}

#[test]
fn lives_too_long_ago_are_forgotten_and_not_taken_for_lost() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(Store::open(&path).unwrap());
    let sql = "INSERT INTO lives (epoch, first, last)
               WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
               SELECT randomblob(16), 1, 1 FROM n";
    rusqlite::Connection::open(&path).unwrap().execute(sql, []).unwrap();
    let store = Store::open(&path).unwrap();
    let lives: i64 =
        store.connection().query_row("SELECT count(*) FROM lives", [], |row| row.get(0)).unwrap();
    assert_eq!(lives, 4096);
    assert_eq!(store.recall(&Mark { epoch: [7; 16], seq: 1 }).unwrap(), Recall::Forgotten);
}

#[test]
fn foreign_newer_and_damaged_files_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    drop(Store::open(&path).unwrap());
    let raw = rusqlite::Connection::open(&path).unwrap();
    raw.pragma_update(None, "user_version", 99).unwrap();
    assert!(matches!(Store::open(&path).err(), Some(StoreError::NewerVersion)));
    raw.pragma_update(None, "application_id", 7).unwrap();
    assert!(matches!(Store::open(&path).err(), Some(StoreError::NotAStore)));
    let noise = directory.path().join("noise");
    std::fs::write(&noise, [7; 5000]).unwrap();
    assert!(matches!(Store::open(&noise).err(), Some(StoreError::Corrupt(_))));
    assert!(matches!(Store::open(directory.path()).err(), Some(StoreError::Io(_))));
}

#[test]
fn roles_are_enforced() {
    let (mut owner, mut other) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    let commit = |node: &mut Node| node.try_commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    assert!(matches!(commit(&mut other), Err(StoreError::UnknownGroup(_))));
    owner.add(group, &other.key, Role::Reader, NOW);
    other.accept_from(group, &owner);
    assert!(matches!(commit(&mut other), Err(StoreError::NotPermitted { role: Role::Reader })));
    owner.remove(group, &other.key, NOW);
    other.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    assert!(matches!(commit(&mut other), Err(StoreError::NotAMember)));

    let me = Author { key: &owner.key, device: owner.device };
    let removed = owner.store.remove_member(group, &me, owner.key.id(), NOW, &mut owner.rng);
    assert!(matches!(removed, Err(StoreError::OwnerIsFixed)));
    let crowned = owner.store.add_member(group, &me, &other.key.public(), Role::Owner, NOW, &mut owner.rng);
    assert!(matches!(crowned, Err(StoreError::Change(ChangeError::BadRole))));
    let smuggled = Op::Remove { user: other.key.id() };
    assert!(matches!(owner.try_commit(group, vec![smuggled], NOW), Err(StoreError::NotARecordOp)));
}

#[test]
fn a_writer_does_not_appoint() {
    let (mut owner, mut writer) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &writer.key, Role::Writer, NOW);
    writer.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    let me = Author { key: &writer.key, device: writer.device };
    let third = UserKey::from_bytes(&[3; 32]);
    let added = writer.store.add_member(group, &me, &third.public(), Role::Reader, NOW, &mut writer.rng);
    assert!(matches!(added, Err(StoreError::NotPermitted { role: Role::Writer })));
    let op = Op::Member { user: third.id(), key: third.public(), role: Role::Writer };
    let forged = writer.sign(group, NOW + 10, vec![op]);
    let applied = owner.store.apply(group, &writer.source(), &[forged.bytes()], NOW).unwrap();
    assert_eq!(applied.refused, [connectoid_protocol::sync::Refusal::NotOwner]);
    assert_eq!(owner.store.members(group).unwrap().len(), 2);
}

#[test]
fn what_fails_leaves_nothing_behind() {
    let mut node = Node::new(1);
    let group = node.create_group();
    let (before, head) = (dump(&node.store), node.store.head(group).unwrap());
    let (key, device, mut rng) = (node.key.clone(), node.device, node.rng.clone());
    let author = Author { key: &key, device };
    let failed: Result<(), StoreError> = node.store.savepoint(|store| {
        store.commit(group, &author, vec![set("a", &[("x", 1)])], NOW, &mut rng)?;
        store.create_group("second", &author, NOW, &mut rng)?;
        Err(StoreError::Clock)
    });
    assert!(failed.is_err());
    assert_eq!(dump(&node.store), before);
    assert_eq!(node.store.head(group).unwrap(), head);

    node.store.begin_transaction().unwrap();
    node.commit(group, vec![set("a", &[("x", 1)])], NOW);
    let failed: Result<(), StoreError> = node.store.savepoint(|store| {
        store.commit(group, &author, vec![set("b", &[("x", 1)])], NOW, &mut rng)?;
        Err(StoreError::Clock)
    });
    assert!(failed.is_err());
    node.store.commit_transaction().unwrap();
    assert_eq!((node.note(group, "a"), node.note(group, "b")), (ints(&[("x", 1)]), None));

    node.store.begin_transaction().unwrap();
    node.commit(group, vec![set("c", &[("x", 1)])], NOW);
    let second = node.create_group();
    node.store.rollback_transaction().unwrap();
    assert_eq!(node.note(group, "c"), None);
    assert!(matches!(node.store.record(second, "notes", "a"), Err(StoreError::UnknownGroup(_))));
    node.commit(group, vec![set("c", &[("x", 2)])], NOW);
    check_consistency(&node.store);
}

#[test]
fn what_changed_is_told() {
    let (mut owner, mut other) = (Node::new(1), Node::new(2));
    let group = owner.create_group();
    owner.add(group, &other.key, Role::Writer, NOW);
    let applied = other.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    assert_eq!((applied.accepted, applied.membership_changed), (2, true));
    other.store.accept(group).unwrap();
    owner.commit(group, vec![set("a", &[("x", 1)])], NOW);
    let applied = other.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    assert_eq!((applied.accepted, applied.membership_changed), (1, false));
    assert!(matches!(applied.touched, Touched::Records(records) if records.len() == 1));
    let applied = other.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    assert_eq!((applied.accepted, applied.duplicates), (0, 3));
    let many = (0..1000).map(|n| set(&n.to_string(), &[("x", 1)])).collect();
    owner.commit(group, many, NOW);
    owner.commit(group, vec![set("more", &[("x", 1)])], NOW);
    let applied = other.store.apply(group, &owner.source(), &owner.all_changes(group), NOW).unwrap();
    assert_eq!(applied.touched, Touched::Many);
}

#[test]
fn bad_changes_are_refused_one_by_one() {
    use connectoid_protocol::sync::Refusal;

    let (mut owner, mut other) = (Node::new(1), Node::new(2));
    let (group, second) = (owner.create_group(), owner.create_group());
    owner.add(group, &other.key, Role::Writer, NOW);
    other.accept_from(group, &owner);
    let good = owner.sign(group, NOW + 10, vec![set("a", &[("x", 1)])]);
    let mut forged = owner.sign(group, NOW + 11, vec![set("b", &[("x", 1)])]).into_bytes();
    *forged.last_mut().unwrap() ^= 1;
    let foreign = owner.sign(second, NOW + 12, vec![set("c", &[("x", 1)])]);
    let robbed = owner.sign(group, NOW + 13, vec![set("d", &[("x", 1)])]).forget(0).unwrap();
    let batch = [good.bytes(), &forged, foreign.bytes(), robbed.bytes(), &[1, 2, 3]];
    let applied = other.store.apply(group, &owner.source(), &batch, NOW + 20).unwrap();
    assert_eq!(applied.accepted, 1);
    assert_eq!(applied.refused.len(), 4);
    assert_eq!(applied.refused.iter().filter(|refusal| refusal.is_honest()).count(), 1);
    assert!(applied.refused.contains(&Refusal::WrongGroup) && applied.refused.contains(&Refusal::Incomplete));
    assert!(applied.refused.contains(&Refusal::False(ChangeError::Forged)));
    check_consistency(&other.store);
}

#[test]
fn a_half_written_transaction_is_never_committed() {
    let mut node = Node::new(1);
    let group = node.create_group();
    let fail = |store: &mut Store| -> Result<(), StoreError> {
        store.write(|store| {
            store.connection().execute("INSERT INTO users (id) VALUES (x'01')", [])?;
            Err(StoreError::Clock)
        })
    };
    let count = |node: &Node| {
        let sql = "SELECT count(*) FROM users WHERE id = x'01'";
        node.store.connection().query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap()
    };
    node.store.begin_transaction().unwrap();
    fail(&mut node.store).unwrap_err();
    assert!(matches!(node.store.commit_transaction(), Err(StoreError::HalfWritten)));
    assert_eq!(count(&node), 0);

    node.store.begin_transaction().unwrap();
    node.commit(group, vec![set("a", &[("x", 1)])], NOW);
    node.store.savepoint(fail).unwrap_err();
    node.store.commit_transaction().unwrap();
    assert_eq!((count(&node), node.note(group, "a")), (0, ints(&[("x", 1)])));
    fail(&mut node.store).unwrap_err();
    assert_eq!(count(&node), 0);
}

#[allow(clippy::disallowed_methods, reason = "the engine makes no threads, but may be used from any")]
fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) {
    std::thread::spawn(work).join().unwrap();
}
