//! A device whose clock is wrong, by as much as clocks are, shares like any other: real processes, with the clock of one
//! of them falsified by libfaketime.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use common::{Running, bare, lines, serve};

/// The library that falsifies clocks, where Debian's package `libfaketime` puts it. In CI it must be there.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
    let mut libraries = folders.map(|folder| folder.path().join("faketime/libfaketime.so.1"));
    let found = libraries.find(|library| library.exists());
    assert!(found.is_some() || std::env::var_os("CI").is_none(), "the package libfaketime is missing");
    found
}

/// A clock that is read from a file, so that it can be set while a process runs.
struct WrongClock {
    library: PathBuf,
    file: PathBuf,
}

impl WrongClock {
    /// Without the library there is none, and nothing to try.
    fn new(folder: &Path, says: &str) -> Option<Self> {
        let Some(library) = library() else {
            eprintln!("skipped: a false clock needs the package libfaketime");
            return None;
        };
        let clock = Self { library, file: folder.join("clock") };
        clock.set(says);
        Some(clock)
    }

    fn set(&self, says: &str) {
        // At once: a file that is read half written is a third clock.
        let next = self.file.with_extension("next");
        std::fs::write(&next, says).unwrap();
        std::fs::rename(&next, &self.file).unwrap();
    }

    fn of(&self, mut command: Command) -> Command {
        command.env("LD_PRELOAD", &self.library).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        // The time that passes is not false.
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        command
    }
}

/// What both know: a folder for each, and the service that both use.
struct Place {
    folder: tempfile::TempDir,
    _service: Running,
    url: String,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (service, url) = serve(&folder.path().join("service"));
        Self { folder, _service: service, url }
    }

    fn command(&self, who: &str, arguments: &[&str]) -> Command {
        let mut command = bare(&self.folder.path().join(who), arguments);
        command.args(["--json", "--loopback", "--service", &self.url]);
        command
    }

    fn run(&self, who: &str) -> Running {
        Running::start(self.command(who, &["run"]))
    }

    fn put(&self, who: &str, id: &str) {
        assert_eq!(lines(self.command(who, &["put", "g", "c", id, r#"{"x": 1}"#])).len(), 1);
    }

    /// Waits until both have the same, and looks whether it is this.
    fn both_have(&self, alice: &mut Running, bob: &mut Running, ids: &[&str]) {
        for id in ids {
            bob.prints(&["\"changed\"", &format!("\"{id}\"")]);
        }
        for who in ["alice", "bob"] {
            let records = lines(self.command(who, &["list", "g", "c"]));
            let has = |id: &&str| records.iter().any(|record| record["id"] == **id);
            assert!(ids.iter().all(has), "{who} has {records:#?}");
        }
        alice.forget();
        bob.forget();
    }
}

/// Alice's clock is wrong from the first day on, then it is put right.
fn story(says: &str) {
    let place = Place::new();
    let Some(clock) = WrongClock::new(place.folder.path(), says) else { return };
    let shared = lines(clock.of(place.command("alice", &["share", "bob", "--group", "g"])));
    let link = shared[0]["link"].as_str().unwrap();
    let mut alice = Running::start(clock.of(place.command("alice", &["run"])));
    assert!(!lines(place.command("bob", &["open", link, "--as", "alice"])).is_empty());
    let mut bob = place.run("bob");
    alice.prints(&["\"paired\"", "\"clock_skew\"", "\"synced\""]);

    place.put("alice", "wrong");
    place.both_have(&mut alice, &mut bob, &["wrong"]);

    drop(alice);
    let mut alice = place.run("alice");
    place.put("alice", "right");
    place.both_have(&mut alice, &mut bob, &["right"]);
}

#[test]
fn a_clock_that_is_minutes_ahead() {
    story("+11m");
}

#[test]
fn a_clock_in_1970() {
    story("@1970-01-02 00:00:00");
}

#[test]
fn a_clock_in_2300() {
    story("@2300-01-01 00:00:00");
}

/// While the two are connected, and at a pace at which the next look at the service is minutes away.
#[test]
fn a_clock_that_is_set_by_a_day_while_the_node_runs_and_back() {
    let place = Place::new();
    let Some(clock) = WrongClock::new(place.folder.path(), "+0") else { return };
    let shared = lines(clock.of(place.command("alice", &["share", "bob", "--group", "g"])));
    let link = shared[0]["link"].as_str().unwrap();
    // She is not there yet.
    lines(place.command("bob", &["open", link, "--as", "alice", "--wait", "1s"]));
    let mut bob = place.run("bob");
    let mut alice = Running::start(clock.of(place.command("alice", &["run", "--background"])));
    alice.prints(&["\"paired\"", "\"synced\""]);
    assert!(!alice.has_printed("\"clock_skew\""));

    let steps =
        [("+1d", "early", true), ("+0", "back", false), ("-1d", "late", false), ("+2d", "again", true)];
    for (says, id, is_ahead) in steps {
        clock.set(says);
        place.put("alice", id);
        if is_ahead {
            alice.prints(&["\"clock_skew\""]);
        }
        place.both_have(&mut alice, &mut bob, &[id]);
    }
}
