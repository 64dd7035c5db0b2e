//! Packets of SCTP inside the encryption, by somebody who has not proved anything yet.

use tokio::{
    sync::{mpsc, watch},
    time::timeout,
};

use crate::{
    Outcome, PATIENCE,
    hostile::Manner,
    meter::Cost,
    raw::{Raw, chunk},
    stage::Stage,
};

/// What an attacker may send before it is thrown out: less than an answer of a web page.
const WIRE: u64 = 64 << 10;

/// What the victim may hold of it, in bytes: the guard reckons with 20 MiB; without it, it would be more than twice as much
/// as with it.
const HELD: usize = 20 << 20;

/// A packet's worth of the smallest fragments.
const BUNDLE: usize = 57;

/// Sends what `packets` makes until the victim closes, or until so many bytes are sent.
async fn attack(
    stage: &Stage,
    limit: u64,
    ends: bool,
    mut packets: impl FnMut(&mut Raw) -> Vec<u8>,
) -> Outcome<Cost> {
    let hostile = stage.stranger()?;
    let (hand_over, mut handed) = mpsc::unbounded_channel();
    hostile.change_manner(Manner::Raw(hand_over));
    let mut heard = stage.victim.listen();
    stage.share(&hostile).await?;
    let raw = timeout(PATIENCE, handed.recv()).await.map_err(|_| "the victim does not come")?;
    let mut raw = raw.ok_or("the attacker is gone")?;
    let (tell, mut gone) = watch::channel(false);
    tokio::spawn(async move {
        let misbehaved = |line: &serde_json::Value| line["event"]["problem"]["kind"] == "peer_misbehaved";
        if heard.wait_for("the end", misbehaved).await.is_ok() {
            tell.send_replace(true);
        }
    });
    let meter = stage.meter(0).await?;
    let mut goes_on = true;
    while goes_on && raw.wire < limit {
        for _ in 0..8 {
            let chunks = packets(&mut raw);
            raw.send(&chunks)?;
        }
        goes_on = raw.looked_at(&mut gone).await?;
    }
    let sent = raw.wire;
    drop(raw);
    let cost = meter.stop(sent).await?;
    let soon = !ends || (!goes_on && sent < WIRE);
    let little = cost.memory() < HELD;
    Ok(cost.promise("it is thrown out within 64 KiB", soon).promise("little is held", little))
}

/// Requests to reset streams that can never be granted (RFC 6525 §4.1).
pub(super) async fn resets(stage: &Stage) -> Outcome<Cost> {
    let mut request = 0_u32;
    let packets = |raw: &mut Raw| {
        let mut chunks = Vec::new();
        for _ in 0..BUNDLE {
            request += 1;
            // After a TSN that is far off.
            let after = raw.tsn.wrapping_add(1 << 30).to_be_bytes();
            let value = [&[0, 13, 0, 16], &request.to_be_bytes()[..], &[0; 4], &after].concat();
            chunks.extend(chunk(130, 0, &value));
        }
        chunks.extend(raw.data(3, 0, 1, b"x"));
        chunks
    };
    attack(stage, 1 << 20, true, packets).await
}

/// A message without end.
pub(super) async fn endless(stage: &Stage) -> Outcome<Cost> {
    let mut flags = 2;
    let packets =
        |raw: &mut Raw| (0..BUNDLE).flat_map(|_| raw.data(std::mem::take(&mut flags), 0, 0, b"x")).collect();
    attack(stage, 4 << 20, true, packets).await
}

/// Fragments of unordered messages.
pub(super) async fn unordered(stage: &Stage) -> Outcome<Cost> {
    let packets = |raw: &mut Raw| (0..BUNDLE).flat_map(|_| raw.data(4, 0, 0, b"x")).collect();
    attack(stage, 4 << 20, true, packets).await
}

/// Whole messages of one byte each, all but the first of each channel: none can be delivered.
pub(super) async fn behind(stage: &Stage) -> Outcome<Cost> {
    let mut sent = 0_u16;
    let packets = |raw: &mut Raw| {
        let messages = (0..BUNDLE).flat_map(|_| {
            sent = sent.wrapping_add(1);
            raw.data(3, sent % 4, 1 + sent / 4, b"x")
        });
        messages.collect()
    };
    attack(stage, 4 << 20, false, packets).await
}

/// The same, with every second fragment left out, and each alone in a packet that is held because of it.
pub(super) async fn gaps(stage: &Stage) -> Outcome<Cost> {
    let mut sent = 0_u16;
    let padding = chunk(4, 0, &[&[0, 1, 0x04, 0x4c][..], &[0; 0x448]].concat());
    let packets = |raw: &mut Raw| {
        sent = sent.wrapping_add(1);
        raw.tsn = raw.tsn.wrapping_add(1);
        let message = raw.data(3, sent % 4, 1 + sent / 4, b"x");
        [message, padding.clone()].concat()
    };
    attack(stage, 24 << 20, false, packets).await
}
