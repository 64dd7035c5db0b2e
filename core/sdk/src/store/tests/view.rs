use proptest::prelude::*;

use super::*;

/// One step of a made-up past: who does what when.
#[derive(Debug, Clone)]
enum Step {
    Appoint { user: u8, role: Role },
    Remove { user: u8 },
    Write { author: u8, ops: Vec<(u8, u8, Option<i64>)> },
}

fn any_step() -> impl Strategy<Value = (u64, Step)> {
    let step = prop_oneof![
        1 => (2..5_u8, any::<bool>()).prop_map(|(user, writer)| {
            let role = if writer { Role::Writer } else { Role::Reader };
            Step::Appoint { user, role }
        }),
        1 => (2..5_u8).prop_map(|user| Step::Remove { user }),
        6 => (1..5_u8, prop::collection::vec((0..4_u8, 0..3_u8, prop::option::weighted(0.8, any::<i32>())), 1..4))
            .prop_map(|(author, ops)| {
                let ops = ops.into_iter().map(|(id, field, value)| (id, field, value.map(i64::from))).collect();
                Step::Write { author, ops }
            }),
    ];
    // Few stamps, so that many are the same; some of them in the future.
    (prop_oneof![9 => 1..30_u64, 1 => Just(20 * 60 * SECOND)], step)
}

/// At most one operation for each record, as a change must have it.
fn to_ops(writes: &[(u8, u8, Option<i64>)]) -> Vec<Op> {
    let mut ops = BTreeMap::new();
    for (id, field, value) in writes {
        let id = id.to_string();
        let op = value.map_or_else(|| delete(&id), |value| set(&id, &[(&field.to_string(), value)]));
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
