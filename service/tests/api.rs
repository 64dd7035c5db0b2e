//! The whole API over real HTTP/1.1 and HTTP/2.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use axum::http::{Method, StatusCode};
use common::{Client, check, config, key, open, send, start, texts};
use connectoid_protocol::mailbox::{
    BoxReport, Checked, Extension, MAX_BATCH, MAX_DATA_LEN, MAX_REQUEST_LEN, Refusal, ReplyError, Request,
    Send, ServiceInfo,
};
use connectoid_protocol::work::{Challenge, MAX_WORK_BITS};
use connectoid_service::{Config, ManualClock, Service, StartError};

const NOTHING: Checked = Checked { found: false, question: None };

fn refused<T>(reply: Result<T, ReplyError>) -> Refusal {
    match reply.err() {
        Some(ReplyError::Refused(refusal)) => refusal,
        other => panic!("{other:?}"),
    }
}

async fn exchange(client: &Client) {
    let key = key(1);
    assert!(client.check(&key, 0).await == Ok(NOTHING));
    for data in ["AAAA", "BBBB", "CCCC"] {
        client.send(&key, data).await.unwrap();
    }
    let checked = client.check(&key, 0).await.unwrap();
    assert!(checked.found);
    let answer = open(&key, &client.url, &checked.question.unwrap());

    let one = client.receive(&key, answer, 0, 1).await.unwrap();
    assert_eq!((texts(&one), one.data.as_deref()), (vec!["AAAA"], Some("AAAA")));
    let rest = client.receive(&key, answer, one.at.unwrap(), 32).await.unwrap();
    assert_eq!((texts(&rest), rest.data.as_deref()), (vec!["BBBB", "CCCC"], Some("CCCC")));
    assert!(rest.messages[0].at > one.at.unwrap() && rest.messages[1].at > rest.messages[0].at);
    assert_eq!(rest.at, Some(rest.messages[1].at));
    assert!(client.check(&key, rest.at.unwrap()).await == Ok(NOTHING));
    let again = client.receive(&key, answer, 0, 32).await.unwrap();
    assert_eq!(texts(&again), ["BBBB", "CCCC"], "what was received stays until it was processed");
    let future = client.check(&key, (1 << 53) - 1).await.unwrap();
    assert!(future.found, "a cursor from the future counts as 0");
    let none = client.receive(&key, answer, rest.at.unwrap(), 32).await.unwrap();
    assert_eq!((none.messages.len(), none.at), (0, None));
    assert!(client.check(&key, 0).await == Ok(NOTHING), "what was processed is forgotten");

    client.drop_box(&key, answer).await.unwrap();
    client.drop_box(&key, answer).await.unwrap();
    assert_eq!(refused(client.check(&key, 0).await), Refusal::Closed);
    assert_eq!(refused(client.send(&key, "AAAA").await), Refusal::Closed);
    assert_eq!(refused(client.receive(&key, answer, 0, 1).await), Refusal::Closed);
}

#[tokio::test]
async fn an_exchange_over_http1() {
    let (service, client) = start(config()).await;
    exchange(&client).await;
    service.shutdown().await;
}

#[tokio::test]
async fn an_exchange_over_http2() {
    let (service, client) = start(config()).await;
    exchange(&Client::http2(&client.url)).await;
    service.shutdown().await;
}

#[tokio::test]
async fn messages_live_an_hour_and_answers_a_minute() {
    let clock = ManualClock::new(1_700_000_000_000_000);
    let (_service, client) = start(Config { clock: clock.clock(), ..config() }).await;
    let key = key(1);
    client.send(&key, "AAAA").await.unwrap();
    let answer = client.answer(&key).await;
    clock.advance(Duration::from_mins(1));
    assert_eq!(texts(&client.receive(&key, answer, 0, 1).await.unwrap()), ["AAAA"]);
    clock.advance(Duration::from_mins(1));
    assert_eq!(refused(client.receive(&key, answer, 0, 1).await), Refusal::WrongAnswer);
    clock.advance(Duration::from_secs(3600 - 121));
    assert!(client.check(&key, 0).await.unwrap().found);
    clock.advance(Duration::from_secs(1));
    assert!(client.check(&key, 0).await == Ok(NOTHING));
    let answer = client.answer(&key).await;
    assert_eq!(client.receive(&key, answer, 0, 1).await.unwrap().messages.len(), 0);
}

