//! `cargo xtask test`: everything that must pass.

use crate::{
    background::Background,
    command::{self, Result, exists},
    dart, kotlin, phases, scenarios, swift,
};

pub(crate) fn run() -> Result {
    phases::run("building", || {
        command::run("cargo", &["test", "--quiet", "--workspace", "--no-run"], ".")?;
        // What the other languages call.
        command::run("cargo", &["build", "--quiet", "--workspace"], ".")
    })?;
    let background = Background::start()?;
    phases::run("tests in Rust", || command::run("cargo", &["test", "--quiet", "--workspace"], "."))?;
    phases::run("vectors", vectors)?;
    phases::run("Kotlin", kotlin::test)?;
    phases::run("Swift", swift::test)?;
    // Waits for the library that is built beside.
    phases::run("Dart", dart::test)?;
    phases::run("scenarios", || scenarios::run(None))?;
    phases::run("the rest of what runs beside", || background.finish())
}

/// The vectors, checked by an implementation that shares no code with ours. In CI it must run; elsewhere a
/// missing Node.js is named.
fn vectors() -> Result {
    let in_ci = std::env::var_os("CI").is_some();
    if !exists("npm") && !in_ci {
        eprintln!("skipped: the independent check of the vectors needs Node.js 20 and npm");
        return Ok(());
    }
    command::run("npm", &["ci", "--no-fund", "--no-audit", "--silent"], "tests/vectors")?;
    command::run("node", &["check.mjs"], "tests/vectors")
}
