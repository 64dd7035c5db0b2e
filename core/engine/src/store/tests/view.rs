use proptest::prelude::*;

use super::*;
use crate::store::Limit;

/// One step of a made-up past: who does what when.
#[derive(Debug, Clone)]
enum Step {
    Appoint { user: u8, role: Role },
    Remove { user: u8 },
    Write { author: u8, ops: Vec<(u8, u8, Written)> },
}

/// What is done to a record.
#[derive(Debug, Clone, Copy)]
enum Written {
    Value(i64),
    NoValue,
    Deleted,
}

fn any_written() -> impl Strategy<Value = Written> {
    prop_oneof![
        6 => any::<i32>().prop_map(|value| Written::Value(value.into())),
        2 => Just(Written::NoValue),
        2 => Just(Written::Deleted),
    ]
}

fn any_step() -> impl Strategy<Value = (u64, Step)> {
    let step = prop_oneof![
        1 => (2..5_u8, any::<bool>()).prop_map(|(user, writer)| {
            let role = if writer { Role::Writer } else { Role::Reader };
            Step::Appoint { user, role }
        }),
        1 => (2..5_u8).prop_map(|user| Step::Remove { user }),
        6 => (1..5_u8, prop::collection::vec((0..4_u8, 0..3_u8, any_written()), 1..4))
            .prop_map(|(author, ops)| Step::Write { author, ops }),
    ];
    // Few stamps, so that many are the same; some of them in the future.
    (prop_oneof![9 => 1..30_u64, 1 => Just(20 * 60 * SECOND)], step)
}

/// At most one operation for each record, as a change must have it.
fn to_ops(writes: &[(u8, u8, Written)]) -> Vec<Op> {
    let mut ops = BTreeMap::new();
    for (id, field, value) in writes {
        let (id, field) = (id.to_string(), field.to_string());
        let op = match value {
            Written::Value(value) => set(&id, &[(&field, *value)]),
            Written::NoValue => remove(&id, &[&field]),
            Written::Deleted => delete(&id),
        };
        ops.insert(id, op);
    }
    ops.into_values().collect()
}

/// Signs everything that happened; the genesis comes first.
fn tell(steps: &[(u64, Step)]) -> (GroupId, Vec<Change>) {
    let mut nodes: Vec<_> = (0..5).map(Node::new).collect();
    let group = nodes[1].create_group();
    let genesis = nodes[1].all_changes(group).pop().unwrap();
    let mut changes = vec![Change::decode(&genesis).unwrap()];
    for (at, step) in steps {
        let (author, ops) = match step {
            Step::Appoint { user, role } => {
                let key = UserKey::from_bytes(&[*user; 32]).public();
                (1, vec![Op::Member { user: key.id(), key, role: *role }])
            }
            Step::Remove { user } => (1, vec![Op::Remove { user: UserKey::from_bytes(&[*user; 32]).id() }]),
            Step::Write { author, ops } => (*author, to_ops(ops)),
        };
        changes.push(nodes[usize::from(author)].sign(group, NOW + at, ops));
    }
    (group, changes)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The view is a function of the changes held: any order, any batches, any repetitions.
    #[test]
    fn arrival_does_not_matter(
        steps in prop::collection::vec(any_step(), 1..40),
        order in prop::collection::vec(any::<u32>(), 40),
        batches in prop::collection::vec(1..6_usize, 80),
    ) {
        let (group, changes) = tell(&steps);
        let owner = Node::new(1);
        let mut arrivals: Vec<&Change> = changes[1..].iter().collect();
        arrivals.extend(changes.iter().step_by(3));
        let mut order: VecDeque<u32> = order.into();
        arrivals.sort_by_cached_key(|change| {
            let key = order.pop_front().unwrap_or_default();
            order.push_back(key.wrapping_mul(2_654_435_761).wrapping_add(u32::from(change.hash().as_bytes()[0])));
            key
        });
        let mut store = Store::in_memory().unwrap();
        store.apply(group, &owner.source(), &[changes[0].bytes()], NOW).unwrap();
        store.accept(group).unwrap();
        let mut rest = &arrivals[..];
        for size in batches.iter().cycle() {
            let (batch, after) = rest.split_at((*size).min(rest.len()));
            let batch: Vec<&[u8]> = batch.iter().map(|change| change.bytes()).collect();
            let applied = store.apply(group, &owner.source(), &batch, NOW).unwrap();
            prop_assert!(applied.refused.is_empty() && applied.is_complete());
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        prop_assert_eq!(dump(&store), model::expected(&changes, &owner.key, NOW));
        let later = NOW + 60 * 60 * SECOND;
        store.release_parked(later).unwrap();
        prop_assert_eq!(store.next_due().unwrap(), None);
        prop_assert_eq!(dump(&store), model::expected(&changes, &owner.key, later));
    }
}

#[test]
fn a_removed_field_is_gone_and_can_come_back() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1), ("y", 1)]), set("b", &[("x", 1)])], NOW + 1);
    node.commit(group, vec![remove("a", &["x", "never"]), remove("b", &["x"])], NOW + 2);
    assert_eq!(node.note(group, "a"), ints(&[("y", 1)]));
    assert_eq!(node.note(group, "b"), None, "a record without fields does not exist");
    let limit = Limit { records: 10, bytes: usize::MAX };
    let listed = node.store.list(group, "notes", None, limit).unwrap();
    assert_eq!(listed.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["a"]);
    node.commit(group, vec![set("a", &[("x", 3)])], NOW + 3);
    assert_eq!(node.note(group, "a"), ints(&[("x", 3), ("y", 1)]));
    check_consistency(&node.store);
}

#[test]
fn a_removal_hides_what_stands_before_it_whenever_that_arrives() {
    let (mut node, mut other) = (Node::new(1), Node::new(2));
    let group = node.create_group();
    node.add(group, &other.key, Role::Writer, NOW);
    let early = other.sign(group, NOW + 5 * SECOND, vec![set("a", &[("x", 1), ("y", 1)])]);
    let late = other.sign(group, NOW + 7 * SECOND, vec![set("a", &[("y", 2)])]);
    node.commit(group, vec![remove("a", &["x", "y"])], NOW + 6 * SECOND);
    for change in [late, early] {
        node.store.apply(group, &other.source(), &[change.bytes()], NOW + 8 * SECOND).unwrap();
    }
    assert_eq!(node.note(group, "a"), ints(&[("y", 2)]));
    check_consistency(&node.store);
}

#[test]
fn a_removal_that_is_barred_gives_the_field_back() {
    let (mut node, mut other) = (Node::new(1), Node::new(2));
    let group = node.create_group();
    node.add(group, &other.key, Role::Writer, NOW);
    node.commit(group, vec![set("a", &[("x", 1)])], NOW + SECOND);
    let removal = other.sign(group, NOW + 5 * SECOND, vec![remove("a", &["x"])]);
    node.store.apply(group, &other.source(), &[removal.bytes()], NOW + 6 * SECOND).unwrap();
    assert_eq!(node.note(group, "a"), None);
    let member = other.key.id();
    let removed = node.sign(group, NOW + 4 * SECOND, vec![Op::Remove { user: member }]);
    node.store.apply(group, &node.source(), &[removed.bytes()], NOW + 7 * SECOND).unwrap();
    assert_eq!(node.note(group, "a"), ints(&[("x", 1)]));
    check_consistency(&node.store);
}
