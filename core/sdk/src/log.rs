//! What the SDK does, line by line, for apps in languages that have no `tracing`.
//!
//! The SDK logs by `tracing`. A program in Rust takes that as it takes all its logs, by a subscriber of its own, and has
//! no use for this module. Other languages [`follow`]: each line is a [`Level`], the part of the SDK that says it, and a
//! text.
//!
//! | rule | how |
//! |---|---|
//! | nothing secret | only lines of this SDK are told. They name pairs by number, and never a link, key, address, name or value; what the libraries beneath log is theirs, and is left out |
//! | nobody waits | a line goes into a queue of [`QUEUE`]; an app that takes it slowly holds up its own thread, called `connectoid-log`, and not the node |
//! | nothing is lost in silence | lines that found the queue full are counted, and the next line says how many there were |
//! | one process | a process has one log, whatever nodes it has; whoever follows it gets all |

mod collector;
mod sinks;

use std::thread::{self, ThreadId};

use crate::{Error, ErrorKind, Result};

/// How many lines wait for an app that is busy: what a node says in a busy second at the level `trace`.
pub const QUEUE: usize = 1024;

/// The longest text of a line, in bytes; a longer one is cut off. Only what an app's own code failed with is so long.
pub const MAX_TEXT: usize = 4096;

/// How much a line matters; each level includes those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LogLevel"))]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Something failed that should not: a defect, or a store that cannot be written.
    Error,
    /// Something is wrong, and the node goes on.
    Warn,
    /// What happens seldom.
    Info,
    /// What the node does: connections, offers, rounds to the mailbox. For bug reports.
    Debug,
    /// Everything.
    Trace,
}

/// Something that was said.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "LogLine"))]
pub struct Line {
    /// How much it matters.
    pub level: Level,
    /// The part of the SDK that says it, such as `connectoid::engine`. Parts are renamed between versions.
    pub target: String,
    /// What. It names no link, key, address or value.
    pub message: String,
}

/// Takes lines, one at a time, on a thread of its own. It returns whether the line was taken; one that was not is counted
/// as lost. It may call the node, and may end what it is called for.
pub type Sink = Box<dyn FnMut(Line) -> bool + Send>;

/// Ends when dropped: then the sink is not called any more, unless it is at work at that moment.
#[derive(Debug)]
pub struct Log {
    id: u64,
    thread: ThreadId,
}

impl Log {
    /// Whether the caller is in the sink.
    pub fn is_own_thread(&self) -> bool {
        thread::current().id() == self.thread
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        sinks::remove(self.id);
    }
}

/// Tells a sink what the SDK says from now on, up to a level.
///
/// # Errors
/// [`ErrorKind::Usage`] if this process has a `tracing` subscriber already, which gets the lines;
/// [`ErrorKind::Internal`] if the operating system gives no thread.
pub fn follow(level: Level, sink: Sink) -> Result<Log> {
    if !collector::is_installed() {
        let taken = "this process collects logs by a `tracing` subscriber of its own: take them there";
        return Err(Error::new(ErrorKind::Usage, taken));
    }
    let (id, queue) = sinks::add(level);
    let thread = thread::Builder::new().name("connectoid-log".to_owned()).spawn(move || queue.serve(sink));
    let Ok(thread) = thread else {
        sinks::remove(id);
        return Err(Error::new(ErrorKind::Internal, "a thread could not be started"));
    };
    Ok(Log { id, thread: thread.thread().id() })
}
