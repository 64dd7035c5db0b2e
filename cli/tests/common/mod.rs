//! What tests with real processes share.

#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "not every test needs all; one that fails may panic"
)]

use std::{
    io::{BufRead, BufReader, Lines, Read},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio},
    sync::mpsc,
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

/// How long anything may take that should not hang, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Nothing takes two nodes this long unless it hangs.
const MEETING: Duration = Duration::from_secs(150);

/// The program, with a service where nobody listens, and a data folder.
pub(crate) fn program(data: &Path, arguments: &[&str]) -> Command {
    let mut command = bare(data, arguments);
    command.args(["--service", "http://127.0.0.1:9"]);
    command
}

/// The program with a data folder.
pub(crate) fn bare(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_connectoid"));
    command.arg("--data").arg(data).args(arguments).stdin(Stdio::null());
    command.env_remove("CONNECTOID_DATA").env_remove("NO_COLOR");
    command
}

pub(crate) fn output(mut command: Command) -> Output {
    command.output().unwrap()
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Starts a program and waits for the first line that it prints.
pub(crate) fn start(mut command: Command) -> (Child, String, Lines<BufReader<ChildStdout>>) {
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
    let first = lines.next().unwrap().unwrap();
    (process, first, lines)
}

/// Waits until a process ends by itself; one that does not is killed, and the test fails.
pub(crate) fn end_of(mut process: Child, what: &str) -> ExitStatus {
    let id = process.id();
    let (done, over) = mpsc::channel::<()>();
    let watchdog = thread::spawn(move || {
        let hangs = over.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout);
        if hangs {
            Command::new("kill").args(["-KILL", &id.to_string()]).status().unwrap();
        }
        hangs
    });
    let status = process.wait().unwrap();
    drop(done);
    assert!(!watchdog.join().unwrap(), "{what} hangs");
    status
}

/// What a finished process has printed to a pipe.
pub(crate) fn rest(mut pipe: impl Read) -> String {
    let mut text = String::new();
    pipe.read_to_string(&mut text).unwrap();
    text
}

/// What a command prints under `--json`.
pub(crate) fn lines(command: Command) -> Vec<Value> {
    text(&output(command).stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A mailbox service with its boxes in a folder, and its URL.
pub(crate) fn serve(data: &Path) -> (Running, String) {
    let mut service = Running::start(bare(data, &["serve", "--listen", "127.0.0.1:0"]));
    let listening = service.prints(&["listening on "]);
    let url = listening.strip_prefix("listening on ").unwrap().to_owned();
    (service, url)
}

/// A process that goes on, and what it has printed. It is killed when this is dropped.
#[derive(Debug)]
pub(crate) struct Running {
    process: Child,
    printed: mpsc::Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let (sender, printed) = mpsc::channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        thread::spawn(move || output.lines().map_while(Result::ok).all(|line| sender.send(line).is_ok()));
        Self { process, printed, seen: Vec::new() }
    }

    /// Waits until all of this was printed, in whatever order, and returns the last line.
    pub(crate) fn prints(&mut self, what: &[&str]) -> String {
        let end = Instant::now() + MEETING;
        while !what.iter().all(|what| self.has_printed(what)) {
            let left = end.saturating_duration_since(Instant::now());
            match self.printed.recv_timeout(left) {
                Ok(line) => self.seen.push(line),
                Err(error) => panic!("waited in vain for {what:?}: {error}; saw {:#?}", self.seen),
            }
        }
        self.seen.last().cloned().unwrap_or_default()
    }

    /// Whether this was printed, as far as it was read.
    pub(crate) fn has_printed(&self, what: &str) -> bool {
        self.seen.iter().any(|line| line.contains(what))
    }

    /// Forgets what was printed, so that it can be waited for once more.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
