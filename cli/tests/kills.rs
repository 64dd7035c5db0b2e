//! Crashes: the nodes and the service are killed at random moments, again and again. What a command
//! acknowledged is never lost, and everything converges without anybody repairing anything.
//!
//! `CONNECTOID_KILLS` sets how many kills there are, `CONNECTOID_SEED` which.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// Two minutes on two busy cores.
const KILLS: u64 = 200;

/// How long a crashed pair may take to find each other again.
const PATIENCE: Duration = Duration::from_secs(150);

/// A small generator, so that a run can be repeated (Steele, Lea and Flood, "SplitMix64", 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// A process that can be killed and started again.
struct Victim {
    data: PathBuf,
    arguments: Vec<String>,
    process: Child,
}

impl Victim {
    fn start(data: PathBuf, arguments: &[&str]) -> (Self, String) {
        let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let (process, line) = spawn(&data, &arguments);
        (Self { data, arguments, process }, line)
    }

    fn kill_and_restart(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, _) = spawn(&self.data, &self.arguments);
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a process and waits for the first line that it prints.
fn spawn(data: &Path, arguments: &[String]) -> (Child, String) {
    let mut process = Command::new(env!("CARGO_BIN_EXE_connectoid"))
        .arg("--data")
        .arg(data)
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    // What follows must be read, or the process would stop when the pipe is full.
    std::thread::spawn(move || lines.for_each(drop));
    (process, first)
}

fn connectoid(data: &Path, arguments: &[&str]) -> Option<Vec<Value>> {
    let output = Command::new(env!("CARGO_BIN_EXE_connectoid"))
        .arg("--json")
        .arg("--data")
        .arg(data)
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    output.status.success().then(|| text.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

fn records(data: &Path) -> Vec<Value> {
    connectoid(data, &["list", "g", "c"]).unwrap_or_default()
}

#[test]
fn nothing_acknowledged_is_lost() {
    let number = |name: &str, default: u64| {
        std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    let (kills, seed) = (number("CONNECTOID_KILLS", KILLS), number("CONNECTOID_SEED", 1));
    println!("CONNECTOID_KILLS={kills} CONNECTOID_SEED={seed}");
    let mut random = Random(seed);
    let folder = tempfile::tempdir().unwrap();
    let (service, line) = Victim::start(folder.path().join("service"), &["serve", "--listen", "127.0.0.1:0"]);
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    let mut service = service;
    service.arguments = vec!["serve".into(), "--listen".into(), url.trim_start_matches("http://").into()];
    let run = ["run", "--loopback", "--service", &url];
    let mut nodes: Vec<Victim> =
        ["alice", "bob"].iter().map(|name| Victim::start(folder.path().join(name), &run).0).collect();
    let link = connectoid(&nodes[0].data, &["share", "bob", "--group", "g"]).unwrap()[0]["link"].clone();
    connectoid(&nodes[1].data, &["open", link.as_str().unwrap(), "--as", "alice"]).unwrap();

    let mut acknowledged = Vec::new();
    for kill in 0..kills {
        for write in 0..3 {
            let id = format!("{kill:04}-{write}");
            let writer = &nodes[usize::try_from(random.below(2)).unwrap()].data;
            if connectoid(writer, &["put", "g", "c", &id, &format!(r#"{{"kill": {kill}}}"#)]).is_some() {
                acknowledged.push(id);
            }
        }
        // The moment is random: anywhere in a sync, a handshake, a rotation, or at rest.
        std::thread::sleep(Duration::from_millis(random.below(250)));
        match random.below(5) {
            0 => service.kill_and_restart(),
            victim => nodes[usize::try_from(victim % 2).unwrap()].kill_and_restart(),
        }
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        let (alice, bob) = (records(&nodes[0].data), records(&nodes[1].data));
        let has = |all: &[Value], id: &String| all.iter().any(|record| record["id"] == *id);
        let missing: Vec<&String> =
            acknowledged.iter().filter(|id| !has(&alice, id) || !has(&bob, id)).collect();
        if alice == bob && missing.is_empty() {
            println!("{kills} kills, {} writes acknowledged, none lost", acknowledged.len());
            return;
        }
        if Instant::now() >= deadline {
            for node in &nodes {
                println!("{:?}", connectoid(&node.data, &["doctor", "--wait", "0s"]));
            }
            panic!("seed {seed}: {} of {} are missing: {missing:?}", missing.len(), acknowledged.len());
        }
        std::thread::sleep(Duration::from_millis(200));
    }
}
