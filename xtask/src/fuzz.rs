//! `cargo xtask fuzz`: every fuzz target for a while, from its committed corpus.

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
    let limit = format!("-max_total_time={}", seconds.unwrap_or(SECONDS));
    let fuzz = |command| ["fuzz", command, "--fuzz-dir", "tests/fuzz"];
    run_with("cargo", &fuzz("build"), ".", &UNSTABLE)?;
    let targets = output("cargo", &fuzz("list"))?;
    for target in targets.lines() {
        // What is found goes into the first folder; the committed corpus stays as it is.
        let found = format!("tests/fuzz/target/corpus/{target}");
        let committed = format!("tests/fuzz/corpus/{target}");
        std::fs::create_dir_all(root().join(&found)).map_err(|error| format!("{found}: {error}"))?;
        let arguments = [&fuzz("run")[..], &[target, &found, &committed, "--", &limit]].concat();
        run_with("cargo", &arguments, ".", &UNSTABLE)?;
    }
    Ok(())
}
