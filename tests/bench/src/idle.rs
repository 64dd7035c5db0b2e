//! What a node costs that has nothing to do.
//!
//! The node lives in a process of its own, this program started again, so that memory and CPU are its
//! alone.

use std::{collections::BTreeMap, path::Path, process::Stdio, time::Duration};

use connectoid::{EventKind, Node, Pace, Settings, Share, api::ConnectionState};
use connectoid_protocol::{
    address::Address,
    boxes::BoxKey,
    poll::{DEFAULT_INTERVAL, HOT_TIME, Outcome as Checked, Output, Poller},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

use crate::{
    machine::{own_cpu_ms, own_memory},
    report::{Outcome, Report, Target},
    samples::Samples,
    stage::{COLLECTION, Stage, settings, until},
};

/// The argument of the process that pairs, then rests.
pub(crate) const PAIR: &str = "--pair-and-rest";

/// The argument of the process that opens the same folder again.
pub(crate) const REOPEN: &str = "--reopen";

const PEERS: u32 = 20;

/// How long the CPU time of a node at rest is taken.
const WATCHED: Duration = Duration::from_secs(30);

/// How long a connection with nothing to do stays open here; the default would only make this last.
const IDLE_TIMEOUT: Duration = Duration::from_secs(3);

/// How long a new process settles before its memory is read.
const SETTLE: Duration = Duration::from_secs(5);

/// In µs.
const HOUR: u64 = 3_600_000_000;

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut stage = Stage::new().await?;
    let folder = stage.folder().join("idle");

    let (mut child, mut lines) = start(PAIR, &folder, &stage.url())?;
    let mut peers = Vec::new();
    for _ in 0..PEERS {
        let link = next(&mut lines).await?;
        let peer = stage.node().await?;
        let mut events = peer.events();
        peer.open_link(&link, "idle").await?;
        until(&mut events, "a peer to be synced", |event| matches!(event, EventKind::Synced { .. })).await?;
        peers.push(peer);
    }
    let rests = "20 peers, in the background, all connections at rest:";
    let (rss, anonymous, cpu) =
        (value(&mut lines).await?, value(&mut lines).await?, value(&mut lines).await?);
    report.add(format!("{rests} resident memory"), "MiB", Target::AtMost(20.0), rss);
    report.add(format!("{rests} of it anonymous"), "MiB", Target::None, anonymous);
    report.add(format!("{rests} CPU time in 30 s"), "ms", Target::None, cpu);
    child.wait().await?;

    let (mut child, mut lines) = start(REOPEN, &folder, &stage.url())?;
    let (rss, anonymous) = (value(&mut lines).await?, value(&mut lines).await?);
    report.add("the same after a restart: resident memory", "MiB", Target::AtMost(20.0), rss);
    report.add("the same after a restart: of it anonymous", "MiB", Target::None, anonymous);
    child.wait().await?;
    for peer in peers {
        peer.close().await;
    }
    report.add(
        "20 peers, in the background: requests, by a virtual clock over 24 h",
        "1/h",
        Target::None,
        day()?,
    );
    Ok(())
}

/// The process that pairs, rests and says what it costs.
pub(crate) async fn pair_and_rest(arguments: &[String]) -> Outcome {
    let node = Node::open(child_settings(arguments)?).await?;
    let mut events = node.events();
    for peer in 0..PEERS {
        let group = format!("g{peer}");
        let link = node.share(Share::new(format!("peer{peer}"), &group)).await?.link;
        node.put(&group, COLLECTION, "milk", json!({"count": 2})).await?;
        println!("{link}");
    }
    node.set_pace(Pace::Background).await?;
    // A pair that has met and rests has synced before.
    while !all_rest(&node).await? {
        until(&mut events, "connections to close", |event| matches!(event, EventKind::Disconnected { .. }))
            .await?;
    }
    // For so long answers are expected, and looked for more often.
    tokio::time::sleep(Duration::from_micros(HOT_TIME) + SETTLE).await;
    print_memory()?;
    let before = own_cpu_ms()?;
    tokio::time::sleep(WATCHED).await;
    println!("{}", own_cpu_ms()? - before);
    node.close().await;
    Ok(())
}

/// The process that opens the folder again.
pub(crate) async fn reopen(arguments: &[String]) -> Outcome {
    let node = Node::open(child_settings(arguments)?).await?;
    node.set_pace(Pace::Background).await?;
    tokio::time::sleep(SETTLE).await;
    print_memory()?;
    node.close().await;
    Ok(())
}

fn print_memory() -> Outcome {
    println!("{}\n{}", own_memory("VmRSS")?, own_memory("RssAnon")?);
    Ok(())
}

async fn all_rest(node: &Node) -> Outcome<bool> {
    Ok(node.peers().await?.iter().all(|peer| {
        let synced = peer.groups.iter().any(|group| group.last_synced_at.is_some());
        synced && peer.connection == ConnectionState::Resting
    }))
}

fn child_settings(arguments: &[String]) -> Outcome<Settings> {
    let [folder, service] = arguments else { return Err("a folder and a service are needed".into()) };
    let mut settings = settings(Path::new(folder), service);
    settings.idle_timeout = IDLE_TIMEOUT;
    Ok(settings)
}

fn start(what: &str, folder: &Path, service: &str) -> Outcome<(Child, Lines<BufReader<ChildStdout>>)> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([what.as_ref(), folder.as_os_str(), service.as_ref()])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("the process has no output")?;
    Ok((child, BufReader::new(stdout).lines()))
}

async fn next(lines: &mut Lines<BufReader<ChildStdout>>) -> Outcome<String> {
    Ok(lines.next_line().await?.ok_or("the process ended early")?)
}

async fn value(lines: &mut Lines<BufReader<ChildStdout>>) -> Outcome<Samples> {
    Ok(Samples::one(next(lines).await?.parse()?))
}

/// The requests of each of 24 hours in which nothing happens.
fn day() -> Outcome<Samples> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = Poller::new(Pace::Background, DEFAULT_INTERVAL);
    for _ in 0..PEERS {
        let services = ["https://mailbox.example".to_owned()];
        poller.watch(&Address::new(&BoxKey::generate(&mut rng), &services, None)?, BTreeMap::new());
    }
    let mut samples = Samples::default();
    for hour in 1..=24 {
        let mut requests = 0.0;
        while let Some(now) = poller.poll_timeout().filter(|now| *now < hour * HOUR) {
            poller.on_timeout(now);
            while let Some(output) = poller.poll_output() {
                if let Output::Check { id, .. } = output {
                    requests += 1.0;
                    poller.on_checked(id, Checked::Answered { found: false }, now, &mut rng);
                }
            }
        }
        samples.push(requests);
    }
    Ok(samples)
}
