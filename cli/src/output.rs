//! The way to standard output and standard error.
//!
//! A reader that goes away, as `head` does, is no error: the command ends, quietly and soon, also one that has nothing
//! to say at that moment. An output that cannot be written, as on a full disk, is an error, and the exit code says so.

use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

use connectoid::{Error, ErrorKind};
use tokio::sync::Notify;

/// Standard output of this process.
#[derive(Default)]
pub(crate) struct Output {
    failure: OnceLock<io::Error>,
    failed: Notify,
}

impl Output {
    /// Writes a line, which must be safe to show: see [`mod@crate::plain`].
    pub(crate) fn line(&self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    /// Writes text, which must be safe to show, at once.
    pub(crate) fn write(&self, text: &str) {
        if self.failure.get().is_some() {
            return;
        }
        let mut out = io::stdout().lock();
        if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            // Only the first counts.
            let _ = self.failure.set(error);
            self.failed.notify_one();
        }
    }

    /// What is told of an output that could not be written; nothing if its reader has gone away.
    pub(crate) fn problem(&self) -> Option<Error> {
        self.failure.get().and_then(problem)
    }

    /// Waits until nobody reads any more, or nothing can be written.
    pub(crate) async fn ended(&self) {
        tokio::select! {
            () = self.failed.notified() => {}
            () = reader_gone() => {}
        }
    }
}

/// What is told of a failure to write; nothing if the reader has gone away.
pub(crate) fn problem(error: &io::Error) -> Option<Error> {
    let message = || format!("the output could not be written: {}", connectoid::files::reason(error));
    let is_lost = error.kind() == io::ErrorKind::BrokenPipe;
    (!is_lost).then(|| Error::new(ErrorKind::StorageUnavailable, message()))
}

/// Writes a line to standard error, which must be safe to show.
pub(crate) fn complain(line: &str) {
    // Where nothing can be said there is nobody to tell; the exit code remains.
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether to use colour: not where it was declined, nor on a terminal that has none.
pub(crate) fn has_color(stream: &impl IsTerminal) -> bool {
    let declined = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal() && !declined && !is_dumb
}

/// Waits until whoever reads standard output is gone; for ever if it is a file, which has no reader.
#[cfg(unix)]
#[allow(deprecated, reason = "is unsound for what closes its descriptor, which standard output never does")]
async fn reader_gone() {
    use tokio::io::{Interest, unix::AsyncFd};
    if let Ok(out) = AsyncFd::with_interest(io::stdout(), Interest::WRITABLE) {
        while let Ok(mut guard) = out.ready(Interest::WRITABLE).await {
            if guard.ready().is_write_closed() {
                return;
            }
            guard.clear_ready();
        }
    }
    std::future::pending::<()>().await;
}

/// Here it shows with the next line.
#[cfg(not(unix))]
async fn reader_gone() {
    std::future::pending().await
}
