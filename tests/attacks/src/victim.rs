//! The node that is attacked, in a process of its own.

use std::{
    path::Path,
    process::Stdio,
    sync::atomic::{AtomicU64, Ordering},
};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{ChildStdin, Command},
    sync::{Mutex, broadcast},
    time::timeout,
};

use crate::{Outcome, PATIENCE, process::Process};

/// How many lines of the process may wait for whoever looks for one.
const LINES: usize = 65_536;

/// The process.
pub(crate) struct Victim {
    pub(crate) process: Process,
    input: Mutex<ChildStdin>,
    lines: broadcast::Sender<Value>,
    calls: AtomicU64,
}

/// What is heard of it from some moment on.
pub(crate) struct Heard(broadcast::Receiver<Value>);

impl Victim {
    /// A node with its data in a folder, at a service.
    pub(crate) async fn start(folder: &Path, service: &str, quota: u64) -> Outcome<Self> {
        let program = std::env::current_exe()?.with_file_name("victim");
        let mut process =
            Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
        let input = process.stdin.take().ok_or("no input")?;
        let output = process.stdout.take().ok_or("no output")?;
        let (lines, _) = broadcast::channel(LINES);
        let told = lines.clone();
        tokio::spawn(async move {
            let mut output = BufReader::new(output).lines();
            while let Ok(Some(line)) = output.next_line().await {
                // Nobody may be listening.
                let _ = told.send(serde_json::from_str(&line).unwrap_or(Value::Null));
            }
        });
        let calls = AtomicU64::new(0);
        let process = Process::new(process, folder);
        let victim = Self { process, input: input.into(), lines, calls };
        let settings = json!({"storage": {"folder": folder}, "services": [service], "bind": ["127.0.0.1"],
            "loopback": true, "idle_timeout": 3600, "group_quota": quota});
        victim.ask("open", settings).await?;
        Ok(victim)
    }

    /// Calls a method.
    pub(crate) async fn call(&self, call: Value) -> Outcome<Value> {
        self.ask("call", call).await
    }

    async fn ask(&self, what: &str, value: Value) -> Outcome<Value> {
        let id = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let mut heard = self.listen();
        let line = format!("{}\n", json!({"id": id, what: value}));
        self.input.lock().await.write_all(line.as_bytes()).await?;
        let mut answer = heard.wait_for("an answer", |line| line["id"] == id).await?;
        if answer["error"].is_null() { Ok(answer["reply"].take()) } else { Err(answer.to_string().into()) }
    }

    /// Listens from now on.
    pub(crate) fn listen(&self) -> Heard {
        Heard(self.lines.subscribe())
    }
}

impl Heard {
    /// Waits for a line.
    pub(crate) async fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Outcome<Value> {
        let search = async {
            loop {
                match self.0.recv().await {
                    Ok(line) if is_it(&line) => return Ok(line),
                    Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Err("the node has crashed".into()),
                }
            }
        };
        timeout(PATIENCE, search).await.map_err(|_| format!("the victim does not tell of {what}"))?
    }

    /// Waits for an event.
    pub(crate) async fn event(&mut self, kind: &str) -> Outcome<Value> {
        self.wait_for(kind, |line| line["event"]["event"] == kind).await
    }
}
