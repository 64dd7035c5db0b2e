//! `cargo xtask bindings`: what is generated for other languages and kept in the repository.

use crate::command::{self, Result};

/// Writes what is generated.
pub(crate) fn write() -> Result {
    generate(&[])
}

/// Compares what is generated with what is there.
pub(crate) fn check() -> Result {
    generate(&["--check"])
}

fn generate(arguments: &[&str]) -> Result {
    // With the rest of the workspace, as the tests need it, so that little has to be built twice.
    command::run("cargo", &["build", "--quiet", "--workspace"], ".")?;
    command::run("target/debug/connectoid-generate", arguments, ".")
}
