//! The doctor: whose fault it is that nothing comes, and when all is well.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod common;

use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command},
};

use common::{bare, output, start, text};
use serde_json::Value;

/// Ends a process with the test.
struct Running(Child);

impl Running {
    fn stop(&mut self) {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status().unwrap();
        assert!(self.0.wait().unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn started(command: Command) -> (Running, String) {
    let (process, line, lines) = start(command);
    // What follows must be read, or the process would end.
    std::thread::spawn(move || lines.for_each(drop));
    (Running(process), line)
}

struct Person<'a> {
    data: std::path::PathBuf,
    service: &'a str,
}

impl<'a> Person<'a> {
    fn new(folder: &Path, name: &str, service: &'a str) -> Self {
        Self { data: folder.join(name), service }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = bare(&self.data, arguments);
        command.args(["--json", "--loopback", "--service", self.service]);
        command
    }

    fn types(&self, arguments: &[&str]) -> Vec<Value> {
        let ended = output(self.command(arguments));
        assert!(ended.status.success(), "{arguments:?}: {}", text(&ended.stderr));
        text(&ended.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn findings(&self) -> Vec<(String, String)> {
        let diagnosis = self.types(&["doctor"]).remove(0);
        let of = |finding: &Value, name: &str| finding[name].as_str().unwrap().to_owned();
        let findings = diagnosis["findings"].as_array().unwrap().iter();
        findings.map(|finding| (of(finding, "about"), of(finding, "message"))).collect()
    }

    fn runs(&self) -> Running {
        started(self.command(&["run"])).0
    }
}

fn says(findings: &[(String, String)], about: &str, word: &str) -> bool {
    findings.iter().any(|(whom, message)| whom == about && message.contains(word))
}

#[test]
fn a_service_that_hangs_is_told_from_a_person_who_is_away() {
    let folder = tempfile::tempdir().unwrap();
    // Takes connections, and says nothing.
    let hanging = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", hanging.local_addr().unwrap());
    let alice = Person::new(folder.path(), "alice", &url);
    let shared = output(alice.command(&["share", "bob", "--group", "g"]));
    let warning: Value = serde_json::from_slice(&shared.stderr).unwrap();
    assert!(shared.status.success() && warning["warning"]["message"].as_str().unwrap().contains(&url));
    let findings = alice.findings();
    assert!(says(&findings, &url, ""), "{findings:?}");

    let (_service, line) = started(bare(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = line.strip_prefix("listening on ").unwrap();
    let carol = Person::new(folder.path(), "carol", url);
    // On a busy machine, a service may be slower than a person is made to wait.
    let is_quiet = ["bob", "dave", "erin"].into_iter().any(|name| {
        let shared = output(carol.command(&["share", name, "--group", "g"]));
        assert!(shared.status.success(), "{}", text(&shared.stderr));
        shared.stderr.is_empty()
    });
    assert!(is_quiet, "a service that answers is not warned of");
    let findings = carol.findings();
    assert!(!says(&findings, url, "") && says(&findings, "bob", "not been opened"), "{findings:?}");
}

#[test]
fn all_is_not_well_while_a_change_has_not_arrived_or_an_owner_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let (_service, line) = started(bare(folder.path(), &["serve", "--listen", "127.0.0.1:0"]));
    let url = line.strip_prefix("listening on ").unwrap();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| Person::new(folder.path(), name, url));
    let mut running = alice.runs();
    for (person, name) in [(&bob, "bob"), (&carol, "carol")] {
        let link = alice.types(&["share", name, "--group", "g"])[0]["link"].as_str().unwrap().to_owned();
        person.types(&["open", &link, "--as", "alice"]);
    }
    bob.types(&["run", "--until", "synced"]);
    assert_eq!(bob.findings(), [], "with alice there");

    running.stop();
    let findings = bob.findings();
    assert!(says(&findings, "g", "by way of alice"), "{findings:?}");
    assert!(!says(&findings, "alice", "not arrived"), "{findings:?}");
    bob.types(&["put", "g", "c", "r", r#"{"x": 1}"#]);
    let findings = bob.findings();
    assert!(says(&findings, "alice", "1 change(s) in g have not arrived"), "{findings:?}");
}
