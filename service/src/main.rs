//! The mailbox service as a program.

mod args;

use std::{io::Write as _, process::ExitCode};

use clap::Parser as _;
use connectoid_service::Service;

use args::Args;

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    args.start_log();
    match serve(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("connectoid-service: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::start(args.into_config()?).await?;
    writeln!(std::io::stdout(), "listening on {}", service.url())?;
    stop_signal().await?;
    service.shutdown().await;
    Ok(())
}

/// Waits for Ctrl-C or, on Unix, SIGTERM.
async fn stop_signal() -> std::io::Result<()> {
    #[cfg(unix)]
    {
        let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted,
            _ = term.recv() => Ok(()),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await
}
