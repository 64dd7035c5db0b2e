//! What a connector asks for, and what the drivers answer.

use connectoid_protocol::{
    connect::{AttemptId, Failure, Output as Asked},
    encoding::base64url,
    frame::FrameError,
    message::{self, Body, Id, Message},
};

use super::{DescribeFailure, Engine, LinkId, Output, Sending, reports::advice};
use crate::{api::EventKind, channel::Channel, error::Error, store::StoreError};

/// How often a peer is offered to that has everything: a connection that was lost is no reason to do so for ever. That
/// is about half an hour.
const MAX_VAIN_OFFERS: u32 = 8;

impl Engine {
    /// Carries out what connectors, syncs and the poller ask for, until they ask for nothing more.
    pub(super) fn settle(&mut self, now: u64) -> Result<(), StoreError> {
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        for number in numbers {
            self.settle_pair(number, now)?;
        }
        self.settle_poller(now);
        Ok(())
    }

    pub(super) fn settle_pair(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        loop {
            let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
            if let Some(asked) = pair.connector.poll_output() {
                self.carry_out(number, asked, now)?;
                continue;
            }
            let Some(output) = pair.session.as_mut().and_then(|session| session.sync.poll_output()) else {
                return Ok(());
            };
            self.on_sync_output(number, output, now)?;
        }
    }

    fn settle_poller(&mut self, now: u64) {
        use connectoid_protocol::poll::Output as Poll;
        while let Some(output) = self.poller.poll_output() {
            let output = match output {
                Poll::Abort(id) => {
                    self.asked.remove(&id);
                    Output::AbortCheck(id)
                }
                Poll::Check { id, endpoint, boxes, wait } => {
                    if wait == 0 {
                        self.asked.insert(id, (endpoint.service.clone(), now));
                    }
                    let key = |id| self.own_box(id).map(|own| own.key.clone());
                    let boxes = boxes.iter().filter_map(|(id, at)| Some((key(id)?, *at))).collect();
                    Output::Check { id, endpoint, boxes, wait }
                }
            };
            self.outputs.push_back(output);
        }
    }

    fn carry_out(&mut self, number: u64, asked: Asked, now: u64) -> Result<(), StoreError> {
        match asked {
            Asked::MakeOffer(attempt) => self.outputs.push_back(Output::MakeOffer((number, attempt))),
            Asked::MakeAnswer(attempt, sdp) => {
                self.outputs.push_back(Output::MakeAnswer((number, attempt), sdp));
            }
            Asked::UseAnswer(attempt, sdp) => {
                self.outputs.push_back(Output::UseAnswer((number, attempt), sdp));
            }
            Asked::Close(attempt) => self.outputs.push_back(Output::Close((number, attempt))),
            Asked::Send(attempt, frame) => {
                self.outputs.push_back(Output::Frame((number, attempt), Channel::Control, frame.encode()));
            }
            Asked::Mail { attempt, sid, exp, body } => {
                return self.mail(number, attempt, sid, exp, body, now);
            }
            Asked::Connected(attempt, proven, early) => {
                return self.on_connected(number, attempt, *proven, early, now);
            }
            Asked::Disconnected(failure) => {
                // Whether the peer lacks it or not: who was removed from a group lacks nothing there.
                let unheard = self.on_disconnected(number, failure, now);
                return self.want_what_was_cut_off(number, unheard, failure.is_none(), now);
            }
            Asked::Failed(failure) => return self.on_attempt_failed(number, failure, now),
        }
        Ok(())
    }