#[tokio::test]
async fn only_the_owner_gets_anything() {
    let (_service, client) = start(config()).await;
    let (owner, other) = (key(1), key(2));
    client.send(&owner, "AAAA").await.unwrap();
    let answer = client.answer(&other).await;
    assert_eq!(refused(client.receive(&owner, answer, 0, 1).await), Refusal::WrongAnswer);
    assert_eq!(refused(client.receive(&owner, [0; 32], 0, 1).await), Refusal::WrongAnswer);
    assert_eq!(refused(client.drop_box(&owner, answer).await), Refusal::WrongAnswer);
    let answer = client.answer(&owner).await;
    assert_eq!(texts(&client.receive(&owner, answer, 0, 1).await.unwrap()), ["AAAA"]);
}

#[tokio::test]
async fn a_question_is_bound_to_the_name_that_was_dialled() {
    let mut config = config();
    config.public_urls = vec!["https://mail.example".into()];
    let (_service, mut client) = start(config).await;
    let key = key(1);
    client.send(&key, "AAAA").await.unwrap();
    let malicious = "http://evil.example";
    client.headers.insert("host", "evil.example".parse().unwrap());
    let question = client.check(&key, 0).await.unwrap().question.unwrap();
    let sealed = connectoid_protocol::encoding::parse_base64url(&question).unwrap();
    assert!(connectoid_protocol::question::open(&key, malicious, &sealed).is_err());
    let answer = open(&key, "https://mail.example", &question);
    assert!(client.receive(&key, answer, 0, 1).await.is_ok());
}

#[tokio::test]
async fn an_unknown_box_can_be_closed_and_an_empty_one_asked() {
    let (_service, client) = start(config()).await;
    let key = key(1);
    let answer = client.answer(&key).await;
    assert_eq!(client.receive(&key, answer, 0, 1).await.unwrap().messages.len(), 0);
    client.drop_box(&key, answer).await.unwrap();
    assert_eq!(refused(client.check(&key, 0).await), Refusal::Closed);
}

#[tokio::test]
async fn many_boxes_are_checked_at_once() {
    let (_service, client) = start(config()).await;
    let keys: Vec<_> = (0..4).map(key).collect();
    let all: Vec<_> = keys.iter().collect();
    assert!(!client.check_many(&all, 0).await.unwrap().found);
    client.send(&keys[1], "AAAA").await.unwrap();
    let answer = client.answer(&keys[3]).await;
    client.drop_box(&keys[3], answer).await.unwrap();
    let checked = client.check_many(&all, 25).await.unwrap();
    assert!(checked.found);
    let [first, second] = &checked.boxes[..] else { panic!("{}", checked.boxes.len()) };
    assert_eq!((first.id.clone(), first.found, &first.error), (keys[1].id().to_base64(), true, &None));
    let answer = open(&keys[1], &client.url, first.question.as_deref().unwrap());
    assert_eq!(texts(&client.receive(&keys[1], answer, 0, 1).await.unwrap()), ["AAAA"]);
    let closed = BoxReport {
        id: keys[3].id().to_base64(),
        found: false,
        question: None,
        error: Some("Closed".into()),
    };
    assert!(*second == closed);
}

