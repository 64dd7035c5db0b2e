//! What is promised of speed and size, measured.
//!
//! Everything is real: a service that stores in SQLite, nodes with their data in folders, WebRTC over the
//! loopback interface, HTTP without TLS. Service and nodes share the machine's cores, so a figure is what
//! both sides of an exchange cost together.
//!
//! `cargo xtask bench` runs all parts and writes `docs/benchmarks.md`. To run some parts only, name them:
//! `cargo run --profile embedded -p connectoid-bench -- meeting hop`. The profile is the one in which the SDK
//! is shipped inside apps.

mod bulk;
mod hop;
mod idle;
mod local;
mod machine;
mod meeting;
mod messages;
mod peers;
mod report;
mod samples;
mod size;
mod stage;
mod stores;

use std::{collections::HashSet, process::ExitCode};

use report::{Outcome, Report};

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let result = match arguments.first().map(String::as_str) {
        Some(idle::PAIR) => idle::pair_and_rest(&arguments[1..]).await,
        Some(idle::REOPEN) => idle::reopen(&arguments[1..]).await,
        _ => measure(arguments.into_iter().collect()).await,
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("bench: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// In the order in which they are measured.
const PARTS: [&str; 11] =
    ["meeting", "webrtc", "honest", "hop", "bulk", "stores", "local", "messages", "idle", "service", "size"];

/// Runs the parts that were named, or all, and prints the document.
async fn measure(named: HashSet<String>) -> Outcome {
    if cfg!(debug_assertions) {
        return Err("only an optimized build shows what is promised: `cargo xtask bench`".into());
    }
    if let Some(unknown) = named.iter().find(|part| !PARTS.contains(&part.as_str())) {
        return Err(format!("there is no part `{unknown}`, only {}", PARTS.join(", ")).into());
    }
    let wanted = |part: &str| {
        let wanted = named.is_empty() || named.contains(part);
        if wanted {
            eprintln!("{part} (load {})", machine::load());
        }
        wanted
    };
    let mut report = Report::new();
    for part in PARTS {
        if !wanted(part) {
            continue;
        }
        // The others are worth having, and the document says what is not in it.
        if let Err(problem) = measure_part(part, &mut report).await {
            report.lack(format!("The part `{part}` failed: {problem}"));
        }
    }
    print!("{report}");
    Ok(())
}

async fn measure_part(part: &str, report: &mut Report) -> Outcome {
    match part {
        "meeting" => meeting::measure(report).await,
        "webrtc" => peers::webrtc::measure(report).await,
        "honest" => peers::honest::measure(report).await,
        "hop" => hop::measure(report).await,
        "bulk" => bulk::measure(report).await,
        "stores" => tokio::task::block_in_place(|| stores::measure(report)),
        "local" => local::measure(report).await,
        "messages" => messages::measure(report).await,
        "idle" => idle::measure(report).await,
        "service" => peers::service::measure(report).await,
        "size" => size::measure(report),
        _ => Err("there is no such part".into()),
    }
}
