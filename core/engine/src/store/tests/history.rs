use super::*;
use crate::store::{KEPT_FOR, MAX_HISTORY, Outcome, Version};

fn brief(versions: &[Version]) -> Vec<(Option<&str>, Option<&Value>, bool)> {
    versions
        .iter()
        .map(|version| {
            (version.field.as_deref(), version.value.as_ref(), version.outcome == Outcome::Winning)
        })
        .collect()
}

#[test]
fn losers_and_winners_are_shown() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1), ("y", 1)])], NOW + 1);
    node.commit(group, vec![set("a", &[("x", 2)])], NOW + 2);
    node.commit(group, vec![delete("a")], NOW + 3);
    node.commit(group, vec![set("a", &[("x", 3)])], NOW + 4);
    let history = node.store.history(group, "notes", "a").unwrap();
    let (one, two, three) = (Value::Int(1), Value::Int(2), Value::Int(3));
    assert_eq!(
        brief(&history),
        [
            (Some("x"), Some(&three), true),
            (None, None, true),
            (Some("x"), Some(&two), false),
            (Some("x"), Some(&one), false),
            (Some("y"), Some(&one), false),
        ]
    );
    let (last, delete) = (history[0].change, history[1].change);
    let kept_until = Some(NOW + 3 + KEPT_FOR);
    assert_eq!(history[2].outcome, Outcome::Lost { to: last, by_delete: false, kept_until });
    assert_eq!(history[4].outcome, Outcome::Lost { to: delete, by_delete: true, kept_until });
    assert_eq!(history[0].author, node.key.id());
    assert_eq!(node.store.history(group, "notes", "b").unwrap(), []);
    assert_eq!(node.store.reader().unwrap().history(group, "notes", "a").unwrap(), history);
}

#[test]
fn a_removal_is_a_version() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1), ("y", 1)])], NOW + 1);
    node.commit(group, vec![remove("a", &["x"])], NOW + 2);
    let history = node.store.history(group, "notes", "a").unwrap();
    let one = Value::Int(1);
    assert_eq!(
        brief(&history),
        [(Some("x"), None, true), (Some("x"), Some(&one), false), (Some("y"), Some(&one), true)]
    );
    assert!(matches!(history[1].outcome, Outcome::Lost { by_delete: false, .. }));
}

#[test]
fn a_loser_whose_change_still_counts_is_kept_with_it() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1)]), set("b", &[("x", 1)])], NOW + 1);
    node.commit(group, vec![set("a", &[("x", 2)])], NOW + 2);
    let history = node.store.history(group, "notes", "a").unwrap();
    assert!(matches!(history[1].outcome, Outcome::Lost { kept_until: None, .. }));
}

#[test]
fn history_ends_after_thirty_days() {
    let mut node = Node::new(1);
    let group = node.create_group();
    node.commit(group, vec![set("a", &[("x", 1)]), delete("b")], NOW + 1);
    node.commit(group, vec![set("a", &[("x", 2)]), delete("b")], NOW + 2);
    assert_eq!(node.store.prune(NOW + 2 + KEPT_FOR).unwrap(), 0);
    assert_eq!(node.store.history(group, "notes", "a").unwrap().len(), 2);
    assert_eq!(node.store.prune(NOW + 3 + KEPT_FOR).unwrap(), 1);
    assert_eq!(node.store.history(group, "notes", "a").unwrap().len(), 1);
    assert_eq!(node.store.history(group, "notes", "b").unwrap().len(), 1);
    assert_eq!(node.note(group, "a"), ints(&[("x", 2)]));
    check_consistency(&node.store);
}

#[test]
fn more_than_fits_is_left_out_and_said_to_be() {
    let mut node = Node::new(1);
    let group = node.create_group();
    let (large, count) = ("x".repeat(200 << 10), MAX_HISTORY / (200 << 10) + 3);
    for number in 0..count {
        let fields = [("f".to_owned(), Some(Value::Text(format!("{number}{large}"))))].into();
        let op = Op::Set { collection: "notes".into(), id: "a".into(), fields };
        node.commit(group, vec![op], NOW + number as u64);
    }
    let history = node.store.history(group, "notes", "a").unwrap();
    assert_eq!(history.len(), count);
    let shown: Vec<_> = history.iter().filter_map(|version| version.value.as_ref()).collect();
    let bytes: usize = shown.iter().map(|value| value.encode().len()).sum();
    assert!((MAX_HISTORY..MAX_HISTORY + (300 << 10)).contains(&bytes));
    assert!(
        history[0].value.is_some()
            && history.iter().all(|version| version.left_out == version.value.is_none())
    );
}