#[tokio::test]
async fn bad_requests_get_typed_errors() {
    let (_service, client) = start(config()).await;
    let id = key(1).id().to_base64();
    let off_the_curve = (0..=u8::MAX)
        .map(|n| [&[2][..], &[n; 48]].concat())
        .find(|bytes| connectoid_protocol::boxes::BoxId::from_bytes(bytes).unwrap().public_key().is_err());
    let off_the_curve = connectoid_protocol::encoding::base64url(&off_the_curve.unwrap());
    let long = "A".repeat(MAX_DATA_LEN + 1);
    let entry = format!(r#"{{"pub":"{id}"}},"#).repeat(MAX_BATCH);
    let cases = [
        (String::new(), Refusal::Malformed),
        ("pub=x".to_owned(), Refusal::Malformed),
        ("\u{0}\u{ff}".to_owned(), Refusal::Malformed),
        (r#"{"type":"steal"}"#.to_owned(), Refusal::UnknownType),
        (r#"{"type":"check","pub":"short"}"#.to_owned(), Refusal::Malformed),
        (format!(r#"{{"type":"check","pub":"{off_the_curve}"}}"#), Refusal::Malformed),
        (format!(r#"{{"type":"send","pub":"{off_the_curve}","data":"AAAA"}}"#), Refusal::Malformed),
        (format!(r#"{{"type":"send","pub":"{id}","data":"{long}"}}"#), Refusal::TooBig),
        (format!(r#"{{"type":"check","boxes":[{entry}{{"pub":"{id}"}}]}}"#), Refusal::TooBig),
        ("A".repeat(MAX_REQUEST_LEN + 1), Refusal::TooBig),
        ("A".repeat(MAX_REQUEST_LEN * 20), Refusal::TooBig),
    ];
    for client in [client.clone(), Client::http2(&client.url)] {
        for (body, refusal) in &cases {
            let response = client.post(body.clone()).await;
            let what = &body[..body.len().min(60)];
            assert_eq!(response.status.as_u16(), refusal.status(), "{what}: {}", response.text());
            assert!(response.text().contains(&format!(r#""error":"{refusal}""#)), "{}", response.text());
            assert!(!response.text().contains(&id[..8]), "a reply quotes the request");
        }
    }
}

#[tokio::test]
async fn other_paths_and_methods_are_refused() {
    let (_service, client) = start(config()).await;
    for (method, path, status) in [
        (Method::GET, "/other", 404),
        (Method::POST, "/health", 405),
        (Method::PUT, "/", 405),
        (Method::DELETE, "/", 405),
    ] {
        let response = client.call(method, path, "").await;
        assert_eq!(response.status.as_u16(), status, "{path}");
        assert!(response.text().starts_with(r#"{"ok":false,"error":"#), "{}", response.text());
    }
}

#[tokio::test]
async fn the_service_describes_itself() {
    let (_service, client) = start(config()).await;
    let response = client.call(Method::GET, "/", "").await;
    let info = ServiceInfo::parse(&response.body).unwrap();
    let unasked = |extension: &Extension| *extension == Extension::Pow;
    assert!(Extension::ALL.iter().all(|extension| info.offers(*extension) != unasked(extension)));
    assert!(!info.key_required && info.pow_bits == 0);
    assert_eq!(info.limits.data, MAX_DATA_LEN);
    let health = client.call(Method::GET, "/health", "").await;
    assert_eq!((health.status, health.text()), (StatusCode::OK, r#"{"ok":true}"#));
    let openapi = client.call(Method::GET, "/openapi.json", "").await;
    let openapi: serde_json::Value = serde_json::from_slice(&openapi.body).unwrap();
    assert_eq!(openapi["openapi"], "3.1.0");
}

#[tokio::test]
async fn the_content_type_does_not_matter() {
    let (_service, mut client) = start(config()).await;
    client.headers.insert("content-type", "application/x-www-form-urlencoded".parse().unwrap());
    assert!(client.check(&key(1), 0).await == Ok(NOTHING));
}

#[tokio::test]
async fn an_operator_can_ask_for_a_key() {
    let mut config = config();
    config.api_keys = connectoid_service::ApiKeys::new(["sesame".into()]);
    let (_service, client) = start(config).await;
    let key = key(1);
    let with = |ext: Option<&str>| {
        let mut request = check(&key, 0, 0);
        if let Request::Check(check) = &mut request {
            check.ext = ext.map(str::to_owned);
        }
        request
    };
    assert_eq!(refused(client.ask::<Checked>(with(None)).await), Refusal::WrongKey);
    assert_eq!(refused(client.ask::<Checked>(with(Some("mellon"))).await), Refusal::WrongKey);
    assert!(client.ask::<Checked>(with(Some("sesame"))).await == Ok(NOTHING));
    assert_eq!(client.post(send(&key, "AAAA").to_json()).await.status, StatusCode::UNAUTHORIZED);
    let info = ServiceInfo::parse(&client.call(Method::GET, "/", "").await.body).unwrap();
    assert!(info.key_required);
}

const MINUTE: u64 = 60_000_000;

#[tokio::test]
async fn an_operator_can_ask_for_work() {
    let clock = ManualClock::new(1000 * MINUTE);
    let mut config = Config { clock: clock.clock(), pow_bits: 10, ..config() };
    config.api_keys = connectoid_service::ApiKeys::new(["sesame".into()]);
    let (_service, client) = start(config).await;
    let key = key(1);
    let info = ServiceInfo::parse(&client.call(Method::GET, "/", "").await.body).unwrap();
    assert!(info.offers(Extension::Pow) && info.pow_bits == 10);
    let with = |minute: Option<u64>, ext: Option<&str>| {
        let pow = minute.map(|minute| Challenge::new(&key.id(), minute, "AAAA").work(10).unwrap());
        Request::Send(Send { id: key.id(), ext: ext.map(str::to_owned), data: "AAAA".into(), pow })
    };
    for (request, taken) in [
        (with(None, None), false),
        (with(None, Some("mellon")), false),
        (with(Some(998), None), false),
        (with(Some(1001), None), false),
        (with(Some(999), None), true),
        (with(Some(1000), None), true),
        (with(None, Some("sesame")), true),
    ] {
        let response = client.post(request.to_json()).await;
        let status = if taken { StatusCode::OK } else { StatusCode::PAYMENT_REQUIRED };
        assert_eq!(response.status, status, "{}", response.text());
        assert_eq!(response.text().contains("Work needed"), !taken);
    }
    assert_eq!(refused(client.check(&key, 0).await), Refusal::WrongKey, "work is for messages alone");
}

#[tokio::test]
async fn more_work_than_clients_do_is_not_asked_for() {
    let config = Config { pow_bits: MAX_WORK_BITS + 1, ..config() };
    assert!(matches!(Service::start(config).await, Err(StartError::WorkBits)));
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let (_service, mut client) = start(config()).await;
    client.headers.insert("origin", "https://app.example".parse().unwrap());
    let header = |response: &common::Response, name: &str| {
        response.headers.get(name).map(|value| value.to_str().unwrap().to_owned())
    };
    for (method, body, status) in [
        (Method::GET, Vec::new(), 200),
        (Method::POST, check(&key(1), 0, 0).to_json(), 200),
        (Method::POST, b"{".to_vec(), 400),
    ] {
        let response = client.call(method, "/", body).await;
        assert_eq!(response.status.as_u16(), status);
        assert_eq!(header(&response, "access-control-allow-origin").as_deref(), Some("*"));
        assert_eq!(header(&response, "access-control-expose-headers").as_deref(), Some("date, retry-after"));
        assert_eq!(header(&response, "access-control-allow-credentials"), None);
    }
    client.headers.insert("access-control-request-method", "POST".parse().unwrap());
    client.headers.insert("access-control-request-headers", "content-type".parse().unwrap());
    let preflight = client.call(Method::OPTIONS, "/", "").await;
    assert_eq!((preflight.status, preflight.text()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(header(&preflight, "access-control-allow-origin").as_deref(), Some("*"));
    assert_eq!(header(&preflight, "access-control-allow-methods").as_deref(), Some("GET, POST"));
    assert_eq!(header(&preflight, "access-control-allow-headers").as_deref(), Some("content-type"));
    assert!(header(&preflight, "access-control-max-age").is_some());
}
