//! What connecting again and again leaves behind, and what a closed node does: nothing.
//!
//! Open files, threads and memory belong to the whole process, so this file has one test.

#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod common;

use std::fs;

use common::{in_use::InUse, node_in, pair, service_with, wait};
use connectoid::{EventKind, EventStream, Node, Share};

/// How often the two connect and disconnect.
const CYCLES: usize = 200;

/// How often before it is measured: pools fill up, tables are made, the allocator takes what it keeps.
const WARM_UP: usize = 20;

/// How many more files may be open than before: each of the two nodes keeps up to two idle connections to the
/// service, which has as many. A socket left per cycle would be 200.
const MORE_FILES: usize = 8;

/// How many KiB more may be resident than before. The allocations of a cycle come back in other sizes and
/// places, so the allocator needs some room, measured as 0.3 MiB; 30 KiB left per cycle, less than one end
/// of one connection holds, would be 6 MiB.
const MORE_MEMORY: usize = 6 << 10;

struct Pair {
    alice: Node,
    bob: Node,
    at_alice: EventStream,
    at_bob: EventStream,
}

impl Pair {
    /// Says something, parts and meets again.
    async fn cycle(&mut self) {
        let is_message = |event: &EventKind| matches!(event, EventKind::Message { .. });
        let sending = self.alice.send("bob", vec![7; 1000]);
        let (sent, _) = tokio::join!(sending, wait(&mut self.at_bob, "a message", is_message));
        sent.unwrap();
        self.alice.disconnect("bob").await.unwrap();
        self.both("a disconnection", |event| matches!(event, EventKind::Disconnected { .. })).await;
        self.alice.connect("bob").await.unwrap();
        self.both("a connection", |event| matches!(event, EventKind::Connected { .. })).await;
    }

    async fn both(&mut self, what: &str, is_it: impl Fn(&EventKind) -> bool) {
        wait(&mut self.at_alice, what, &is_it).await;
        wait(&mut self.at_bob, what, &is_it).await;
    }
}

#[tokio::test]
async fn connecting_again_and_again_leaves_nothing_behind() {
    // Nobody meets as often as these two; the rates of a service would have them wait.
    let service = service_with(|config| {
        config.limits.box_requests_per_second = 1000;
        config.limits.requests_per_second = 1000;
    })
    .await;
    let before = InUse::now();
    let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let alice = node_in(folders.0.path(), &service.url()).await;
    let bob = node_in(folders.1.path(), &service.url()).await;
    pair(&alice, &bob, Share::new("bob", "g")).await;
    let (at_alice, at_bob) = (alice.events(), bob.events());
    let mut pair = Pair { alice, bob, at_alice, at_bob };
    for _ in 0..WARM_UP {
        pair.cycle().await;
    }
    let warm = InUse::now();
    for _ in 0..CYCLES {
        pair.cycle().await;
    }
    let bound =
        InUse { files: warm.files + MORE_FILES, threads: warm.threads, memory: warm.memory + MORE_MEMORY };
    let after = InUse::falls_to(bound).await;
    println!("before {before:?}, warm {warm:?}, after {CYCLES} cycles {after:?}");

    pair.alice.close().await;
    pair.bob.close().await;
    drop(pair);
    // What idle connections the service itself keeps, it gives up when it hears that their other ends are gone.
    InUse::falls_to(InUse { memory: usize::MAX, ..before }).await;
    for folder in [&folders.0, &folders.1] {
        let left = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut left: Vec<_> = left.map(|name| name.into_string().unwrap()).collect();
        left.sort_unstable();
        assert_eq!(left, ["connectoid.db", "key", "lock"], "the write-ahead log is written back");
    }
}
