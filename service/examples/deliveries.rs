//! How many messages a running mailbox service delivers, for comparing it with others.
//!
//! Pairs of clients work in parallel, each delivering one message after the other. At this service a
//! delivery is `send`, `check`, the answer to the question, and `receive`, over kept-alive HTTP/1.1. At
//! magic-wormhole's mailbox server it is an `add` that arrives at the other side, over WebSockets.
//!
//!     deliveries connectoid http://127.0.0.1:7000 16 5
//!     deliveries wormhole ws://127.0.0.1:4000/v1 16 5
//!
//! It prints the deliveries per second and the median time of one as JSON.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a measurement fails by panicking"
)]

use std::time::{Duration, Instant};

use bytes::Bytes;
use connectoid_protocol::{
    boxes::BoxKey,
    encoding::parse_base64url,
    mailbox::{Check, Checked, Cursor, Done, Receive, Received, Reply, Request, Send, parse_reply},
    origin,
    question::{self, NONCE_LEN},
};
use futures_util::{SinkExt as _, StreamExt as _, future::join_all};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{WebSocketStream, client_async, tungstenite::Message};

/// The length of a message as text: about what a small offer takes.
const LENGTH: usize = 2048;

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [kind, url, pairs, seconds] = &args[..] else { panic!("usage: deliveries KIND URL PAIRS SECONDS") };
    let (pairs, seconds): (u64, u64) = (pairs.parse().unwrap(), seconds.parse().unwrap());
    let start = Instant::now();
    let end = start + Duration::from_secs(seconds);
    // Boxes that no earlier run has left anything in.
    let first = u64::from(std::process::id()) << 32;
    let running = (first..first + pairs).map(|number| {
        let (kind, url) = (kind.clone(), url.clone());
        tokio::spawn(async move {
            if kind == "wormhole" {
                wormhole(&url, number, end).await
            } else {
                connectoid(&url, number, end).await
            }
        })
    });
    let times = join_all(running.collect::<Vec<_>>()).await;
    let mut times: Vec<f64> = times.into_iter().flat_map(Result::unwrap).collect();
    let per_second = f64::from(u32::try_from(times.len()).unwrap()) / start.elapsed().as_secs_f64();
    times.sort_by(f64::total_cmp);
    println!("{}", json!({"per_second": per_second.round(), "p50_ms": times[times.len() / 2]}));
}

fn message() -> String {
    "A".repeat(LENGTH)
}

async fn connectoid(url: &str, number: u64, end: Instant) -> Vec<f64> {
    let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(number));
    let origin = origin::of_url(url).unwrap();
    let (mut sender, mut reader) = (Http::open(url).await, Http::open(url).await);
    let (mut at, mut asked, mut times) = (0, (String::new(), [0; NONCE_LEN]), Vec::new());
    while Instant::now() < end {
        let start = Instant::now();
        let (id, cursor) = (key.id(), Cursor { id: key.id(), at });
        sender.ask::<Done>(Request::Send(Send { id, ext: None, data: message(), pow: None })).await;
        let check = Request::Check(Check { cursor, ext: None, wait: 0, ask: false });
        let question = reader.ask::<Checked>(check).await.question.expect("a question");
        // The same question within a minute has the same answer, which a client may keep.
        if question != asked.0 {
            let answer = *question::open(&key, &origin, &parse_base64url(&question).unwrap()).unwrap();
            asked = (question, answer);
        }
        let receive = Request::Receive(Receive { cursor, ext: None, answer: asked.1, limit: 32 });
        let received = reader.ask::<Received>(receive).await;
        assert_eq!(received.messages.len(), 1);
        at = received.at.unwrap();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times
}

/// One kept-alive connection.
struct Http {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

impl Http {
    async fn open(url: &str) -> Self {
        let host = url.strip_prefix("http://").unwrap().to_owned();
        let stream = TcpStream::connect(&host).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender, host }
    }

    async fn ask<T: Reply>(&mut self, request: Request) -> T {
        let body = Full::new(Bytes::from(request.to_json()));
        let request = hyper::Request::post("/").header("host", &self.host).body(body).unwrap();
        self.sender.ready().await.unwrap();
        let reply = self.sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
        parse_reply(&reply.to_bytes()).unwrap_or_else(|error| panic!("{error}"))
    }
}

async fn wormhole(url: &str, number: u64, end: Instant) -> Vec<f64> {
    let mailbox = format!("box{number}");
    let (mut sender, mut reader) =
        (Side::open(url, "a", &mailbox).await, Side::open(url, "b", &mailbox).await);
    let mut times = Vec::new();
    while Instant::now() < end {
        let start = Instant::now();
        let phase = times.len().to_string();
        sender.say(json!({"type": "add", "phase": phase, "body": message()})).await;
        reader.hear(&phase).await;
        times.push(start.elapsed().as_secs_f64() * 1000.0);
        // The sender gets it too, and must take it from the line.
        sender.hear(&phase).await;
    }
    times
}

struct Side(WebSocketStream<TcpStream>);

impl Side {
    async fn open(url: &str, side: &str, mailbox: &str) -> Self {
        let address = url.strip_prefix("ws://").and_then(|rest| rest.split('/').next()).unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut this = Self(client_async(url, stream).await.unwrap().0);
        this.say(json!({"type": "bind", "appid": "deliveries", "side": side})).await;
        this.say(json!({"type": "open", "mailbox": mailbox})).await;
        this
    }

    async fn say(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn hear(&mut self, phase: &str) {
        while let Some(Ok(message)) = self.0.next().await {
            let Message::Text(text) = message else { continue };
            let said: Value = serde_json::from_str(&text).unwrap();
            assert_ne!(said["type"], "error", "{said}");
            if said["type"] == "message" && said["phase"] == phase {
                return;
            }
        }
        panic!("the server has gone");
    }
}
