//! The log as apps in other languages follow it. One test: a process has one log.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    sync::mpsc::{self, Receiver, Sender},
    time::Duration,
};

use common::{pair, service};
use connectoid::{
    Share,
    log::{self, Level, Line, QUEUE},
};
use serde_json::json;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

fn follow(level: Level) -> (log::Log, Receiver<Line>) {
    let (sender, lines) = mpsc::channel();
    (log::follow(level, Box::new(move |line| sender.send(line).is_ok())).unwrap(), lines)
}

/// Everything that was said before a word that is said now.
fn said(lines: &Receiver<Line>, word: &'static str) -> Vec<Line> {
    tracing::error!(target: "connectoid::test", "{word}");
    let mut said = Vec::new();
    loop {
        let line = lines.recv_timeout(PATIENCE).unwrap();
        if line.message == word {
            return said;
        }
        said.push(line);
    }
}

#[tokio::test]
async fn lines_are_told_without_a_secret_and_nothing_is_lost_in_silence() {
    let (all, lines) = follow(Level::Trace);
    let (few, errors) = follow(Level::Error);
    let service = service().await;
    let (alice, bob) = (common::node(&service.url()).await, common::node(&service.url()).await);
    pair(&alice, &bob, Share::new("bob", "g")).await;
    alice.put("g", "c", "r", json!({"secret": "swordfish"})).await.unwrap();
    common::shows(&bob, "r", &json!({"secret": "swordfish"})).await;
    let link = alice.share(Share::new("carol", "g")).await.unwrap().link;
    tracing::error!(target: "rtc::ice", "10.1.2.3:4567");
    let told = said(&lines, "up to here");
    assert!(
        told.iter().any(|line| line.level == Level::Debug && line.message.contains("connected")),
        "{told:?}"
    );
    assert!(told.iter().all(|line| line.target.starts_with("connectoid")), "{told:?}");
    let point = link.split("connectoid=").nth(1).unwrap().split('.').next().unwrap();
    for secret in [point, "swordfish", "127.0.0.1", "10.1.2.3", &alice.user_id(), &bob.user_id()] {
        let line = told.iter().find(|line| line.message.contains(secret));
        assert!(line.is_none(), "a secret was told: {line:?}");
    }
    assert!(said(&errors, "and up to here").iter().all(|line| line.level == Level::Error));
    alice.close().await;
    bob.close().await;
    drop((all, few));
    slowly();
    long_lines();
}

/// Whoever takes slowly is told how many lines were lost, and holds up nobody.
fn slowly() {
    let (go, wait): (Sender<()>, _) = mpsc::channel();
    let (sender, lines) = mpsc::channel();
    let sink = move |line| {
        let taken = sender.send(line).is_ok();
        // An error says go, too.
        let _ = wait.recv();
        taken
    };
    let log = log::follow(Level::Info, Box::new(sink)).unwrap();
    let told = |lines: &Receiver<Line>| lines.recv_timeout(PATIENCE).unwrap();
    tracing::info!(target: "connectoid::test", "the first");
    assert_eq!(told(&lines).message, "the first");
    for number in 0..QUEUE + 7 {
        tracing::info!(target: "connectoid::test", number, "a line");
    }
    go.send(()).unwrap();
    assert_eq!(told(&lines).message, "7 lines were lost: they came faster than they were taken");
    go.send(()).unwrap();
    assert_eq!(told(&lines).message, "a line number=0");
    drop(log);
    drop(go);
    // The rest is told to nobody: the thread ends, and what it held with it.
    assert_eq!(lines.recv_timeout(PATIENCE), Err(mpsc::RecvTimeoutError::Disconnected));
}

fn long_lines() {
    let (_log, lines) = follow(Level::Warn);
    tracing::warn!(target: "connectoid::test", "{}", "ä".repeat(log::MAX_TEXT));
    assert_eq!(lines.recv_timeout(PATIENCE).unwrap().message, "ä".repeat(log::MAX_TEXT / 2));
}
