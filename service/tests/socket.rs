//! The API over WebSockets, with a client that is not ours.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::time::Duration;

use common::{Client, check, config, key, open, send, start, texts};
use connectoid_protocol::{
    boxes::BoxKey,
    mailbox::{
        CheckMany, Checked, CheckedMany, Cursor, Done, MAX_REQUEST_LEN, MAX_WAIT_SECS, Pushed, Receive,
        Received, Refusal, Reply, ReplyError, Request, parse_reply,
    },
};
use connectoid_service::RunningService;
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{Error, Message},
};

/// Nothing takes this long unless it hangs; below the longest wait.
const PATIENCE: Duration = Duration::from_secs(MAX_WAIT_SECS - 10);

struct Socket(WebSocketStream<TcpStream>);

impl Socket {
    async fn open(service: &RunningService) -> Result<Self, Error> {
        let stream = TcpStream::connect(service.address()).await.unwrap();
        let url = format!("ws://{}/", service.address());
        client_async(url, stream).await.map(|(socket, _)| Self(socket))
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.0.next()).await.expect("the service says nothing");
            match next {
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(message)) => return Some(message),
                Some(Err(_)) | None => return None,
            }
        }
    }

    /// The next thing that the service says.
    async fn text(&mut self) -> String {
        match self.next().await {
            Some(Message::Text(text)) => text.to_string(),
            other => panic!("{other:?}"),
        }
    }

    async fn exchange(&mut self, text: &str) -> String {
        self.0.send(Message::text(text)).await.unwrap();
        self.text().await
    }

    async fn ask<T: Reply>(&mut self, request: Request) -> Result<T, ReplyError> {
        let reply = self.exchange(&String::from_utf8(request.to_json()).unwrap()).await;
        assert!(!reply.contains(r#""push""#), "{reply}");
        parse_reply(reply.as_bytes())
    }

    async fn check(&mut self, cursors: Vec<Cursor>) -> CheckedMany {
        self.ask(Request::CheckMany(CheckMany { cursors, ext: None, wait: MAX_WAIT_SECS })).await.unwrap()
    }

    async fn pushed(&mut self) -> CheckedMany {
        let text = self.text().await;
        let pushed: Pushed = parse_reply(text.as_bytes()).unwrap_or_else(|_| panic!("{text}"));
        assert!(pushed.push);
        pushed.checked
    }

    /// The code with which the service ends it.
    async fn close_code(&mut self) -> Option<u16> {
        match self.next().await {
            Some(Message::Close(frame)) => frame.map(|frame| frame.code.into()),
            other => panic!("{other:?}"),
        }
    }
}

fn cursor(key: &BoxKey, at: u64) -> Cursor {
    Cursor { id: key.id(), at }
}

fn receive(key: &BoxKey, at: u64, answer: [u8; 32]) -> Request {
    Request::Receive(Receive { cursor: cursor(key, at), ext: None, answer, limit: 32 })
}

#[tokio::test]
async fn every_operation_works_and_what_arrives_is_told_unasked() {
    let (service, client) = start(config()).await;
    let mut socket = Socket::open(&service).await.unwrap();
    let (one, other) = (key(1), key(2));
    let nothing = socket.check(vec![cursor(&one, 0), cursor(&other, 0)]).await;
    assert!(!nothing.found && nothing.boxes.is_empty(), "told at once, whatever `wait` says");

    client.send(&one, "AAAA").await.unwrap();
    let pushed = socket.pushed().await;
    let [report] = &pushed.boxes[..] else { panic!("{}", pushed.boxes.len()) };
    assert!(pushed.found && report.found && report.id == one.id().to_base64());
    let answer = open(&one, &client.url, report.question.as_deref().unwrap());
    let received: Received = socket.ask(receive(&one, 0, answer)).await.unwrap();
    assert_eq!(texts(&received), ["AAAA"]);

    // The box that was told about is not watched any more, the other one is.
    client.send(&one, "BBBB").await.unwrap();
    let _done: Done = socket.ask(send(&key(3), "CCCC")).await.unwrap();
    client.send(&other, "DDDD").await.unwrap();
    assert_eq!(socket.pushed().await.boxes[0].id, other.id().to_base64());

    let found = socket.check(vec![cursor(&one, received.at.unwrap())]).await;
    assert!(found.found, "what arrived in between is in the reply");
    let alone: Checked = socket.ask(check(&other, 0, MAX_WAIT_SECS)).await.unwrap();
    assert!(alone.found);
    service.shutdown().await;
}

#[tokio::test]
async fn a_refused_check_leaves_the_watch_alone_and_says_when_to_come_back() {
    let mut config = config();
    config.limits.box_requests_per_second = 1;
    let (service, client) = start(config).await;
    let mut socket = Socket::open(&service).await.unwrap();
    let (watched, asked) = (key(1), key(2));
    socket.check(vec![cursor(&watched, 0)]).await;
    while socket.ask::<Checked>(check(&asked, 0, 0)).await.is_ok() {}
    let many = CheckMany { cursors: vec![cursor(&asked, 0)], ext: None, wait: 0 };
    let many = String::from_utf8(Request::CheckMany(many).to_json()).unwrap();
    let refused = socket.exchange(&many).await;
    assert!(refused.starts_with(r#"{"ok":false,"error":"Too often","retry_after":"#), "{refused}");
    client.send(&watched, "AAAA").await.unwrap();
    assert_eq!(socket.pushed().await.boxes[0].id, watched.id().to_base64());
    let malformed: Result<Done, _> = parse_reply(socket.exchange("{").await.as_bytes());
    assert_eq!(malformed, Err(ReplyError::Refused(Refusal::Malformed)));
}

#[tokio::test]
async fn a_socket_counts_as_a_waiting_check_and_as_a_connection() {
    let mut config = config();
    config.limits.waits_per_client = 1;
    config.limits.connections_per_client = 2;
    let (service, client) = start(config).await;
    let first = Socket::open(&service).await.unwrap();
    let Err(Error::Http(refused)) = Socket::open(&service).await else { panic!("a second one") };
    assert_eq!(refused.status().as_u16(), Refusal::TooOften.status());
    assert!(refused.headers().contains_key("retry-after"));
    drop(refused);
    let held = client.post(check(&key(1), 0, MAX_WAIT_SECS).to_json()).await;
    assert_eq!(held.status.as_u16(), Refusal::TooOften.status());
    // The client's own connection and the socket are two; a third is closed at once.
    let mut third = TcpStream::connect(service.address()).await.unwrap();
    assert!(matches!(third.read(&mut [0]).await, Ok(0) | Err(_)));
    drop((first, third));
    while service.waiting() > 0 {
        tokio::task::yield_now().await;
    }
    Socket::open(&service).await.unwrap();
}

#[tokio::test]
async fn what_is_too_long_or_no_text_ends_it() {
    let (service, _client) = start(config()).await;
    let mut long = Socket::open(&service).await.unwrap();
    // The service may be gone before all of it is sent.
    let _ = long.0.send(Message::text("A".repeat(MAX_REQUEST_LEN + 1))).await;
    assert!(!matches!(long.next().await, Some(Message::Text(_))));
    let mut binary = Socket::open(&service).await.unwrap();
    binary.0.send(Message::binary(b"{}".to_vec())).await.unwrap();
    assert_eq!(binary.close_code().await, Some(1003));
    let mut polite = Socket::open(&service).await.unwrap();
    polite.0.close(None).await.unwrap();
    assert!(matches!(polite.next().await, Some(Message::Close(_))));
    while service.waiting() > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_service_that_stops_says_so() {
    let (service, _client) = start(config()).await;
    let mut socket = Socket::open(&service).await.unwrap();
    socket.check(vec![cursor(&key(1), 0)]).await;
    let stopped = tokio::spawn(service.shutdown());
    assert_eq!(socket.close_code().await, Some(1001));
    assert!(socket.next().await.is_none());
    stopped.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_answer_pings_is_left() {
    let (service, _client) = start(config()).await;
    let mut stream = TcpStream::connect(service.address()).await.unwrap();
    let head = "GET / HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    assert!(all.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&all));
    assert!(all.ends_with(&[0x89, 0, 0x89, 0]), "two pings and no word");
}

#[tokio::test]
async fn a_half_hearted_upgrade_is_malformed() {
    let (_service, mut client) = start(config()).await;
    client.headers.insert("upgrade", "websocket".parse().unwrap());
    let response = client.call(axum::http::Method::GET, "/", "").await;
    assert_eq!(response.status.as_u16(), Refusal::Malformed.status());
    client.headers.insert("upgrade", "h2c".parse().unwrap());
    assert!(client.call(axum::http::Method::GET, "/", "").await.text().contains("\"protocol\":1"));
    let _: &Client = &client;
}
