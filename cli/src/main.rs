//! `connectoid`: every feature of the SDK from a terminal.
//!
//! | file | room |
//! |---|---|
//! | `args` | what can be typed |
//! | `commands` | what each command does |
//! | `run` | the command that keeps a node going |
//! | `session` | the node: one of our own, or the one that `run` holds on the same folder |
//! | `control` | the way to that other process |
//! | `config` | what a data folder remembers of the command line |
//! | `show` | how things look: for people, or as JSON |
//! | `words` | what is said, in words |
//! | `plain` | foreign text, made harmless for a terminal |
//! | `output` | standard output and error, and what is done when they fail |
//! | `log` | where logs go |
//! | `hints` | what to do next, in terms of this program |
//! | `doctor` | what is wrong, after waiting for whoever may still answer |
//! | `demo` | the whole story |

mod args;
mod commands;
mod config;
mod control;
mod demo;
mod doctor;
mod hints;
mod log;
mod output;
mod plain;
mod run;
mod session;
mod show;
mod words;

use std::process::ExitCode;

use clap::Parser;
use connectoid::{Blame, Error, ErrorKind};

use crate::{args::Cli, plain::plain, show::Show};

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refuse(&error),
    };
    start_log(cli.common.verbose);
    let show = Show::new(cli.common.json);
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            show.error(&Error::new(ErrorKind::Internal, format!("threads could not be started: {error}")));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(commands::carry_out(cli, &show));
    runtime.shutdown_background();
    match result.and_then(|()| show.output().problem().map_or(Ok(()), Err)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show.error(&error);
            ExitCode::from(exit_code(error.kind))
        }
    }
}

/// What was typed is no command, or asks for help.
fn refuse(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        let problem = error.print().err().and_then(|error| output::problem(&error));
        return problem.map_or(ExitCode::SUCCESS, |problem| {
            Show::new(false).error(&problem);
            ExitCode::from(exit_code(problem.kind))
        });
    }
    let text = error.render().to_string();
    let wants_json = std::env::args_os().take_while(|word| word != "--").any(|word| word == "--json");
    if wants_json {
        let what = text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error:");
        let message = what.split_whitespace().collect::<Vec<_>>().join(" ");
        Show::new(true).error(&Error::new(ErrorKind::Usage, message));
    } else {
        // It repeats what was typed, which may have been pasted.
        text.trim_end().lines().for_each(|line| output::complain(&plain(line)));
    }
    ExitCode::from(exit_code(ErrorKind::Usage))
}

/// See the help of the command.
fn exit_code(kind: ErrorKind) -> u8 {
    match (kind, kind.blame()) {
        (ErrorKind::Timeout, _) => 6,
        (_, Blame::Usage) => 2,
        (_, Blame::Peer) => 3,
        (_, Blame::Service) => 4,
        (_, Blame::Storage) => 5,
        (_, Blame::Internal) => 1,
    }
}

/// Logs go to standard error and only on request. WebRTC's own logs name addresses, so they are left out.
fn start_log(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => "info",
        _ => "debug",
    };
    let filter = format!("off,connectoid={level},connectoid_service={level}");
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| log::Lines).with_ansi(false);
    // Whatever cannot be logged cannot be complained of in the same place.
    log.log_internal_errors(false).init();
}
