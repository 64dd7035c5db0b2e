//! From a local write to the peer that shows it.

use std::time::{Duration, Instant};

use connectoid::EventKind;
use serde_json::json;

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{COLLECTION, GROUP, Pair, Stage, until, until_changed},
};

const CONNECTED_RUNS: u32 = 500;
const RESTING_RUNS: u32 = 20;

/// The service's limits per box are made for people: connecting as fast as it goes would run into them.
const BREATH: Duration = Duration::from_millis(2500);

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut stage = Stage::new().await?;
    let mut pair = stage.pair().await?;

    let mut samples = Samples::default();
    for run in 0..CONNECTED_RUNS {
        samples.push_ms(hop(&mut pair, &format!("connected{run}")).await?);
    }
    report.add("`put` → `changed` at a connected peer", "ms", Target::AtMost(10.0), samples);

    let mut samples = Samples::default();
    for run in 0..RESTING_RUNS {
        rest(&mut pair).await?;
        samples.push_ms(hop(&mut pair, &format!("resting{run}")).await?);
    }
    let what = "`put` → `changed` at a resting peer in the foreground";
    report.add(what, "ms", Target::AtMost(300.0), samples);
    pair.close().await;
    Ok(())
}

async fn hop(pair: &mut Pair, id: &str) -> Outcome<Duration> {
    let start = Instant::now();
    pair.alice.put(GROUP, COLLECTION, id, json!({"count": 2})).await?;
    until_changed(&mut pair.at_bob, id).await?;
    Ok(start.elapsed())
}

/// Closes the connection at both sides.
async fn rest(pair: &mut Pair) -> Outcome {
    // What the last run left to be told and confirmed is on its way meanwhile.
    tokio::time::sleep(BREATH).await;
    (pair.at_alice, pair.at_bob) = (pair.alice.events(), pair.bob.events());
    pair.alice.disconnect("bob").await?;
    let closed = |event: &EventKind| matches!(event, EventKind::Disconnected { .. });
    until(&mut pair.at_alice, "alice to be disconnected", closed).await?;
    until(&mut pair.at_bob, "bob to be disconnected", closed).await?;
    tokio::time::sleep(BREATH).await;
    Ok(())
}
