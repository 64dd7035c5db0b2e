//! How much of what was done, for the log: numbers, and nothing about anybody.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use connectoid_protocol::mailbox::Refusal;

use super::Answer;
use crate::rules::Refused;

#[derive(Default)]
pub(super) struct Stats {
    sent: AtomicU64,
    checked: AtomicU64,
    found: AtomicU64,
    received: AtomicU64,
    dropped: AtomicU64,
    too_often: AtomicU64,
    refused: AtomicU64,
}

/// What was done in some time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages stored.
    pub sent: u64,
    /// Checks that found nothing.
    pub checked: u64,
    /// Checks that found something, and reports of what arrived later.
    pub found: u64,
    /// Times that messages were handed out.
    pub received: u64,
    /// Boxes closed.
    pub dropped: u64,
    /// Requests refused with `Too often`.
    pub too_often: u64,
    /// Requests refused otherwise.
    pub refused: u64,
}

impl Stats {
    pub(super) fn count(&self, kind: &str, result: &Result<Answer, Refused>) {
        let counter = match result {
            Ok(Answer::Nothing) => &self.checked,
            Ok(Answer::Checked(_) | Answer::CheckedMany(_) | Answer::Pushed(_)) => &self.found,
            Ok(Answer::Received(_)) => &self.received,
            Ok(Answer::Done) if kind == "send" => &self.sent,
            Ok(Answer::Done) => &self.dropped,
            Err(refused) if refused.reason == Refusal::TooOften => &self.too_often,
            Err(_) => &self.refused,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn take(&self) -> Counts {
        let take = |counter: &AtomicU64| counter.swap(0, Relaxed);
        Counts {
            sent: take(&self.sent),
            checked: take(&self.checked),
            found: take(&self.found),
            received: take(&self.received),
            dropped: take(&self.dropped),
            too_often: take(&self.too_often),
            refused: take(&self.refused),
        }
    }
}
