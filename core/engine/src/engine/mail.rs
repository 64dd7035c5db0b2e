//! Messages in, messages out.

use std::collections::BTreeSet;

use connectoid_protocol::{
    address::Address,
    boxes::BoxId,
    connect::{Failure, Side},
    encoding::base64url,
    mailbox::Refusal as ServiceRefusal,
    message::{self, Body, Id, MESSAGE_LIFETIME, Message, MessageError, OFFER_LIFETIME, Read},
    poll::{CheckId, MAX_INTERVAL, Outcome},
    rotation::{OwnBox, Step},
};

use super::{
    Checked, Destination, Engine, Fetched, Input, MAX_TRIES, Output, SendId, Sending, ServiceFailure,
    Unreached, record::OutboxRecord, sharing::endpoints,
};
use crate::{
    api::EventKind,
    error::{Error, ErrorKind},
    store::StoreError,
};

/// How long a message's id is remembered, in µs: twice as long as a mailbox keeps the message, for
/// services whose clocks differ.
const REMEMBER: u64 = 2 * MESSAGE_LIFETIME;

/// From how many services on, of which problems are remembered, those are forgotten that nobody names any more: a peer may
/// name another one as often as it likes.
const MAX_PROBLEMS: usize = 256;

/// Which of this node's boxes something lies in.
enum Place {
    Link(u64),
    Pair(u64),
}

