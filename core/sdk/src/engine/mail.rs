//! Messages in, messages out.

use connectoid_protocol::{
    address::Address,
    boxes::BoxId,
    connect::{Failure, Side},
    encoding::base64url,
    invite::Verdict,
    mailbox::Refusal as ServiceRefusal,
    message::{
        self, Body, Fingerprint, Id, MESSAGE_LIFETIME, Message, MessageError, OFFER_LIFETIME, Read, Refusal,
    },
    poll::{CheckId, MAX_INTERVAL, Outcome},
    rotation::{OwnBox, Sending as SendingTo, Step},
};

use super::{
    Checked, Destination, Engine, Fetched, Input, MAX_TRIES, Output, SendId, Sending, ServiceFailure,
    record::OutboxRecord, sharing::endpoints,
};
use crate::{
    api::EventKind,
    error::{Error, ErrorKind},
    store::StoreError,
};

/// How long a message's id is remembered, in µs: twice as long as a mailbox keeps the message, for
/// services whose clocks differ.
const REMEMBER: u64 = 2 * MESSAGE_LIFETIME;

/// Which of this node's boxes something lies in.
enum Place {
    Link(u64),
    Pair(u64),
}

impl Engine {
    /// Watches the boxes of all links and pairs, and no others.
    pub(super) fn watch_boxes(&mut self) -> Result<(), StoreError> {
        let of_pairs = self.pairs.values().flat_map(|pair| pair.record.receiving.boxes());
        let wanted: Vec<OwnBox> =
            self.links.values().map(|link| &link.own).chain(of_pairs).cloned().collect();
        let stale: Vec<BoxId> =
            self.poller.watched().filter(|id| !wanted.iter().any(|own| own.id() == **id)).copied().collect();
        for id in stale {
            self.poller.forget(&id);
        }
        for own in wanted {
            let cursors = self.store.cursors(&own.id())?;
            self.poller.watch(&own.address, cursors);
        }
        Ok(())
    }

    /// The key of a box that is watched.
    pub(super) fn own_box(&self, id: &BoxId) -> Option<&OwnBox> {
        let of_pairs = self.pairs.values().flat_map(|pair| pair.record.receiving.boxes());
        self.links.values().map(|link| &link.own).chain(of_pairs).find(|own| own.id() == *id)
    }

    /// Counts, outside the step's transaction, that messages are about to be processed: those that
    /// crash the process every time must not do so for ever.
    pub(super) fn note_tries(&mut self, inputs: &[Input]) -> Result<(), StoreError> {
        for input in inputs {
            let Input::Checked(_, Ok(checked)) = input else { continue };
            for fetched in &checked.fetched {
                if fetched.messages.as_ref().is_ok_and(|messages| !messages.is_empty()) {
                    self.store.note_try(&fetched.key.id(), &fetched.service)?;
                }
            }
        }
        Ok(())
    }

    pub(super) fn on_checked(
        &mut self,
        id: CheckId,
        result: Result<Checked, ServiceFailure>,
        now: u64,
    ) -> Result<(), StoreError> {
        if let Some(service) = self.poller.service_of(id).map(str::to_owned) {
            self.note_service(&service, failure_of(&result), now);
        }
        let outcome = match result {
            Ok(checked) => {
                // By the clock that everything here goes by, which may not be what the device says by now.
                let ahead =
                    checked.date.map(|date| date.saturating_mul(1_000_000).wrapping_sub(now).cast_signed());
                if ahead.is_some() {
                    self.clock_ahead = ahead;
                    self.mend_stamps(now)?;
                }
                let found = checked
                    .fetched
                    .iter()
                    .any(|fetched| fetched.messages.as_ref().is_ok_and(|all| !all.is_empty()));
                let mut retry_after = None;
                for fetched in checked.fetched {
                    retry_after = retry_after.max(self.on_fetched(fetched, ahead, now)?);
                }
                match retry_after {
                    Some(retry_after) if !found => Outcome::Unreachable { retry_after },
                    _ => Outcome::Answered { found },
                }
            }
            Err(failure) => Outcome::Unreachable { retry_after: failure.retry_after() },
        };
        self.poller.on_checked(id, outcome, now, &mut self.rng);
        Ok(())
    }

    /// Notes whether a service works; tells the app when that changes.
    pub(super) fn note_service(&mut self, service: &str, failure: Option<ServiceFailure>, now: u64) {
        let Some(failure) = failure else {
            let problem = self.problems.remove(service);
            if problem.is_some_and(|problem| problem.kind == ErrorKind::ServiceUnreachable) {
                self.on_service_back(now);
            }
            return;
        };
        let problem = failure.to_error();
        let known = self.problems.insert(service.to_owned(), problem.clone());
        if known.as_ref() != Some(&problem) {
            self.trace.add(now, &format!("a service failed: {}", problem.kind_name()));
            self.tell(EventKind::ServiceProblem { service: service.to_owned(), problem }, now);
        }
    }

