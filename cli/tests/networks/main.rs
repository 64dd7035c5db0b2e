//! Two homes behind routers: what gets through directly, what needs a relay, and what happens on the way.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod lab;

use std::{
    path::{Path, PathBuf},
    process::{Child, Output, Stdio},
};

use lab::{Lab, Mapping, SERVICE, STUN, TURN};
use serde_json::Value;

const CONNECTOID: &str = env!("CARGO_BIN_EXE_connectoid");

/// The two people and the folders of their nodes.
struct Story {
    lab: Lab,
    folder: tempfile::TempDir,
    ice_server: Option<&'static str>,
    running: Vec<Child>,
}

impl Story {
    fn new(mapping: Mapping, lost_percent: u32, ice_server: Option<&'static str>) -> Option<Self> {
        let mut lab = Lab::build(mapping, lost_percent)?;
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("service");
        let service = ["serve", "--listen", "203.0.113.1:8765", "--data", data.to_str().unwrap()];
        lab.serve(CONNECTOID, &service, "listening on");
        let relay = "-oL turnserver -n --pidfile /dev/null --listening-ip 203.0.113.1 --relay-ip 203.0.113.1 --lt-cred-mech --user lab:secret --realm lab
                     --no-tls --no-dtls --no-cli --log-file stdout";
        let relay: Vec<&str> = relay.split_whitespace().collect();
        // Into a pipe it would write by the block, and say nothing.
        lab.serve("stdbuf", &relay, "Total General servers");
        Some(Self { lab, folder, ice_server, running: Vec::new() })
    }

    fn data(&self, who: &str) -> PathBuf {
        self.folder.path().join(who)
    }

    fn command(&self, who: &str, arguments: &[&str]) -> std::process::Command {
        let mut command = self.lab.command(who, CONNECTOID);
        command.arg("--data").arg(self.data(who)).arg("--json").args(arguments);
        if let Some(server) = self.ice_server {
            command.args(["--ice-server", server]);
        }
        command
    }

    fn run(&self, who: &str, arguments: &[&str]) -> Output {
        self.command(who, arguments).output().unwrap()
    }

    fn lines(&self, who: &str, arguments: &[&str]) -> Vec<Value> {
        let output = self.run(who, arguments);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{who}: {arguments:?}: {error}");
        lines(&output)
    }

    /// Alice's node goes on running, as an app would.
    fn start_alice(&mut self) {
        let child =
            self.command("alice", &["run"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.running.push(child);
        wait_for(&self.data("alice").join("control.json"));
    }

    /// Alice shares with Bob; says whether they met within a time.
    fn meet(&mut self, patience: &str) -> bool {
        let arguments = ["share", "bob", "--group", "g", "--service", SERVICE];
        let link = self.lines("alice", &arguments)[0]["link"].as_str().unwrap().to_owned();
        self.start_alice();
        self.run("bob", &["open", &link, "--as", "alice", "--wait", patience]).status.success()
    }
}

impl Drop for Story {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The file by which a running node is found.
fn wait_for(file: &Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
    while !file.exists() {
        assert!(std::time::Instant::now() < deadline, "{} never appeared", file.display());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
}

#[test]
fn ordinary_routers_let_a_direct_connection_through_if_a_stun_server_helps() {
    let Some(mut story) = Story::new(Mapping::Kept, 0, Some(STUN)) else { return };
    assert!(story.meet("60s"));
}

#[test]
fn strict_routers_need_a_relay_and_the_doctor_says_so() {
    let Some(mut story) = Story::new(Mapping::PerDestination, 0, Some(STUN)) else { return };
    assert!(!story.meet("45s"), "there is no direct way");
    let findings = story.lines("bob", &["doctor", "alice"])[0]["findings"].clone();
    let kinds: Vec<&str> =
        findings.as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["no_route"], "{findings}");

    drop(story);
    let Some(mut story) = Story::new(Mapping::PerDestination, 0, Some(TURN)) else { return };
    assert!(story.meet("60s"), "a relay connects what has no direct way");
}

#[test]
fn lost_packets_cost_time_and_nothing_else() {
    let Some(mut story) = Story::new(Mapping::Kept, 5, Some(STUN)) else { return };
    assert!(story.meet("90s"));
    for number in 0..20 {
        let fields = format!("{{\"x\": {number}}}");
        story.lines("alice", &["put", "g", "c", &format!("r{number}"), &fields]);
    }
    story.lines("bob", &["run", "--until", "synced", "--for", "90s"]);
    assert_eq!(story.lines("bob", &["list", "g", "c"]).len(), 20);
}

#[test]
fn a_device_that_moves_to_another_address_comes_back() {
    let Some(mut story) = Story::new(Mapping::Kept, 0, Some(STUN)) else { return };
    assert!(story.meet("60s"));
    story.lab.move_host("alice", "10.1.0");
    story.lines("alice", &["put", "g", "c", "after", "{\"x\": 1}"]);
    story.lines("bob", &["run", "--until", "synced", "--for", "120s"]);
    assert_eq!(story.lines("bob", &["list", "g", "c"]).len(), 1);
}
