//! What time it is for shared data.
//!
//! Stamps decide which write wins, and a change that is stamped more than ten minutes ahead of a reader's clock waits
//! there. So a device does not go by a clock of its own that is wrong: from [`TOLERANCE`] on, it goes by the date that
//! its service tells with each answer. Everything else, such as when to look into a mailbox, needs no date and
//! goes by the device's clock.
//!
//! Until a service has told the date, and for a moment after a clock was set while the node runs, stamps can be
//! wrong. As soon as the date is known, they are mended ([`crate::store::Store::restamp`]).

use connectoid_protocol::{stamp::LATEST, user::GroupId};

use super::{Engine, pair::Pair, trace::civil};
use crate::{
    api::EventKind,
    error::{Error, ErrorKind},
    store::{Health, StoreError},
};

/// How far a device's clock may be off before it is not gone by, in µs.
///
/// Two devices, one ahead by this much and the other behind by as much, are eight minutes apart: less than the ten by
/// which a stamp may be ahead, with two left for services that differ.
pub(super) const TOLERANCE: i64 = 4 * 60_000_000;

/// What is another time than before, in µs: more than the way of an answer and the seconds of a date make out.
const NOTICEABLE: u64 = 60_000_000;

impl Engine {
    /// What time it is for shared data, when this device's clock says `now`; both in µs since the epoch.
    pub(super) fn data_time(&self, now: u64) -> u64 {
        let off = self.clock_ahead.filter(|ahead| ahead.abs() > TOLERANCE);
        now.saturating_add_signed(off.unwrap_or(0))
    }

    /// When this device's clock will say, at `now`, that it is so late for shared data.
    pub(super) fn local_time(&self, at: u64, now: u64) -> u64 {
        now.saturating_add(at.saturating_sub(self.data_time(now)))
    }

    /// A service has told the date, in s since the epoch. Gives how far it is ahead of this device's clock, in µs.
    pub(super) fn on_date(&mut self, date: u64, now: u64) -> Result<Option<i64>, StoreError> {
        // By the clock that everything here goes by, which may not be what the device says by now.
        let Some(date) = date.checked_mul(1_000_000).filter(|date| *date < LATEST) else { return Ok(None) };
        let ahead = date.cast_signed().saturating_sub(now.min(i64::MAX as u64).cast_signed());
        let (before, first) = (self.data_time(now), self.clock_ahead.is_none());
        self.clock_ahead = Some(ahead);
        self.tell_own_skew(ahead, now);
        let changed = before.abs_diff(self.data_time(now)) > NOTICEABLE;
        if first {
            self.date_links(now)?;
        }
        if first || changed {
            self.mend_stamps(now)?;
        }
        if changed {
            self.on_clock_changed(now)?;
        }
        Ok(Some(ahead))
    }

    /// Peers have to know what waits here, and what has waited may be due.
    fn on_clock_changed(&mut self, now: u64) -> Result<(), StoreError> {
        self.next_judging = now;
        let time = self.data_time(now);
        for pair in self.pairs.values_mut() {
            if let Some(session) = pair.session.as_mut() {
                session.sync.tell_clock(time);
            }
        }
        self.doubt_peer_clocks(now)?;
        for group in self.store.groups()? {
            self.refresh_sessions(group.id, None, now)?;
        }
        Ok(())
    }

