//! A data folder that is put back from before the two met: they find together again, whoever of them has forgotten.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, channel},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_secs(150);

fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectoid"));
    command.arg("--json").arg("--data").arg(data).args(arguments);
    command
}

fn lines(data: &Path, arguments: &[&str]) -> Vec<Value> {
    let output = program(data, arguments).output().unwrap();
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A process, and what it prints.
struct Running {
    process: Child,
    printed: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, printed) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok())
        });
        Self { process, printed, seen: Vec::new() }
    }

    /// Waits until all of this was printed, in whatever order, and returns the last line.
    fn prints(&mut self, what: &[&str]) -> String {
        let end = Instant::now() + PATIENCE;
        while !what.iter().all(|what| self.seen.iter().any(|line| line.contains(what))) {
            let left = end.saturating_duration_since(Instant::now());
            match self.printed.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("waited in vain for {what:?}: {error}; saw {:#?}", self.seen),
            }
        }
        self.seen.last().cloned().unwrap_or_default()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

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
    let mut serve = Command::new(env!("CARGO_BIN_EXE_connectoid"));
    serve.arg("--data").arg(of("service")).args(["serve", "--listen", "127.0.0.1:0"]);
    let mut service = Running::start(serve);
    let url = service.prints(&["listening on "]);
    let url = url.strip_prefix("listening on ").unwrap();
    let run = ["--loopback", "--service", url, "run"];

    let share = ["--loopback", "--service", url, "share", "bob", "--group", "g"];
    let link = lines(&of("alice"), &share)[0]["link"].as_str().unwrap().to_owned();
    // She is not there yet.
    lines(&of("bob"), &["--loopback", "--service", url, "open", &link, "--as", "alice", "--wait", "1s"]);
    copy(&of(forgets), &of("copy"));
    {
        let mut alice = Running::start(program(&of("alice"), &run));
        let mut bob = Running::start(program(&of("bob"), &run));
        alice.prints(&["\"paired\"", "\"synced\""]);
        bob.prints(&["\"paired\"", "\"synced\""]);
    }
    std::fs::remove_dir_all(of(forgets)).unwrap();
    std::fs::rename(of("copy"), of(forgets)).unwrap();

    // Who has forgotten everything does not know that there is anything to say.
    let (writer, reader) = if forgets == "alice" { ("bob", "alice") } else { ("alice", "bob") };
    assert_eq!(lines(&of(writer), &["put", "g", "c", "news", r#"{"x": 1}"#]).len(), 1);
    let mut alice = Running::start(program(&of("alice"), &run));
    let mut bob = Running::start(program(&of("bob"), &run));
    let (restored, other) = if forgets == "alice" { (&mut alice, &mut bob) } else { (&mut bob, &mut alice) };
    restored.prints(&["\"restored\"", "\"synced\""]);
    other.prints(&["\"connected\"", "\"synced\""]);
    for node in [restored, other] {
        for false_alarm in ["no_route", "link_opened_again", "pair_lost"] {
            assert!(!node.seen.iter().any(|line| line.contains(false_alarm)), "{:#?}", node.seen);
        }
    }
    assert_eq!(lines(&of(reader), &["get", "g", "c", "news"])[0]["fields"]["x"], 1);
}

#[test]
fn who_opened_the_link_and_has_forgotten_the_meeting_is_found_again() {
    story("bob");
}

#[test]
fn who_made_the_link_and_has_forgotten_the_meeting_is_found_again() {
    story("alice");
}
