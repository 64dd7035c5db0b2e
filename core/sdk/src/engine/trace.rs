//! What happened lately, for the doctor: short lines without secrets.

use std::collections::VecDeque;

/// How many lines are kept.
const MAX_LINES: usize = 200;

/// The lines.
#[derive(Default)]
pub(super) struct Trace(VecDeque<String>);

impl Trace {
    /// Adds a line. Callers pass pair numbers and error texts; never links, keys, ids or addresses.
    pub(super) fn add(&mut self, now: u64, line: &str) {
        tracing::debug!("{line}");
        if self.0.len() == MAX_LINES {
            self.0.pop_front();
        }
        self.0.push_back(format!("{}.{:06} {line}", now / 1_000_000, now % 1_000_000));
    }

    /// All lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}
