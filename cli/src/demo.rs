//! `connectoid demo`: the whole story, with real processes.
//!
//! A mailbox service on an embedded store, and Alice, Bob and Eve with a data folder each. Every step is
//! a `connectoid` command that anybody could have typed; the demo types them, waits for what they bring
//! about, and says how long it took.

mod cast;

use std::time::{Duration, Instant};

use connectoid::{Error, Result, qr::Qr};
use serde_json::{Value, json};

use self::cast::{Person, Service};
use crate::show::Show;

/// Tells the story.
pub(crate) async fn tell(show: &Show) -> Result<()> {
    let folder =
        tempfile::tempdir().map_err(|error| cast::failed(&format!("no temporary folder: {error}")))?;
    let started = Instant::now();
    let mut stage = Stage { show, last: Instant::now() };
    let service = Service::start(&folder.path().join("service")).await?;
    stage.done("service", &format!("a mailbox service listens on {}", service.url()));
    let mut alice = Person::new("alice", folder.path(), service.url());
    let mut bob = Person::new("bob", folder.path(), service.url());
    let link = meet(&mut stage, &mut alice, &mut bob).await?;
    sync_live(&mut stage, &mut alice, &mut bob).await?;
    merge_offline(&mut stage, &mut alice, &mut bob).await?;
    rest_and_return(&mut stage, &mut alice, &mut bob).await?;
    catch_eve(&mut stage, &mut alice, folder.path(), service.url(), &link).await?;
    compare_emoji(&mut stage, &mut alice, &mut bob).await?;
    part(&mut stage, &mut alice, &mut bob).await?;
    alice.stop().await;
    bob.stop().await;
    service.stop().await;
    let total = started.elapsed();
    show.note("");
    show.value(&json!({"step": "end", "ms": millis(total)}), || {
        format!("The end, after {:.1} s.", total.as_secs_f64())
    });
    Ok(())
}

async fn meet(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<String> {
    alice.run().await?;
    stage.begin();
    let shared = alice.command(&["share", "bob", "--group", "shopping"]).await?;
    let link = shared["link"].as_str().ok_or_else(|| cast::failed("`share` printed no link"))?.to_owned();
    stage.done(
        "share",
        "Alice shares the group \"shopping\" with Bob and sends him this link, by any messenger:",
    );
    for line in ["", &format!("  {link}"), ""] {
        stage.show.note(line);
    }
    stage.show.picture(&Qr::new(&link)?.to_terminal());
    alice.command(&["put", "shopping", "items", "milk", r#"{"count": 2}"#]).await?;
    bob.run().await?;
    stage.begin();
    bob.command(&["open", &link, "--as", "alice"]).await?;
    alice.event("paired").await?;
    stage.done(
        "open",
        "Bob opens the link: they meet at the mailbox, connect directly, prove who they are, and sync",
    );
    let milk = bob.command(&["get", "shopping", "items", "milk"]).await?;
    stage.say(&format!("Bob sees milk: {}", milk["fields"]));
    Ok(link)
}

async fn sync_live(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<()> {
    stage.begin();
    bob.command(&["put", "shopping", "items", "bread", r#"{"count": 1}"#]).await?;
    alice.changed("bread").await?;
    stage.done("live", "Bob adds bread, and Alice has it");
    Ok(())
}

async fn merge_offline(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<()> {
    alice.stop().await;
    bob.stop().await;
    alice.command(&["put", "shopping", "items", "milk", r#"{"count": 3}"#]).await?;
    bob.command(&["put", "shopping", "items", "milk", r#"{"brand": "oat"}"#]).await?;
    stage.say("Both go offline. Alice sets milk's count to 3, Bob its brand to oat.");
    stage.begin();
    alice.run().await?;
    bob.run().await?;
    let merged = json!({"brand": "oat", "count": 3});
    alice.sees("milk", &merged).await?;
    bob.sees("milk", &merged).await?;
    stage.done("merge", "Both come back, and both edits survive on both sides");
    Ok(())
}

async fn rest_and_return(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<()> {
    stage.begin();
    alice.event("disconnected").await?;
    bob.event("disconnected").await?;
    stage.done("rest", "Nothing to do: the connection is laid to rest, the radio sleeps");
    stage.begin();
    alice.command(&["put", "shopping", "items", "eggs", r#"{"count": 6}"#]).await?;
    bob.changed("eggs").await?;
    stage.done("return", "Alice adds eggs: the connection comes back by itself, and Bob has them");
    Ok(())
}

async fn catch_eve(
    stage: &mut Stage<'_>,
    alice: &mut Person,
    folder: &std::path::Path,
    service: &str,
    link: &str,
) -> Result<()> {
    let eve = Person::new("eve", folder, service);
    stage.begin();
    let refused = eve.refused(&["open", link, "--as", "alice", "--wait", "30s"]).await?;
    if refused["error"]["kind"] != "link_used" {
        return Err(cast::failed(&format!(
            "Eve should have been told that the link was used, not {refused}"
        )));
    }
    alice.event("link_opened_again").await?;
    stage.done(
        "eve",
        "Eve got hold of the link and opens it: she is told that it was used, and Alice is warned",
    );
    Ok(())
}

async fn compare_emoji(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<()> {
    stage.begin();
    bob.command(&["verify", "alice"]).await?;
    let (at_alice, at_bob) = (alice.event("emojis").await?, bob.event("emojis").await?);
    if at_alice["emojis"] != at_bob["emojis"] {
        return Err(cast::failed("Alice and Bob see different emoji"));
    }
    let emojis = at_alice["emojis"].as_str().unwrap_or_default().to_owned();
    stage.done("verify", &format!("Alice and Bob compare emoji by telephone: {emojis}"));
    alice.command(&["verify", "bob", "--yes"]).await?;
    bob.command(&["verify", "alice", "--yes"]).await?;
    Ok(())
}

async fn part(stage: &mut Stage<'_>, alice: &mut Person, bob: &mut Person) -> Result<()> {
    stage.begin();
    alice.command(&["unshare", "bob"]).await?;
    bob.event("unshared").await?;
    stage.done("unshare", "Alice stops sharing: the keys are deleted on both sides, and the link is dead");
    Ok(())
}

/// Tells each step and its time.
struct Stage<'a> {
    show: &'a Show,
    last: Instant,
}

impl Stage<'_> {
    fn begin(&mut self) {
        self.last = Instant::now();
    }

    fn done(&mut self, step: &str, text: &str) {
        let elapsed = self.last.elapsed();
        let value = json!({"step": step, "ms": millis(elapsed), "text": text});
        self.show.value(&value, || format!("{:>6} ms  {text}", millis(elapsed)));
        self.begin();
    }

    fn say(&mut self, text: &str) {
        self.show.note(&format!("           {text}"));
        self.begin();
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The value of a field of one of the JSON lines.
fn is_event(line: &Value, name: &str) -> bool {
    line["event"] == name
}

fn late(name: &str, what: &str) -> Error {
    cast::failed(&format!("{name} waited in vain for {what}"))
}
