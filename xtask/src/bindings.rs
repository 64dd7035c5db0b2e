//! `cargo xtask bindings`: what is generated for other languages and kept in the repository.

use crate::command::{self, Result};

/// Writes what is generated.
pub(crate) fn write() -> Result {
    generate(&[])
}

/// Compares what is generated with what is there.
pub(crate) fn check() -> Result {
    generate(&["--", "--check"])
}

fn generate(arguments: &[&str]) -> Result {
    let mut all = vec!["run", "--quiet", "--package", "connectoid-generate"];
    all.extend(arguments);
    command::run("cargo", &all, ".")
}
