//! One side of a connection: a process that is told what to do by lines of JSON.

use std::{process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

use crate::report::Outcome;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(5);

pub(super) struct Side {
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    // Killed when dropped.
    _process: Child,
}

impl Side {
    pub(super) fn start(command: &mut Command) -> Outcome<Self> {
        let mut process = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let orders = process.stdin.take().ok_or("a process has no input")?;
        let answers = process.stdout.take().ok_or("a process has no output")?;
        Ok(Self { orders, answers: BufReader::new(answers).lines(), _process: process })
    }

    pub(super) async fn tell(&mut self, order: &Value) -> Outcome {
        Ok(self.orders.write_all(format!("{order}\n").as_bytes()).await?)
    }

    /// The next answer, which has to be of this name.
    pub(super) async fn hear(&mut self, name: &str) -> Outcome<Value> {
        let line = timeout(PATIENCE, self.answers.next_line());
        let line = line.await.map_err(|_| format!("waited in vain for `{name}`"))??;
        let line = line.ok_or_else(|| format!("a process ended instead of answering `{name}`"))?;
        let answer: Value = serde_json::from_str(&line)?;
        answer.get(name).cloned().ok_or_else(|| format!("{answer} instead of `{name}`").into())
    }
}

impl Side {
    async fn close(&mut self) -> Outcome<Value> {
        self.tell(&json!({"do": "close"})).await?;
        self.hear("closed").await
    }
}

/// Two sides, and what they do with each other.
pub(super) struct Two {
    offering: Side,
    answering: Side,
}

impl Two {
    pub(super) fn start(command: &mut Command) -> Outcome<Self> {
        Ok(Self::of(Side::start(command)?, Side::start(command)?))
    }

    pub(super) fn of(offering: Side, answering: Side) -> Self {
        Self { offering, answering }
    }

    /// The other way round from now on.
    pub(super) fn turn(&mut self) {
        std::mem::swap(&mut self.offering, &mut self.answering);
    }

    /// Connects; returns how long it took once the descriptions were exchanged.
    pub(super) async fn connect(&mut self) -> Outcome<Duration> {
        let Self { offering, answering } = self;
        offering.tell(&json!({"do": "offer"})).await?;
        let sdp = offering.hear("sdp").await?;
        answering.tell(&json!({"do": "answer", "sdp": sdp})).await?;
        let sdp = answering.hear("sdp").await?;
        let start = std::time::Instant::now();
        offering.tell(&json!({"do": "accept", "sdp": sdp})).await?;
        offering.hear("open").await?;
        answering.hear("open").await?;
        Ok(start.elapsed())
    }

    /// Sends so many bytes in messages of so many; returns how long it took until all were received.
    pub(super) async fn bulk(&mut self, bytes: u32, size: u32) -> Outcome<Duration> {
        let Self { offering, answering } = self;
        answering.tell(&json!({"do": "receive", "bytes": bytes})).await?;
        answering.hear("ready").await?;
        let start = std::time::Instant::now();
        offering.tell(&json!({"do": "send", "bytes": bytes, "size": size})).await?;
        answering.hear("received").await?;
        Ok(start.elapsed())
    }

    /// Closes both, and gives what the offering side tells of it.
    pub(super) async fn close(&mut self) -> Outcome<Value> {
        let told = self.offering.close().await?;
        self.answering.close().await?;
        Ok(told)
    }
}
