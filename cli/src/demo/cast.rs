//! Who plays: processes of this very program.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use connectoid::{Error, ErrorKind, Result};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{is_event, late};

/// How long a step may take on a slow machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A connection is laid to rest after so long in the story.
const IDLE: &str = "2s";

/// Something that the story cannot go on with.
pub(super) fn failed(message: &str) -> Error {
    Error::new(ErrorKind::Internal, message)
}

/// The mailbox service.
pub(super) struct Service {
    process: Child,
    url: String,
    /// A program whose output nobody reads ends.
    _lines: Lines<BufReader<ChildStdout>>,
}

impl Service {
    pub(super) async fn start(data: &Path) -> Result<Self> {
        let mut command = program(data);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        let (process, mut lines) = spawn(command)?;
        let line = timeout(PATIENCE, lines.next_line()).await;
        let line = line.ok().and_then(|line| line.ok().flatten()).unwrap_or_default();
        let url = line.strip_prefix("listening on ").ok_or_else(|| failed("the service does not listen"))?;
        Ok(Self { process, url: url.to_owned(), _lines: lines })
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn stop(mut self) {
        end(&mut self.process).await;
    }
}

/// Somebody with a data folder.
pub(super) struct Person {
    name: &'static str,
    data: PathBuf,
    service: String,
    running: Option<Running>,
    /// What `run` has printed and nobody has asked for yet.
    heard: Vec<Value>,
}

struct Running {
    process: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Person {
    pub(super) fn new(name: &'static str, folder: &Path, service: &str) -> Self {
        Self { name, data: folder.join(name), service: service.to_owned(), running: None, heard: Vec::new() }
    }

    /// Starts `connectoid run`.
    pub(super) async fn run(&mut self) -> Result<()> {
        let mut command = self.program();
        command.args(["run", "--idle", IDLE]);
        let (process, lines) = spawn(command)?;
        self.heard.clear();
        self.running = Some(Running { process, lines });
        self.hear("the node to run", |line| line["running"] == true).await?;
        Ok(())
    }

    /// Stops it, as Ctrl-C does.
    pub(super) async fn stop(&mut self) {
        if let Some(mut running) = self.running.take() {
            end(&mut running.process).await;
        }
    }

    /// Types a command that has to succeed; returns the last line of its output.
    pub(super) async fn command(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.output(arguments).await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(failed(&format!("{} typed `{}`, which failed: {said}", self.name, arguments[0])));
        }
        Ok(last_line(&output.stdout))
    }

    /// Types a command that has to fail; returns the error.
    pub(super) async fn refused(&self, arguments: &[&str]) -> Result<Value> {
        let output = self.output(arguments).await?;
        if output.status.success() {
            return Err(failed(&format!("{} typed `{}`, which should have failed", self.name, arguments[0])));
        }
        Ok(last_line(&output.stderr))
    }

    /// Waits for an event of `run`.
    pub(super) async fn event(&mut self, name: &str) -> Result<Value> {
        self.hear(name, |line| is_event(line, name)).await
    }

    /// Waits until a record has changed.
    pub(super) async fn changed(&mut self, id: &str) -> Result<()> {
        let names = |line: &Value| {
            line["records"].as_array().is_some_and(|all| all.iter().any(|record| record[1] == id))
        };
        self.hear(id, |line| is_event(line, "changed") && names(line)).await.map(|_| ())
    }

    /// Waits until a record has these fields.
    pub(super) async fn sees(&mut self, id: &str, fields: &Value) -> Result<()> {
        loop {
            let record = self.command(&["get", "shopping", "items", id]).await?;
            if record["fields"] == *fields {
                return Ok(());
            }
            self.changed(id).await?;
        }
    }

    async fn hear(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        if let Some(position) = self.heard.iter().position(&is_it) {
            return Ok(self.heard.remove(position));
        }
        let running =
            self.running.as_mut().ok_or_else(|| failed(&format!("{} is not running", self.name)))?;
        let listen = async {
            while let Ok(Some(line)) = running.lines.next_line().await {
                let line: Value = serde_json::from_str(&line).unwrap_or_default();
                if is_it(&line) {
                    return Some(line);
                }
                self.heard.push(line);
            }
            None
        };
        timeout(PATIENCE, listen).await.ok().flatten().ok_or_else(|| late(self.name, what))
    }

    async fn output(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let mut command = self.program();
        command.args(arguments);
        command.output().await.map_err(|error| failed(&format!("`connectoid` could not be started: {error}")))
    }

    fn program(&self) -> Command {
        let mut command = program(&self.data);
        command.args(["--json", "--loopback", "--service", &self.service]);
        command
    }
}

fn program(data: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap_or_else(|_| "connectoid".into()));
    command.arg("--data").arg(data).stdin(Stdio::null()).kill_on_drop(true);
    command
}

fn spawn(mut command: Command) -> Result<(Child, Lines<BufReader<ChildStdout>>)> {
    let unable = |error| failed(&format!("`connectoid` could not be started: {error}"));
    let mut process = command.stdout(Stdio::piped()).spawn().map_err(unable)?;
    let output = process.stdout.take().ok_or_else(|| failed("a process has no output"))?;
    Ok((process, BufReader::new(output).lines()))
}

/// Asks a process to end, and ends it if it does not.
async fn end(process: &mut Child) {
    #[cfg(unix)]
    if let Some(id) = process.id() {
        // A process that has ended already needs no signal.
        let _ = std::process::Command::new("kill").args(["-INT", &id.to_string()]).status();
        if timeout(PATIENCE, process.wait()).await.is_ok() {
            return;
        }
    }
    // It has ended already, or is ended now.
    let _ = process.kill().await;
}

fn last_line(output: &[u8]) -> Value {
    let text = String::from_utf8_lossy(output);
    text.lines().last().and_then(|line| serde_json::from_str(line).ok()).unwrap_or_default()
}
