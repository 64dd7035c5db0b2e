//! Rate limits by the generic cell rate algorithm (ITU-T I.371): per key one number, the time at
//! which the key will have paid for what it had. A request is admitted while that lies at most a burst
//! ahead of now.

use std::{hash::Hash, time::Duration};

use super::cache::Cache;

/// µs on a clock that never goes back, from an arbitrary start.
pub type Monotonic = u64;

/// How much is allowed: units per time in the long run, and at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    interval: u64,
    tolerance: u64,
}

impl Rate {
    /// `units` per `period` in the long run and `burst` at once; both at least 1.
    pub fn new(units: u32, period: Duration, burst: u32) -> Self {
        let period = u64::try_from(period.as_micros()).unwrap_or(u64::MAX);
        let interval = (period / u64::from(units.max(1))).max(1);
        Self { interval, tolerance: interval.saturating_mul(u64::from(burst.max(1))) }
    }

    /// `units` per second in the long run and `burst` at once.
    pub fn per_second(units: u32, burst: u32) -> Self {
        Self::new(units, Duration::from_secs(1), burst)
    }

    /// As much for `others` clients together.
    #[must_use]
    pub fn times(self, others: u32) -> Self {
        let interval = (self.interval / u64::from(others.max(1))).max(1);
        Self { interval, ..self }
    }

    /// Admits `cost` units against `paid_until`, or says how long to wait. A refusal costs nothing.
    ///
    /// # Errors
    /// The time after which the same request will be admitted, if nothing else comes in between.
    pub fn admit(&self, paid_until: &mut Monotonic, cost: u32, now: Monotonic) -> Result<(), Duration> {
        let after = (*paid_until).max(now).saturating_add(self.interval.saturating_mul(u64::from(cost)));
        let ahead = after - now;
        if ahead > self.tolerance {
            return Err(Duration::from_micros(ahead - self.tolerance));
        }
        *paid_until = after;
        Ok(())
    }
}

/// A rate limit for each of many keys, in bounded memory: keys not seen for longest are forgotten.
pub struct Throttle<K> {
    rate: Rate,
    paid: Cache<K, Monotonic>,
}

impl<K: Hash + Eq> Throttle<K> {
    /// Limits each key to `rate`, remembering about `capacity` of them.
    pub fn new(rate: Rate, capacity: usize) -> Self {
        Self { rate, paid: Cache::new(capacity) }
    }

    /// Admits `cost` units for `key`.
    ///
    /// # Errors
    /// As [`Rate::admit`].
    pub fn admit(&self, key: K, cost: u32, now: Monotonic) -> Result<(), Duration> {
        self.paid.with_or_insert(key, || 0, |paid| self.rate.admit(paid, cost, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Monotonic = 1_000_000;

    #[test]
    fn a_burst_passes_and_then_the_rate_holds() {
        let throttle = Throttle::new(Rate::per_second(2, 10), 100);
        let at = |now| throttle.admit("key", 1, now);
        assert!((0..10).all(|_| at(5).is_ok()));
        assert_eq!(at(5), Err(Duration::from_millis(500)));
        assert_eq!(at(5 + SECOND / 2), Ok(()));
        assert!(at(5 + SECOND / 2).is_err());
        let admitted = (0..1000).filter(|step| at(SECOND + step * SECOND / 10).is_ok()).count();
        assert!((199..=202).contains(&admitted), "{admitted} in 100 s");
        assert!((0..10).all(|_| at(1000 * SECOND).is_ok()), "an idle key has its burst again");
        assert!(at(1000 * SECOND).is_err());
    }

    #[test]
    fn several_have_as_much_as_each_of_them() {
        let throttle = Throttle::new(Rate::per_second(2, 10).times(8), 100);
        let admitted = |now| (0..1000).filter(|_| throttle.admit("key", 1, now).is_ok()).count();
        assert_eq!([admitted(5), admitted(5 + SECOND)], [80, 16]);
    }

    #[test]
    fn keys_do_not_disturb_each_other_and_refusals_cost_nothing() {
        let throttle = Throttle::new(Rate::per_second(1, 4), 100);
        assert_eq!(throttle.admit("a", 4, 0), Ok(()));
        for _ in 0..100 {
            assert_eq!(throttle.admit("a", 4, 0), Err(Duration::from_secs(4)));
        }
        assert_eq!(throttle.admit("b", 3, 0), Ok(()));
        assert_eq!(throttle.admit("a", 4, 4 * SECOND), Ok(()));
    }

    #[test]
    fn extremes_neither_overflow_nor_divide_by_zero() {
        let slow = Rate::new(0, Duration::MAX, u32::MAX);
        assert_eq!(slow.admit(&mut 0, u32::MAX, u64::MAX), Ok(()));
        let yearly = Rate::new(1, Duration::from_secs(1 << 25), 1);
        let mut paid = u64::MAX;
        assert!(yearly.admit(&mut paid, u32::MAX, 0).is_err());
        let fast = Rate::per_second(u32::MAX, 0);
        assert!(fast.admit(&mut 0, 1, u64::MAX - 1).is_ok());
    }
}
