//! What fits into a box, how long things last, and what counts as new.

use std::time::Duration;

use connectoid_protocol::mailbox::{
    BOX_LIFETIME_SECS, MAX_BOX_LEN, MAX_BOX_MESSAGES, MAX_UNCHECKED_MESSAGES, MESSAGE_LIFETIME_SECS, Refusal,
};

use super::{Micros, Refused, SECOND};

/// How long a message stays.
pub const MESSAGE_LIFETIME: Micros = MESSAGE_LIFETIME_SECS * SECOND;

/// How long a box stays after a check, and a closed one's marker after the `drop`.
pub const BOX_LIFETIME: Micros = BOX_LIFETIME_SECS * SECOND;

/// How long a box stays after its first check if nothing was ever in it and its maker has not looked again a day later or
/// after that. Boxes that somebody only makes are gone soon; a message makes them anew.
pub const UNUSED_BOX_LIFETIME: Micros = 3 * 24 * 60 * 60 * SECOND;

/// Checks are written down once a day: enough for a lifetime of 30 days, and no write per check.
pub const CHECK_MARK_INTERVAL: Micros = 24 * 60 * 60 * SECOND;

/// A service that is full has room again when messages expire; asking sooner than this is pointless.
pub const FULL_RETRY: Duration = Duration::from_mins(10);

/// What a store knows of a box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct BoxRecord {
    /// `at` of the newest message that ever was in the box; 0 without any.
    pub last: Micros,
    /// When the last check was written down; 0 for never.
    pub checked: Micros,
    /// Whether the owner has closed it.
    pub closed: bool,
    /// When the box goes.
    pub expires: Micros,
}

/// The unexpired messages in a box.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Occupancy {
    /// How many there are.
    pub messages: usize,
    /// How long their `data` is together.
    pub length: usize,
    /// When the oldest was stored.
    pub oldest: Micros,
}

/// How much is in the whole store, or may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Totals {
    /// Boxes, closed ones included.
    pub boxes: u64,
    /// Characters of `data`.
    pub length: u64,
}

impl Totals {
    /// Whether `boxes` more boxes with `length` more characters fit below `limit`.
    pub const fn has_room(&self, boxes: u64, length: u64, limit: &Self) -> bool {
        self.boxes.saturating_add(boxes) <= limit.boxes && self.length.saturating_add(length) <= limit.length
    }
}

impl BoxRecord {
    /// The record after a check, which is written down at most once a day.
    #[must_use]
    pub const fn check(self, now: Micros) -> Self {
        if !self.needs_mark(now) {
            return self;
        }
        let unused = self.checked == 0 && self.last == 0;
        let lifetime = if unused { UNUSED_BOX_LIFETIME } else { BOX_LIFETIME };
        Self { checked: now, expires: now.saturating_add(lifetime), ..self }
    }

    /// Whether a check at `now` has to be written down.
    pub const fn needs_mark(&self, now: Micros) -> bool {
        !self.closed && (self.checked == 0 || now >= self.checked.saturating_add(CHECK_MARK_INTERVAL))
    }

    /// The record after its owner closed it. Closing again does not prolong the marker.
    #[must_use]
    pub const fn close(self, now: Micros) -> Self {
        if self.closed {
            self
        } else {
            Self { closed: true, expires: now.saturating_add(BOX_LIFETIME), ..self }
        }
    }

    /// The record after taking another message of `length` characters; its `last` is the message's `at`.
    ///
    /// A full box refuses rather than drop what is in it: otherwise whoever knows the id could push other
    /// people's messages out.
    ///
    /// # Errors
    /// `Closed`, or `Too often` until the oldest message expires.
    pub fn append(self, occupancy: &Occupancy, length: usize, now: Micros) -> Result<Self, Refused> {
        if self.closed {
            return Err(Refused::finally(Refusal::Closed));
        }
        let messages = if self.checked == 0 { MAX_UNCHECKED_MESSAGES } else { MAX_BOX_MESSAGES };
        if occupancy.messages >= messages || occupancy.length.saturating_add(length) > MAX_BOX_LEN {
            let wait = occupancy.oldest.saturating_add(MESSAGE_LIFETIME).saturating_sub(now);
            return Err(Refused::too_often(Duration::from_micros(wait)));
        }
        // Who has looked before comes again; a message stays its time in any case.
        let expires = self.expires.max(now.saturating_add(MESSAGE_LIFETIME));
        Ok(Self { last: now.max(self.last.saturating_add(1)), expires, ..self })
    }
}

/// The newest message of a box: when it was sorted in and when it was stored. They differ only where the
/// clock went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The message's `at`.
    pub at: Micros,
    /// When it was stored.
    pub stored: Micros,
}

/// Whether a message stored then has expired.
pub const fn is_expired(stored: Micros, now: Micros) -> bool {
    stored.saturating_add(MESSAGE_LIFETIME) <= now
}

/// The reader's cursor. One that lies beyond both the clock and the box's last message comes from
/// another service or a broken store, and counts as 0: better a message twice than never.
pub const fn cursor(at: Micros, last: Micros, now: Micros) -> Micros {
    if at > last && at > now { 0 } else { at }
}

/// Up to where a reader with this cursor has processed the box's messages, which may then be forgotten.
/// `None` for a cursor that cannot come from this box: better a message twice than never.
pub const fn processed(at: Micros, last: Micros) -> Option<Micros> {
    if at == 0 || at > last { None } else { Some(at) }
}

