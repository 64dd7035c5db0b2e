//! Data folders: who may open them, and with what.

mod common;

use std::time::Duration;

use common::{node, node_in, pair, service, shows, wait};
use connectoid::{ErrorKind, EventKind, Node, Settings, Share};
use serde_json::json;

#[tokio::test]
async fn one_node_at_a_time_uses_a_folder() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let first = node_in(folder.path(), &service.url()).await;
    let second = Node::open(Settings::in_folder(folder.path())).await.unwrap_err();
    assert_eq!(second.kind, ErrorKind::StorageUnavailable);
    first.close().await;
    assert_eq!(first.peers().await.unwrap_err().kind, ErrorKind::Closed);
    assert_eq!(first.record("g", "c", "r").await.unwrap_err().kind, ErrorKind::Closed);
    node_in(folder.path(), &service.url()).await;
}

#[tokio::test]
async fn a_passphrase_is_needed_once_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let with = |passphrase: Option<&str>| {
        let mut settings = Settings::in_folder(folder.path());
        settings.passphrase = passphrase.map(str::to_owned);
        Node::open(settings)
    };
    let node = with(Some("correct horse")).await.unwrap();
    node.create_group("g").await.unwrap();
    node.put("g", "c", "r", json!({"x": 1})).await.unwrap();
    let user = node.user_id();
    node.close().await;
    drop(node);
    assert_eq!(with(Some("wrong")).await.unwrap_err().kind, ErrorKind::WrongKey);
    assert_eq!(with(None).await.unwrap_err().kind, ErrorKind::WrongKey);
    let node = with(Some("correct horse")).await.unwrap();
    assert_eq!(node.user_id(), user);
    assert!(node.record("g", "c", "r").await.unwrap().is_some());
}

#[tokio::test]
async fn a_folder_without_its_key_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.close().await;
    drop(node);
    std::fs::remove_file(folder.path().join("key")).unwrap();
    let error = Node::open(Settings::in_folder(folder.path())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::WrongKey);
    assert!(error.message.contains("paired again"), "{error}");
}

#[tokio::test]
async fn a_damaged_store_is_an_error_and_not_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.close().await;
    drop(node);
    std::fs::write(folder.path().join("connectoid.db"), vec![b'x'; 8192]).unwrap();
    let error = Node::open(Settings::in_folder(folder.path())).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::StorageCorrupt);
}

#[tokio::test]
async fn bad_calls_are_refused_with_what_is_wrong() {
    let node = Node::open(Settings::in_memory()).await.unwrap();
    let cases = [
        node.put("nowhere", "c", "r", json!({})).await,
        node.put("nowhere", "c", "r", json!([])).await,
        node.unshare("nobody").await,
        node.open_link("not a link", "bob").await,
        node.create_group("").await.map(|_| ()),
        node.share(Share::new("bob", "g")).await.map(|_| ()),
    ];
    let kinds: Vec<ErrorKind> = cases.into_iter().map(|case| case.unwrap_err().kind).collect();
    let expected = [
        ErrorKind::Usage,
        ErrorKind::Usage,
        ErrorKind::Usage,
        ErrorKind::LinkMalformed,
        ErrorKind::Usage,
        ErrorKind::Usage,
    ];
    assert_eq!(kinds, expected);
    assert!(node.groups().await.unwrap().is_empty(), "a share without a service leaves no group behind");
}

#[tokio::test]
async fn a_pace_that_would_keep_services_busy_is_refused() {
    let with = |poll_interval| Settings { poll_interval, ..Settings::in_memory() };
    let refused = Node::open(with(Duration::from_millis(999))).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::Usage);
    assert!(refused.message.contains("poll_interval"), "{refused}");
    for accepted in [Duration::from_secs(1), Duration::MAX] {
        Node::open(with(accepted)).await.unwrap().close().await;
    }
}

/// What of a data folder a backup program would take.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}

#[tokio::test]
async fn an_older_copy_of_a_folder_is_noticed_and_gets_back_what_peers_have() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let (original, backup) = (folder.path().join("original"), folder.path().join("backup"));
    let alice = node(&service.url()).await;
    let bob = node_in(&original, &service.url()).await;
    pair(&alice, &bob, Share::new("bob", "g")).await;
    bob.close().await;
    drop(bob);
    copy(&original, &backup);

    let bob = node_in(&original, &service.url()).await;
    bob.put("g", "c", "lost", json!({"x": 1})).await.unwrap();
    shows(&alice, "lost", &json!({"x": 1})).await;
    bob.close().await;
    drop(bob);
    alice.put("g", "c", "since", json!({"x": 2})).await.unwrap();

    let bob = node_in(&backup, &service.url()).await;
    let mut at_bob = bob.events();
    bob.put("g", "c", "new", json!({"x": 3})).await.unwrap();
    wait(&mut at_bob, "bob to notice", |event| matches!(event, EventKind::Restored { .. })).await;
    shows(&bob, "lost", &json!({"x": 1})).await;
    shows(&bob, "since", &json!({"x": 2})).await;
    shows(&alice, "new", &json!({"x": 3})).await;
}
