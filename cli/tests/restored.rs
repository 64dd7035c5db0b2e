//! A data folder that is put back from before the two met: they find together again, whoever of them has forgotten.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{path::Path, process::Command};

use common::{Running, bare, lines, serve};

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            std::fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
        }
    }
}

fn story(forgets: &str) {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name);
    let (_service, url) = serve(&of("service"));
    let command = |who: &str, arguments: &[&str]| -> Command {
        let mut command = bare(&of(who), arguments);
        command.args(["--json", "--loopback", "--service", &url]);
        command
    };

    let link =
        lines(command("alice", &["share", "bob", "--group", "g"]))[0]["link"].as_str().unwrap().to_owned();
    // She is not there yet.
    lines(command("bob", &["open", &link, "--as", "alice", "--wait", "1s"]));
    copy(&of(forgets), &of("copy"));
    {
        let mut alice = Running::start(command("alice", &["run"]));
        let mut bob = Running::start(command("bob", &["run"]));
        alice.prints(&["\"paired\"", "\"synced\""]);
        bob.prints(&["\"paired\"", "\"synced\""]);
    }
    std::fs::remove_dir_all(of(forgets)).unwrap();
    std::fs::rename(of("copy"), of(forgets)).unwrap();

    // Who has forgotten everything does not know that there is anything to say.
    let (writer, reader) = if forgets == "alice" { ("bob", "alice") } else { ("alice", "bob") };
    assert_eq!(lines(command(writer, &["put", "g", "c", "news", r#"{"x": 1}"#])).len(), 1);
    let mut alice = Running::start(command("alice", &["run"]));
    let mut bob = Running::start(command("bob", &["run"]));
    let (restored, other) = if forgets == "alice" { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
    restored.prints(&["\"restored\"", "\"synced\""]);
    other.prints(&["\"connected\"", "\"synced\""]);
    for node in [restored, other] {
        for false_alarm in ["no_route", "link_opened_again", "pair_lost"] {
            assert!(!node.has_printed(false_alarm), "{false_alarm}: {node:#?}");
        }
    }
    assert_eq!(lines(command(reader, &["get", "g", "c", "news"]))[0]["fields"]["x"], 1);
}

#[test]
fn who_opened_the_link_and_has_forgotten_the_meeting_is_found_again() {
    story("bob");
}

#[test]
fn who_made_the_link_and_has_forgotten_the_meeting_is_found_again() {
    story("alice");
}
