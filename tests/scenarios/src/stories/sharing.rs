//! Who may do what, and who is there.

use serde_json::{Value, json};

use super::{both, is, meet, open_link, peer, put, put_call, sees, share};
use crate::{
    actor::{Actor, Step},
    stage::Stage,
};

/// Bob may read and not write.
pub(super) async fn read_only(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    let call = json!({"method": "share", "nickname": "bob", "group": "list", "role": "reader"});
    let link = alice.call(call).await?["link"].take();
    bob.call(json!({"method": "open", "link": link, "nickname": "alice"})).await?;
    both(&mut alice, &mut bob, "paired").await?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    sees(&mut bob, "milk", json!({"count": 1})).await?;
    is("a write of Bob's", bob.fails(put_call("milk", json!({"count": 2}))).await?, "not_permitted")?;
    sees(&mut bob, "milk", json!({"count": 1})).await?;
    is("what Bob may do", role_of(&mut bob, "list", "me").await?, "reader")
}

/// Alice lets Bob into a second group, appoints him, and takes him out again.
pub(super) async fn members(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    alice.call(json!({"method": "create_group", "name": "trip"})).await?;
    let call = json!({"method": "add_member", "nickname": "bob", "group": "trip", "role": "reader"});
    alice.call(call).await?;
    let write = json!({"op": "put", "collection": "stops", "id": "oslo", "fields": {"nights": 2}});
    alice.call(json!({"method": "commit", "group": "trip", "writes": [write]})).await?;
    let trip = bob.event("invited", |event| event["name"] == "trip").await?["group"].take();
    is("what Bob has said", trip_of(&mut bob).await?, json!("invited"))?;
    bob.call(json!({"method": "accept_invitation", "group": trip})).await?;
    alice.event("acceptance", |event| event["acceptance"] == "accepted").await?;
    bob.sees("trip", "stops", "oslo", |found| *found == json!({"nights": 2})).await?;
    is("what Bob may do", role_of(&mut bob, "trip", "me").await?, "reader")?;
    is("what Alice may do", role_of(&mut bob, "trip", "alice").await?, "owner")?;
    alice.call(json!({"method": "remove_member", "nickname": "bob", "group": "trip"})).await?;
    bob.event("removed", |_| true).await?;
    // What Bob has he keeps.
    bob.sees("trip", "stops", "oslo", |found| *found == json!({"nights": 2})).await?;
    Ok(())
}

/// How far Bob takes the group called trip.
async fn trip_of(bob: &mut Actor) -> Step<Value> {
    let groups = bob.call(json!({"method": "groups"})).await?;
    let trip = groups["groups"].as_array().into_iter().flatten().find(|group| group["name"] == "trip");
    Ok(trip.map(|trip| trip["acceptance"].clone()).unwrap_or_default())
}

/// Bob declines one group, and leaves and forgets another.
pub(super) async fn leaving(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    sees(&mut bob, "milk", json!({"count": 1})).await?;
    alice.call(json!({"method": "create_group", "name": "trip"})).await?;
    alice.call(json!({"method": "add_member", "nickname": "bob", "group": "trip"})).await?;
    bob.event("invited", |event| event["name"] == "trip").await?;
    is(
        "what the name means",
        bob.fails(json!({"method": "list", "group": "trip", "collection": "c"})).await?,
        "usage",
    )?;
    bob.call(json!({"method": "leave_group", "group": "alice/trip"})).await?;
    alice.event("acceptance", |event| event["acceptance"] == "left").await?;
    is(
        "what Alice may not",
        alice.fails(json!({"method": "leave_group", "group": "list"})).await?,
        "not_permitted",
    )?;
    bob.call(json!({"method": "forget_group", "group": "list"})).await?;
    alice.event("acceptance", |event| event["acceptance"] == "left").await?;
    is(
        "what is forgotten",
        bob.fails(json!({"method": "list", "group": "list", "collection": "items"})).await?,
        "usage",
    )
}

/// Alice stops sharing: nothing reaches Bob any more, and the name is free for another person.
pub(super) async fn unshare(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    let link = meet(&mut alice, &mut bob).await?;
    alice.call(json!({"method": "unshare", "nickname": "bob"})).await?;
    bob.event("unshared", |event| event["nickname"] == "alice").await?;
    is("Alice's peers", alice.call(json!({"method": "peers"})).await?["peers"].clone(), json!([]))?;
    is("Bob's peers", bob.call(json!({"method": "peers"})).await?["peers"].clone(), json!([]))?;
    is("a call for nobody", alice.fails(json!({"method": "connect", "nickname": "bob"})).await?, "usage")?;
    let again = json!({"method": "open", "link": link, "nickname": "alice"});
    is("the old link", bob.fails(again).await?, "link_revoked")?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    sees(&mut bob, "milk", json!({"count": 1})).await
}

/// A hundred people to share with; the list has them in order, and who opened its link is to be told from the others.
pub(super) async fn a_hundred_peers(stage: &Stage) -> Step {
    const PEERS: usize = 100;
    let (mut alice, mut bob) = stage.both().await?;
    let names: Vec<String> = (0..PEERS).map(|number| format!("peer {number}")).collect();
    let mut link = String::new();
    for name in &names {
        link = share(&mut alice, name).await?;
    }
    let mut reply = alice.call(json!({"method": "peers"})).await?;
    let listed = reply["peers"].as_array_mut().into_iter().flatten();
    let listed: Vec<Value> = listed.map(|peer| peer["nickname"].take()).collect();
    is("the list", listed, names.clone())?;
    open_link(&mut bob, &link, "alice").await?;
    alice.event("paired", |event| event["nickname"] == names[PEERS - 1].as_str()).await?;
    is("the last", peer(&mut alice, &names[PEERS - 1]).await?["state"].clone(), "paired")?;
    is("the first", peer(&mut alice, &names[0]).await?["state"].clone(), "invited")
}

async fn role_of(who: &mut Actor, group: &str, member: &str) -> Step<Value> {
    let reply = who.call(json!({"method": "groups"})).await?;
    let group = reply["groups"].as_array().into_iter().flatten().find(|known| known["name"] == group);
    let members = group.and_then(|group| group["members"].as_array()).into_iter().flatten();
    let role =
        members.into_iter().find(|known| known["nickname"] == member).map(|found| found["role"].clone());
    Ok(role.unwrap_or_default())
}
