//! What is promised of speed and size, measured.
//!
//! Everything is real: a service that stores in SQLite, nodes with their data in folders, WebRTC over the
//! loopback interface, HTTP without TLS. Service and nodes share the machine's cores, so a figure is what
//! both sides of an exchange cost together.
//!
//! `cargo xtask bench` runs all parts and writes `docs/benchmarks.md`. To run some parts only, name them:
//! `cargo run --release -p connectoid-bench -- meeting hop`.

mod bulk;
mod hop;
mod idle;
mod local;
mod machine;
mod meeting;
mod messages;
mod report;
mod samples;
mod size;
mod stage;

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

/// Runs the parts that were named, or all, and prints the document.
async fn measure(named: HashSet<String>) -> Outcome {
    if cfg!(debug_assertions) {
        return Err("only a release build shows what is promised: `cargo xtask bench`".into());
    }
    let wanted = |part: &str| {
        let wanted = named.is_empty() || named.contains(part);
        if wanted {
            eprintln!("{part} (load {})", machine::load());
        }
        wanted
    };
    let mut report = Report::new();
    if wanted("meeting") {
        meeting::measure(&mut report).await?;
    }
    if wanted("hop") {
        hop::measure(&mut report).await?;
    }
    if wanted("bulk") {
        bulk::measure(&mut report).await?;
    }
    if wanted("local") {
        local::measure(&mut report).await?;
    }
    if wanted("messages") {
        messages::measure(&mut report).await?;
    }
    if wanted("idle") {
        idle::measure(&mut report).await?;
    }
    if wanted("size") {
        size::measure(&mut report)?;
    }
    print!("{report}");
    Ok(())
}
