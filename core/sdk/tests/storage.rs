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

/// A folder that a node has used and left.
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
async fn used_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.create_group("g").await.unwrap();
    node.close().await;
    folder
}

#[tokio::test]
async fn a_database_that_is_gone_or_empty_beside_its_key_is_no_new_user() {
    let ways: [fn(&std::path::Path); 3] = [
        |database| std::fs::remove_file(database).unwrap(),
        |database| std::fs::write(database, "").unwrap(),
        // A copy without the write-ahead log may hold no more than the mark of a store.
        |database| {
            std::fs::remove_file(database).unwrap();
            let store = connectoid::store::Store::open(database).unwrap();
            drop(store);
        },
    ];
    for lose in ways {
        let folder = used_folder().await;
        lose(&folder.path().join("connectoid.db"));
        for _ in 0..2 {
            let error = Node::open(Settings::in_folder(folder.path())).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::StorageCorrupt, "{error}");
            assert!(error.message.contains("backup") && error.message.contains("new folder"), "{error}");
        }
    }
}

#[tokio::test]
async fn a_crash_in_the_very_first_start_is_no_loss() {
    let folder = used_folder().await;
    // As after a crash: the key is durable, and the database holds nothing yet.
    std::fs::write(folder.path().join("founding"), "").unwrap();
    std::fs::write(folder.path().join("connectoid.db"), "").unwrap();
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.create_group("g").await.unwrap();
    node.close().await;
    drop(node);
    assert!(!folder.path().join("founding").exists());
    assert_eq!(
        Node::open(Settings::in_folder(folder.path())).await.unwrap().groups().await.unwrap().len(),
        1
    );
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_that_others_can_look_into_is_told_and_its_files_are_closed() {
    use std::os::unix::fs::PermissionsExt;
    let folder = used_folder().await;
    let open = |path: &std::path::Path, mode| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    open(folder.path(), 0o755);
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        open(&entry.unwrap().path(), 0o644);
    }
    let node = Node::open(Settings::in_folder(folder.path())).await.unwrap();
    node.create_group("h").await.unwrap();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
    }
    let about_storage = async || {
        let findings = node.diagnose(None).await.unwrap().findings;
        findings.into_iter().filter(|finding| finding.about == "storage").count()
    };
    assert_eq!(about_storage().await, 1);
    open(folder.path(), 0o700);
    assert_eq!(about_storage().await, 0);
}

#[tokio::test]
async fn what_is_the_matter_with_a_folder_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let said = async |path: std::path::PathBuf| {
        let error = Node::open(Settings::in_folder(path)).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::StorageUnavailable);
        error.message
    };
    assert!(said(file.clone()).await.contains("there is a file"));
    assert!(said(file.join("deeper")).await.contains("is a file and no folder"));
    assert!(said(folder.path().join("x".repeat(300))).await.contains("too long"));
    let used = used_folder().await;
    std::fs::remove_file(used.path().join("connectoid.db")).unwrap();
    std::fs::create_dir(used.path().join("connectoid.db")).unwrap();
    assert!(said(used.path().to_owned()).await.contains("there is a folder"));
}

#[tokio::test]
async fn services_that_cannot_be_are_refused_without_a_word_of_their_password() {
    for service in ["http://127.0.0.1:99999", "https://alice:secret@mail.example", "mail.example", "https://"]
    {
        let mut settings = Settings::in_memory();
        settings.services = vec![service.to_owned()];
        let error = Node::open(settings).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Usage, "{error}");
        let node = Node::open(Settings::in_memory()).await.unwrap();
        let mut share = Share::new("bob", "g");
        share.services = vec![service.to_owned()];
        let shared = node.share(share).await.unwrap_err();
        assert_eq!((shared.kind, &shared.message), (ErrorKind::Usage, &error.message));
        assert!(!error.message.contains("secret"), "{error}");
    }
}

#[tokio::test]
async fn a_name_is_found_however_it_is_typed() {
    let mut settings = Settings::in_memory();
    settings.services = vec!["http://127.0.0.1:9".to_owned()];
    let node = Node::open(settings).await.unwrap();
    node.share(Share::new(" Zoe\u{308} ", "Cafe\u{301}\n")).await.unwrap();
    assert_eq!(node.peers().await.unwrap()[0].nickname, "Zo\u{eb}");
    assert_eq!(node.groups().await.unwrap()[0].name, "Caf\u{e9}");
    for group in ["Café", "Cafe\u{301}", " Café "] {
        node.put(group, "c", "r", json!({"x": 1})).await.unwrap();
        assert!(node.record(group, "c", "r").await.unwrap().is_some());
        assert_eq!(node.create_group(group).await.unwrap_err().kind, ErrorKind::Usage);
    }
    assert_eq!(node.share(Share::new("Zoë", "g")).await.unwrap_err().kind, ErrorKind::Usage);
    node.unshare("Zoe\u{308}").await.unwrap();
    assert!(node.peers().await.unwrap().is_empty());
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
