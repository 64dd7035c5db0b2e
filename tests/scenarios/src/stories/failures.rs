//! What goes wrong, and how it is told.

use serde_json::json;

use super::{is, meet, open_link, put, share};
use crate::{actor::Step, stage::Stage};

/// Nobody answers at the service's address: the app works, the user is told, and the doctor knows why.
pub(super) async fn service_down(stage: &Stage) -> Step {
    let mut alice = stage.alice()?;
    let mut settings = stage.settings("alice");
    // Port 9 of this machine is closed.
    settings["services"] = json!(["http://127.0.0.1:9"]);
    alice.open(settings).await?;
    let link = share(&mut alice, "bob").await?;
    is("an opened link of one's own", link.is_empty(), false)?;
    put(&mut alice, "milk", json!({"count": 1})).await?;
    let event = alice.event("service_problem", |_| true).await?;
    is("the problem", event["problem"]["kind"].clone(), "service_unreachable")?;
    let diagnosis = alice.call(json!({"method": "doctor", "nickname": "bob"})).await?;
    let mut findings = diagnosis["findings"].as_array().into_iter().flatten();
    is("what the doctor finds", findings.any(|finding| finding["kind"] == "service_unreachable"), true)
}

/// A data folder under a passphrase opens with it, and with nothing else.
pub(super) async fn wrong_passphrase(stage: &Stage) -> Step {
    let mut alice = stage.alice()?;
    let mut settings = stage.settings("alice");
    settings["passphrase"] = json!("correct horse");
    let user = alice.open(settings.clone()).await?;
    alice.close().await?;
    settings["passphrase"] = json!("wrong horse");
    is("a wrong passphrase", alice.open_fails(settings.clone()).await?, "wrong_key")?;
    settings["passphrase"] = json!(null);
    is("no passphrase", alice.open_fails(settings.clone()).await?, "wrong_key")?;
    settings["passphrase"] = json!("correct horse");
    is("the user", alice.open(settings).await?["id"].clone(), user["id"].clone())
}

/// A message that waits for its peer is taken back: it never arrives, and a later one does.
pub(super) async fn cancel(stage: &Stage) -> Step {
    let (mut alice, mut bob) = stage.both().await?;
    meet(&mut alice, &mut bob).await?;
    bob.close().await?;
    alice.event("disconnected", |_| true).await?;
    let waiting = alice.start(json!({"method": "send", "nickname": "bob", "data": "bm8"})).await?;
    alice.cancel(&waiting).await?;
    is("the message", waiting.failure().await?, "cancelled")?;
    bob.open(stage.settings("bob")).await?;
    alice.call(json!({"method": "send", "nickname": "bob", "data": "eWVz"})).await?;
    let arrived = bob.event("message", |_| true).await?;
    is("what arrives first", arrived["data"].clone(), "eWVz")?;
    let mut carol = stage.other("Carol")?;
    carol.open(stage.settings("carol")).await?;
    let link = share(&mut alice, "carol").await?;
    open_link(&mut carol, &link, "alice").await?;
    alice.event("paired", |event| event["nickname"] == "carol").await.map(drop)
}
