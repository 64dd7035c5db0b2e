//! Who waits for something: observers that fall behind, and calls that are given up.

mod common;

use std::{sync::Arc, time::Duration};

use common::{node, pair, paired, service, wait};
use connectoid::{ErrorKind, Event, EventHandler, EventKind, Node, Observed, Settings, Share, api::Write};
use futures_util::FutureExt;
use serde_json::json;

#[tokio::test]
async fn an_observer_that_fell_behind_learns_what_is_gone() {
    let service = service().await;
    let node = node(&service.url()).await;
    node.create_group("g").await.unwrap();
    let put = |id: &str| {
        let fields = json!({"x": 1}).as_object().cloned().unwrap();
        Write::Put { collection: "c".to_owned(), id: id.to_owned(), fields }
    };
    // The last page of the second reading shows nothing but what is gone.
    node.commit("g", vec![put("a"), put("gone"), put("z gone")]).await.unwrap();
    let mut observer = node.changes("g", "c");
    assert_eq!(observer.next().await.unwrap().unwrap().len(), 3);
    assert!(observer.next().await.unwrap().unwrap().is_empty(), "the first reading is complete");
    for id in ["gone", "z gone"] {
        node.delete("g", "c", id).await.unwrap();
    }
    // More than the queue of events holds.
    for _ in 0..1100 {
        node.commit("g", vec![put("m")]).await.unwrap();
    }
    let mut seen: Vec<Observed> = Vec::new();
    loop {
        let observed = observer.next().await.unwrap().unwrap();
        if observed.is_empty() {
            break;
        }
        seen.extend(observed);
    }
    let told: Vec<_> = seen.iter().map(|seen| (seen.id.as_str(), seen.record.is_some())).collect();
    assert_eq!(told, [("gone", false), ("m", true), ("z gone", false)], "and not the one that is as it was");
    assert!(observer.next().now_or_never().is_none(), "what was read is not told again");
}

#[tokio::test]
async fn an_observer_that_is_behind_tells_what_has_changed_at_once() {
    let service = service().await;
    let node = node(&service.url()).await;
    node.create_group("g").await.unwrap();
    let (mut observer, mut events) = (node.changes("g", "c"), node.events());
    assert!(observer.next().await.unwrap().unwrap().is_empty(), "the first reading is complete");
    for x in 0..50 {
        node.put("g", "c", "a", json!({"x": x})).await.unwrap();
        node.put("g", "c", "b", json!({"x": x})).await.unwrap();
        for _ in 0..2 {
            wait(&mut events, "a change", |event| matches!(event, EventKind::Changed { .. })).await;
        }
    }
    let observed = observer.next().await.unwrap().unwrap();
    let told: Vec<_> =
        observed.iter().map(|seen| (seen.id.as_str(), &seen.record.as_ref().unwrap().fields["x"])).collect();
    assert_eq!(told, [("a", &json!(49)), ("b", &json!(49))]);
    assert!(observer.next().now_or_never().is_none(), "there is no more");
}

#[tokio::test]
async fn an_observer_tells_large_records_a_few_at_a_time() {
    const RECORDS: usize = 12;
    let service = service().await;
    let node = node(&service.url()).await;
    node.create_group("g").await.unwrap();
    let mut observer = node.changes("g", "c");
    assert!(observer.next().await.unwrap().unwrap().is_empty(), "the first reading is complete");
    let text = "x".repeat(200 << 10);
    for id in 0..RECORDS {
        node.put("g", "c", &id.to_string(), json!({"x": text})).await.unwrap();
    }
    // What has changed since, and all that there is to one who begins.
    for mut observer in [observer, node.changes("g", "c")] {
        let mut told = 0;
        while told < RECORDS {
            let observed = observer.next().await.unwrap().unwrap();
            assert!((1..=6).contains(&observed.len()), "1 MiB and a record at the most: {}", observed.len());
            told += observed.len();
        }
    }
}

#[tokio::test]
async fn an_observer_waits_for_its_group() {
    let service = service().await;
    let node = node(&service.url()).await;
    let mut observer = node.changes("g", "c");
    assert!(observer.next().await.unwrap().unwrap().is_empty(), "there is nothing in what is not there");
    node.create_group("other").await.unwrap();
    node.put("other", "c", "r", json!({"x": 1})).await.unwrap();
    assert!(observer.next().now_or_never().is_none(), "another group is nothing to it");
    node.create_group("g").await.unwrap();
    for id in ["r", "s"] {
        node.put("g", "c", id, json!({"x": 1})).await.unwrap();
        while observer.next().await.unwrap().unwrap().first().is_none_or(|first| first.id != id) {}
    }
}

#[tokio::test]
async fn a_name_is_followed_in_the_group_that_it_means() {
    let service = service().await;
    let node = node(&service.url()).await;
    let first = node.create_group("g").await.unwrap();
    node.put(&first, "c", "r", json!({"x": 1})).await.unwrap();
    let second = second_of_its_name(&node, &service.url(), "g").await;
    node.put(&second, "c", "s", json!({"x": 1})).await.unwrap();
    for (group, id) in [("g", "r"), (&*first, "r"), (&*second, "s")] {
        let mut changes = node.changes(group, "c");
        assert_eq!(changes.next().await.unwrap().unwrap()[0].id, id);
    }
}

