//! Messages go once their reader says, with its cursor, that it has processed them, and not before.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Client, config, key, start, texts};
use connectoid_protocol::{
    boxes::BoxKey,
    mailbox::{MAX_BOX_MESSAGES, Refusal, ReplyError},
};
use connectoid_service::{Config, ManualClock, Storage};

const START: u64 = 1_700_000_000_000_000;

/// About as long as the offer of a connection, and whole bytes in base64url: 24 of them fill a box.
const LENGTH: usize = 5600;

/// Sends a message, then reads the box like a client that persists its cursor; says the cursor after it.
async fn round(client: &Client, key: &BoxKey, answer: [u8; 32], data: &str, at: u64) -> u64 {
    client.send(key, data).await.unwrap();
    assert!(client.check(key, at).await.unwrap().found);
    let received = client.receive(key, answer, at, MAX_BOX_MESSAGES).await.unwrap();
    assert_eq!(texts(&received), [data]);
    received.at.unwrap()
}

/// 100 messages in 50 minutes, 10 for each answer to keep the test short.
async fn a_box_that_is_read_takes_any_number(storage: Storage) {
    let clock = ManualClock::new(START);
    let (service, client) = start(Config { storage, clock: clock.clock(), ..config() }).await;
    let key = key(1);
    let mut at = 0;
    for ten in 0..10 {
        let answer = client.answer(&key).await;
        for one in 0..10 {
            at = round(&client, &key, answer, &format!("{:0LENGTH$}", 10 * ten + one), at).await;
        }
        clock.advance(Duration::from_mins(5));
    }
    service.shutdown().await;
}

#[tokio::test]
async fn a_box_that_is_read_can_take_any_number_of_messages_within_the_hour() {
    let directory = tempfile::tempdir().unwrap();
    a_box_that_is_read_takes_any_number(Storage::Memory).await;
    a_box_that_is_read_takes_any_number(Storage::Directory(directory.path().into())).await;
}

#[tokio::test]
async fn a_reader_that_dies_before_it_has_processed_loses_nothing() {
    let clock = ManualClock::new(START);
    let (_service, client) = start(Config { clock: clock.clock(), ..config() }).await;
    let key = key(1);
    for data in ["AAAA", "BBBB", "CCCC"] {
        client.send(&key, data).await.unwrap();
    }
    let answer = client.answer(&key).await;
    let first = client.receive(&key, answer, 0, 1).await.unwrap();
    for _ in 0..3 {
        let rest = client.receive(&key, answer, first.at.unwrap(), MAX_BOX_MESSAGES).await.unwrap();
        assert_eq!(texts(&rest), ["BBBB", "CCCC"]);
    }
    let all = client.receive(&key, answer, 0, MAX_BOX_MESSAGES).await.unwrap();
    assert_eq!(texts(&all), ["BBBB", "CCCC"], "only the first was said to be processed");
}

#[tokio::test]
async fn only_the_owner_can_make_a_box_forget_and_only_with_its_own_cursor() {
    let clock = ManualClock::new(START);
    let (_service, client) = start(Config { clock: clock.clock(), ..config() }).await;
    let key = key(1);
    client.send(&key, "AAAA").await.unwrap();
    let answer = client.answer(&key).await;
    clock.advance(Duration::from_secs(9));
    let wrong = client.receive(&key, [0; 32], START, 1).await.err();
    assert!(wrong == Some(ReplyError::Refused(Refusal::WrongAnswer)));
    // Beyond the newest message, before and after now: neither was given out by this box.
    for at in [START + 1, START + 10_000_000] {
        client.receive(&key, answer, at, 1).await.unwrap();
    }
    client.check(&key, START).await.unwrap();
    assert_eq!(texts(&client.receive(&key, answer, 0, 1).await.unwrap()), ["AAAA"]);
    assert!(client.receive(&key, answer, START, 1).await.unwrap().messages.is_empty());
    assert!(client.receive(&key, answer, 0, 1).await.unwrap().messages.is_empty());
}
