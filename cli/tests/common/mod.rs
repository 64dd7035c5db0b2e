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
    time::Duration,
};

/// How long anything may take that should not hang, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

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
