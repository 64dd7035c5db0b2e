//! Checks that wait.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use axum::http::StatusCode;
use common::{Client, check, config, key, start};
use connectoid_protocol::mailbox::{Checked, CheckedMany, MAX_WAIT_SECS, Refusal, ReplyError};
use connectoid_service::RunningService;

/// Far below the longest wait: a check that returns before was woken.
const SOON: Duration = Duration::from_secs(MAX_WAIT_SECS - 10);

type Waiting<T> = tokio::task::JoinHandle<Result<T, ReplyError>>;

async fn soon<T>(waiting: Waiting<T>) -> Result<T, ReplyError> {
    tokio::time::timeout(SOON, waiting).await.expect("not woken").unwrap()
}

/// Waits until so many checks are registered, so that a message really finds them waiting.
async fn until_waiting(service: &RunningService, number: usize) {
    while service.waiting() < number {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_message_wakes_all_that_wait_for_it() {
    let (service, client) = start(config()).await;
    let (awaited, other) = (key(1), key(2));
    let one = tokio::spawn({
        let (client, key) = (client.clone(), awaited.clone());
        async move { client.ask::<Checked>(check(&key, 0, MAX_WAIT_SECS)).await }
    });
    let many = tokio::spawn({
        let (client, keys) = (client.clone(), [other.clone(), awaited.clone()]);
        async move { client.check_many(&[&keys[0], &keys[1]], MAX_WAIT_SECS).await }
    });
    until_waiting(&service, 2).await;
    client.send(&awaited, "AAAA").await.unwrap();
    assert!(soon(one).await.unwrap().question.is_some());
    let many: CheckedMany = soon(many).await.unwrap();
    assert_eq!((many.boxes.len(), many.boxes[0].id.clone()), (1, awaited.id().to_base64()));
    assert_eq!(service.waiting(), 0);
}

#[tokio::test]
async fn closing_a_box_wakes_who_waits_for_it() {
    let (service, client) = start(config()).await;
    let key = key(1);
    let answer = client.answer(&key).await;
    let waiting = tokio::spawn({
        let (client, key) = (client.clone(), key.clone());
        async move { client.ask::<Checked>(check(&key, 0, MAX_WAIT_SECS)).await }
    });
    until_waiting(&service, 1).await;
    client.drop_box(&key, answer).await.unwrap();
    assert!(soon(waiting).await.err() == Some(ReplyError::Refused(Refusal::Closed)));
}

#[tokio::test]
async fn what_is_there_already_is_not_waited_for_and_nothing_is_for_a_second() {
    let (_service, client) = start(config()).await;
    client.send(&key(1), "AAAA").await.unwrap();
    let there = client.ask::<Checked>(check(&key(1), 0, MAX_WAIT_SECS));
    assert!(tokio::time::timeout(SOON, there).await.unwrap().unwrap().found);
    assert!(!client.ask::<Checked>(check(&key(2), 0, 1)).await.unwrap().found);
}

#[tokio::test]
async fn a_client_can_wait_for_only_so_much_and_leaves_nothing_behind() {
    let mut config = config();
    config.limits.waits_per_client = 1;
    let (service, client) = start(config).await;
    for client in [client.clone(), Client::http2(&client.url)] {
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.ask::<Checked>(check(&key(1), 0, MAX_WAIT_SECS)).await }
        });
        until_waiting(&service, 1).await;
        let second = client.post(check(&key(2), 0, MAX_WAIT_SECS).to_json()).await;
        assert_eq!(second.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(second.retry_after().is_some());
        waiting.abort();
        while service.waiting() > 0 {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_service_that_stops_lets_nobody_wait() {
    let (service, client) = start(config()).await;
    let waiting = tokio::spawn(async move { client.ask::<Checked>(check(&key(1), 0, MAX_WAIT_SECS)).await });
    until_waiting(&service, 1).await;
    service.shutdown().await;
    assert!(!soon(waiting).await.unwrap().found);
}