    /// What could not be sent, or lay there unread, is worth another try.
    fn on_service_back(&mut self, now: u64) {
        for pair in self.pairs.values_mut() {
            if pair.connector.is_wanted() && pair.is_reachable() {
                pair.connector.want_now(now, &mut self.rng);
            }
        }
    }

    fn on_fetched(
        &mut self,
        fetched: Fetched,
        clock_ahead: Option<i64>,
        now: u64,
    ) -> Result<Option<u64>, StoreError> {
        let id = fetched.key.id();
        let messages = match fetched.messages {
            Ok(messages) => messages,
            Err(ServiceFailure::Refused(ServiceRefusal::Closed, _)) => {
                self.trace.add(now, "a service says that one of our boxes is closed; it is not asked again");
                self.poller.leave_out(&id, &fetched.service);
                return Ok(None);
            }
            Err(failure) => return Ok(Some(failure.retry_after())),
        };
        let Some(mut newest) = messages.last().map(|(at, _)| *at) else { return Ok(None) };
        if self.store.tries(&id, &fetched.service)? > MAX_TRIES {
            // One of these ends the process every time; the first goes, the rest is fetched again.
            self.trace.add(now, "a message was skipped that could not be processed three times");
            newest = messages[0].0;
        } else {
            for (at, sealed) in messages {
                let useful_until = clock_ahead.map(|ahead| useful_until(at, ahead));
                self.on_sealed(&id, &sealed, useful_until, now)?;
            }
        }
        self.store.set_cursor(&id, &fetched.service, newest)?;
        self.poller.on_processed(&id, &fetched.service, newest);
        Ok(None)
    }

    fn on_sealed(
        &mut self,
        id: &BoxId,
        sealed: &[u8],
        useful_until: Option<u64>,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(place) = self.place(id) else { return Ok(()) };
        let Some(own) = self.own_box(id).cloned() else { return Ok(()) };
        let mut read = match message::read(&own.key, &own.address, sealed) {
            Ok(read) => read,
            Err(error) => {
                self.trace.add(now, &format!("a message could not be read: {error}"));
                if let (Place::Pair(number), MessageError::Version(_)) = (&place, error) {
                    self.note_problem(
                        *number,
                        connectoid_protocol::handshake::HandshakeError::Version.into(),
                    )?;
                }
                return Ok(());
            }
        };
        if !self.store.remember_message(&read.message.id, now + REMEMBER)? {
            return Ok(());
        }
        read.message.exp = useful_until.unwrap_or(0).max(read.message.exp);
        match place {
            Place::Link(number) => self.on_mail_to_link(number, read, now),
            Place::Pair(number) => self.on_mail_to_pair(number, id, read, now),
        }
    }

    fn place(&self, id: &BoxId) -> Option<Place> {
        let link =
            self.links.iter().find(|(_, link)| link.own.id() == *id).map(|(number, _)| Place::Link(*number));
        link.or_else(|| {
            let holds = |pair: &super::Pair| pair.record.receiving.boxes().any(|own| own.id() == *id);
            self.pairs.iter().find(|(_, pair)| holds(pair)).map(|(number, _)| Place::Pair(*number))
        })
    }

