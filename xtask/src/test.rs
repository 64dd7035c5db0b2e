//! `cargo xtask test`: everything that must pass.

use crate::{
    command::{self, Result, exists},
    dart, kotlin, scenarios, swift, targets,
};

pub(crate) fn run() -> Result {
    command::run("cargo", &["test", "--workspace", "--quiet"], ".")?;
    vectors()?;
    dart::test()?;
    kotlin::test()?;
    swift::test()?;
    targets::check()?;
    scenarios::run(None)
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
