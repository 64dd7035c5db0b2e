//! Services that offer less, or ask for more, than the usual one.

mod common;

use common::{NOBODY, pair, paired, proxy::Plain, service, service_with, shows, wait};
use connectoid::{ErrorKind, EventKind, Share};
use serde_json::json;

#[tokio::test]
async fn a_service_without_extensions_is_enough() {
    let service = service().await;
    let plain = Plain::before(service.url()).await;
    let (alice, bob) = paired(&plain.url).await;
    alice.put("g", "c", "milk", json!({"count": 2})).await.unwrap();
    shows(&bob, "milk", &json!({"count": 2})).await;
    // A second link makes more than one box to be checked.
    let carol = common::node(&plain.url).await;
    pair(&alice, &carol, Share::new("carol", "g")).await;
    let mut at_bob = bob.events();
    alice.unshare("bob").await.unwrap();
    wait(&mut at_bob, "bob to be told", |event| matches!(event, EventKind::Unshared { .. })).await;
    for node in [alice, bob, carol] {
        node.close().await;
    }
    assert_eq!(plain.extensions(), [""; 0], "what is not listed is not used");
    assert_eq!(plain.descriptions(), 3, "each node asks once");
}

#[tokio::test]
async fn work_is_done_where_a_service_asks_for_it() {
    let service = service_with(|config| config.pow_bits = 12).await;
    let (alice, bob) = paired(&service.url()).await;
    bob.put("g", "c", "milk", json!({"count": 2})).await.unwrap();
    shows(&alice, "milk", &json!({"count": 2})).await;
}

#[tokio::test]
async fn a_service_that_cannot_be_reached_is_told_once() {
    let alice = common::node(NOBODY).await;
    let mut events = alice.events();
    alice.share(Share::new("bob", "g")).await.unwrap();
    let unreachable = |event: &EventKind| {
        matches!(event, EventKind::ServiceProblem { service, problem }
            if service == NOBODY && problem.kind == ErrorKind::ServiceUnreachable)
    };
    wait(&mut events, "the problem", unreachable).await;
    let diagnosis = alice.diagnose(Some("bob")).await.unwrap();
    assert!(diagnosis.findings.iter().any(|finding| finding.kind == ErrorKind::ServiceUnreachable));
    alice.sync_now().await.unwrap();
    alice.put("g", "c", "milk", json!({"count": 2})).await.unwrap();
    alice.close().await;
    while let Some(event) = events.next().await {
        assert!(!matches!(event.kind, EventKind::ServiceProblem { .. }), "it is told again");
    }
}
