//! The real program: what was acknowledged survives its sudden end.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{path::Path, process::Stdio};

use common::{Client, key, texts};
use connectoid_protocol::mailbox::{Refusal, ReplyError};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

async fn spawn(data: &Path, listen: &str) -> (Child, Client) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_connectoid-service"))
        .args(["--listen", listen, "--log", "warn", "--data"])
        .arg(data)
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("the service did not start");
    let url = line.strip_prefix("listening on ").unwrap().to_owned();
    (child, Client::http1(&url))
}

#[tokio::test]
async fn acknowledged_messages_and_open_questions_survive_a_kill() {
    let data = tempfile::tempdir().unwrap();
    let (kept, dropped) = (key(1), key(2));
    let (mut child, client) = spawn(data.path(), "127.0.0.1:0").await;
    client.check(&kept, 0).await.unwrap();
    let closing = client.answer(&dropped).await;
    client.drop_box(&dropped, closing).await.unwrap();
    let sending = (0..20).map(|number| {
        let (client, key) = (client.clone(), kept.clone());
        tokio::spawn(async move { client.send(&key, &format!("MM{number:02}")).await })
    });
    for sent in sending.collect::<Vec<_>>() {
        sent.await.unwrap().unwrap();
    }
    let answer = client.answer(&kept).await;
    child.start_kill().unwrap();
    assert!(!child.wait().await.unwrap().success());

    let address = client.url.strip_prefix("http://").unwrap();
    let (mut child, client) = spawn(data.path(), address).await;
    let received = client.receive(&kept, answer, 0, 32).await.unwrap();
    let mut all = texts(&received);
    all.sort_unstable();
    assert_eq!(all, (0..20).map(|number| format!("MM{number:02}")).collect::<Vec<_>>());
    assert!(client.check(&dropped, 0).await.err() == Some(ReplyError::Refused(Refusal::Closed)));
    client.send(&kept, "LAST").await.unwrap();
    let last = client.receive(&kept, answer, received.at.unwrap(), 32).await.unwrap();
    assert_eq!(texts(&last), ["LAST"], "arrival times go on ascending");
    child.start_kill().unwrap();
    child.wait().await.unwrap();
}

#[cfg(unix)]
#[tokio::test]
async fn the_service_ends_in_order_when_asked_to() {
    let data = tempfile::tempdir().unwrap();
    let (mut child, client) = spawn(data.path(), "127.0.0.1:0").await;
    client.send(&key(1), "AAAA").await.unwrap();
    let id = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
    assert!(!data.path().join("mailbox.sqlite-wal").exists(), "the database is closed");
}

#[tokio::test]
async fn two_services_cannot_share_their_data() {
    let data = tempfile::tempdir().unwrap();
    let (_child, _client) = spawn(data.path(), "127.0.0.1:0").await;
    let second = Command::new(env!("CARGO_BIN_EXE_connectoid-service"))
        .args(["--listen", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .output()
        .await
        .unwrap();
    assert!(!second.status.success());
    let error = String::from_utf8(second.stderr).unwrap();
    assert!(error.contains("in use by another service"), "{error}");
}
