//! Links, meeting, proving who one is.

use serde_json::json;

use super::{both, is, meet, open_link, peer, put, sees, share};
use crate::{
    actor::{Failed, Step},
    stage::Stage,
};

/// A link, a meeting, emoji that are compared, and records that go both ways.
pub(super) async fn share_open_verify_sync(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    put(&mut alice, "milk", json!({"count": 2})).await?;
    sees(&mut bob, "milk", json!({"count": 2})).await?;
    put(&mut bob, "bread", json!({"done": true})).await?;
    sees(&mut alice, "bread", json!({"done": true})).await?;

    alice.call(json!({"method": "verify", "nickname": "bob"})).await?;
    let hers = alice.event("emojis", |event| event["nickname"] == "bob").await?;
    let his = bob.event("emojis", |event| event["nickname"] == "alice").await?;
    is("what Bob compares", his["emojis"].clone(), hers["emojis"].clone())?;
    alice.call(json!({"method": "confirm_verify", "nickname": "bob", "same": true})).await?;
    bob.call(json!({"method": "confirm_verify", "nickname": "alice", "same": true})).await?;
    is("Bob to Alice", peer(&mut alice, "bob").await?["verified"].clone(), "sas")?;
    is("Alice to Bob", peer(&mut bob, "alice").await?["verified"].clone(), "sas")?;

    for person in [&mut alice, &mut bob] {
        person.close().await?;
        is("a call of a closed node", person.fails(json!({"method": "peers"})).await?, "closed")?;
    }
    alice.leave().await?;
    bob.leave().await
}

/// A link that is scanned in person, and all that an app can tell its node of the world.
pub(super) async fn told_by_the_app(stage: &Stage) -> Step {
    /// How every PNG begins.
    const PNG: &str = "iVBORw0K";
    let (mut alice, mut bob) = stage.both().await?;
    let link = share(&mut alice, "bob").await?;
    let code = alice.call(json!({"method": "qr", "link": link, "format": "png"})).await?;
    is("a picture", code["data"].as_str().is_some_and(|data| data.starts_with(PNG)), true)?;
    bob.call(json!({"method": "open", "link": link, "nickname": "alice", "in_person": true})).await?;
    both(&mut alice, &mut bob, "connected").await?;
    is("Alice to Bob", peer(&mut bob, "alice").await?["verified"].clone(), "in_person_qr")?;
    let his = bob.call(json!({"method": "user_id"})).await?["id"].clone();
    is("Bob's name for himself", alice.call(json!({"method": "user_id"})).await?["id"] == his, false)?;

    bob.call(json!({"method": "disconnect", "nickname": "alice"})).await?;
    both(&mut alice, &mut bob, "disconnected").await?;
    bob.call(json!({"method": "set_pace", "pace": "background"})).await?;
    alice.call(json!({"method": "connect", "nickname": "bob"})).await?;
    for told in [json!({"method": "sync_now"}), json!({"method": "set_pace", "pace": "foreground"})] {
        bob.call(told).await?;
    }
    both(&mut alice, &mut bob, "connected").await?;
    bob.call(json!({"method": "network_changed"})).await?;
    both(&mut alice, &mut bob, "connected").await?;
    put(&mut alice, "milk", json!({"count": 2})).await?;
    sees(&mut bob, "milk", json!({"count": 2})).await
}

/// Every byte, 0 to 255, in base64url.
const BYTES: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4OTo7PD0-P0BBQkNERUZHSElKS0xNTk9QUVJTVFVWV1hZWltcXV5fYGFiY2RlZmdoaWprbG1ub3BxcnN0dXZ3eHl6e3x9fn-AgYKDhIWGh4iJiouMjY6PkJGSk5SVlpeYmZqbnJ2en6ChoqOkpaanqKmqq6ytrq-wsbKztLW2t7i5uru8vb6_wMHCw8TFxsfIycrLzM3Oz9DR0tPU1dbX2Nna29zd3t_g4eLj5OXm5-jp6uvs7e7v8PHy8_T19vf4-fr7_P3-_w";

/// Messages between the apps, of any bytes.
pub(super) async fn messages(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    alice.call(json!({"method": "send", "nickname": "bob", "data": BYTES})).await?;
    let message = bob.event("message", |event| event["nickname"] == "alice").await?;
    is("the message", message["data"].clone(), BYTES)?;
    bob.call(json!({"method": "send", "nickname": "alice", "data": "b2s"})).await?;
    alice.event("message", |event| event["data"] == "b2s").await?;
    let nobody = alice.fails(json!({"method": "send", "nickname": "carol", "data": "b2s"})).await?;
    is("a message to nobody", nobody, "usage")
}

/// Mallory opens the link before Bob: Bob is told that it was used, and Alice is warned.
pub(super) async fn interception(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    let mut mallory = stage.other("Mallory")?;
    mallory.open(stage.settings("mallory")).await?;
    let link = share(&mut alice, "bob").await?;
    open_link(&mut mallory, &link, "alice").await?;
    alice.event("paired", |event| event["nickname"] == "bob").await?;
    open_link(&mut bob, &link, "alice").await?;
    let refused = bob.event("open_refused", |event| event["nickname"] == "alice").await?;
    is("why Bob is refused", refused["problem"]["kind"].clone(), "link_used")?;
    alice.event("link_opened_again", |event| event["nickname"] == "bob").await?;
    is("what Alice sees", peer(&mut alice, "bob").await?["alarms"].clone(), 1)?;
    is("what Bob sees", peer(&mut bob, "alice").await?["state"].clone(), "refused")
}

/// Texts that are no links, damaged links, and links with words around them.
pub(super) async fn bad_link(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    let link = share(&mut alice, "bob").await?;
    let Some((damaged, _)) = link.split_at_checked(link.len() - 5) else {
        return Err(Failed::Otherwise(format!("a short link: {link}")));
    };
    for text in ["", "hello", "https://example.com/", damaged] {
        let call = json!({"method": "open", "link": text, "nickname": "alice"});
        is(text, bob.fails(call).await?, "link_malformed")?;
    }
    open_link(&mut bob, &format!("Hi Bob! {link} – see you"), "alice").await?;
    alice.event("paired", |event| event["nickname"] == "bob").await?;
    Ok(())
}