    /// What a resting peer is believed to hold back was reckoned by the wrong clock: it is asked for its time.
    fn doubt_peer_clocks(&mut self, now: u64) -> Result<(), StoreError> {
        let mut doubted = Vec::new();
        for (number, pair) in self.pairs.iter().filter(|(_, pair)| pair.session.is_none()) {
            if self.healths(pair, now)?.iter().any(|(_, health)| health.held_there > 0) {
                doubted.push(*number);
            }
        }
        for number in doubted {
            if let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.is_reachable()) {
                pair.connector.want(now, &mut self.rng);
            }
        }
        Ok(())
    }

    fn tell_own_skew(&mut self, ahead: i64, now: u64) {
        let told = self.told_skew;
        if ahead.abs() <= TOLERANCE {
            self.told_skew = None;
        } else if told.is_none_or(|told| told.abs_diff(ahead) > NOTICEABLE) {
            self.told_skew = Some(ahead);
            self.trace.add(now, &format!("this device's clock is {} off; the service's counts", span(ahead)));
            let skew = EventKind::ClockSkew { nickname: None, ahead: -ahead, held: 0, until: None };
            self.tell(skew, now);
        }
    }

    /// A peer has told the time.
    pub(super) fn on_peer_clock(&mut self, number: u64, ahead: i64, now: u64) -> Result<(), StoreError> {
        let Some(session) = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut()) else {
            return Ok(());
        };
        session.clock_ahead = ahead;
        session.told_skew = false;
        self.tell_peer_skew(number, now)
    }

    /// Tells, once in a session, that a peer's clock is off or that changes wait because one was.
    pub(super) fn tell_peer_skew(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let Some(session) = pair.session.as_ref().filter(|session| !session.told_skew) else { return Ok(()) };
        let ahead = session.clock_ahead;
        let (mut held, mut held_here, mut until) = (0, 0, None);
        for health in self.healths(pair, now)?.into_iter().map(|(_, health)| health) {
            held += health.held_there + health.held_here;
            held_here += health.held_here;
            until = until.max(health.held_until);
        }
        if held == 0 && ahead.abs() <= TOLERANCE {
            return Ok(());
        }
        let (nickname, time) = (Some(pair.record.nickname.clone()), self.data_time(now));
        if let Some(session) = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut()) {
            session.told_skew = true;
            if held_here > 0 {
                // The peer's clock may have been set since it was told the time.
                session.sync.tell_clock(time);
            }
        }
        self.tell(EventKind::ClockSkew { nickname, ahead, held, until }, now);
        Ok(())
    }

    /// How well a peer keeps each group that is shared with it.
    pub(super) fn healths(&self, pair: &Pair, now: u64) -> Result<Vec<(GroupId, Health)>, StoreError> {
        let Some(peer) = pair.record.peer else { return Ok(Vec::new()) };
        let time = self.data_time(now);
        let health = |group: &GroupId| Ok((*group, self.store.health(*group, peer.source(), time)?));
        pair.shared.iter().map(health).collect()
    }

    /// What the doctor says of this device's clock.
    pub(super) fn own_clock_problem(&self) -> Option<Error> {
        let ahead = self.clock_ahead.filter(|ahead| ahead.abs() > TOLERANCE)?;
        let way = if ahead < 0 { "ahead of" } else { "behind" };
        let message = format!(
            "this device's clock is {} {way} the service's; set it. Until then, what is shared goes by the service's",
            span(ahead)
        );
        Some(Error::new(ErrorKind::ClockSkew, message))
    }

    /// What the doctor says of changes that wait, here or at a peer.
    pub(super) fn waiting_problems(&self, pair: &Pair, now: u64) -> Result<Vec<Error>, StoreError> {
        let mut problems = Vec::new();
        let names = self.store.groups()?;
        for (group, health) in self.healths(pair, now)? {
            let (here, there) = (health.held_here, health.held_there);
            if here + there == 0 {
                continue;
            }
            let name = names.iter().find(|known| known.id == group).map_or("", |known| &known.name);
            let nickname = &pair.record.nickname;
            let until = health.held_until.map(utc).unwrap_or_default();
            let message = format!(
                "in the group {name}, {here} change(s) that {nickname} brought wait here and {there} wait at {nickname}'s \
                 device until {until} at the latest, as a clock was ahead when they were made; a device whose clock was wrong makes them anew by itself as soon as its service has \
                 told it the date"
            );
            problems.push(Error::new(ErrorKind::ClockSkew, message));
        }
        Ok(problems)
    }
}

/// A difference of clocks, as people say it.
fn span(micros: i64) -> String {
    let minutes = micros.unsigned_abs() / 60_000_000;
    match minutes {
        0..=119 => format!("{minutes} minutes"),
        120..=2879 => format!("{} hours", minutes / 60),
        2880..=1_051_199 => format!("{} days", minutes / 1440),
        _ => format!("{} years", minutes / 525_960),
    }
}

/// A time as people read it, in UTC: µs since the epoch.
fn utc(micros: u64) -> String {
    let minutes = micros / 60_000_000;
    let (days, of_day) = (minutes / 1440, minutes % 1440);
    let (year, month, day) = civil(days);
    format!("{year}-{month:02}-{day:02} {:02}:{:02} UTC", of_day / 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_as_people_do() {
        assert_eq!(utc(0), "1970-01-01 00:00 UTC");
        assert_eq!(utc(1_709_210_096_000_000), "2024-02-29 12:34 UTC");
        assert_eq!(utc(LATEST), "2200-01-01 00:00 UTC");
        let said =
            [11 * 60_000_000, -26 * 3_600_000_000, 400 * 86_400_000_000, LATEST.cast_signed()].map(span);
        assert_eq!(said, ["11 minutes", "26 hours", "400 days", "229 years"]);
    }
}
