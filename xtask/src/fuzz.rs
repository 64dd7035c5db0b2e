//! `cargo xtask fuzz`: every fuzz target for a while, from its committed corpus.

use crate::command::{self, Result, exists, output};

/// How long each target runs unless told otherwise, in seconds.
const SECONDS: &str = "60";

pub(crate) fn run(seconds: Option<&str>) -> Result {
    if !exists("cargo-fuzz") {
        return Err(
            "cargo-fuzz is missing: `cargo install cargo-fuzz`; it needs `rustup toolchain install nightly`"
                .into(),
        );
    }
    let limit = format!("-max_total_time={}", seconds.unwrap_or(SECONDS));
    let targets = output("cargo", &["+nightly", "fuzz", "list", "--fuzz-dir", "tests/fuzz"])?;
    for target in targets.lines() {
        let arguments = ["+nightly", "fuzz", "run", "--fuzz-dir", "tests/fuzz", target, "--", &limit];
        command::run("cargo", &arguments, ".")?;
    }
    Ok(())
}
