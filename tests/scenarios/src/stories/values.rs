//! What records hold, and how they are followed.

use serde_json::{Map, Value, json};

use super::{is, meet, put, put_call, sees};
use crate::{
    actor::{Actor, Step},
    stage::Stage,
};

/// Names and values in any script.
pub(super) async fn unicode(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    let (zoe, group) = ("Zoë 🦀 زوي", "Einkäufe 买东西");
    let call = json!({"method": "share", "nickname": zoe, "group": group});
    let link = alice.call(call).await?["link"].take();
    bob.call(json!({"method": "open", "link": link, "nickname": "Ärger\u{301}"})).await?;
    alice.event("paired", |event| event["nickname"] == zoe).await?;
    let fields = json!({
        "name": "ミルク \u{1f95b}\u{200d}\u{1f95b}",
        "escapes": "\"\\\n\t\u{0}\u{7f}\u{2028}",
        "נתון": ["مرحبا", {"k": "e\u{301}"}],
    });
    let write = json!({"op": "put", "collection": "ящик", "id": "نص/1", "fields": fields});
    alice.call(json!({"method": "commit", "group": group, "writes": [write]})).await?;
    bob.sees(group, "ящик", "نص/1", |found| *found == fields).await.map(drop)
}

/// The largest values, every kind of value, and one that is too large.
pub(super) async fn large_values(stage: &Stage) -> Step {
    const LARGE: usize = 200 << 10;
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    let text = json!({"text": "ä".repeat(LARGE / 2)});
    put(&mut alice, "text", text.clone()).await?;
    sees(&mut bob, "text", text).await?;
    // Base64 of zeros.
    let bytes = json!({"bytes": {"$bytes": "A".repeat(LARGE)}});
    put(&mut alice, "bytes", bytes.clone()).await?;
    sees(&mut bob, "bytes", bytes).await?;
    let small = json!({
        "int": 9_007_199_254_740_991_i64, "negative": -1, "float": 0.1, "yes": true, "nothing": null,
        "nested": {"a": [1, [2.5, "x", {"$bytes": "AP8"}]]},
    });
    put(&mut alice, "small", small.clone()).await?;
    sees(&mut bob, "small", small).await?;
    let mut many = Map::new();
    for number in 0..100 {
        many.insert(format!("f{number:03}"), json!(number));
    }
    put(&mut alice, "many", Value::Object(many.clone())).await?;
    sees(&mut bob, "many", Value::Object(many)).await?;
    let too_much = put_call("more", json!({"text": "x".repeat(300 << 10)}));
    is("too much", alice.fails(too_much).await?, "usage")
}

/// Fields are replaced, and taken away.
pub(super) async fn replacing(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 1, "note": "oat", "gone": null})).await?;
    sees(&mut bob, "milk", json!({"count": 1, "note": "oat", "gone": null})).await?;
    write(&mut bob, json!({"op": "replace", "fields": {"count": 2, "note": "oat"}})).await?;
    sees(&mut alice, "milk", json!({"count": 2, "note": "oat"})).await?;
    write(&mut alice, json!({"op": "remove_fields", "fields": ["note", "never"]})).await?;
    sees(&mut bob, "milk", json!({"count": 2})).await?;
    let nothing = json!({"op": "replace", "collection": "items", "id": "milk", "fields": {}});
    let refused = alice.fails(json!({"method": "commit", "group": "list", "writes": [nothing]})).await?;
    is("a record of nothing", refused, "usage")
}

async fn write(actor: &mut Actor, mut write: Value) -> Step {
    write["collection"] = "items".into();
    write["id"] = "milk".into();
    actor.call(json!({"method": "commit", "group": "list", "writes": [write]})).await.map(drop)
}

/// An observer gets what there is, what changes, and what is deleted.
pub(super) async fn observing(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    sees(&mut bob, "milk", json!({"count": 1})).await?;
    let call = json!({"method": "changes", "group": "list", "collection": "items"});
    let observer = bob.start(call).await?;
    let milk = |count: u32| {
        move |page: &Value| {
            let mut records = page["records"].as_array().into_iter().flatten();
            records.any(|one| one["id"] == "milk" && one["record"]["fields"] == json!({"count": count}))
        }
    };
    bob.page(&observer, milk(1)).await?;
    put(&mut alice, "milk", json!({"count": 2})).await?;
    bob.page(&observer, milk(2)).await?;
    let write = json!({"op": "delete", "collection": "items", "id": "milk"});
    alice.call(json!({"method": "commit", "group": "list", "writes": [write]})).await?;
    bob.page(&observer, |page| {
        let mut records = page["records"].as_array().into_iter().flatten();
        records.any(|one| one["id"] == "milk" && one["record"].is_null())
    })
    .await?;
    bob.cancel(&observer).await?;
    is("the observer's end", observer.failure().await?, "cancelled")
}