    /// Calls a peer again that has not heard all, or lacks something: a change that was made while it laid the session to rest
    /// is on no way yet.
    fn want_what_was_cut_off(
        &mut self,
        number: u64,
        unheard: bool,
        rested: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number).filter(|pair| pair.is_away()) else { return Ok(()) };
        if !unheard && !self.has_something_to_say(pair)? {
            return Ok(());
        }
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if rested {
            pair.connector.want_after_rest(now, &mut self.rng);
        } else {
            pair.connector.want_now(now, &mut self.rng);
        }
        Ok(())
    }

    /// Writes an offer or an answer and sends it.
    fn mail(
        &mut self,
        number: u64,
        attempt: AttemptId,
        sid: Id,
        exp: u64,
        body: Body,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let is_offer = matches!(body, Body::Offer { .. });
        // Whoever offers may know neither the current box nor its key, after a restore.
        let reply = pair.answers_go.clone().filter(|_| !is_offer);
        let home = pair.record.homes().filter(|_| is_offer && pair.goes_home);
        let first =
            || Some((pair.record.receiving.current.clone(), pair.record.sending.as_ref()?.current.clone()));
        let goes_home = home.is_some();
        let Some((from, to)) = reply.or(home).or_else(first) else { return Ok(()) };
        let in_vain = is_offer && pair.connector.failures() > 0;
        let message = Message { id: Id::generate(&mut self.rng), sid, exp, from: from.address.clone(), body };
        let written = match message::write(&message, &from.key, &to, &mut self.rng) {
            Ok(written) => written,
            Err(error) => {
                self.trace.add(now, &format!("pair {number}: a message could not be written: {error}"));
                self.fail_attempt((number, attempt), Failure::Rtc, now);
                return Ok(());
            }
        };
        let data = base64url(&written.sealed);
        pair.connector.on_written(attempt, written, now);
        self.poller.expect_mail(&from.id());
        if is_offer {
            pair.offered_home = goes_home;
            pair.record.remember_offer(message.id);
            self.save_pair(number)?;
        }
        self.trace.add(now, &format!("pair {number}: {} sent", if is_offer { "offer" } else { "answer" }));
        self.send(Sending::Attempt((number, attempt)), &to, data);
        if in_vain { self.call_where_it_was(number, now) } else { Ok(()) }
    }

    pub(super) fn on_described(
        &mut self,
        (number, attempt): LinkId,
        result: Result<String, DescribeFailure>,
        now: u64,
    ) {
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        match result {
            Ok(sdp) => pair.connector.on_described(attempt, sdp, now),
            Err(DescribeFailure::Own) => self.fail_attempt((number, attempt), Failure::Rtc, now),
            Err(DescribeFailure::Peer) => self.fail_attempt((number, attempt), Failure::BadDescription, now),
        }
    }

    pub(super) fn on_opened(&mut self, (number, attempt): LinkId, own: [u8; 32], peer: [u8; 32], now: u64) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.connector.on_open(attempt, own, peer, now, &mut self.rng);
        }
    }

    pub(super) fn on_closed(&mut self, link: LinkId, misbehaved: Option<FrameError>, now: u64) {
        let failure = misbehaved.map_or(Failure::Lost, Failure::Frame);
        self.fail_attempt(link, failure, now);
    }

    pub(super) fn fail_attempt(&mut self, (number, attempt): LinkId, failure: Failure, now: u64) {
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.connector.on_failed(attempt, failure, now, &mut self.rng);
        }
    }

    /// Returns whether something was said in the session that the peer may not have heard.
    fn on_disconnected(&mut self, number: u64, failure: Option<Failure>, now: u64) -> bool {
        let Some(pair) = self.pairs.get_mut(&number) else { return false };
        let nickname = pair.record.nickname.clone();
        let session = pair.session.take_if(|session| pair.connector.live() != Some(session.attempt));
        let unheard = session.as_ref().is_some_and(|session| session.sync.is_unheard());
        for (request, _) in session.into_iter().flat_map(|session| session.unanswered.into_values()) {
            let lost = Error::from(Failure::Lost);
            self.outputs.push_back(Output::Reply(request, Err(lost)));
        }
        let how = failure.map_or_else(|| "laid to rest".to_owned(), |failure| failure.to_string());
        self.trace.add(now, &format!("pair {number}: disconnected: {how}"));
        self.tell(EventKind::Disconnected { nickname, problem: failure.map(Error::from) }, now);
        unheard
    }

    pub(super) fn on_attempt_failed(
        &mut self,
        number: u64,
        failure: Failure,
        now: u64,
    ) -> Result<(), StoreError> {
        self.note_problem(number, failure)?;
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let nickname = pair.record.nickname.clone();
        let in_vain = pair.connector.failures() > MAX_VAIN_OFFERS && !self.has_something_to_say(pair)?;
        if let Some(pair) = self.pairs.get_mut(&number).filter(|_| in_vain) {
            pair.connector.unwant();
        }
        self.trace.add(now, &format!("pair {number}: attempt failed: {failure}"));
        self.tell(EventKind::ConnectFailed { nickname, problem: advice(failure, self.config.helpers) }, now);
        Ok(())
    }

    /// Remembers why there is no connection, for the doctor and for the next start.
    pub(super) fn note_problem(&mut self, number: u64, failure: Failure) -> Result<(), StoreError> {
        let problem = Some(advice(failure, self.config.helpers));
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if pair.record.problem == problem {
            return Ok(());
        }
        pair.record.problem = problem;
        self.save_pair(number)
    }

    pub(super) fn on_pair_time(&mut self, number: u64, now: u64) {
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        pair.connector.on_timeout(now, &mut self.rng);
        if pair.session.as_ref().is_some_and(|session| session.rest_at <= now) {
            self.rest_if_idle(number, now);
        }
    }
}
