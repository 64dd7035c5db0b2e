//! Logs and errors name no link, key or address. What the libraries beneath log is theirs: an app that
//! collects logs leaves out the targets `hyper_util`, `webrtc` and `rtc`, as the command line does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use common::{pair, service};
use connectoid::{Share, api::Command};
use serde_json::json;

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_whole_share_leaves_no_secret_in_the_logs() {
    let captured = Captured::default();
    let writer = captured.clone();
    tracing_subscriber::fmt()
        .with_env_filter("connectoid=trace,connectoid_protocol=trace,connectoid_service=trace")
        .with_writer(move || writer.clone())
        .init();
    let service = service().await;
    let (alice, bob) = (common::node(&service.url()).await, common::node(&service.url()).await);
    let link = alice.share(Share::new("bob", "g")).await.unwrap().link;
    let command = format!(
        "{:?}",
        Command::Open(connectoid::api::Credentials {
            link: link.clone(),
            nickname: "a".into(),
            in_person: false
        })
    );
    assert!(!command.contains("connectoid="), "{command}");
    alice.unshare("bob").await.unwrap();
    pair(&alice, &bob, Share::new("bob", "g")).await;
    alice.put("g", "c", "r", json!({"secret": "swordfish"})).await.unwrap();
    common::shows(&bob, "r", &json!({"secret": "swordfish"})).await;
    let diagnosis = alice.diagnose(None).await.unwrap();
    let trace = diagnosis.trace.join("\n");
    let logs = String::from_utf8(captured.0.lock().unwrap().clone()).unwrap();
    assert!(logs.contains("connected"), "nothing was captured");
    let address = link.split("connectoid=").nth(1).unwrap();
    let point = address.split('.').next().unwrap();
    for text in [&logs, &trace] {
        for secret in [point, "swordfish", "127.0.0.1:", &alice.user_id(), &bob.user_id()] {
            let line = text.lines().find(|line| line.contains(secret));
            assert!(line.is_none(), "a secret was logged: {}", line.unwrap_or_default());
        }
    }
}
