//! What the end-to-end tests share: real services, real nodes, real WebRTC over loopback.

#![allow(dead_code, reason = "every test file uses its own part of this")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]
#![allow(unreachable_pub, reason = "test files are crates of their own")]

#[cfg(target_os = "linux")]
pub mod in_use;
pub mod proxy;

use std::{path::Path, time::Duration};

use connectoid::{Event, EventKind, EventStream, Node, Settings, Share};
use connectoid_service::{Config, RunningService, Service, Storage};
use serde_json::{Value, json};

/// Nothing takes this long unless it hangs.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// A service on loopback, in memory.
pub async fn service() -> RunningService {
    service_with(|_| {}).await
}

/// As [`service`], set up otherwise.
pub async fn service_with(set: impl FnOnce(&mut Config)) -> RunningService {
    let mut config = Config::new("127.0.0.1:0".parse().unwrap(), Storage::Memory);
    set(&mut config);
    Service::start(config).await.unwrap()
}

/// A node in memory, reachable over loopback only.
pub async fn node(service: &str) -> Node {
    open(Settings::in_memory(), service).await
}

/// Nobody listens there: port 9 of this machine is closed.
pub const NOBODY: &str = "http://127.0.0.1:9";

/// A node in a folder.
pub async fn node_in(folder: &Path, service: &str) -> Node {
    open(Settings::in_folder(folder), service).await
}

async fn open(mut settings: Settings, service: &str) -> Node {
    settings.services = vec![service.to_owned()];
    settings.bind = vec!["127.0.0.1".parse().unwrap()];
    settings.loopback = true;
    settings.idle_timeout = Duration::from_hours(1);
    Node::open(settings).await.unwrap()
}

/// Waits for an event.
pub async fn wait(events: &mut EventStream, what: &str, is_it: impl Fn(&EventKind) -> bool) -> Event {
    let search = async {
        loop {
            let event = events.next().await.expect("the node is open");
            if is_it(&event.kind) {
                return event;
            }
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Alice shares the group `g` with Bob, and Bob opens the link; both are synced when this returns.
pub async fn paired(service: &str) -> (Node, Node) {
    let (alice, bob) = (node(service).await, node(service).await);
    pair(&alice, &bob, Share::new("bob", "g")).await;
    (alice, bob)
}

/// As [`paired`], with nodes and terms of one's own.
pub async fn pair(alice: &Node, bob: &Node, share: Share) {
    let link = alice.share(share).await.unwrap().link;
    let (mut at_alice, mut at_bob) = (alice.events(), bob.events());
    bob.open_link(&link, "alice").await.unwrap();
    wait(&mut at_bob, "bob to be synced", |event| matches!(event, EventKind::Synced { .. })).await;
    wait(&mut at_alice, "alice to be synced", |event| matches!(event, EventKind::Synced { .. })).await;
}

/// Waits until a node shows these fields of a record of the collection `c` in the group `g`.
pub async fn shows(node: &Node, id: &str, fields: &Value) {
    let mut events = node.events();
    let search = async {
        loop {
            let record = node.record("g", "c", id).await.unwrap();
            if record.map(|record| json!(record.fields)).as_ref() == Some(fields) {
                return;
            }
            events.next().await.expect("the node is open");
        }
    };
    tokio::time::timeout(PATIENCE, search).await.unwrap_or_else(|_| panic!("{id} never became {fields}"));
}
