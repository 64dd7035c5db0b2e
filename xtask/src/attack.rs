//! `cargo xtask attack`: attacks a node at length, and says whether what is promised holds.

use crate::command::{self, Result};

/// The SDK as it is shipped inside apps: attacker and victim.
const PROFILE: [&str; 4] = ["--profile", "embedded", "-p", "connectoid-attacks"];

/// Runs one attack, or all.
pub(crate) fn run(name: Option<&str>) -> Result {
    // All that takes part is built before, so that no build disturbs.
    command::run("cargo", &[&["build"][..], &PROFILE].concat(), ".")?;
    let run = [&["run", "--quiet"][..], &PROFILE, &["--bin", "attack", "--"]].concat();
    command::run("cargo", &run.into_iter().chain(name).collect::<Vec<_>>(), ".")
}
