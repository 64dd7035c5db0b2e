//! Time in µs since the epoch, which never runs backwards while the node runs.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// A wall clock that was set by less than this is followed without a jump: in µs.
const TOLERANCE: u64 = 1_000_000;

/// Counts on from the wall clock by the monotonic one; follows the wall clock when that was set forward.
pub(super) struct Clock {
    base: u64,
    since: Instant,
}

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
    pub(super) fn new() -> Self {
        Self { base: wall(), since: Instant::now() }
    }

    /// Now, in µs since the epoch.
    pub(super) fn now(&mut self) -> u64 {
        let elapsed = u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX);
        let (counted, wall) = (self.base.saturating_add(elapsed), wall());
        if wall > counted.saturating_add(TOLERANCE) {
            *self = Self { base: wall, ..Self::new() };
            return wall;
        }
        counted
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place that reads the clocks")]
fn wall() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// What the device's own clock says, in s since the epoch: for comparing it with others.
pub(super) fn now_seconds() -> u64 {
    wall() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_follows_a_clock_that_was_set_forward() {
        let mut clock = Clock::new();
        let first = clock.now();
        assert!(clock.now() >= first);
        clock.base -= 3600 * 1_000_000;
        assert!(clock.now() >= first);
        clock.base += 3600 * 1_000_000;
        assert!(clock.now() >= first + 3599 * 1_000_000, "a clock that was set back is not followed");
    }
}
