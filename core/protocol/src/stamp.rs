//! When a change was made, in a way that orders all changes of a group.
//!
//! A [`Stamp`] is a hybrid logical clock in one number (Kulkarni et al., "Logical Physical Clocks",
//! 2014): microseconds since the Unix epoch, pushed ahead where needed so that a change is always later
//! than every change its author had accepted. Two changes can bear the same stamp; a [`Position`] adds
//! author and hash, and so orders any two changes the same way everywhere.
//!
//! Whoever stamps far ahead would win every conflict until that time comes. So a change from more than
//! [`MAX_AHEAD`] in the future waits until it is no longer that. No clock is believed beyond [`LATEST`], so
//! that stamps never run out.

use crate::{change::ChangeHash, user::UserId};

/// How far ahead of the reader's clock a stamp may be, in microseconds: ten minutes.
///
/// Longer than honest clocks are off, short enough that winning by a false clock stays a nuisance.
pub const MAX_AHEAD: u64 = 10 * 60 * 1_000_000;

/// The greatest time that a clock is believed to say, in microseconds since the Unix epoch: the beginning of the year
/// 2200. A clock that says more counts as saying this, which leaves 55 years of stamps behind it.
pub const LATEST: u64 = 7_258_118_400 * 1_000_000;

/// Microseconds since the Unix epoch, below 2^53 (the year 2255), so that JavaScript can hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Stamp(u64);

impl Stamp {
    /// The greatest stamp.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// Takes microseconds since the Unix epoch; `None` from 2^53 on.
    pub const fn new(micros: u64) -> Option<Self> {
        if micros <= Self::MAX.0 { Some(Self(micros)) } else { None }
    }

    /// Microseconds since the Unix epoch.
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// The stamp of a change made at `now` by somebody who has accepted stamps up to `greatest`; `None`
    /// when stamps have run out.
    pub const fn next(now: u64, greatest: Self) -> Option<Self> {
        let now = believed(now);
        Self::new(if now > greatest.0 { now } else { greatest.0 + 1 })
    }

    /// Whether a reader whose clock says `now` has to wait for this stamp.
    pub const fn is_ahead(self, now: u64) -> bool {
        self.0 > last_due(now)
    }
}

/// The greatest stamp for which a reader whose clock says `now` does not have to wait, in microseconds.
pub const fn last_due(now: u64) -> u64 {
    believed(now) + MAX_AHEAD
}

const fn believed(now: u64) -> u64 {
    if now < LATEST { now } else { LATEST }
}

/// Where a change stands among all changes of its group: later positions win.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// First the stamp decides,
    pub stamp: Stamp,
    /// then the author's id,
    pub author: UserId,
    /// then the change's hash, as bytes.
    pub hash: ChangeHash,
}

impl Position {
    /// A position at or after every change stamped `stamp`.
    pub const fn last_at(stamp: Stamp) -> Self {
        Self { stamp, author: UserId::from_bytes([0xff; 32]), hash: ChangeHash::from_bytes([0xff; 32]) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_only_go_forward() {
        let greatest = Stamp::new(100).unwrap();
        assert_eq!(Stamp::next(200, greatest), Stamp::new(200));
        assert_eq!(Stamp::next(100, greatest), Stamp::new(101));
        assert_eq!(Stamp::next(0, greatest), Stamp::new(101));
        assert_eq!(Stamp::next(0, Stamp::MAX), None);
        assert_eq!(Stamp::next(u64::MAX, greatest), Stamp::new(LATEST), "no clock is believed that far");
    }

    #[test]
    fn ten_minutes_ahead_is_near_enough() {
        let stamp = Stamp::new(MAX_AHEAD + 5).unwrap();
        assert!(!stamp.is_ahead(5));
        assert!(stamp.is_ahead(4));
        assert!(Stamp::MAX.is_ahead(u64::MAX), "nor makes it stamps due that leave no room behind them");
    }

    #[test]
    fn author_and_hash_break_ties() {
        let at = |stamp, author, hash| Position {
            stamp: Stamp::new(stamp).unwrap(),
            author: UserId::from_bytes([author; 32]),
            hash: ChangeHash::from_bytes([hash; 32]),
        };
        assert!(at(2, 0, 0) > at(1, 9, 9));
        assert!(at(1, 2, 0) > at(1, 1, 9));
        assert!(at(1, 1, 2) > at(1, 1, 1));
        assert!(Position::last_at(Stamp::new(1).unwrap()) > at(1, 9, 9));
    }
}
