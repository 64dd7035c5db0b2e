//! The README's example, run as it stands there.

#![allow(dead_code, reason = "its `main` is for whoever copies it")]

mod common;

// The README begins here.
use std::path::Path;

use connectoid::{EventKind, Node, Result, Settings, Share, api::Record};

async fn quick_start(service: &str, folder: &Path) -> Result<Option<Record>> {
    // Both run here for show, and so `loopback`; really, each is an app on a device of its own.
    let settings = |name: &str| {
        let mut settings = Settings::in_folder(folder.join(name));
        settings.services = vec![service.to_owned()];
        settings.loopback = true;
        settings
    };
    let alice = Node::open(settings("alice")).await?;
    let bob = Node::open(settings("bob")).await?;

    // "Who do you share with?" "Bob." Send this link by any messenger; on Bob's device, it opens the app.
    let link = alice.share(Share::new("bob", "shopping")).await?.link;
    let mut events = bob.events();
    bob.open_link(&link, "alice").await?;

    // Both write, offline or not; both see the same.
    alice.put("shopping", "items", "milk", serde_json::json!({"count": 2})).await?;
    while let Some(event) = events.next().await {
        if matches!(event.kind, EventKind::Changed { .. }) {
            break;
        }
    }
    bob.record("shopping", "items", "milk").await
}

#[tokio::main]
async fn main() -> Result<()> {
    let milk = quick_start("http://127.0.0.1:8765", Path::new("nodes")).await?;
    println!("milk: {:?}", milk.map(|record| record.fields));
    Ok(())
}
// The README ends here.

#[tokio::test]
async fn the_quick_start_ends_with_the_same_at_both() {
    let (service, folder) = (common::service().await, tempfile::tempdir().unwrap());
    let record = quick_start(&service.url(), folder.path()).await.unwrap().unwrap();
    assert_eq!(record.fields["count"], 2);
}

#[test]
fn the_readme_has_it_as_it_is_tested() {
    let (_, source) = include_str!("quick_start.rs").split_once("begins here.\n").unwrap();
    let (source, _) = source.split_once("// The README ends").unwrap();
    assert!(include_str!("../../../README.md").contains(&format!("```rust\n{source}```")));
}
