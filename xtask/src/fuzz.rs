//! `cargo xtask fuzz`: every fuzz target for a while, led by coverage, from its committed corpus. What the tests try of
//! that corpus needs none of this.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use crate::command::{Result, exists, output, root, run_with};

/// How long each target runs unless told otherwise, in seconds.
const SECONDS: &str = "60";

/// Instrumenting for libFuzzer takes compiler options that are called unstable. This has the stable compiler
/// take them, so that no second toolchain is needed, and what is fuzzed is what is shipped.
const UNSTABLE: [(&str, &str); 1] = [("RUSTC_BOOTSTRAP", "1")];

pub(crate) fn run(seconds: Option<&str>) -> Result {
    if !exists("cargo-fuzz") {
        return Err("cargo-fuzz is missing: `cargo install cargo-fuzz --locked`".into());
    }
    run_with("cargo", &fuzz("build"), ".", &UNSTABLE)?;
    let targets = output("cargo", &fuzz("list"))?;
    let targets: Vec<&str> = targets.lines().collect();
    on_all_cores(&targets, seconds.unwrap_or(SECONDS))
}

fn fuzz(command: &str) -> [&str; 4] {
    ["fuzz", command, "--fuzz-dir", "tests/fuzz/libfuzzer"]
}

/// Each target keeps one core busy.
fn on_all_cores(targets: &[&str], seconds: &str) -> Result {
    let next = AtomicUsize::new(0);
    let work = || -> Result {
        while let Some(target) = targets.get(next.fetch_add(1, Ordering::Relaxed)) {
            run_target(target, seconds)?;
        }
        Ok(())
    };
    thread::scope(|scope| {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        let mut results = workers.into_iter().map(thread::ScopedJoinHandle::join);
        results.try_for_each(|result| result.unwrap_or_else(|_| Err("a thread panicked".into())))
    })
}

fn run_target(target: &str, seconds: &str) -> Result {
    // What is found goes into the first folder; the committed corpus stays as it is.
    let found = format!("tests/fuzz/libfuzzer/target/corpus/{target}");
    let committed = format!("tests/fuzz/corpus/{target}");
    std::fs::create_dir_all(root().join(&found)).map_err(|error| format!("{found}: {error}"))?;
    let limit = format!("-max_total_time={seconds}");
    let arguments = [&fuzz("run")[..], &[target, &found, &committed, "--", &limit]].concat();
    run_with("cargo", &arguments, ".", &UNSTABLE)
}
