//! What is not as the specification says is refused, with the field at fault; and a connection whose request was not
//! read to its end says that it ends.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use axum::http::{StatusCode, header};
use common::{Client, check, config, key, start};
use connectoid_protocol::mailbox::MAX_REQUEST_LEN;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

#[tokio::test]
async fn what_is_wrong_is_named_by_its_field() {
    let (_service, client) = start(config()).await;
    let id = key(1).id().to_base64();
    let of = |rest: &str| format!(r#"{{"pub":"{id}",{rest}}}"#).into_bytes();
    let cases = [
        (of(r#""type":"send","data":"A""#), "data: missing, empty, or not base64url"),
        (of(r#""type":"send","data":"AB""#), "data: missing, empty, or not base64url"),
        (of(r#""type":"send","data":"AAA=""#), "data: missing, empty, or not base64url"),
        (of(r#""type":"send""#), "data: missing, empty, or not base64url"),
        (of(r#""type":"check","new":1,"new":2"#), "a field given twice"),
        (of(r#""type":"check","at":1,"at":1"#), "a field given twice"),
        (of(r#""type":"check","at":"1""#), "at: not an integer from 0 to 2^53 - 1"),
        (of(r#""type":"check","wait":26"#), "wait: not an integer from 0 to 25"),
        (of(r#""type":"check","ask":"yes""#), "ask: neither true nor false"),
        (of(r#""type":7"#), "type: missing, or no text"),
        (b"{\"type\":\"check\",\"new\":\"\xff\"}".to_vec(), "not UTF-8"),
        (b"{\"type\":\"check\",\"\xc3\":1}".to_vec(), "not UTF-8"),
        (b"[]".to_vec(), "not a JSON object"),
        (b"{\"type\":\"check\",\"pub\":7}".to_vec(), "pub: not 49 bytes of base64url that begin with 2 or 3"),
    ];
    for client in [client.clone(), Client::http2(&client.url)] {
        for (body, detail) in &cases {
            let response = client.post(body.clone()).await;
            let expected = format!(r#"{{"ok":false,"error":"Malformed","detail":"{detail}"}}"#);
            assert_eq!(response.text(), expected, "{}", String::from_utf8_lossy(body));
            assert_eq!(response.status, StatusCode::BAD_REQUEST);
            assert_eq!(response.headers.get(header::CONNECTION), None, "the body was read");
        }
    }
}

/// Sends over a connection of its own, and returns what comes until the other side ends it.
async fn until_the_end(client: &Client, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(client.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.unwrap();
    String::from_utf8(all).unwrap()
}

fn post(path: &str, announced: usize, body: &str) -> Vec<u8> {
    format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {announced}\r\n\r\n{body}").into_bytes()
}

#[tokio::test]
async fn a_connection_that_ends_with_a_refusal_says_so() {
    let (_service, client) = start(config()).await;
    let long = "A".repeat(MAX_REQUEST_LEN + 1);
    for (request, status) in [
        (post("/", long.len(), &long), 413),
        (post("/", 10 << 20, &"A".repeat(300 << 10)), 413),
        (post("/other", 100, "{"), 404),
        (post("/health", 100, "{"), 405),
    ] {
        let reply = until_the_end(&client, &request).await;
        assert!(reply.starts_with(&format!("HTTP/1.1 {status} ")), "{reply}");
        assert!(reply.to_ascii_lowercase().contains("\r\nconnection: close\r\n"), "{reply}");
    }
}

#[tokio::test]
async fn a_connection_goes_on_after_what_was_read() {
    let (_service, client) = start(config()).await;
    let body = String::from_utf8(check(&key(1), 0, 0).to_json()).unwrap();
    let twice = [post("/", 1, "x"), post("/", body.len(), &body)].concat();
    let last = b"GET /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let replies = until_the_end(&client, &[&twice[..], last].concat()).await;
    assert_eq!(replies.matches("HTTP/1.1 400 ").count(), 1, "{replies}");
    assert_eq!(replies.matches("HTTP/1.1 200 ").count(), 2, "{replies}");
}
