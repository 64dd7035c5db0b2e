//! `cargo xtask fuzz`: every fuzz target for a while, from its committed corpus.

use crate::command::{self, Result, exists, output, root};

/// How long each target runs unless told otherwise, in seconds.
const SECONDS: &str = "60";

pub(crate) fn run(seconds: Option<&str>) -> Result {
    if !exists("cargo-fuzz") {
        return Err(
            "cargo-fuzz is missing: `cargo install cargo-fuzz --locked`; it needs `rustup toolchain install nightly`"
                .into(),
        );
    }
    let limit = format!("-max_total_time={}", seconds.unwrap_or(SECONDS));
    let targets = output("cargo", &["+nightly", "fuzz", "list", "--fuzz-dir", "tests/fuzz"])?;
    for target in targets.lines() {
        // What is found goes into the first folder; the committed corpus stays as it is.
        let found = format!("tests/fuzz/target/corpus/{target}");
        let committed = format!("tests/fuzz/corpus/{target}");
        std::fs::create_dir_all(root().join(&found)).map_err(|error| format!("{found}: {error}"))?;
        let arguments =
            ["+nightly", "fuzz", "run", "--fuzz-dir", "tests/fuzz", target, &found, &committed, "--", &limit];
        command::run("cargo", &arguments, ".")?;
    }
    Ok(())
}
