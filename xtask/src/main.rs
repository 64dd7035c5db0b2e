//! The project's one command surface: `cargo xtask check|test|bench|fuzz`.
//!
//! Nothing has to be installed first but Rust and a C compiler. What a command needs beyond that, it names.

mod bench;
mod check;
mod command;
mod fuzz;
mod licences;
mod test;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  check    format, lints, documentation, purity of the protocol crate, licences, sizes of files
  test     all tests, the independent check of the vectors, and the demo
  bench    measures speed and size (minutes, on a machine at rest) and writes docs/benchmarks.md; Linux
  fuzz     every fuzz target for a while (needs cargo-fuzz): cargo xtask fuzz [SECONDS]
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        Some("check") => check::run(),
        Some("test") => test::run(),
        Some("bench") => bench::run(),
        Some("fuzz") => fuzz::run(arguments.next().as_deref()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("xtask: {problem}");
            ExitCode::FAILURE
        }
    }
}