/// Whether a box holds anything for a reader whose cursor is `at`.
pub fn has_news(newest: Option<Newest>, at: Micros, last: Micros, now: Micros) -> bool {
    newest.is_some_and(|newest| newest.at > cursor(at, last, now) && !is_expired(newest.stored, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Micros = 1_700_000_000 * SECOND;

    fn checked() -> BoxRecord {
        BoxRecord::default().check(NOW)
    }

    #[test]
    fn arrival_times_are_unique_and_never_go_back() {
        let none = Occupancy::default();
        let first = checked().append(&none, 1, NOW).unwrap();
        let second = first.append(&none, 1, NOW).unwrap();
        let third = second.append(&none, 1, NOW - SECOND).unwrap();
        let fourth = third.append(&none, 1, NOW + 9).unwrap();
        assert_eq!([first.last, second.last, third.last, fourth.last], [NOW, NOW + 1, NOW + 2, NOW + 9]);
    }

    #[test]
    fn a_full_box_says_when_there_is_room_again() {
        let full = Occupancy { messages: MAX_BOX_MESSAGES, length: 32, oldest: NOW };
        let refused = checked().append(&full, 1, NOW + SECOND).unwrap_err();
        assert_eq!(refused, Refused::too_often(Duration::from_secs(MESSAGE_LIFETIME_SECS - 1)));
        let roomy = Occupancy { messages: MAX_BOX_MESSAGES - 1, ..full };
        assert!(checked().append(&roomy, 1, NOW).is_ok());
        let long = Occupancy { messages: 1, length: MAX_BOX_LEN - 1, oldest: NOW };
        assert!(checked().append(&long, 1, NOW).is_ok());
        assert!(checked().append(&long, 2, NOW).is_err());
    }

    #[test]
    fn a_box_never_checked_takes_little_and_goes_soon() {
        let some = Occupancy { messages: MAX_UNCHECKED_MESSAGES, length: 4, oldest: NOW };
        assert!(BoxRecord::default().append(&some, 1, NOW).is_err());
        let fresh = BoxRecord::default().append(&Occupancy::default(), 1, NOW).unwrap();
        assert_eq!(fresh.expires, NOW + MESSAGE_LIFETIME);
        assert_eq!(fresh.check(NOW).expires, NOW + BOX_LIFETIME);
        assert_eq!(checked().append(&some, 1, NOW).unwrap().expires, NOW + UNUSED_BOX_LIFETIME);
    }

    #[test]
    fn a_box_that_nobody_used_goes_unless_its_maker_comes_again() {
        assert_eq!(checked().expires, NOW + UNUSED_BOX_LIFETIME);
        let later = NOW + CHECK_MARK_INTERVAL;
        assert_eq!(checked().check(later).expires, later + BOX_LIFETIME);
        let last = NOW + UNUSED_BOX_LIFETIME - SECOND;
        let used = checked().append(&Occupancy::default(), 1, last).unwrap();
        assert_eq!(used.expires, last + MESSAGE_LIFETIME, "what came at the last moment stays its time");
        assert_eq!(used.check(later).expires, later + BOX_LIFETIME);
    }

    #[test]
    fn a_closed_box_stays_closed() {
        let closed = checked().close(NOW);
        assert_eq!(closed.close(NOW + SECOND), closed);
        assert_eq!(closed.check(NOW + SECOND), closed);
        assert!(!closed.needs_mark(u64::MAX));
        let refused = closed.append(&Occupancy::default(), 1, NOW).unwrap_err();
        assert_eq!(refused.reason, Refusal::Closed);
    }

    #[test]
    fn checks_are_written_down_once_a_day() {
        assert!(BoxRecord::default().needs_mark(NOW));
        assert!(!checked().needs_mark(NOW + CHECK_MARK_INTERVAL - 1));
        assert_eq!(checked().check(NOW + CHECK_MARK_INTERVAL - 1), checked());
        assert!(checked().needs_mark(NOW + CHECK_MARK_INTERVAL));
    }

    #[test]
    fn news_is_what_lies_after_the_cursor_and_lives() {
        let newest = Some(Newest { at: NOW, stored: NOW });
        assert!(has_news(newest, 0, NOW, NOW));
        assert!(has_news(newest, NOW - 1, NOW, NOW));
        assert!(!has_news(newest, NOW, NOW, NOW));
        assert!(!has_news(newest, NOW + 1, NOW, NOW + 2), "after the newest, but in the past");
        assert!(has_news(newest, NOW + 2, NOW, NOW + 1), "a cursor from the future counts as 0");
        assert!(!has_news(newest, 0, NOW, NOW + MESSAGE_LIFETIME));
        assert!(!has_news(None, 0, 0, NOW));
    }

    #[test]
    fn only_a_cursor_that_comes_from_the_box_has_processed_anything() {
        assert_eq!(processed(0, NOW), None);
        assert_eq!(processed(1, NOW), Some(1));
        assert_eq!(processed(NOW, NOW), Some(NOW));
        assert_eq!(processed(NOW + 1, NOW), None);
        assert_eq!(processed(NOW, 0), None);
    }

    #[test]
    fn totals_have_a_limit_each() {
        let limit = Totals { boxes: 2, length: 10 };
        let totals = Totals { boxes: 1, length: 9 };
        assert!(totals.has_room(1, 1, &limit));
        assert!(!totals.has_room(2, 0, &limit));
        assert!(!totals.has_room(0, 2, &limit));
    }
}
