//! What the creator of a link does with those who open it: the first one gets in, and nobody else.
//!
//! The creator *pins* the key of the first valid opener, durably, before it answers. From then on the
//! same key again is a retry, and any other is told that the link was used, when, and by which key;
//! the creator is warned. The link's box is watched for a day after the pin, or until the link's
//! expiry if that is later, so that a thief who comes second is noticed. Then its key is erased, and a
//! link stolen afterwards opens nothing.
//!
//! A mailbox service, or a thief who floods the box, can keep the alarm from being heard. Neither can
//! forge it.

use crate::{
    boxes::BoxId,
    message::{Fingerprint, Refusal},
};

/// How long a used link is watched for a second opener, in µs.
pub const WATCH: u64 = 24 * 3_600_000_000;

/// How many alarms one link raises: enough to notice, too few to be flooded by.
pub const MAX_ALARMS: u8 = 8;

/// What became of a link, as its creator keeps it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invite {
    /// When the link stops working, in µs since the epoch.
    pub expires: u64,
    /// Whether its creator took it back.
    pub revoked: bool,
    /// Who was first.
    pub pinned: Option<Pin>,
    /// How many times others tried.
    pub alarms: u8,
}

/// The first opener of a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pin {
    /// The opener's box, whose key signed the offer.
    pub opener: BoxId,
    /// T: when it was, in µs since the epoch.
    pub at: u64,
}

/// What to do with an offer that came to a link's box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The first opener: persist the pin, then go on.
    Pinned,
    /// The opener that is already pinned.
    Known,
    /// Tell the sender why not.
    Refused {
        /// The reason to give.
        why: Refusal,
        /// Whether to warn the creator.
        alarm: bool,
    },
}

impl Invite {
    /// A fresh link.
    pub fn new(expires: u64) -> Self {
        Self { expires, revoked: false, pinned: None, alarms: 0 }
    }

    /// Judges an offer by the owner of `opener`, and remembers it.
    pub fn on_offer(&mut self, opener: &BoxId, now: u64) -> Verdict {
        match self.pinned {
            Some(pin) if pin.opener == *opener => Verdict::Known,
            Some(pin) => {
                let alarm = self.alarms < MAX_ALARMS;
                self.alarms = self.alarms.saturating_add(1);
                let winner = Fingerprint::of(&pin.opener);
                Verdict::Refused { why: Refusal::Used { at: pin.at, winner }, alarm }
            }
            None if self.revoked => Verdict::Refused { why: Refusal::Revoked, alarm: false },
            None if now >= self.expires => Verdict::Refused { why: Refusal::Expired, alarm: false },
            None => {
                self.pinned = Some(Pin { opener: *opener, at: now });
                Verdict::Pinned
            }
        }
    }

    /// Until when the link's box is to be watched, in µs since the epoch.
    pub fn watched_until(&self) -> u64 {
        let pinned = self.pinned.map_or(0, |pin| pin.at.saturating_add(WATCH));
        self.expires.saturating_add(if self.pinned.is_none() { WATCH } else { 0 }).max(pinned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opener(number: u8) -> BoxId {
        let mut bytes = [number; 49];
        bytes[0] = 2;
        BoxId::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn the_first_gets_in_and_may_retry() {
        let mut invite = Invite::new(100);
        assert_eq!(invite.on_offer(&opener(1), 10), Verdict::Pinned);
        assert_eq!(invite.on_offer(&opener(1), 500), Verdict::Known);
    }

    #[test]
    fn others_are_told_and_the_creator_is_warned_a_bounded_number_of_times() {
        let mut invite = Invite::new(100);
        invite.on_offer(&opener(1), 10);
        let why = Refusal::Used { at: 10, winner: Fingerprint::of(&opener(1)) };
        let verdicts: Vec<_> = (0..300).map(|_| invite.on_offer(&opener(2), 20)).collect();
        let alarms =
            verdicts.iter().filter(|verdict| **verdict == Verdict::Refused { why, alarm: true }).count();
        let quiet =
            verdicts.iter().filter(|verdict| **verdict == Verdict::Refused { why, alarm: false }).count();
        assert_eq!((alarms, quiet), (usize::from(MAX_ALARMS), 300 - usize::from(MAX_ALARMS)));
        assert_eq!(invite.on_offer(&opener(1), 30), Verdict::Known);
    }

    #[test]
    fn expired_and_revoked_are_different() {
        let mut invite = Invite::new(100);
        assert_eq!(
            invite.on_offer(&opener(1), 100),
            Verdict::Refused { why: Refusal::Expired, alarm: false }
        );
        invite.revoked = true;
        assert_eq!(invite.on_offer(&opener(1), 50), Verdict::Refused { why: Refusal::Revoked, alarm: false });
    }

    #[test]
    fn the_box_is_watched_long_enough_to_notice_a_thief() {
        let mut invite = Invite::new(100);
        assert_eq!(invite.watched_until(), 100 + WATCH);
        invite.on_offer(&opener(1), 40);
        assert_eq!(invite.watched_until(), 40 + WATCH);
        let mut long = Invite::new(10 * WATCH);
        long.on_offer(&opener(1), 40);
        assert_eq!(long.watched_until(), 10 * WATCH);
    }
}