    /// Somebody wrote to the box of a link: the first opener gets in, others are told.
    fn on_mail_to_link(&mut self, number: u64, read: Read, now: u64) -> Result<(), StoreError> {
        let from = read.message.from.clone();
        let Some(link) = self.links.get_mut(&number) else { return Ok(()) };
        let is_offer = matches!(read.message.body, Body::Offer { .. });
        // The opener may have changed its box before it heard of ours.
        let of_pair =
            |pair: &super::Pair| pair.record.sending.as_ref().is_some_and(|to| to.accepts(&from.box_id()));
        let known = link.invite.pinned.is_some_and(|pin| pin.opener == from.box_id())
            || link.pair.and_then(|pair| self.pairs.get(&pair)).is_some_and(of_pair);
        if !is_offer && !known {
            return Ok(());
        }
        let verdict = if known { Verdict::Known } else { link.invite.on_offer(&from.box_id(), now) };
        let (own, pair) = (link.own.clone(), link.pair);
        self.save_link(number)?;
        match (verdict, pair) {
            (Verdict::Refused { why, alarm }, pair) => {
                self.refuse(&own, pair, &read.message, why, alarm, now)
            }
            (_, None) => self.refuse(&own, None, &read.message, Refusal::Revoked, false, now),
            (Verdict::Pinned, Some(pair_number)) => {
                self.trace.add(now, &format!("pair {pair_number}: the link's opener is pinned"));
                if let Some(pair) = self.pairs.get_mut(&pair_number) {
                    pair.record.sending = Some(SendingTo::new(from));
                }
                self.save_pair(pair_number)?;
                self.on_mail_to_pair(pair_number, &own.id(), read, now)
            }
            (Verdict::Known, Some(pair_number)) => self.on_mail_to_pair(pair_number, &own.id(), read, now),
        }
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

    fn on_mail_to_pair(&mut self, number: u64, id: &BoxId, read: Read, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let genuine = pair.record.sending.as_ref().is_some_and(|to| to.accepts(&read.message.from.box_id()));
        let watched = pair.record.receiving.boxes().any(|own| own.id() == *id);
        if !genuine || !watched {
            self.trace.add(now, &format!("pair {number}: a message by a key that is not the peer's"));
            return Ok(());
        }
        pair.heard_in_previous = pair.record.receiving.previous.as_ref().is_some_and(|own| own.id() == *id);
        let left = pair.record.receiving.previous.clone();
        if pair.record.receiving.on_message_in(id) == Step::Committed {
            self.on_rotation_committed(number, left, now)?;
        }
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        match &read.message.body {
            Body::Offer { .. } => pair.connector.on_offer(read, now, &mut self.rng),
            Body::Answer { .. } if read.message.exp > now => pair.connector.on_answer(read, now),
            Body::Refused { refused, why } => return self.on_refused(number, *refused, *why, now),
            Body::Unshared => return self.on_unshared(number, now),
            _ => {}
        }
        Ok(())
    }

    /// The link's creator says that the link is not open to this node.
    fn on_refused(&mut self, number: u64, refused: Id, why: Refusal, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let ours = pair.record.offered.contains(&refused);
        let still_open = pair.record.side == Side::Opener && pair.record.peer.is_none();
        let own = Fingerprint::of(&pair.record.receiving.current.id());
        if !ours || !still_open || matches!(why, Refusal::Used { winner, .. } if winner == own) {
            return Ok(());
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

    /// The peer stopped sharing.
    pub(super) fn on_unshared(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let nickname = pair.record.nickname.clone();
        self.remove_from_own_groups(number, now)?;
        self.remove_pair(number)?;
        self.trace.add(now, &format!("pair {number}: the peer unshared"));
        self.tell(EventKind::Unshared { nickname }, now);
        Ok(())
    }

    /// Sends a message that must arrive even if no service can be reached just now.
    pub(super) fn post(
        &mut self,
        from: &OwnBox,
        to: &Address,
        body: Body,
        exp: u64,
        now: u64,
    ) -> Result<(), StoreError> {
        let message = Message {
            id: Id::generate(&mut self.rng),
            sid: Id::generate(&mut self.rng),
            exp,
            from: from.address.clone(),
            body,
        };
        let written = match message::write(&message, &from.key, to, &mut self.rng) {
            Ok(written) => written,
            Err(error) => {
                self.trace.add(now, &format!("a message could not be written: {error}"));
                return Ok(());
            }
        };
        let record = OutboxRecord::new(to, base64url(&written.sealed));
        let sealed = record.seal(&self.vault, &mut self.rng);
        let number = self.store.add_to_outbox(&sealed, exp)?;
        self.send(Sending::Outbox(number), to, record.data);
        Ok(())
    }

    /// Sends again what no service has taken yet.
    pub(super) fn resend_outbox(&mut self, now: u64) -> Result<(), StoreError> {
        for row in self.store.outbox()? {
            let under_way =
                |sending: &Sending| matches!(sending, Sending::Outbox(number) if *number == row.number);
            if self.sendings.values().any(under_way) {
                continue;
            }
            let record =
                OutboxRecord::open(&row.sealed, &self.vault).and_then(|record| Ok((record.to()?, record)));
            match record {
                Ok((to, record)) if row.until > now => {
                    self.send(Sending::Outbox(row.number), &to, record.data);
                }
                _ => self.store.remove_from_outbox(row.number)?,
            }
        }
        Ok(())
    }

    pub(super) fn send(&mut self, purpose: Sending, to: &Address, data: String) {
        self.sends += 1;
        let id = SendId(self.sends);
        self.sendings.insert(id, purpose);
        let to = Destination { endpoints: endpoints(to), id: to.box_id() };
        self.outputs.push_back(Output::Send { id, to, data });
    }

    pub(super) fn on_sent(
        &mut self,
        id: SendId,
        results: &[(String, Result<(), ServiceFailure>)],
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(purpose) = self.sendings.remove(&id) else { return Ok(()) };
        for (service, result) in results {
            self.note_service(service, result.err().filter(|failure| !closed(failure)), now);
        }
        let taken = results.iter().any(|(_, result)| result.is_ok());
        let box_closed =
            !results.is_empty() && results.iter().all(|(_, result)| result.as_ref().is_err_and(closed));
        if taken {
            self.poller.on_sent(now);
        }
        match purpose {
            Sending::Outbox(number) if taken || box_closed => {
                self.outbox_failures = 0;
                self.store.remove_from_outbox(number)
            }
            Sending::Outbox(_) => {
                let pause = (FIRST_OUTBOX_RETRY << self.outbox_failures.min(20)).min(MAX_INTERVAL);
                self.outbox_failures += 1;
                self.next_housekeeping = self.next_housekeeping.min(now + pause);
                Ok(())
            }
            Sending::Attempt(_) if taken => Ok(()),
            Sending::Attempt((pair, attempt)) => {
                let paired = self.pairs.get(&pair).is_some_and(|pair| pair.record.peer.is_some());
                let failure = match box_closed {
                    true if paired => Failure::PairLost,
                    true => Failure::MailboxClosed,
                    false => Failure::Undelivered,
                };
                self.fail_attempt((pair, attempt), failure, now);
                if box_closed { self.on_mailbox_closed(pair, now) } else { Ok(()) }
            }
        }
    }

    /// The peer's box is closed, says the service. For a link that was never answered this is the end;
    /// for a pair it is only a report ([`ErrorKind::PairLost`]), because a service may lie.
    fn on_mailbox_closed(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if pair.record.side != Side::Opener || pair.record.peer.is_some() {
            return Ok(());
        }
        let problem = Error::from(Failure::MailboxClosed);
        let nickname = pair.record.nickname.clone();
        pair.record.refused = Some(problem.kind);
        self.close_for_good(number);
        self.save_pair(number)?;
        self.tell(EventKind::OpenRefused { nickname, problem, used_at: None, winner: None }, now);
        Ok(())
    }
}

/// The first pause before the outbox is tried again, in µs; it doubles up to [`MAX_INTERVAL`].
const FIRST_OUTBOX_RETRY: u64 = 30_000_000;

/// When an offer or an answer has waited too long, by this device's clock: reckoned by the one clock that
/// wrote down when it came. The writer's clock may be minutes behind this device's, and then everything it
/// wrote would look expired.
fn useful_until(at: u64, clock_ahead: i64) -> u64 {
    at.saturating_add_signed(clock_ahead.saturating_neg()).saturating_add(OFFER_LIFETIME)
}

fn refusal_error(why: &Refusal) -> Error {
    match why {
        Refusal::Used { .. } => Error::new(
            ErrorKind::LinkUsed,
            "somebody else opened this link first; tell the person who sent it, by another way",
        ),
        Refusal::Expired => Error::new(ErrorKind::LinkExpired, "the link has expired; ask for a new one"),
        _ => Error::new(ErrorKind::LinkRevoked, "the link was taken back; ask for a new one"),
    }
}

impl ServiceFailure {
    fn retry_after(self) -> u64 {
        match self {
            Self::Refused(_, retry_after) => retry_after,
            Self::Unreachable | Self::Malformed => 0,
        }
    }

    fn to_error(self) -> Error {
        match self {
            Self::Unreachable => Error::new(
                ErrorKind::ServiceUnreachable,
                "the mailbox service cannot be reached; check network and URL",
            ),
            Self::Refused(refusal, _) => refusal.into(),
            Self::Malformed => Error::new(
                ErrorKind::ServiceRefused,
                "what answers at the service's URL is no mailbox service",
            ),
        }
    }
}

/// What a service that was asked does not do as it should. That it knows a box to be closed is an answer.
fn failure_of(result: &Result<Checked, ServiceFailure>) -> Option<ServiceFailure> {
    match result {
        Ok(checked) => checked
            .fetched
            .iter()
            .find_map(|fetched| fetched.messages.as_ref().err().copied().filter(|failure| !closed(failure))),
        Err(failure) => Some(*failure),
    }
}

fn closed(failure: &ServiceFailure) -> bool {
    matches!(failure, ServiceFailure::Refused(ServiceRefusal::Closed, _))
}