impl Engine {
    /// Watches the boxes of all links and pairs, and no others: what was made last is asked first, and before that those
    /// of people who were met. Homes are asked last: hardly anything ever comes there.
    pub(super) fn watch_boxes(&mut self) -> Result<(), StoreError> {
        let boxes = |met: bool| {
            let pairs = self.pairs.values().filter(move |pair| pair.record.peer.is_some() == met);
            pairs.flat_map(|pair| pair.record.receiving.boxes())
        };
        let of_links = self.links.values().map(|link| &link.own);
        let homes = self.pairs.values().filter_map(|pair| pair.record.receiving.home.as_ref());
        let wanted: Vec<&OwnBox> = homes.chain(of_links).chain(boxes(false)).chain(boxes(true)).collect();
        let ids: BTreeSet<BoxId> = wanted.iter().map(|own| own.id()).collect();
        let stale: Vec<BoxId> = self.poller.watched().filter(|id| !ids.contains(id)).copied().collect();
        for id in stale {
            self.poller.forget(&id);
        }
        for own in wanted {
            if !self.poller.is_watched(&own.id()) {
                self.poller.watch(&own.address, self.store.cursors(&own.id())?);
            }
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
        self.asked.remove(&id);
        if let Some(service) = self.poller.service_of(id).map(str::to_owned) {
            self.note_service(&service, failure_of(&result), now);
        }
        let outcome = match result {
            Ok(checked) => {
                let ahead = match checked.date {
                    Some(date) => self.on_date(date, now)?,
                    None => None,
                };
                self.close_old_links(now)?;
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
        if self.problems.len() >= MAX_PROBLEMS {
            let of_peers = self.pairs.values().filter_map(|pair| pair.record.sending.as_ref());
            let named = of_peers.flat_map(|sending| sending.current.services());
            let named: BTreeSet<&String> = named.chain(&self.config.services).collect();
            self.problems.retain(|service, _| named.contains(service));
        }
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
                if let Some(Place::Link(number)) = self.place(&id).filter(|_| self.poller.is_left_out(&id)) {
                    self.on_link_box_closed(number, now)?;
                }
                return Ok(None);
            }
            // It has too many questions to ask, or too many new boxes to make: the others of this check are none the worse.
            Err(ServiceFailure::Refused(ServiceRefusal::TooOften, 0)) => return Ok(None),
            Err(failure) => return Ok(Some(failure.retry_after())),
        };
        let Some(mut newest) = messages.last().map(|(at, _)| *at) else { return Ok(None) };
        if self.store.tries(&id, &fetched.service)? > MAX_TRIES {
            // One of these ends the process every time; the first goes, the rest is fetched again.
            self.trace.add(now, "a message was skipped that could not be processed three times");
            newest = messages[0].0;
        } else {
            for (at, sealed) in messages {
                let useful_until = clock_ahead.map(|ahead| useful_until(at, ahead, now));
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
            Place::Pair(number) => self.on_mail_to_pair(number, own, read, false, now),
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

    /// A message to a pair, found in `own`. `vouched` says that its writer is known to be the peer, by the link.
    pub(super) fn on_mail_to_pair(
        &mut self,
        number: u64,
        own: OwnBox,
        read: Read,
        vouched: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let from = read.message.from.clone();
        if !vouched && !pair.record.accepts(&from.box_id()) {
            self.on_unknown_key(number, &read.message.body, now);
            return Ok(());
        }
        let left = pair.record.receiving.previous.clone();
        let committed = pair.record.receiving.on_message_in(&own.id()) == Step::Committed;
        pair.heard_in_old = pair.record.receiving.current.id() != own.id();
        if committed {
            self.on_rotation_committed(number, left, now)?;
        }
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let wants_to_talk = matches!(read.message.body, Body::Offer { .. } | Body::Call);
        pair.goes_home |= wants_to_talk && pair.is_from_home(&own.id(), &from.box_id());
        match &read.message.body {
            Body::Offer { .. } => {
                if read.message.exp > now {
                    if pair.is_peer_behind(&from.box_id()) {
                        pair.connector.give_way();
                    }
                    pair.answers_go = Some((own, from));
                }
                pair.connector.on_offer(read, now, &mut self.rng);
            }
            Body::Call => pair.connector.on_call(now, &mut self.rng),
            Body::Answer { .. } if read.message.exp > now => pair.connector.on_answer(read, now),
            Body::Refused { refused, why } => return self.on_refused(number, *refused, *why, now),
            Body::Unshared => return self.on_unshared(number, now),
            _ => {}
        }
        Ok(())
    }

    /// Somebody who was given the box's address writes by a key that is not the peer's. It may be the peer, whose
    /// newer key this node has forgotten if it was put back to an older copy: an offer of its own will show.
    pub(super) fn on_unknown_key(&mut self, number: u64, body: &Body, now: u64) {
        self.trace.add(now, &format!("pair {number}: a message by a key that is not the peer's"));
        let wants_to_talk = matches!(body, Body::Offer { .. } | Body::Call);
        let met = |pair: &&mut super::Pair| pair.record.peer.is_some() && pair.is_away();
        if let Some(pair) = self.pairs.get_mut(&number).filter(met).filter(|_| wants_to_talk) {
            pair.connector.want(now, &mut self.rng);
        }
    }

    /// The peer stopped sharing.
    pub(super) fn on_unshared(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let nickname = pair.record.nickname.clone();
        self.remove_from_own_groups(number, now)?;
        self.remove_pair(number, now)?;
        self.trace.add(now, &format!("pair {number}: the peer unshared"));
        self.tell(EventKind::Unshared { nickname }, now);
        Ok(())
    }

    /// Tells a peer that does not answer, in the boxes where it may be listening if it was put back to an older copy,
    /// that there is something to say.
    pub(super) fn call_where_it_was(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        // The key that it knows best, then.
        let own = &pair.record.receiving;
        let from = own.previous.as_ref().unwrap_or(&own.current).clone();
        let left = pair.record.left_addresses().into_iter().map(|to| (from.clone(), to));
        let home = pair.record.homes().filter(|_| !pair.offered_home);
        for (from, to) in left.chain(home) {
            let id = Id::generate(&mut self.rng);
            let sid = Id::generate(&mut self.rng);
            let exp = now + MESSAGE_LIFETIME;
            let call = Message { id, sid, exp, from: from.address.clone(), body: Body::Call };
            match message::write(&call, &from.key, &to, &mut self.rng) {
                Ok(written) => {
                    if let Some(pair) = self.pairs.get_mut(&number) {
                        pair.record.remember_offer(id);
                    }
                    self.send(Sending::Call, &to, base64url(&written.sealed));
                }
                Err(error) => {
                    self.trace.add(now, &format!("pair {number}: a call could not be written: {error}"));
                }
            }
        }
        self.save_pair(number)
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
        if matches!(purpose, Sending::Call) {
            return Ok(());
        }
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
            Sending::Call => Ok(()),
            Sending::Attempt(_) if taken => Ok(()),
            Sending::Attempt(link) if box_closed && self.turn_home(link, now) => Ok(()),
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
/// wrote would look expired. It has come by now, whatever the service says.
fn useful_until(at: u64, clock_ahead: i64, now: u64) -> u64 {
    at.saturating_add_signed(clock_ahead.saturating_neg()).min(now).saturating_add(OFFER_LIFETIME)
}

impl ServiceFailure {
    fn retry_after(self) -> u64 {
        match self {
            Self::Refused(_, retry_after) => retry_after,
            Self::Unreachable(_) | Self::Malformed => 0,
        }
    }

    fn to_error(self) -> Error {
        match self {
            Self::Unreachable(why) => Error::new(
                ErrorKind::ServiceUnreachable,
                format!("the mailbox service cannot be reached: {}", why.advice()),
            ),
            Self::Refused(refusal, _) => refusal.into(),
            Self::Malformed => Error::new(
                ErrorKind::ServiceRefused,
                "what answers at the service's URL is no mailbox service",
            ),
        }
    }
}

impl Unreached {
    /// What is wrong, and what to do.
    fn advice(self) -> &'static str {
        match self {
            Self::Url => "its URL is none that can be asked; check it",
            Self::Name => "its name is not known (DNS); check the network, and the name in the URL",
            Self::Refused => {
                "nothing takes connections there (refused); check that it runs, and the port in the URL"
            }
            Self::Network => "no network leads there, or nobody answers there; check the network",
            Self::Silent => "it does not answer in time; check the network, or ask its operator",
            Self::Broken => {
                "it ends the connection without an answer; check whether the URL begins with http or https"
            }
            Self::Redirected => {
                "it answers with a redirect, which is not followed; set the URL that it leads to"
            }
            Self::Tls => {
                "it does not speak TLS; check whether the URL begins with http or https, and the port"
            }
            Self::Authority => {
                "its certificate is signed by an authority that is not trusted here; if that is your own, set its certificate (`service_roots`)"
            }
            Self::OtherName => "its certificate is for another name; check the name in the URL",
            Self::Expired => {
                "its certificate is not valid now; check this device's clock, or ask its operator"
            }
            Self::Certificate => "its certificate cannot be used; ask its operator",
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
