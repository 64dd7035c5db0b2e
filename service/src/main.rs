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
            // Where nothing can be said there is nobody to tell; the exit code remains.
            let _ = writeln!(std::io::stderr(), "connectoid-service: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(args: Args) -> Result<(), Box<dyn std::error::Error>> {
    let service = Service::start(args.into_config()?).await?;
    let mut signals = Signals::new()?;
    writeln!(std::io::stdout(), "listening on {}", service.url())?;
    while signals.next().await? == Signal::Renew {
        service.renew_certificate().await;
    }
    service.shutdown().await;
    Ok(())
}

/// What a signal asks for.
#[derive(PartialEq, Eq)]
enum Signal {
    /// SIGHUP: read the certificate anew.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no such signal"))]
    Renew,
    /// Ctrl-C or SIGTERM.
    Stop,
}

struct Signals {
    #[cfg(unix)]
    term: tokio::signal::unix::Signal,
    #[cfg(unix)]
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    #[cfg(unix)]
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { term: signal(SignalKind::terminate())?, hangup: signal(SignalKind::hangup())? })
    }

    #[cfg(unix)]
    async fn next(&mut self) -> std::io::Result<Signal> {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted.map(|()| Signal::Stop),
            _ = self.term.recv() => Ok(Signal::Stop),
            _ = self.hangup.recv() => Ok(Signal::Renew),
        }
    }

    #[cfg(not(unix))]
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) -> std::io::Result<Signal> {
        tokio::signal::ctrl_c().await.map(|()| Signal::Stop)
    }
}
