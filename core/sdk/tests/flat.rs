//! What a thousand nodes and a hundred thousand events leave behind: nothing.
//!
//! Open files, threads and memory belong to the whole process, so this file has one test.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use common::{in_use::InUse, node, paired, service};
use connectoid::{EventKind, Node};
use futures_util::{StreamExt, future::join_all};
use serde_json::json;

/// How many KiB more may be resident than before: 63 bytes for each of the events, or 7 KiB for each of the nodes, whose
/// engines are a few hundred KiB. Allocations come back in other sizes and places.
const MORE_MEMORY: usize = 6 << 10;

/// What the service's idle connections take, and what is just ending.
const MORE_FILES: usize = 8;

/// Messages that are under way at the same time.
const AT_ONCE: usize = 50;

async fn open_and_close(service: &str, times: usize) {
    for turn in 0..times {
        let node = node(service).await;
        node.create_group("g").await.unwrap();
        node.put("g", "c", "r", json!({"x": turn})).await.unwrap();
        let mut observer = node.changes("g", "c");
        assert_eq!(observer.next().await.unwrap().unwrap().len(), 1);
        // Every other one is only let go.
        if turn % 2 == 0 {
            node.close().await;
        }
    }
}

async fn send(alice: &Node, bob: &Node, messages: usize) {
    let is_message = |kind: &EventKind| matches!(kind, EventKind::Message { .. });
    let heard = bob.events().filter(|event| std::future::ready(is_message(&event.kind)));
    let heard = heard.take(messages).count();
    let sending = async {
        for _ in 0..messages / AT_ONCE {
            let sent = join_all((0..AT_ONCE).map(|_| alice.send("bob", vec![7; 1000]))).await;
            assert!(sent.iter().all(Result::is_ok));
        }
    };
    let (heard, ()) = tokio::join!(heard, sending);
    assert_eq!(heard, messages);
}

async fn has_not_grown(warm: InUse) {
    let bound =
        InUse { files: warm.files + MORE_FILES, threads: warm.threads, memory: warm.memory + MORE_MEMORY };
    InUse::falls_to(bound).await;
}

#[tokio::test]
async fn nodes_and_events_leave_nothing_behind() {
    let service = service().await;
    let begin = InUse::now();
    open_and_close(&service.url(), 100).await;
    let warm = InUse::falls_to(InUse { memory: usize::MAX, files: begin.files + MORE_FILES, ..begin }).await;
    open_and_close(&service.url(), 1000).await;
    has_not_grown(warm).await;

    let (alice, bob) = paired(&service.url()).await;
    send(&alice, &bob, 10_000).await;
    let warm = InUse::now();
    send(&alice, &bob, 100_000).await;
    has_not_grown(warm).await;
}
