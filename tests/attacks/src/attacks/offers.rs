//! Offers in the mailbox, each with addresses of the attacker's choice: the victim is to check them all.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use connectoid_engine::{EventKind, api::Command};
use tokio::{net::UdpSocket, time::sleep};

use super::Extent;
use crate::{
    Outcome,
    hostile::{Manner, config},
    meter::Cost,
    rtc::Connection,
    stage::Stage,
};

/// How many addresses the attacker names: more than are taken.
const ADDRESSES: u16 = 64;

/// Checks of one offer that is followed to its end, at most: of twenty addresses, ten each and two a second.
const fn checks(seconds: u64) -> u64 {
    20 * (10 + 2 * seconds)
}

/// Checks of each that the next one takes the place of: it has time for a few rounds.
const REPLACED: u64 = 60;

/// Bytes of an offer, about, on its way to the service.
const OFFER: u64 = 8_000;

pub(super) async fn flood(stage: &Stage, extent: Extent) -> Outcome<Cost> {
    let (mut hostile, _) = stage.attacker().await?;
    let hits = Arc::new(AtomicU64::new(0));
    let mut ports = Vec::new();
    for _ in 0..ADDRESSES {
        let socket = UdpSocket::bind("127.0.0.1:0").await?;
        ports.push(socket.local_addr()?.port());
        let hits = hits.clone();
        tokio::spawn(async move {
            while socket.recv(&mut [0; 2048]).await.is_ok() {
                hits.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    let (_connection, _incoming, offer) = Connection::offer(&config()).await?;
    hostile.change_manner(Manner::Sdp(with_candidates(&offer, &ports)));
    hostile.call(Command::Disconnect { nickname: "victim".to_owned() }).await?;
    hostile.event("rest", |event| matches!(event, EventKind::Disconnected { .. })).await?;
    let meter = stage.meter(0).await?;
    let offers = extent.of(20, 64);
    let before = hostile.mailed();
    for offer in 1..=offers {
        hostile.call(Command::Connect { nickname: "victim".to_owned() }).await?;
        hostile.until_mailed(before + offer).await?;
    }
    let seconds = extent.of(6, 25);
    sleep(Duration::from_secs(seconds)).await;
    let cost = meter.stop(offers * OFFER).await?;
    let count = hits.load(Ordering::Relaxed);
    println!("  ({offers} offers led to {count} checks of {ADDRESSES} addresses)");
    Ok(cost
        .that_lasts()
        .promise("checks are few", count <= checks(seconds.min(20)) + offers * REPLACED)
        .promise("there are checks at all", count > 0))
}

/// The description with other candidates than its own.
fn with_candidates(sdp: &str, ports: &[u16]) -> String {
    let mut lines = Vec::new();
    for line in sdp.lines() {
        if !line.starts_with("a=candidate:") {
            lines.push(line.to_owned());
        } else if !lines.iter().any(|line| line.starts_with("a=candidate:")) {
            lines.extend(ports.iter().map(|port| {
                format!(
                    "a=candidate:{port} 1 udp {} 127.0.0.1 {port} typ host",
                    2_130_000_000 - u32::from(*port)
                )
            }));
        }
    }
    lines.join("\r\n") + "\r\n"
}
