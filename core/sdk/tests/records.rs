//! Records as an app sees them: whole lists, its own types, and what becomes of edits made at the same time.

mod common;

use common::{node, paired, service, shows, wait};
use connectoid::{ErrorKind, EventKind, Share};
use futures_util::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

#[tokio::test]
async fn what_a_type_leaves_out_goes_unless_it_is_merged() {
    let service = service().await;
    let node = node(&service.url()).await;
    node.create_group("g").await.unwrap();
    let raw = node.group("g").collection("c");
    let items = raw.typed::<Item>();
    let noted = Item { count: 2, note: Some("oat".to_owned()) };
    items.put("milk", &noted).await.unwrap();
    assert_eq!(items.get("milk").await.unwrap(), Some(noted));
    items.merge("milk", &Item { count: 3, note: None }).await.unwrap();
    assert_eq!(items.get("milk").await.unwrap().unwrap().note.as_deref(), Some("oat"));
    items.put("milk", &Item { count: 3, note: None }).await.unwrap();
    assert_eq!(raw.record("milk").await.unwrap().unwrap().fields, *json!({"count": 3}).as_object().unwrap());
    raw.put("milk", json!({"later": true})).await.unwrap();
    raw.remove_fields("milk", &["count"]).await.unwrap();
    assert_eq!(items.get("milk").await.unwrap_err().kind, ErrorKind::Usage, "a field is missing");
    let too_much = Item { count: 1 << 53, note: None };
    assert_eq!(items.put("milk", &too_much).await.unwrap_err().kind, ErrorKind::Usage);
    items.delete("milk").await.unwrap();
    assert_eq!(items.get("milk").await.unwrap(), None);
}

#[tokio::test]
async fn a_record_of_another_type_is_told_and_ends_nothing() {
    let service = service().await;
    let node = node(&service.url()).await;
    node.create_group("g").await.unwrap();
    let raw = node.group("g").collection("c");
    let items = raw.typed::<Item>();
    let mut lists = items.observe();
    assert_eq!(lists.next().await.unwrap().unwrap(), []);
    raw.put("a", json!({"count": "many"})).await.unwrap();
    let list = lists.next().await.unwrap().unwrap();
    assert_eq!((list[0].id.as_str(), list[0].value.as_ref().unwrap_err().kind), ("a", ErrorKind::Usage));
    raw.put("a", json!({"count": 1, "of a newer version": null})).await.unwrap();
    let list = lists.next().await.unwrap().unwrap();
    assert_eq!(list[0].value, Ok(Item { count: 1, note: None }));
    assert_eq!(items.list(None, 10).await.unwrap(), list);
}

#[tokio::test]
async fn a_list_is_told_once_though_its_group_is_joined_meanwhile() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    let link = alice.share(Share::new("bob", "g")).await.unwrap().link;
    for id in ["a", "b"] {
        alice.put("g", "c", id, json!({"x": 1})).await.unwrap();
    }
    let (mut lists, mut changes, mut events) = (bob.observe("g", "c"), bob.changes("g", "c"), bob.events());
    assert_eq!(lists.next().await.unwrap().unwrap(), []);
    bob.open_link(&link, "alice").await.unwrap();
    wait(&mut events, "to be synced", |event| matches!(event, EventKind::Synced { .. })).await;
    bob.put("g", "c", "z", json!({"x": 1})).await.unwrap();
    let mut told = Vec::new();
    while told.last().is_none_or(|ids: &Vec<String>| ids.len() < 3) {
        told.push(lists.next().await.unwrap().unwrap().into_iter().map(|record| record.id).collect());
    }
    let mut without_repetition = told.clone();
    without_repetition.dedup();
    assert_eq!(told, without_repetition);
    assert!(lists.next().now_or_never().is_none(), "nothing has changed since");
    let mut seen = Vec::new();
    while let Some(Some(page)) = changes.next().now_or_never() {
        seen.extend(page.unwrap().into_iter().map(|change| change.id));
    }
    assert_eq!(seen, ["a", "b", "z"], "each record once");
}

#[tokio::test]
async fn edits_of_other_fields_survive_a_replacement() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    alice.put("g", "c", "r", json!({"count": 1, "note": "a", "old": true})).await.unwrap();
    shows(&bob, "r", &json!({"count": 1, "note": "a", "old": true})).await;
    alice.disconnect("bob").await.unwrap();
    bob.put("g", "c", "r", json!({"note": "b", "new": 1})).await.unwrap();
    alice.replace("g", "c", "r", json!({"count": 2, "note": "a"})).await.unwrap();
    for node in [&alice, &bob] {
        shows(node, "r", &json!({"count": 2, "note": "b", "new": 1})).await;
    }
    alice.remove_fields("g", "c", "r", &["note"]).await.unwrap();
    shows(&bob, "r", &json!({"count": 2, "new": 1})).await;
}

/// A counter that loses nothing: one field for each device, and their sum.
#[tokio::test]
async fn a_counter_has_a_field_for_each_device() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    for node in [&alice, &bob] {
        for _ in 0..3 {
            let own = node.user_id();
            let record = node.record("g", "c", "laps").await.unwrap();
            let mine = record.and_then(|record| record.fields.get(&own)?.as_u64()).unwrap_or_default();
            node.put("g", "c", "laps", json!({ (own): mine + 1 })).await.unwrap();
        }
    }
    let all = json!({ (alice.user_id()): 3, (bob.user_id()): 3 });
    for node in [&alice, &bob] {
        shows(node, "laps", &all).await;
    }
}
