//! Honest peers of other makes, and how near they come to the guard: ours offers, they answer, and both send as much as the
//! SDK lets wait. In a network of its own, on a path that loses nothing, and on one that loses every twentieth
//! datagram.

use std::{fmt::Write as _, time::Duration};

use tokio::{process::Command, time::timeout};

use super::{
    install,
    side::{Side, Two},
};
use crate::report::{Outcome, Report};

/// The size of messages that all of the web sends, in bytes.
const MESSAGE: u32 = 16 << 10;

/// How many of a hundred datagrams are lost, and how many bytes are sent each way then: with loss, SCTP crawls.
const PATHS: [(u32, u32); 2] = [(0, 64 << 20), (5, 4 << 20)];

/// How long one peer may take on one path. aiortc takes most of it.
const PATIENCE: Duration = Duration::from_mins(4);

/// What may wait before the guard drops anything, in bytes.
const BUDGET: f64 = 16.0 * 1024.0 * 1024.0;

/// The network, and the one address in it.
const NETWORK: &str = "connectoid-honest";
const ADDRESS: &str = "10.99.7.1";

/// Where nobody is.
const GATEWAY: &str = "10.99.7.2";

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let lab = Lab::new().await?;
    let mut table = String::from(
        "## Honest peers and the guard\n\n64 MiB each way in messages of 16 KiB, or 4 MiB where datagrams are lost, in a network of its own; the guard is the one of the SDK's side.\n\n\
         | peer | datagrams lost | to it | from it | most that waited | dropped by the guard |\n|---|---|---|---|---|---|\n",
    );
    for (name, command) in [
        ("libwebrtc", install::libwebrtc().await),
        ("aiortc", install::aiortc().await),
        ("Chromium", install::browser("chromium", "/usr/bin/chromium").await),
        ("Firefox", install::browser("firefox", "/usr/bin/firefox-esr").await),
    ] {
        let command = match command {
            Ok(command) => command,
            Err(problem) => {
                report.lack(format!("How near {name} comes to the guard is not known: {problem}"));
                continue;
            }
        };
        for (loss, bytes) in PATHS {
            lab.lose(loss).await?;
            match timeout(PATIENCE, meet(&command, bytes)).await {
                Ok(Ok(met)) => {
                    eprintln!("  {name}, {loss} % lost: {met}");
                    writeln!(table, "| {name} | {loss} % | {met}")?;
                }
                Ok(Err(problem)) => report.lack(format!("{name}, {loss} % lost: {problem}")),
                Err(_) => report.lack(format!("{name}, {loss} % lost: not done in {PATIENCE:?}")),
            }
        }
    }
    report.add_section(table);
    Ok(())
}

/// Connects ours with another, sends both ways, and gives the rest of a row.
async fn meet(command: &Command, bytes: u32) -> Outcome<String> {
    let mut ours = Command::new(std::env::current_exe()?.with_file_name("webrtc-peer"));
    ours.arg(ADDRESS);
    let mut two = Two::of(Side::start(&mut inside(&ours))?, Side::start(&mut inside(command))?);
    two.connect().await?;
    let there = rate(bytes, two.bulk(bytes, MESSAGE).await?);
    two.turn();
    let back = rate(bytes, two.bulk(bytes, MESSAGE).await?);
    two.turn();
    let told = two.close().await?;
    let held = told["held"].as_f64().ok_or("the guard has not said anything")?;
    Ok(format!(
        "{there:.1} MB/s | {back:.1} MB/s | {:.2} MiB, {:.0} % of the bound | {} packets |",
        held / 1024.0 / 1024.0,
        100.0 * held / BUDGET,
        told["lost"].as_u64().unwrap_or_default(),
    ))
}

fn rate(bytes: u32, took: Duration) -> f64 {
    f64::from(bytes) / 1e6 / took.as_secs_f64()
}

/// The same program in the network.
fn inside(command: &Command) -> Command {
    let command = command.as_std();
    let mut inside = Command::new("ip");
    inside.args(["netns", "exec", NETWORK]).arg(command.get_program()).args(command.get_args());
    inside.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    inside
}

/// A network of one host, which can lose datagrams.
struct Lab;

impl Lab {
    async fn new() -> Outcome<Self> {
        let lab = Self;
        run(&["ip", "netns", "add", NETWORK]).await?;
        lab.run(&["ip", "link", "set", "lo", "up"]).await?;
        lab.run(&["ip", "link", "add", "host", "type", "veth", "peer", "name", "wire"]).await?;
        lab.run(&["ip", "address", "add", &format!("{ADDRESS}/24"), "dev", "host"]).await?;
        lab.run(&["ip", "link", "set", "wire", "up"]).await?;
        lab.run(&["ip", "link", "set", "host", "up"]).await?;
        // Firefox gathers no address without a way out.
        lab.run(&["ip", "route", "add", "default", "via", GATEWAY, "dev", "host"]).await?;
        Ok(lab)
    }

    async fn lose(&self, percent: u32) -> Outcome {
        let lossy = format!(
            "; add table inet lossy; add chain inet lossy arrives {{ type filter hook input priority 0; }}; \
             add rule inet lossy arrives meta l4proto udp numgen random mod 100 < {percent} drop"
        );
        let rules = format!("flush ruleset{}", if percent > 0 { &lossy } else { "" });
        self.run(&["nft", &rules]).await
    }

    async fn run(&self, command: &[&str]) -> Outcome {
        run(&[&["ip", "netns", "exec", NETWORK], command].concat()).await
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        // What is left behind is found by the next run, which says so.
        let _ = std::process::Command::new("ip").args(["netns", "del", NETWORK]).status();
    }
}

async fn run(command: &[&str]) -> Outcome {
    install::output(Command::new(command[0]).args(&command[1..])).await.map(|_| ())
}
