//! Building for targets whose standard library is not installed: with it, from its source. Rust's own toolchain does
//! that only in its nightly form; Debian has packages of a stable compiler with the source it was made of.

use std::path::Path;

use crate::command::{Result, run_with};

/// A folder of its own: another compiler would have the build scripts in `target/debug` built anew.
pub(crate) const FOLDER: &str = "target/std-source";

/// What must be installed.
pub(crate) const PACKAGES: &str = "rustc-web rust-web-src";

const COMPILER: &str = "/usr/bin/rustc";
const SOURCE: &str = "/usr/lib/rustlib/src/rust/library/Cargo.lock";

pub(crate) fn is_installed() -> bool {
    Path::new(COMPILER).exists() && Path::new(SOURCE).exists()
}

/// Runs Cargo, with what it is to do, for one or several targets.
pub(crate) fn cargo(arguments: &[&str], targets: &[&str], variables: &[(&str, &str)]) -> Result {
    let targets: Vec<&str> = targets.iter().flat_map(|target| ["--target", *target]).collect();
    let common = ["--quiet", "-Zbuild-std=std,panic_unwind", "--target-dir", FOLDER];
    let variables = [variables, &[("RUSTC", COMPILER), ("RUSTC_BOOTSTRAP", "1")]].concat();
    run_with("cargo", &[arguments, &common, &targets].concat(), ".", &variables)
}
