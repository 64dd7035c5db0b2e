//! When a peer that did not answer is offered to again, and how often a peer's own offers are followed.

use rand_core::CryptoRng;

/// The first pause after a failed attempt, in µs.
pub const FIRST_RETRY: u64 = 2_000_000;

/// The longest pause between offers, in µs: shorter than the hour that a mailbox keeps them.
pub const LAST_RETRY: u64 = 45 * 60_000_000;

/// A session that lasted this long was worth the way to it, in µs. One that breaks sooner counts as a failed attempt: a
/// peer where all of them do is not called every few seconds for ever.
pub(super) const STEADY: u64 = 10_000_000;

/// How many calls and stale offers of a peer are followed at once by offers of one's own.
pub const MAX_OFFERS: u64 = 16;

/// In which time one more is followed, in µs.
pub const OFFER_EVERY: u64 = 15_000_000;

/// In which time as many may be followed at once again, in µs.
const MOST: u64 = MAX_OFFERS * OFFER_EVERY;

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

/// How often a peer's offers are followed.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// When as many may be followed at once as ever, in µs since the epoch.
    rested_at: u64,
}

impl Following {
    /// Whether one more may be followed at `now`; then it counts.
    pub(super) fn take(&mut self, now: u64) -> bool {
        // A clock that was set back does not make it longer.
        self.rested_at = self.rested_at.clamp(now, now.saturating_add(MOST));
        let may = self.rested_at + OFFER_EVERY - now <= MOST;
        if may {
            self.rested_at += OFFER_EVERY;
        }
        may
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offers_are_followed_so_often_and_then_now_and_then() {
        let mut following = Following::default();
        let now = 1_000 * OFFER_EVERY;
        assert_eq!((0..100).filter(|_| following.take(now)).count() as u64, MAX_OFFERS);
        assert!(!following.take(now + OFFER_EVERY - 1));
        assert!(following.take(now + OFFER_EVERY) && !following.take(now + OFFER_EVERY));
        let later = now + 100 * OFFER_EVERY;
        assert_eq!((0..100).filter(|_| following.take(later)).count() as u64, MAX_OFFERS);
        assert!(!following.take(now), "the clock was set back");
        assert!(following.take(now + OFFER_EVERY), "and it is not waited for what it said before");
    }
}
