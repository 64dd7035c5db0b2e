//! WebRTC: how soon a channel is open, and what it carries; beside libwebrtc and aiortc.

use std::fs;

use serde_json::{Map, Value, json};
use tokio::process::Command;

use super::{install, side::Two};
use crate::{
    report::{Outcome, Report, Target},
    samples::Samples,
};

/// Connections that are set up with each.
const SETUPS: u32 = 20;

/// Transfers with each and each size.
const TRANSFERS: u32 = 10;

/// Bytes of a message: what all of the web sends, and the most that the SDK does.
const SIZES: [u32; 2] = [16 * 1024, 60 * 1024];

/// One of those that are compared.
struct Contender {
    name: &'static str,
    command: Command,
    two: Two,
    /// Messages of the largest size that are sent in one transfer: each takes about a second.
    messages: u32,
    setup: Samples,
    bulk: [Samples; SIZES.len()],
}

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut contenders = contenders(report).await?;
    set_up(&mut contenders).await?;
    transfer(&mut contenders).await?;
    let file = install::target()?.join("webrtc.json");
    fs::write(&file, format!("{:#}\n", to_json(&contenders)))?;

    let setup: Vec<_> = contenders.iter().map(|one| (one.name, one.setup.clone())).collect();
    let what = "WebRTC: descriptions exchanged → channel open at both";
    report.add_compared(what, "ms", Target::AtMost(60.0), setup);
    for (index, target) in [Target::None, Target::AtLeast(100.0)].into_iter().enumerate() {
        let bulk: Vec<_> = contenders.iter().map(|one| (one.name, one.bulk[index].clone())).collect();
        let what = format!("WebRTC: bulk in messages of {} KiB", SIZES[index] / 1024);
        report.add_compared(what, "MB/s", target, bulk);
    }
    Ok(())
}

/// Ours, and of the others those that can be had.
async fn contenders(report: &mut Report) -> Outcome<Vec<Contender>> {
    let ours = std::env::current_exe()?.with_file_name("webrtc-peer");
    let mut contenders = vec![contender("ours", Command::new(ours), 1600)?];
    for (name, command, messages) in
        [("libwebrtc", install::libwebrtc().await, 600), ("aiortc", install::aiortc().await, 100)]
    {
        match command {
            Ok(command) => contenders.push(contender(name, command, messages)?),
            Err(problem) => report.lack(format!("{name} is not compared with: {problem}")),
        }
    }
    Ok(contenders)
}

fn contender(name: &'static str, mut command: Command, messages: u32) -> Outcome<Contender> {
    let two = Two::start(&mut command).map_err(|error| format!("{name}: {error}"))?;
    Ok(Contender {
        name,
        command,
        two,
        messages,
        setup: Samples::default(),
        bulk: std::array::from_fn(|_| Samples::default()),
    })
}

/// By turns, so that whatever else the machine does hits all alike. The first time does not count: it loads
/// what is loaded once.
async fn set_up(contenders: &mut [Contender]) -> Outcome {
    for run in 0..=SETUPS {
        for one in &mut *contenders {
            let took = one.two.connect().await.map_err(|error| format!("{}: {error}", one.name))?;
            if run > 0 {
                one.setup.push_ms(took);
            }
            one.two.close().await.map_err(|error| format!("{}: {error}", one.name))?;
        }
    }
    Ok(())
}

/// Each transfer has a fresh connection, in fresh processes: what a former one left behind does not count.
async fn transfer(contenders: &mut [Contender]) -> Outcome {
    for _ in 0..TRANSFERS {
        for one in &mut *contenders {
            for (index, size) in SIZES.into_iter().enumerate() {
                let bytes = one.messages * SIZES[1] / size * size;
                one.two = Two::start(&mut one.command)?;
                one.two.connect().await.map_err(|error| format!("{}: {error}", one.name))?;
                let took = one.two.bulk(bytes, size).await;
                let took = took.map_err(|error| format!("{}: {error}", one.name))?;
                one.bulk[index].push(f64::from(bytes) / 1e6 / took.as_secs_f64());
            }
        }
    }
    Ok(())
}

fn to_json(contenders: &[Contender]) -> Value {
    let figures = contenders.iter().map(|one| {
        let mut figures = Map::from_iter([("setup_ms".to_owned(), json!(one.setup.all()))]);
        for (size, bulk) in SIZES.iter().zip(&one.bulk) {
            figures.insert(format!("bulk_{}_kib_mb_per_s", size / 1024), json!(bulk.all()));
        }
        (one.name.to_owned(), Value::Object(figures))
    });
    Value::Object(figures.collect())
}
