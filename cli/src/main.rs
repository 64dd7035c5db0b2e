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
//! | `demo` | the whole story |

mod args;
mod commands;
mod config;
mod control;
mod demo;
mod run;
mod session;
mod show;

use std::process::ExitCode;

use clap::Parser;
use connectoid::{Blame, Error, ErrorKind};

use crate::{args::Cli, show::Show};

fn main() -> ExitCode {
    let cli = Cli::parse();
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
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            show.error(&error);
            ExitCode::from(exit_code(error.kind))
        }
    }
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
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
