//! One side of a connection of the SDK's own WebRTC driver, told what to do by lines on standard input:
//! see `peers/webrtc/README.md`. With an address as an argument, it connects from there instead of over loopback.

#![allow(unexpected_cfgs, reason = "the features of the SDK, whose driver this is made of")]

#[allow(dead_code, unreachable_pub, unused_imports, reason = "the SDK uses the rest of its driver")]
#[path = "../../../../core/sdk/src/rtc/mod.rs"]
mod rtc;

use std::{
    error::Error,
    fmt::Debug,
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use rtc::{Channel, Connection, Incoming, RtcConfig, RtcEvent};
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// What this side may be told.
#[derive(Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
enum Order {
    Offer,
    Answer { sdp: String },
    Accept { sdp: String },
    Receive { bytes: u64 },
    Send { bytes: usize, size: usize },
    Close,
}

/// How many bytes are to come.
static AWAITED: AtomicU64 = AtomicU64::new(0);

/// What the guard has said last: the most that has waited, and how many packets it has dropped.
static HELD: AtomicU64 = AtomicU64::new(0);
static LOST: AtomicU64 = AtomicU64::new(0);

/// Listens to what the guard says, and to nothing else.
struct Guard;

impl Subscriber for Guard {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().ends_with("rtc::guard::watch")
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Guard);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

impl Visit for Guard {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "held" => HELD.store(value, Ordering::Relaxed),
            "lost" => LOST.store(value, Ordering::Relaxed),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}

// As many threads as a node has.
#[tokio::main(worker_threads = 2)]
async fn main() -> Outcome {
    tracing::subscriber::set_global_default(Guard)?;
    let address = std::env::args().nth(1).map(|address| address.parse::<IpAddr>()).transpose()?;
    let bind = vec![address.unwrap_or_else(|| [127, 0, 0, 1].into())];
    let config = RtcConfig { loopback: bind[0].is_loopback(), bind, ..RtcConfig::default() };
    let mut connection = None;
    // This thread may wait: the runtime's own do the work.
    for line in std::io::stdin().lines() {
        let line = line?;
        match (serde_json::from_str(&line)?, &connection) {
            (Order::Offer, _) => connection = Some(start(Connection::offer(&config).await?)),
            (Order::Answer { sdp }, _) => {
                connection = Some(start(Connection::answer(&config, &sdp).await?));
            }
            (Order::Receive { bytes }, _) => {
                AWAITED.store(bytes, Ordering::Relaxed);
                say(&json!({"ready": true}));
            }
            (Order::Accept { sdp }, Some(connection)) => connection.accept_answer(&sdp).await?,
            (Order::Send { bytes, size }, Some(connection)) => send(connection, bytes, size).await?,
            (Order::Close, Some(connection)) => {
                connection.close().await;
                let (held, lost) = (HELD.load(Ordering::Relaxed), LOST.load(Ordering::Relaxed));
                say(&json!({"closed": {"held": held, "lost": lost}}));
            }
            _ => return Err("there is no connection yet".into()),
        }
    }
    Ok(())
}

fn start((connection, incoming, sdp): (Connection, Incoming, String)) -> Connection {
    tokio::spawn(read(incoming));
    say(&json!({"sdp": sdp}));
    connection
}

async fn read(mut incoming: Incoming) {
    let mut received = 0;
    while let Some(event) = incoming.next().await {
        match event {
            RtcEvent::Open { .. } => say(&json!({"open": true})),
            RtcEvent::Message { data, .. } => {
                received += data.len() as u64;
                if received == AWAITED.load(Ordering::Relaxed) {
                    say(&json!({"received": received}));
                    received = 0;
                }
            }
            RtcEvent::Closed { .. } => {}
        }
    }
}

async fn send(connection: &Connection, bytes: usize, size: usize) -> Outcome {
    let message = Bytes::from(vec![0; size]);
    for _ in (0..bytes).step_by(size) {
        connection.send(Channel::App, message.clone()).await?;
    }
    Ok(())
}

fn say(line: &Value) {
    println!("{line}");
}
