//! The log: what the library does, line by line.

use std::sync::{Arc, Mutex, PoisonError};

use connectoid::log;

use crate::error::{HostError, NodeError};

/// How much a line matters; each level includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum LogLevel {
    /// Something failed that should not.
    Error,
    /// Something is wrong, and the node goes on.
    Warn,
    /// What happens seldom.
    Info,
    /// What a node does: for bug reports.
    Debug,
    /// Everything.
    Trace,
}

/// Something that was said. It names no link, key, address or value.
#[derive(Debug, Clone, PartialEq, Eq, uniffi::Record)]
pub struct LogLine {
    /// How much it matters.
    pub level: LogLevel,
    /// The part of the SDK that says it.
    pub target: String,
    /// What.
    pub message: String,
}

/// Takes lines, one at a time, on a thread of the log. The node may be called from it.
#[uniffi::export(with_foreign)]
pub trait LogListener: Send + Sync {
    /// This was said. There is nowhere to tell what it throws.
    fn on_line(&self, line: LogLine) -> Result<(), HostError>;
}

/// Goes on until it is cancelled, or this is dropped.
#[derive(uniffi::Object)]
pub struct LogSubscription(Mutex<Option<log::Log>>);

#[uniffi::export]
impl LogSubscription {
    /// Ends it. Afterwards nothing is told but a line that is being told.
    pub fn cancel(&self) -> Result<(), NodeError> {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
        Ok(())
    }
}

/// Tells a listener what the library says from now on, up to a level.
#[uniffi::export]
pub fn follow_log(
    level: LogLevel,
    listener: Arc<dyn LogListener>,
) -> Result<Arc<LogSubscription>, NodeError> {
    let sink = move |line: log::Line| {
        // A line about a line that could not be told would not be told either.
        let _ = listener.on_line(line.into());
        true
    };
    let log = log::follow(level.into(), Box::new(sink))?;
    Ok(Arc::new(LogSubscription(Mutex::new(Some(log)))))
}

impl From<LogLevel> for log::Level {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Error => Self::Error,
            LogLevel::Warn => Self::Warn,
            LogLevel::Info => Self::Info,
            LogLevel::Debug => Self::Debug,
            LogLevel::Trace => Self::Trace,
        }
    }
}

impl From<log::Line> for LogLine {
    fn from(line: log::Line) -> Self {
        let level = match line.level {
            log::Level::Error => LogLevel::Error,
            log::Level::Warn => LogLevel::Warn,
            log::Level::Info => LogLevel::Info,
            log::Level::Debug => LogLevel::Debug,
            log::Level::Trace => LogLevel::Trace,
        };
        Self { level, target: line.target, message: line.message }
    }
}
