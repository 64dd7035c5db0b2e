//! When a peer that did not answer is offered to again.

use rand_core::CryptoRng;

/// The first pause after a failed attempt, in µs.
pub const FIRST_RETRY: u64 = 2_000_000;

/// The longest pause between offers, in µs: shorter than the hour that a mailbox keeps them.
pub const LAST_RETRY: u64 = 45 * 60_000_000;

/// A session that lasted this long was worth the way to it, in µs. One that breaks sooner counts as a failed attempt: a
/// peer where all of them do is not called every few seconds for ever.
pub(super) const STEADY: u64 = 10_000_000;

/// Whether there is something to say, and when to try again.
#[derive(Debug, Default)]
pub(super) struct Pacing {
    wanted: bool,
    /// How many attempts failed since the last success, and how many successes in a row came to nothing.
    failures: u32,
    /// How many sessions in a row were cut short.
    cut_short: u32,
    retry_at: Option<u64>,
}

impl Pacing {
    pub(super) fn is_wanted(&self) -> bool {
        self.wanted
    }

    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn retry_at(&self) -> Option<u64> {
        self.retry_at
    }

    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    pub(super) fn unwant(&mut self) {
        self.wanted = false;
        self.retry_at = None;
    }

    /// A session has begun, in which all will be said.
    pub(super) fn met(&mut self) {
        self.unwant();
        self.failures = self.cut_short;
    }

    /// It broke before it was [`STEADY`].
    pub(super) fn was_cut_short(&mut self) {
        self.cut_short += 1;
    }

    /// Forgets past failures: there is a reason to hope.
    pub(super) fn forgive(&mut self) {
        (self.failures, self.cut_short) = (0, 0);
        self.retry_at = None;
    }

    /// Whether no pause is being kept.
    pub(super) fn may_offer(&self, now: u64) -> bool {
        self.retry_at.is_none_or(|at| at <= now)
    }

    /// Whether a pause has just ended.
    pub(super) fn take_due(&mut self, now: u64) -> bool {
        self.retry_at.take_if(|at| *at <= now).is_some()
    }

    /// Doubles the pause with every failure, plus up to a quarter so that two sides fall out of step.
    pub(super) fn plan_retry(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if !self.wanted {
            return;
        }
        let pause = (FIRST_RETRY << self.failures.min(20)).min(LAST_RETRY);
        self.failures += 1;
        self.retry_at = Some(now + pause + u64::from(rng.next_u32()) % (pause / 4));
    }
}
