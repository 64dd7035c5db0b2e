//! What a hostile peer can cost a node, measured on a real one: the victim is a process with a node of the SDK, at a real
//! service, over real WebRTC; a third person, who is honest, sends it messages all the while.
//!
//! `cargo xtask attack` runs all attacks at length and says whether what is promised holds; `attack --short` runs them in
//! small for CI, where only what does not depend on how busy the machine is has to hold. To run some only, name them.
//!
//! | file | room |
//! |---|---|
//! | `stage`, `victim`, `process` | who is there, and what the system tells of the victim |
//! | `meter` | what an attack has cost, and what is promised of that |
//! | `hostile`, `http` | a peer that is honest until it has met its victim |
//! | `raw` | one that keeps to the rules as far as the encryption only |
//! | `attacks` | the attacks |

#![allow(unexpected_cfgs, reason = "the features of the SDK, whose WebRTC driver this is made of")]

mod attacks;
mod hostile;
mod http;
mod meter;
mod process;
mod raw;
#[allow(dead_code, unreachable_pub, unused_imports, reason = "the SDK uses the rest of its driver")]
#[path = "../../../core/sdk/src/rtc/mod.rs"]
mod rtc;
mod stage;
mod victim;

use std::{error::Error, process::ExitCode, time::Duration};

use attacks::{ATTACKS, Extent};

type Failure = Box<dyn Error + Send + Sync>;

type Outcome<T = ()> = Result<T, Failure>;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (options, names): (Vec<_>, Vec<_>) = arguments.iter().partition(|text| text.starts_with("--"));
    let extent = if options.iter().any(|option| *option == "--short") { Extent::Short } else { Extent::Long };
    match run(extent, &names).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(problem) => {
            eprintln!("attack: {problem}");
            ExitCode::FAILURE
        }
    }
}

/// Runs the attacks that are named, or all; says whether what is promised holds.
async fn run(extent: Extent, names: &[&String]) -> Outcome<bool> {
    let is_named = |name: &str| names.is_empty() || names.iter().any(|named| *named == name);
    if let Some(unknown) = names.iter().find(|named| !ATTACKS.contains(&named.as_str())) {
        return Err(format!("there is no attack `{unknown}`, only {}", ATTACKS.join(", ")).into());
    }
    let mut holds = true;
    println!("{}", meter::HEAD);
    for name in ATTACKS.into_iter().filter(|name| is_named(name)) {
        let cost = attacks::run(name, extent).await.map_err(|error| format!("{name}: {error}"))?;
        let broken = cost.broken(extent);
        println!("{}", cost.row(name));
        for promise in &broken {
            println!("  ^ broken: {promise}");
        }
        holds &= broken.is_empty();
    }
    Ok(holds)
}
