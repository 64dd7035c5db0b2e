//! `cargo xtask bench`: measures what is promised of speed and size, and writes `docs/benchmarks.md`.

use std::fs;

use crate::command::{self, Result, output, root};

pub(crate) fn run() -> Result {
    // The sizes of the programs are measured too, so they are built before.
    command::run("cargo", &["build", "--release", "-p", "connectoid-cli", "-p", "connectoid-bench"], ".")?;
    let arguments = ["run", "--release", "--quiet", "-p", "connectoid-bench", "--bin", "connectoid-bench"];
    let document = output("cargo", &arguments)?;
    let file = root().join("docs/benchmarks.md");
    fs::write(&file, document).map_err(|error| format!("docs/benchmarks.md: {error}"))
}
