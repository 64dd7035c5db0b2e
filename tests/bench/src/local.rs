//! Writes and reads without any peer.

use std::{
    fs::File,
    io::Write as _,
    time::{Duration, Instant},
};

use connectoid::Node;
use connectoid::api::Write;
use serde_json::{Map, json};

use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{COLLECTION, GROUP, Stage},
};

/// Records in a large commit.
const LARGE: u32 = 1000;
const LARGE_COMMITS: u32 = 100;
/// Characters in a record of a large commit, which has to stay below 256 KiB.
const LENGTH: usize = 100;

/// Every rate is measured this often.
const ROUNDS: u32 = 20;
const SINGLE_COMMITS: u32 = 200;
const CALLERS: u32 = 64;
const COMMITS_PER_CALLER: u32 = 20;
const READS: u32 = 20_000;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut stage = Stage::new().await?;
    let node = stage.node().await?;
    node.create_group(GROUP).await?;

    let samples = large_commits(&node).await?;
    report.add("writes in commits of 1,000", "records/s", Target::AtLeast(50_000.0), samples);
    report.add("reads by id, of 100,000 records", "reads/s", Target::AtLeast(100_000.0), reads(&node).await?);
    report.add("single commits, one after the other", "commits/s", Target::None, singles(&node).await?);
    let what = "single commits, 64 callers at once";
    report.add(what, "commits/s", Target::AtLeast(2000.0), at_once(&node).await?);
    report.add("for comparison: append 4 KiB to a file and `fsync`", "ms", Target::None, fsyncs(&stage)?);
    node.close().await;
    Ok(())
}

/// Writes to make in one commit: `count` records of `length` characters, numbered from `first` on.
pub(crate) fn writes(first: u32, count: u32, length: usize) -> Vec<Write> {
    let text = "x".repeat(length);
    let write = |number: u32| Write::Put {
        collection: COLLECTION.to_owned(),
        id: record_id(number),
        fields: Map::from_iter([("text".to_owned(), json!(text))]),
    };
    (first..first + count).map(write).collect()
}

fn record_id(number: u32) -> String {
    format!("record{number:06}")
}

async fn large_commits(node: &Node) -> Outcome<Samples> {
    let mut samples = Samples::default();
    for commit in 0..LARGE_COMMITS {
        let writes = writes(commit * LARGE, LARGE, LENGTH);
        let start = Instant::now();
        node.commit(GROUP, writes).await?;
        samples.push(rate(LARGE, start.elapsed()));
    }
    Ok(samples)
}

async fn reads(node: &Node) -> Outcome<Samples> {
    let mut samples = Samples::default();
    for round in 0..ROUNDS {
        let ids: Vec<String> = (0..READS).map(|read| record_id(scattered(round * READS + read))).collect();
        let start = Instant::now();
        for id in &ids {
            node.record(GROUP, COLLECTION, id).await?.ok_or("a record is missing")?;
        }
        samples.push(rate(READS, start.elapsed()));
    }
    Ok(samples)
}

/// Goes through all records in an order that no cache foresees.
fn scattered(step: u32) -> u32 {
    // A prime that does not divide the number of records visits each of them.
    let visited = u64::from(step) * 61_813 % u64::from(LARGE * LARGE_COMMITS);
    u32::try_from(visited).unwrap_or(0)
}

async fn singles(node: &Node) -> Outcome<Samples> {
    let mut samples = Samples::default();
    for round in 0..ROUNDS {
        let start = Instant::now();
        for commit in 0..SINGLE_COMMITS {
            put(node, &format!("single{}", round * SINGLE_COMMITS + commit)).await?;
        }
        samples.push(rate(SINGLE_COMMITS, start.elapsed()));
    }
    Ok(samples)
}

async fn at_once(node: &Node) -> Outcome<Samples> {
    let mut samples = Samples::default();
    for round in 0..ROUNDS {
        let start = Instant::now();
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let node = node.clone();
                tokio::spawn(async move {
                    for commit in 0..COMMITS_PER_CALLER {
                        put(&node, &format!("round{round}caller{caller}commit{commit}")).await?;
                    }
                    Outcome::Ok(())
                })
            })
            .collect();
        for caller in callers {
            caller.await??;
        }
        samples.push(rate(CALLERS * COMMITS_PER_CALLER, start.elapsed()));
    }
    Ok(samples)
}

async fn put(node: &Node, id: &str) -> Outcome {
    Ok(node.put(GROUP, "singles", id, json!({"count": 2})).await?)
}

/// What the disk takes to make a write durable.
fn fsyncs(stage: &Stage) -> Outcome<Samples> {
    let mut file = File::create(stage.folder().join("fsync"))?;
    let mut samples = Samples::default();
    for _ in 0..SINGLE_COMMITS {
        let start = Instant::now();
        file.write_all(&[1; 4096])?;
        file.sync_data()?;
        samples.push_ms(start.elapsed());
    }
    Ok(samples)
}

fn rate(count: u32, time: Duration) -> f64 {
    f64::from(count) / time.as_secs_f64()
}
