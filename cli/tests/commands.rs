//! Single commands: what they print and how they end.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    path::Path,
    process::{Command, Output},
};

use connectoid::{Node, Settings, api::Write};
use serde_json::Value;

fn connectoid(data: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_connectoid"))
        .args(["--json", "--service", "http://127.0.0.1:9"])
        .arg("--data")
        .arg(data)
        .args(arguments)
        .output()
        .unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn records_are_kept_between_commands() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let shared = connectoid(&data, &["share", "bob", "--group", "g", "--read-only"]);
    assert!(lines(&shared)[0]["link"].as_str().unwrap().starts_with("connectoid://open#connectoid="));
    assert!(
        connectoid(&data, &["put", "g", "c", "a", r#"{"x": 1, "y": [true, null, "ü"]}"#]).status.success()
    );
    assert!(connectoid(&data, &["put", "g", "c", "b", r#"{"x": 2}"#]).status.success());
    assert!(connectoid(&data, &["delete", "g", "c", "b"]).status.success());
    let listed = lines(&connectoid(&data, &["list", "g", "c"]));
    assert_eq!(listed, [serde_json::json!({"id": "a", "fields": {"x": 1, "y": [true, null, "ü"]}})]);
    assert_eq!(lines(&connectoid(&data, &["get", "g", "c", "a"])), listed);
    let history = lines(&connectoid(&data, &["history", "g", "c", "b"]));
    assert!(history.iter().any(|version| version["winning"] == false && version["why"] == "deleted later"));
    let peers = lines(&connectoid(&data, &["peers"]));
    assert_eq!((&peers[0]["nickname"], &peers[0]["state"]), (&"bob".into(), &"invited".into()));
}

#[test]
fn records_are_replaced_and_fields_removed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(connectoid(&data, &["share", "bob", "--group", "g"]).status.success());
    let run = |arguments: &[&str]| {
        let output = connectoid(&data, arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stdout));
    };
    let fields = || lines(&connectoid(&data, &["get", "g", "c", "a"]))[0]["fields"].clone();
    run(&["put", "g", "c", "a", r#"{"x": 1, "y": 2}"#]);
    run(&["put", "g", "c", "a", r#"{"z": 3}"#]);
    assert_eq!(fields(), serde_json::json!({"x": 1, "y": 2, "z": 3}));
    run(&["put", "--replace", "g", "c", "a", r#"{"x": 1, "z": null}"#]);
    assert_eq!(fields(), serde_json::json!({"x": 1, "z": null}));
    run(&["remove-fields", "g", "c", "a", "z", "never"]);
    assert_eq!(fields(), serde_json::json!({"x": 1}));
    let history = lines(&connectoid(&data, &["history", "g", "c", "a"]));
    let removed: Vec<_> = history.iter().filter(|version| version["removed"] == true).collect();
    assert_eq!(removed.len(), 3, "y, z and never: {history:?}");
    run(&["remove-fields", "g", "c", "a", "x"]);
    assert_eq!(lines(&connectoid(&data, &["list", "g", "c"])), [] as [Value; 0]);
}

#[test]
fn numbers_that_would_be_rounded_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(connectoid(&data, &["share", "bob", "--group", "g"]).status.success());
    for number in ["9007199254740992", "18446744073709551616", "9007199254740993.0", "1e400", "-0"] {
        for replace in [&[][..], &["--replace"]] {
            let fields = format!(r#"{{"n": [{{"m": {number}}}]}}"#);
            let arguments = [&["put", "g", "c", "a", &fields], replace].concat();
            assert_eq!(connectoid(&data, &arguments).status.code(), Some(2), "{number}");
        }
    }
    assert!(
        connectoid(&data, &["put", "g", "c", "a", r#"{"n": [9007199254740991, 1e300, 0.1]}"#])
            .status
            .success()
    );
}

#[test]
fn exit_codes_say_whose_fault_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let code = |arguments: &[&str]| connectoid(&data, arguments).status.code();
    assert_eq!(code(&["get", "nowhere", "c", "a"]), Some(2));
    assert_eq!(code(&["put", "g", "c", "a", "not json"]), Some(2));
    assert_eq!(code(&["open", "not a link", "--as", "bob"]), Some(2));
    assert_eq!(code(&["no-such-command"]), Some(2));
    assert_eq!(code(&["share", "bob", "--group", "g"]), Some(0));
    let link =
        lines(&connectoid(&folder.path().join("other"), &["share", "x", "--group", "g"]))[0]["link"].clone();
    assert_eq!(
        code(&["open", link.as_str().unwrap(), "--as", "x", "--wait", "1s"]),
        Some(4),
        "nobody listens there"
    );
    std::fs::write(data.join("connectoid.db"), vec![b'x'; 8192]).unwrap();
    assert_eq!(code(&["peers"]), Some(5));
}

#[test]
fn a_link_becomes_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (name, start) in [("code.png", b"\x89PNG".as_slice()), ("code.svg", b"<svg ".as_slice())] {
        let file = folder.path().join(name);
        let nickname = name.replace('.', "-");
        let output =
            connectoid(&data, &["share", &nickname, "--group", "g", "--qr-file", file.to_str().unwrap()]);
        assert!(output.status.success());
        assert!(std::fs::read(file).unwrap().starts_with(start));
    }
}

#[test]
fn a_list_is_as_long_as_its_collection() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let node = Node::open(Settings::in_folder(&data)).await.unwrap();
        node.create_group("g").await.unwrap();
        let put = |number: usize| Write::Put {
            collection: "c".to_owned(),
            id: format!("{number:04}"),
            fields: [("x".to_owned(), number.into())].into_iter().collect(),
        };
        for first in (0..2500).step_by(500) {
            node.commit("g", (first..first + 500).map(put).collect()).await.unwrap();
        }
        node.close().await;
    });
    for (limit, expected) in [(&[][..], 2500), (&["--limit", "1500"], 1500), (&["--limit", "0"], 0)] {
        let listed = lines(&connectoid(&data, &[&["list", "g", "c"], limit].concat()));
        assert_eq!(listed.len(), expected);
        assert!(listed.is_sorted_by(|one, next| one["id"].as_str() < next["id"].as_str()));
    }
}
