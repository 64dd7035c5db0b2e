//! Messages about links: who may come in by one, and who is told that it may not.

use connectoid_protocol::{
    boxes::BoxId,
    connect::{Failure, Side},
    invite::Verdict,
    message::{Body, Fingerprint, Id, MESSAGE_LIFETIME, Message, Read, Refusal},
    rotation::{OwnBox, Sending as SendingTo},
};

use super::Engine;
use crate::{
    api::EventKind,
    error::{Error, ErrorKind},
    store::StoreError,
};

impl Engine {
    /// Somebody wrote to the box of a link: the first opener gets in, others are told.
    pub(super) fn on_mail_to_link(&mut self, number: u64, read: Read, now: u64) -> Result<(), StoreError> {
        let from = read.message.from.clone();
        let time = self.data_time(now);
        let Some(link) = self.links.get_mut(&number) else { return Ok(()) };
        let wants_in = matches!(read.message.body, Body::Offer { .. } | Body::Call);
        // The opener may have changed its box before it heard of ours.
        let of_pair =
            |pair: &super::Pair| pair.record.sending.as_ref().is_some_and(|to| to.accepts(&from.box_id()));
        let known = link.invite.pinned.is_some_and(|pin| pin.opener == from.box_id())
            || link.pair.and_then(|pair| self.pairs.get(&pair)).is_some_and(of_pair);
        if !wants_in && !known {
            return Ok(());
        }
        let (own, pair) = (link.own.clone(), link.pair);
        let verdict = match link.invite.pinned {
            _ if known => Verdict::Known,
            // Only a peer calls. It gets in no more than others do, but nobody tried to open the link.
            Some(_) if matches!(read.message.body, Body::Call) => {
                return self.on_strange_call(number, &read, now);
            }
            _ => link.invite.on_offer(&from.box_id(), time),
        };
        self.save_link(number)?;
        match (verdict, pair) {
            (Verdict::Refused { why, alarm }, pair) => {
                if let (Refusal::Expired, Some(pair)) = (why, pair) {
                    self.tell_too_late(pair, now)?;
                }
                self.refuse(&own, pair, &read.message, why, alarm, now)
            }
            (_, None) => self.refuse(&own, None, &read.message, Refusal::Revoked, false, now),
            (Verdict::Pinned, Some(pair_number)) => {
                self.trace.add(now, &format!("pair {pair_number}: the link's opener is pinned"));
                if let Some(pair) = self.pairs.get_mut(&pair_number) {
                    pair.record.sending = Some(SendingTo::new(from));
                }
                self.save_pair(pair_number)?;
                self.on_mail_to_pair(pair_number, own, read, true, now)
            }
            (Verdict::Known, Some(pair_number)) => self.on_mail_to_pair(pair_number, own, read, true, now),
        }
    }

    /// Somebody opened a link when its time was over, or met this node by it in a time that it has forgotten.
    fn tell_too_late(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let nickname = &pair.record.nickname;
        let message =
            format!("the link for {nickname} had expired when it was opened; unshare, and share a new one");
        let problem = Error::new(ErrorKind::LinkExpired, message);
        self.tell_problem(number, problem, now)
    }

    /// All services say that the box of a link is closed. Only this node can have closed it, when the time of the link was
    /// over, and has forgotten that: it was put back to an older copy. If somebody came by it, this node does not know whom.
    pub(super) fn on_link_box_closed(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let number = self.links.get(&number).and_then(|link| link.pair);
        let has_met = |pair: &&super::Pair| pair.record.peer.is_some();
        let pair = number.and_then(|number| self.pairs.get(&number)).filter(|pair| !has_met(pair));
        let (Some(number), Some(pair)) = (number, pair) else { return Ok(()) };
        let nickname = &pair.record.nickname;
        let message = format!(
            "the link for {nickname} is closed, says the service, and nobody is known who opened it: this node was restored \
             from an old copy; unshare, and share a new one"
        );
        self.trace.add(
            now,
            &format!("pair {number}: the link is closed, by this node in a time that it has forgotten"),
        );
        self.tell_problem(number, Error::new(ErrorKind::PairLost, message), now)
    }