/// Another user's group, which this node joins.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
async fn second_of_its_name(node: &Node, service: &str, name: &str) -> String {
    let owner = common::node(service).await;
    let mut events = node.events();
    let link = owner.share(Share::new("me", name)).await.unwrap().link;
    node.open_link(&link, "owner").await.unwrap();
    let joined = wait(&mut events, "to join", |event| matches!(event, EventKind::Joined { .. })).await;
    let EventKind::Joined { group, .. } = joined.kind else { unreachable!() };
    group
}

#[tokio::test]
async fn messages_that_are_given_up_make_room_for_others() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let mut at_alice = alice.events();
    bob.close().await;
    wait(&mut at_alice, "bob to be gone", |event| matches!(event, EventKind::Disconnected { .. })).await;
    // More than may wait for a peer. Some are given up before the engine has seen them, some after.
    for turn in 0..200 {
        let mut sending = Box::pin(alice.send("bob", vec![0; 1000]));
        assert!((&mut sending).now_or_never().is_none());
        if turn % 2 == 0 {
            alice.groups().await.unwrap();
            assert!((&mut sending).now_or_never().is_none(), "the message waits");
        }
    }
}

#[tokio::test]
async fn a_task_of_a_binding_ends_with_its_subscription() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    let (started, running) = tokio::sync::oneshot::channel();
    let (held, dropped) = tokio::sync::oneshot::channel::<()>();
    let subscription = alice.spawn(async move {
        started.send(()).unwrap();
        let _held = held;
        std::future::pending::<()>().await;
    });
    running.await.unwrap();
    drop(subscription);
    assert!(dropped.await.is_err(), "what the task held is dropped");
    pair(&alice, &bob, Share::new("bob", "g")).await;
}

#[tokio::test]
async fn who_follows_a_node_is_told_of_its_end() {
    let node = Node::open(Settings::in_memory()).await.unwrap();
    let mut events = node.events();
    let (tell, told) = tokio::sync::oneshot::channel();
    let _subscription = node.spawn(async move {
        while events.next().await.is_some() {}
        assert!(events.next().await.is_none(), "an ended stream stays so");
        // A listener that takes longer than closing the node and dropping it.
        tokio::time::sleep(Duration::from_millis(50)).await;
        tell.send(()).unwrap();
    });
    node.close().await;
    drop(node);
    told.await.expect("the listener was cut off");
}

#[tokio::test]
async fn a_handler_that_panics_is_told_the_next_event() {
    struct Panics(tokio::sync::mpsc::UnboundedSender<u64>);
    impl EventHandler for Panics {
        fn on_event(&self, event: Event) {
            self.0.send(event.sequence).unwrap();
            assert!(event.sequence > 1, "thrown by the app");
        }
    }
    let node = Node::open(Settings::in_memory()).await.unwrap();
    node.create_group("g").await.unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let _subscription = node.subscribe(Arc::new(Panics(tell)));
    for value in [1, 2] {
        node.put("g", "c", "r", json!({"x": value})).await.unwrap();
    }
    assert_eq!((told.recv().await, told.recv().await), (Some(1), Some(2)));
}

#[tokio::test]
async fn everybody_who_closes_a_node_waits_for_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Node::open(Settings::in_folder(folder.path()));
    for turn in 0..20 {
        let node = open().await.unwrap();
        node.create_group(&turn.to_string()).await.unwrap();
        // The folder is free as soon as either says so.
        tokio::select! {
            () = node.close() => {}
            () = node.close() => {}
        }
        open().await.expect("the folder is free").close().await;
    }
}

#[tokio::test]
async fn a_close_that_is_given_up_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.create_group("g").await.unwrap();
    let mut observer = node.changes("g", "c");
    assert!(observer.next().await.unwrap().unwrap().is_empty());
    // Asked for, and waited for no longer; it may be done by then.
    let _ = node.close().now_or_never();
    // It holds a handle, and ends none the less.
    assert!(observer.next().await.is_none());
    node.close().await;
    Node::open(Settings::in_folder(folder.path())).await.expect("the folder is free");
}

#[tokio::test]
async fn a_peer_learns_at_once_that_a_node_was_closed() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let mut at_bob = bob.events();
    alice.close().await;
    drop(alice);
    let gone =
        wait(&mut at_bob, "alice to go", |event| matches!(event, EventKind::Disconnected { .. })).await;
    // It rests: nothing is wrong, and nobody tries to come back.
    assert!(matches!(gone.kind, EventKind::Disconnected { problem: None, .. }), "{gone:?}");
}

#[tokio::test]
async fn opening_can_be_given_up_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let open = || Node::open(Settings::in_folder(folder.path()));
    for step in 0..40 {
        // Whether it was done by then does not matter: what was opened is dropped here.
        let _ = tokio::time::timeout(Duration::from_micros(200 * step), open()).await;
    }
    // The folder is free soon, and nothing else is amiss.
    let node = loop {
        match open().await {
            Ok(node) => break node,
            Err(error) => assert_eq!(error.kind, ErrorKind::StorageUnavailable, "{error}"),
        }
    };
    node.create_group("g").await.unwrap();
    node.close().await;
    open().await.unwrap();
}
