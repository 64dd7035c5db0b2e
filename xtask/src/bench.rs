//! `cargo xtask bench`: measures what is promised of speed and size, and writes `docs/benchmarks.md`.

use std::fs;

use crate::command::{self, Result, output, root};

/// The SDK as it is shipped inside apps.
const PROFILE: [&str; 4] = ["--profile", "embedded", "-p", "connectoid-bench"];

pub(crate) fn run() -> Result {
    // All that is measured is built before, so that no build disturbs.
    command::run("cargo", &[&["build"][..], &PROFILE].concat(), ".")?;
    let service = ["build", "--release", "-p", "connectoid-service", "--bins", "--example", "deliveries"];
    command::run("cargo", &service, ".")?;
    let run = [&["run", "--quiet"][..], &PROFILE, &["--bin", "connectoid-bench"]].concat();
    let document = output("cargo", &run)?;
    let file = root().join("docs/benchmarks.md");
    fs::write(&file, document).map_err(|error| format!("docs/benchmarks.md: {error}"))
}
