//! Fuzz targets for everything that reads what strangers send.
//!
//! A target gets bytes as a stranger would send them, and says what must hold of what comes of them. Where a parser
//! stands behind a seal or a signature that no fuzzer can forge, the target seals or signs the bytes first, and the
//! parser sees them all the same.
//!
//! The inputs in `corpus/` are what has been found so far; `examples/seeds.rs` writes the first of them. Every test run
//! tries all of them and random changes of each (`tests/corpus.rs`). `cargo xtask fuzz` looks for more, led by coverage:
//! `libfuzzer/` has the targets as libFuzzer wants them.

#![allow(clippy::unwrap_used, clippy::missing_panics_doc, reason = "what must hold is asserted")]

pub mod group;
pub mod log;
pub mod party;
mod targets;

pub use targets::{TARGETS, Target};

/// Runs a target by its name.
///
/// Panics if something does not hold that must, which is what fuzzing looks for; or if there is no such target.
pub fn run(target: &str, bytes: &[u8]) {
    let (_, run) = TARGETS.iter().find(|(name, _)| *name == target).unwrap();
    run(bytes);
}
