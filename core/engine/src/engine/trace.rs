//! What happened lately, for the doctor: short lines without secrets.

use std::collections::VecDeque;

/// How many lines are kept.
const MAX_LINES: usize = 200;

/// A day in µs.
const DAY: u64 = 24 * 3_600_000_000;

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
        self.0.push_back(format!("{} {line}", date(now)));
    }

    /// All lines, oldest first.
    pub(super) fn lines(&self) -> Vec<String> {
        self.0.iter().cloned().collect()
    }
}

/// A time in µs since the epoch as a date and a time of day, UTC (RFC 3339).
fn date(at: u64) -> String {
    let (days, rest) = (at / DAY, at % DAY);
    let (year, month, day) = civil(days);
    let (hour, minute) = (rest / 3_600_000_000, rest / 60_000_000 % 60);
    let (second, micros) = (rest / 1_000_000 % 60, rest % 1_000_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z")
}

/// Days since the epoch as year, month and day of the Gregorian calendar. Years begin in March here, so that the day that
/// may be missing is their last, and an era of 400 years has 146,097 days.
pub(super) fn civil(days: u64) -> (u64, u64, u64) {
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (era * 400 + year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates() {
        assert_eq!(date(0), "1970-01-01T00:00:00.000000Z");
        assert_eq!(date(951_782_399_999_999), "2000-02-28T23:59:59.999999Z");
        assert_eq!(date(951_782_400_000_000), "2000-02-29T00:00:00.000000Z");
        assert_eq!(date(1_709_251_199_000_001), "2024-02-29T23:59:59.000001Z");
        assert_eq!(date(4_107_542_400_000_000), "2100-03-01T00:00:00.000000Z");
    }
}
