//! Bulk messages between apps.

use std::time::Instant;

use connectoid::{EventKind, EventStream, Node};

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{Pair, Stage, until},
};

/// Bytes of a message.
const SIZE: u32 = 200 * 1024;

const MESSAGES: u32 = 40;
const ROUNDS: u32 = 10;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut stage = Stage::new().await?;
    let Pair { alice, bob, at_alice, at_bob } = stage.pair().await?;
    drop(at_alice);
    let reading = tokio::spawn(take(at_bob, 2 * ROUNDS * MESSAGES));
    for (at_once, how, target) in
        [(1, "one after the other", Target::None), (8, "8 at a time", Target::AtLeast(100.0))]
    {
        let mut samples = Samples::default();
        for _ in 0..ROUNDS {
            let start = Instant::now();
            send_all(&alice, at_once).await?;
            samples.push(f64::from(MESSAGES * SIZE) / 1e6 / start.elapsed().as_secs_f64());
        }
        report.add(format!("messages of 200 KiB, confirmed, {how}"), "MB/s", target, samples);
    }
    reading.await??;
    alice.close().await;
    bob.close().await;
    Ok(())
}

/// What the receiving app does.
async fn take(mut events: EventStream, messages: u32) -> Outcome {
    for _ in 0..messages {
        let message = |event: &EventKind| matches!(event, EventKind::Message { .. });
        until(&mut events, "a message", message).await?;
    }
    Ok(())
}

async fn send_all(node: &Node, at_once: u32) -> Outcome {
    let senders: Vec<_> = (0..at_once)
        .map(|_| {
            let node = node.clone();
            tokio::spawn(async move {
                for _ in 0..MESSAGES / at_once {
                    node.send("bob", vec![7; SIZE as usize]).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for sender in senders {
        sender.await??;
    }
    Ok(())
}
