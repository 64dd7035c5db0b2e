//! Data folders: who may open them, and with what.

mod common;

use common::{node_in, service};
use connectoid::{ErrorKind, Node, Settings};
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
        node.share(connectoid::Share::new("bob", "g")).await.map(|_| ()),
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
