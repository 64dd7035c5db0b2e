//! The project's one command surface: `cargo xtask check|test|scenarios|bindings|natives|dart|kotlin|swift|targets|package|attack|bench|figures|fuzz|toolchains|phases`.
//!
//! Nothing has to be installed first but Rust and a C compiler. What a command needs beyond that, it names.

mod attack;
mod background;
mod bench;
mod bindings;
mod check;
mod command;
mod dart;
mod figures;
mod fuzz;
mod kotlin;
mod licences;
mod natives;
mod newcomer;
mod package;
mod parity;
mod phases;
mod scenarios;
mod service;
mod std_source;
mod swift;
mod targets;
mod test;
mod toolchains;

use std::process::ExitCode;

const USAGE: &str = "usage: cargo xtask COMMAND

  check    format, lints, documentation, purity of protocol and engine, licences, sizes of files,
           generated files, parity of the languages
  test     all tests in all languages, the independent check of the vectors, and the scenarios
  scenarios  stories of two people in every language, and by everybody with everybody: [STORY]
  bindings writes what is generated for other languages: schema, C header, tables, Dart
  natives  the library for Kotlin and Swift, and the code generated from it, in target/bindings
  dart     tests the Dart package
  kotlin   tests the Kotlin packages
  swift    tests the Swift package, or [toolchain|actor|docs]
  targets  the library type-checked for Android and iOS
  package  c, jvm, android, apple or flutter: what is published, in target/packages; or notices,
           the licences that are passed on with it
  attack   attacks a node at length and says whether what is promised holds: [ATTACK]; Linux
  bench    measures speed and size (minutes, on a machine at rest) and writes docs/benchmarks.md; Linux
  figures  what crossing to each language costs: [c|kotlin|swift|dart], or all, and writes
           docs/benchmarks-languages.md
  fuzz     every fuzz target for a while (needs cargo-fuzz): cargo xtask fuzz [SECONDS]
  toolchains  what the tests of other languages run on, where this machine has none of its own
  phases   what each part of the checks and tests took, beside what is usual
";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let result = match arguments.next().as_deref() {
        // No command for people: what `test` runs beside itself.
        Some("background") => background::run(),
        Some("check") => check::run(),
        Some("test") => test::run(),
        Some("bindings") => bindings::write(),
        Some("natives") => natives::run(natives::Profile::Debug),
        Some("scenarios") => scenarios::run(arguments.next().as_deref()),
        Some("dart") => dart::test(),
        Some("figures") => figures::run(arguments.next().as_deref()),
        Some("kotlin") => kotlin::test(),
        Some("swift") => swift::run(arguments.next().as_deref()),
        Some("toolchains") => toolchains::install(),
        Some("targets") => targets::check(),
        Some("package") => package::run(arguments.next().as_deref()),
        Some("attack") => attack::run(arguments.next().as_deref()),
        Some("bench") => bench::run(),
        Some("phases") => phases::show(),
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
