//! Floods: each limit holds, says when to come back, and leaves other clients alone.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use common::{Client, check, config, key, send, start};
use connectoid_protocol::mailbox::{MAX_BATCH, MAX_BOX_MESSAGES, MAX_UNCHECKED_MESSAGES};
use connectoid_service::{Config, ManualClock};

/// A service behind a proxy, so that a test can come from anywhere, whose time stands still.
fn behind_a_proxy() -> (Config, ManualClock) {
    let clock = ManualClock::new(1_700_000_000_000_000);
    (Config { trust_proxy: true, clock: clock.clock(), ..config() }, clock)
}

/// Checks one box until the service refuses; says how often it did not.
async fn checks_until_refused(client: &Client) -> u64 {
    for admitted in 0.. {
        let response = client.post(check(&key(1), 0, 0).to_json()).await;
        if response.status != StatusCode::OK {
            assert_too_often(&response);
            return admitted;
        }
    }
    unreachable!("the service never refused")
}

fn assert_too_often(response: &common::Response) {
    assert_eq!(response.status, StatusCode::TOO_MANY_REQUESTS, "{}", response.text());
    assert_eq!(response.text(), r#"{"ok":false,"error":"Too often"}"#);
    assert!(response.retry_after().unwrap() >= 1);
}

#[tokio::test]
async fn a_client_that_asks_too_often_is_told_when_to_come_back() {
    let (mut config, clock) = behind_a_proxy();
    config.limits.requests_per_second = 8;
    let (_service, client) = start(config).await;
    let (one, other) = (client.from("192.0.2.1"), client.from("192.0.2.2"));
    assert_eq!(checks_until_refused(&one).await, 80);
    clock.advance(Duration::from_secs(2));
    assert_eq!(checks_until_refused(&one).await, 16);
    assert_eq!(other.post(check(&key(1), 0, 0).to_json()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn neighbours_share_what_eight_may() {
    let (mut config, _clock) = behind_a_proxy();
    config.limits.requests_per_second = 1;
    let (_service, client) = start(config).await;
    let mut admitted = 0;
    for host in 0..=255 {
        admitted += checks_until_refused(&client.from(&format!("192.0.2.{host}"))).await;
    }
    assert_eq!(admitted, 80);
    assert_eq!(checks_until_refused(&client.from("192.0.3.1")).await, 10);
    assert_eq!(checks_until_refused(&client.from("2001:db8::1")).await, 10);
}

#[tokio::test]
async fn what_is_no_operation_counts_too() {
    for path in ["/", "/health", "/openapi.json"] {
        let (mut config, _clock) = behind_a_proxy();
        config.limits.requests_per_second = 1;
        let (_service, client) = start(config).await;
        let one = client.from("192.0.2.1");
        for _ in 0..10 {
            assert_eq!(one.call(Method::GET, path, "").await.status, StatusCode::OK);
        }
        assert_too_often(&one.call(Method::GET, path, "").await);
        assert_eq!(client.from("192.0.2.2").call(Method::GET, path, "").await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn a_client_makes_so_many_boxes_in_a_month() {
    let (mut config, clock) = behind_a_proxy();
    (config.limits.boxes_held_per_client, config.limits.new_boxes_per_hour) = (30, 100);
    (config.limits.requests_per_second, config.limits.box_requests_per_second) = (1000, 1000);
    let (_service, client) = start(config).await;
    let one = client.from("192.0.2.1");
    for seed in 0..30 {
        one.check(&key(seed), 0).await.unwrap();
    }
    assert_too_often(&one.post(check(&key(30), 0, 0).to_json()).await);
    one.check(&key(1), 0).await.unwrap();
    clock.advance(Duration::from_hours(24));
    one.check(&key(30), 0).await.unwrap();
    assert_too_often(&one.post(check(&key(31), 0, 0).to_json()).await);
}

#[tokio::test]
async fn a_check_of_many_boxes_counts_once() {
    let (mut config, _clock) = behind_a_proxy();
    config.limits.requests_per_second = 1;
    let (_service, client) = start(config).await;
    let keys: Vec<_> = (0..MAX_BATCH as u64).map(key).collect();
    let all: Vec<_> = keys.iter().collect();
    let one = client.from("192.0.2.1");
    for _ in 0..10 {
        assert!(!one.check_many(&all, 0).await.unwrap().found);
    }
    assert!(one.check_many(&all, 0).await.is_err());
}

#[tokio::test]
async fn one_box_can_be_asked_about_only_so_often() {
    let (mut config, clock) = behind_a_proxy();
    config.limits.box_requests_per_second = 1;
    let (_service, client) = start(config).await;
    let (one, other) = (client.from("192.0.2.1"), client.from("192.0.2.2"));
    assert_eq!(checks_until_refused(&one).await, 30);
    clock.advance(Duration::from_secs(1));
    assert_eq!(checks_until_refused(&one).await, 1);
    assert_eq!(one.post(check(&key(2), 0, 0).to_json()).await.status, StatusCode::OK, "another box");
    assert_eq!(other.post(check(&key(1), 0, 0).to_json()).await.status, StatusCode::OK, "its owner");
}

#[tokio::test]
async fn a_full_box_refuses_more() {
    let (config, _clock) = behind_a_proxy();
    let (_service, client) = start(config).await;
    let (checked, unchecked) = (key(1), key(2));
    client.check(&checked, 0).await.unwrap();
    for (key, room) in [(checked, MAX_BOX_MESSAGES), (unchecked, MAX_UNCHECKED_MESSAGES)] {
        for _ in 0..room {
            client.send(&key, "AAAA").await.unwrap();
        }
        let full = client.post(send(&key, "AAAA").to_json()).await;
        assert_too_often(&full);
        assert_eq!(full.retry_after(), Some(3600));
    }
}

#[tokio::test]
async fn new_boxes_are_rationed_and_known_ones_are_not() {
    let (mut config, _clock) = behind_a_proxy();
    config.limits.new_boxes_per_hour = 2;
    let (_service, client) = start(config).await;
    let one = client.from("2001:db8::1");
    for seed in 0..8 {
        one.send(&key(seed), "AAAA").await.unwrap();
    }
    assert_too_often(&one.post(check(&key(8), 0, 0).to_json()).await);
    assert_too_often(&one.post(send(&key(8), "AAAA").to_json()).await);
    let neighbour = client.from("2001:db8:0:ff::1");
    assert_too_often(&neighbour.post(check(&key(8), 0, 0).to_json()).await);
    assert_eq!(one.post(check(&key(1), 0, 0).to_json()).await.status, StatusCode::OK);
    let other = client.from("2001:db8:0:100::1");
    assert_eq!(other.post(check(&key(8), 0, 0).to_json()).await.status, StatusCode::OK);
}

/// Checks boxes that all hold a message, once each; says how many questions were asked.
async fn questions(clients: impl Fn(u64) -> Client, boxes: std::ops::Range<u64>) -> u64 {
    let mut asked = 0;
    for seed in boxes {
        let key = key(seed);
        let client = clients(seed);
        client.send(&key, "AAAA").await.unwrap();
        let response = client.post(check(&key, 0, 0).to_json()).await;
        if response.status == StatusCode::OK {
            asked += 1;
        } else {
            assert_too_often(&response);
        }
    }
    asked
}

#[tokio::test]
async fn a_client_cannot_make_the_service_seal_without_end() {
    let (mut config, clock) = behind_a_proxy();
    config.limits.questions_per_second = 1;
    let (_service, client) = start(config).await;
    let one = client.from("192.0.2.1");
    assert_eq!(questions(|_| one.clone(), 0..40).await, 10);
    clock.advance(Duration::from_secs(3));
    assert_eq!(questions(|_| one.clone(), 40..60).await, 3);
    let again = one.post(check(&key(0), 0, 0).to_json()).await;
    assert_eq!(again.status, StatusCode::OK, "a question that is sealed already costs nothing");
    let other = client.from("192.0.2.2").post(check(&key(39), 0, 0).to_json()).await;
    assert_eq!(other.status, StatusCode::OK, "another client is not affected");
}

#[tokio::test]
async fn all_clients_together_cannot_either() {
    let (mut config, clock) = behind_a_proxy();
    config.limits.questions_per_second_in_all = 5;
    let (_service, client) = start(config).await;
    let from_everywhere = |seed| client.from(&format!("192.0.2.{seed}"));
    assert_eq!(questions(from_everywhere, 0..30).await, 10);
    clock.advance(Duration::from_secs(1));
    assert_eq!(questions(from_everywhere, 30..40).await, 5);
}

#[tokio::test]
async fn a_box_in_a_batch_without_a_question_is_still_reported() {
    let (mut config, _clock) = behind_a_proxy();
    config.limits.questions_per_second_in_all = 1;
    let (_service, client) = start(config).await;
    let keys: Vec<_> = (0..5).map(key).collect();
    for key in &keys {
        client.send(key, "AAAA").await.unwrap();
    }
    let checked = client.check_many(&keys.iter().collect::<Vec<_>>(), 0).await.unwrap();
    assert!(checked.boxes.len() == 5 && checked.boxes.iter().all(|report| report.found));
    assert!(checked.boxes.iter().any(|report| report.error.as_deref() == Some("Too often")));
    assert!(checked.boxes.iter().all(|report| report.question.is_some() != report.error.is_some()));
}

#[tokio::test]
async fn connections_are_limited() {
    let mut config = config();
    config.limits.connections_per_client = 1;
    let (service, client) = start(config).await;
    client.check(&key(1), 0).await.unwrap();
    let mut second = tokio::net::TcpStream::connect(service.address()).await.unwrap();
    let mut end = [0; 1];
    let read = tokio::io::AsyncReadExt::read(&mut second, &mut end).await;
    assert!(matches!(read, Ok(0) | Err(_)), "the second connection is closed at once");
    client.check(&key(1), 0).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_dawdles_is_not_waited_for() {
    let (service, _client) = start(config()).await;
    let mut stream = tokio::net::TcpStream::connect(service.address()).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
    let mut reply = vec![0; 1024];
    let length = tokio::io::AsyncReadExt::read(&mut stream, &mut reply).await.unwrap();
    let reply = String::from_utf8(reply[..length].to_vec()).unwrap();
    assert!(
        reply.starts_with("HTTP/1.1 408") && reply.ends_with(r#"{"ok":false,"error":"Too slow"}"#),
        "{reply}"
    );
}
