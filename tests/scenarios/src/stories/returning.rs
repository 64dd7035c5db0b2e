//! Going away and coming back.

use serde_json::{Value, json};

use super::{both, is, meet, put, sees};
use crate::{actor::Step, stage::Stage};

/// Both write to one record while they do not see each other; then both have both.
pub(super) async fn offline_edits_merge(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 1, "shop": "corner"})).await?;
    sees(&mut bob, "milk", json!({"count": 1, "shop": "corner"})).await?;
    bob.close().await?;
    put(&mut alice, "milk", json!({"count": 2})).await?;
    alice.close().await?;
    bob.open(stage.settings("bob")).await?;
    put(&mut bob, "milk", json!({"shop": "market"})).await?;
    bob.call(json!({"method": "commit", "group": "list", "writes": [
        {"op": "put", "collection": "items", "id": "bread", "fields": {"count": 1}},
    ]}))
    .await?;
    alice.open(stage.settings("alice")).await?;
    for person in [&mut alice, &mut bob] {
        sees(person, "milk", json!({"count": 2, "shop": "market"})).await?;
        sees(person, "bread", json!({"count": 1})).await?;
    }
    let call = json!({"method": "history", "group": "list", "collection": "items", "id": "milk"});
    let history = alice.call(call).await?;
    let versions = history["versions"].as_array().into_iter().flatten();
    let mut winning: Vec<(Value, Value)> = versions
        .filter(|version| version["winning"] == true)
        .map(|version| (version["field"].clone(), version["nickname"].clone()))
        .collect();
    winning.sort_by_key(|(field, _)| field.to_string());
    is("who wrote what", json!(winning), json!([["count", "me"], ["shop", "bob"]]))
}

/// A connection that has nothing to do rests; a change brings it back.
pub(super) async fn reconnect_on_change(stage: &Stage) -> Step {
    let (mut alice, mut bob) = (stage.alice()?, stage.bob()?);
    for (person, name) in [(&mut alice, "alice"), (&mut bob, "bob")] {
        let mut settings = stage.settings(name);
        settings["idle_timeout"] = json!(1);
        person.open(settings).await?;
    }
    meet(&mut alice, &mut bob).await?;
    both(&mut alice, &mut bob, "disconnected").await?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    sees(&mut bob, "milk", json!({"count": 1})).await?;
    both(&mut alice, &mut bob, "disconnected").await?;
    put(&mut bob, "milk", json!({"count": 2})).await?;
    sees(&mut alice, "milk", json!({"count": 2})).await
}

/// Bob closes in the middle of a long transfer, which goes on while he is away. When he comes back, he gets all of it.
pub(super) async fn close_during_sync(stage: &Stage) -> Step {
    const COMMITS: usize = 20;
    const PER_COMMIT: usize = 500;
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    let commit = |commit: usize| {
        let writes: Vec<Value> = (0..PER_COMMIT)
            .map(|number| {
                let id = format!("{commit:02}-{number:03}");
                json!({"op": "put", "collection": "many", "id": id, "fields": {"n": number}})
            })
            .collect();
        json!({"method": "commit", "group": "list", "writes": writes})
    };
    let mut under_way = Vec::new();
    for number in 1..COMMITS {
        under_way.push(alice.start(commit(number)).await?);
    }
    bob.event("changed", |_| true).await?;
    bob.close().await?;
    for pending in under_way {
        pending.success().await?;
    }
    // However quick they were, this is lacking.
    alice.call(commit(0)).await?;
    bob.open(stage.settings("bob")).await?;
    bob.sees("list", "many", "00-000", |found| !found.is_null()).await?;
    bob.event("synced", |event| event["nickname"] == "alice").await?;
    let call = json!({"method": "list", "group": "list", "collection": "many", "limit": 10_000});
    let found = bob.call(call).await?["records"].as_array().map(Vec::len);
    is("what Bob has", json!(found), COMMITS * PER_COMMIT)
}
