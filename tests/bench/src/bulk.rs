//! The first sync of many records: a new device catches up.

use std::time::{Duration, Instant};

use connectoid::{EventKind, Node, Share};

use crate::{
    local::writes,
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{COLLECTION, GROUP, Stage, until},
};

const RECORDS: u32 = 100_000;

/// Characters per record.
const LENGTH: usize = 200;

/// New devices, one after the other.
const RUNS: u32 = 3;

/// Callers that write at once; how the records came about does not matter here.
const CALLERS: u32 = 250;

/// The most records that one call lists.
const PAGE: usize = 10_000;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    for (per_commit, how, limit) in [(100, "in commits of 100", 4.0), (1, "one by one", 12.0)] {
        let mut stage = Stage::new().await?;
        let alice = stage.node().await?;
        alice.create_group(GROUP).await?;
        fill(&alice, per_commit).await?;
        let mut samples = Samples::default();
        for run in 0..RUNS {
            samples.push(first_sync(&mut stage, &alice, run).await?.as_secs_f64());
        }
        let what = format!("link opened → 100,000 records of 200 bytes there, written {how}");
        report.add(what, "s", Target::AtMost(limit), samples);
        alice.close().await;
    }
    Ok(())
}

async fn fill(alice: &Node, per_commit: u32) -> Outcome {
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| {
            let (alice, share) = (alice.clone(), RECORDS / CALLERS);
            tokio::spawn(async move {
                for first in (caller * share..(caller + 1) * share).step_by(per_commit as usize) {
                    alice.commit(GROUP, writes(first, per_commit, LENGTH)).await?;
                }
                Outcome::Ok(())
            })
        })
        .collect();
    for caller in callers {
        caller.await??;
    }
    Ok(())
}

async fn first_sync(stage: &mut Stage, alice: &Node, run: u32) -> Outcome<Duration> {
    let bob = stage.node().await?;
    let shared = alice.share(Share::new(format!("bob{run}"), GROUP)).await?;
    let mut at_bob = bob.events();
    let start = Instant::now();
    bob.open_link(&shared.link, "alice").await?;
    let synced = |event: &EventKind| matches!(event, EventKind::Synced { .. });
    until(&mut at_bob, "bob to be synced", synced).await?;
    let took = start.elapsed();
    let found = count(&bob, &shared.group).await?;
    bob.close().await;
    if found != RECORDS as usize {
        return Err(format!("{found} of {RECORDS} records are there when synced").into());
    }
    Ok(took)
}

async fn count(node: &Node, group: &str) -> Outcome<usize> {
    let (mut found, mut last) = (0, None);
    loop {
        let page = node.list(group, COLLECTION, last.as_deref(), PAGE).await?;
        let Some(record) = page.last() else { return Ok(found) };
        found += page.len();
        last = Some(record.id.clone());
    }
}