    /// Tells why a peer cannot come in, once.
    fn tell_problem(&mut self, number: u64, problem: Error, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if pair.record.problem.as_ref() == Some(&problem) {
            return Ok(());
        }
        pair.record.problem = Some(problem.clone());
        let nickname = pair.record.nickname.clone();
        self.tell(EventKind::ConnectFailed { nickname, problem }, now);
        self.save_pair(number)
    }

    /// Somebody who says to be the peer calls a link by a key that is not known: one of both was put back to an older
    /// copy. Which, this node finds out by an offer of its own.
    fn on_strange_call(&mut self, number: u64, read: &Read, now: u64) -> Result<(), StoreError> {
        let Some((link, pin)) = self.links.get(&number).and_then(|link| Some((link, link.invite.pinned?)))
        else {
            return Ok(());
        };
        let (own, pair) = (link.own.clone(), link.pair);
        let why = Refusal::Used { at: pin.at, winner: Fingerprint::of(&pin.opener) };
        if let Some(pair) = pair {
            self.on_unknown_key(pair, &read.message.body, now);
        }
        self.refuse(&own, pair, &read.message, why, false, now)
    }

    fn refuse(
        &mut self,
        own: &OwnBox,
        pair: Option<u64>,
        offer: &Message,
        why: Refusal,
        alarm: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        if let (Refusal::Used { winner, .. }, true) = (why, alarm) {
            let other = Fingerprint::of(&offer.from.box_id()).to_string();
            let record = pair.and_then(|number| self.pairs.get_mut(&number)).map(|pair| &mut pair.record);
            let nickname = record.map(|record| {
                record.alarms = record.alarms.saturating_add(1);
                record.nickname.clone()
            });
            let nickname = nickname.unwrap_or_else(|| self.link_nickname(&own.id()));
            self.trace.add(now, "alarm: a second opener of a link");
            self.tell(EventKind::LinkOpenedAgain { nickname, winner: winner.to_string(), other }, now);
            if let Some(number) = pair {
                self.save_pair(number)?;
            }
        }
        let body = Body::Refused { refused: offer.id, why };
        self.post(own, &offer.from.clone(), body, now + MESSAGE_LIFETIME, now)
    }

    fn link_nickname(&self, id: &BoxId) -> String {
        let link = self.links.values().find(|link| link.own.id() == *id);
        link.map(|link| link.nickname.clone()).unwrap_or_default()
    }

    /// The link's creator says that the link is not open to this node.
    pub(super) fn on_refused(
        &mut self,
        number: u64,
        refused: Id,
        why: Refusal,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let ours = pair.record.offered.contains(&refused);
        let own = Fingerprint::of(&pair.record.receiving.current.id());
        let for_us = matches!(why, Refusal::Used { winner, .. } if winner == own);
        if !ours || pair.record.side != Side::Opener || for_us {
            return Ok(());
        }
        if pair.record.peer.is_some() {
            // It has forgotten that we met, or the share has ended there.
            return self.on_attempt_failed(number, Failure::PairLost, now);
        }
        let nickname = pair.record.nickname.clone();
        let problem = refusal_error(&why);
        pair.record.refused = Some(problem.kind);
        self.close_for_good(number);
        self.save_pair(number)?;
        let (used_at, winner) = match why {
            Refusal::Used { at, winner } => (Some(at), Some(winner.to_string())),
            _ => (None, None),
        };
        self.trace.add(now, &format!("pair {number}: {}", problem.kind_name()));
        self.tell(EventKind::OpenRefused { nickname, problem, used_at, winner }, now);
        Ok(())
    }
}

fn refusal_error(why: &Refusal) -> Error {
    let kind = match why {
        Refusal::Used { .. } => ErrorKind::LinkUsed,
        Refusal::Expired => ErrorKind::LinkExpired,
        _ => ErrorKind::LinkRevoked,
    };
    Error::new(kind, refusal_advice(kind))
}

/// What to do about a link that its maker does not open to this node.
pub(super) fn refusal_advice(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::LinkUsed => {
            "somebody else opened this link first; unless it was you, in another app or on another device, tell the person who sent it, by another way"
        }
        ErrorKind::LinkExpired => "the link has expired; ask for a new one",
        _ => "the link was taken back; ask for a new one",
    }
}
