//! Connecting to one peer: from "we have something to say" to a proven session, and back to rest.
//!
//! # The way of a connection
//!
//! ```text
//! want ─► MakingOffer ─► AwaitingAnswer ─┐
//!                                        ├─► Opening ─► ExpectHello1 ─► ExpectHello2 ─► live
//! offer received ─► MakingAnswer ────────┘
//! ```
//!
//! There is at most one *attempt* and at most one *live* session. A new attempt replaces the live
//! session only once its own handshake is complete, so that nobody who finds an old offer can tear a
//! working connection down.
//!
//! **Glare**, both sides offering at once, is settled by a role that does not change: the one who
//! opened the link keeps its offer, the one who created it drops its own and answers.
//!
//! **A stale offer** (older than [`OFFER_LIFETIME`]) says that the peer wants to talk and does not wait
//! any more: it is answered by a fresh offer of our own. So is one that looked fresh, and whose answer led
//! nowhere.
//!
//! **Calls and stale offers are followed** so often and no more ([`MAX_OFFERS`], [`OFFER_EVERY`]): each one forgives what has
//! failed so far. Beyond that, one says that the peer wants to talk, and this side offers when it is due. A fresh offer is
//! always answered; the next one takes its place.
//!
//! **An unanswered offer** is repeated at growing intervals, at the latest before the mailbox forgets
//! it, so that a peer who comes back after days finds one waiting.
//!
//! **The answerer speaks first** on the open connection. It is the DTLS client and so the last to know
//! that the SCTP association is up (RFC 8832 §6): what the offerer sends the moment it is open itself may
//! arrive in the same packet as that news, and libraries lose it.
//!
//! The machine asks for work through [`Output`]s and is told of the results; it owns no clock, no
//! socket and no key.

mod attempt;
mod pacing;

use std::collections::VecDeque;

use rand_core::CryptoRng;

use self::{
    attempt::{Attempt, Stage},
    pacing::{Following, Pacing, STEADY},
};
pub use self::{
    attempt::{AttemptId, DESCRIBE_TIMEOUT, MAX_EARLY, OPEN_TIMEOUT},
    pacing::{FIRST_RETRY, LAST_RETRY, MAX_OFFERS, OFFER_EVERY},
};
use crate::{
    frame::{Control, FrameError},
    handshake::{self, Basis, HANDSHAKE_TIMEOUT, HandshakeError, Identity, Proven, Role},
    message::{Body, Id, OFFER_LIFETIME, Read, Written},
    user::{UserId, UserKey},
};

/// Who gave the link and who opened it: settles glare, for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// Made the link.
    Creator,
    /// Opened it.
    Opener,
}

/// Why a connection did not come about, or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Failure {
    /// Nobody answered the offer in time: the peer is offline.
    #[error("the peer did not answer")]
    Unanswered,
    /// Both answered, but no packets got through: a TURN server is needed.
    #[error("no direct route to the peer could be opened")]
    NoRoute,
    /// The peer connected and then did not say who it is in time.
    #[error("the peer connected but stayed silent")]
    Silent,
    /// The peer's proof is missing or wrong.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer broke the protocol.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// No mailbox service took the message to the peer.
    #[error("no mailbox service took the message to the peer")]
    Undelivered,
    /// The peer's mailbox is closed, says the service.
    #[error("the peer's mailbox is closed, says the service")]
    MailboxClosed,
    /// The mailbox of a known peer is closed: it uses another one, which this side does not know.
    #[error("the peer uses another mailbox than this node knows")]
    PairLost,
    /// This device could not make or use a session description.
    #[error("this device could not set up WebRTC")]
    Rtc,
    /// The peer's session description cannot be used.
    #[error("the peer's session description cannot be used")]
    BadDescription,
    /// The connection broke.
    #[error("the connection was lost")]
    Lost,
}

/// What the machine wants done, or has to say.
pub enum Output {
    /// Make an offer with all its candidates; answer by [`Connector::on_described`].
    MakeOffer(AttemptId),
    /// Make an answer to this description; answer by [`Connector::on_described`].
    MakeAnswer(AttemptId, String),
    /// Use the peer's answer.
    UseAnswer(AttemptId, String),
    /// Seal and send to the peer's box; answer by [`Connector::on_written`].
    Mail {
        /// The attempt that it belongs to.
        attempt: AttemptId,
        /// The session's name.
        sid: Id,
        /// The end of its usefulness, in µs since the epoch.
        exp: u64,
        /// The message.
        body: Body,
    },
    /// Send on the control channel.
    Send(AttemptId, Control),
    /// Close the connection and free what it holds.
    Close(AttemptId),
    /// The peer is proven and the session is live.
    Connected(AttemptId, Box<Proven>, Vec<(u16, Vec<u8>)>),
    /// The live session is over; `None` if it was laid to rest.
    Disconnected(Option<Failure>),
    /// An attempt failed.
    Failed(Failure),
}

/// The machine. See the [module](self).
pub struct Connector {
    side: Side,
    own: Identity,
    expected: Option<UserId>,
    attempt: Option<Attempt>,
    live: Option<AttemptId>,
    /// Since when there is a live session.
    live_since: u64,
    attempts: u64,
    pacing: Pacing,
    following: Following,
    outputs: VecDeque<Output>,
}

impl Connector {
    /// A machine at rest. `expected` is the user this pair was made with, if it ever connected; `first`
    /// is the number of its first attempt.
    pub fn new(side: Side, own: Identity, expected: Option<UserId>, first: u64) -> Self {
        Self {
            side,
            own,
            expected,
            attempt: None,
            live: None,
            live_since: 0,
            attempts: first,
            pacing: Pacing::default(),
            following: Following::default(),
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do; to be drained after every call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Connector::on_timeout`], in µs since the epoch.
    pub fn poll_timeout(&self) -> Option<u64> {
        let deadline = self.attempt.as_ref().map(|attempt| attempt.deadline);
        let retry = self.pacing.retry_at().filter(|_| self.attempt.is_none());
        deadline.into_iter().chain(retry).min()
    }

    /// Whether a proven session is open.
    pub fn is_live(&self) -> bool {
        self.live.is_some()
    }

    /// The live session's attempt.
    pub fn live(&self) -> Option<AttemptId> {
        self.live
    }

    /// Whether a connection is being made.
    pub fn is_connecting(&self) -> bool {
        self.attempt.is_some()
    }

    /// There is something to say to the peer.
    pub fn want(&mut self, now: u64, rng: &mut impl CryptoRng) {
        self.pacing.want();
        if self.live.is_none() && self.attempt.is_none() && self.pacing.may_offer(now) {
            self.offer(now, rng);
        }
    }

    /// As [`Connector::want`], and at once: somebody waits, or the network has changed.
    pub fn want_now(&mut self, now: u64, rng: &mut impl CryptoRng) {
        self.pacing.forgive();
        self.want(now, rng);
    }

    /// Makes a new connection even if there is one, which the new one then replaces: the network has
    /// changed.
    pub fn renew(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if self.live.is_none() {
            self.want_now(now, rng);
        } else if self.attempt.is_none() {
            self.offer(now, rng);
        }
    }

    /// Whether there is something to say to the peer.
    pub fn is_wanted(&self) -> bool {
        self.pacing.is_wanted()
    }

    /// How many attempts have failed since the last session, or since there was a reason to hope; and how many sessions in
    /// a row were cut short before that.
    pub fn failures(&self) -> u32 {
        self.pacing.failures()
    }

    /// There is nothing (more) to say; an attempt under way goes on, but is not repeated.
    pub fn unwant(&mut self) {
        self.pacing.unwant();
    }

    /// The driver made the description that was asked for.
    pub fn on_described(&mut self, id: AttemptId, sdp: String, now: u64) {
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.id == id) else { return };
        let sid = attempt.sid;
        let (body, exp) = match &attempt.stage {
            Stage::MakingOffer => {
                attempt.stage = Stage::AwaitingAnswer(None);
                attempt.deadline = now + OFFER_LIFETIME;
                (Body::Offer { sdp }, attempt.deadline)
            }
            Stage::MakingAnswer(_) => (Body::Answer { sdp }, now + OFFER_LIFETIME),
            _ => return,
        };
        self.outputs.push_back(Output::Mail { attempt: id, sid, exp, body });
    }

    /// The message that was asked for is written, and on its way.
    pub fn on_written(&mut self, id: AttemptId, written: Written, now: u64) {
        let Some(mut attempt) = self.attempt.take_if(|attempt| attempt.id == id) else { return };
        match attempt.stage {
            Stage::AwaitingAnswer(None) => attempt.stage = Stage::AwaitingAnswer(Some(written.into())),
            Stage::MakingAnswer(offer) => {
                attempt.deadline = now + OPEN_TIMEOUT;
                attempt.stage = Stage::Opening { offer, answer: written.into() };
            }
            other => attempt.stage = other,
        }
        self.attempt = Some(attempt);
    }

    /// The peer's offer came, signed by the peer's box key and not seen before.
    pub fn on_offer(&mut self, read: Read, now: u64, rng: &mut impl CryptoRng) {
        let Body::Offer { sdp } = &read.message.body else { return };
        if read.message.exp <= now {
            return self.on_call(now, rng);
        }
        if self.side == Side::Opener
            && self.attempt.as_ref().is_some_and(|attempt| attempt.role == Role::Offerer)
        {
            return;
        }
        let sdp = sdp.clone();
        self.drop_attempt();
        let (id, sid) = (self.next_attempt(), read.message.sid);
        let stage = Stage::MakingAnswer(read.into());
        self.attempt = Some(Attempt::new(id, sid, Role::Answerer, stage, now));
        self.outputs.push_back(Output::MakeAnswer(id, sdp));
    }

    /// The peer wants to talk, and there is no offer of its to answer. What is under way anyhow costs nothing more.
    pub fn on_call(&mut self, now: u64, rng: &mut impl CryptoRng) {
        let rests = self.live.is_none() && self.attempt.is_none();
        if rests && self.following.take(now) { self.want_now(now, rng) } else { self.want(now, rng) }
    }

    /// The offer of this attempt lies where nobody looks any more: makes another, which is to go elsewhere. Says whether
    /// there is such an attempt.
    pub fn offer_anew(&mut self, id: AttemptId, now: u64, rng: &mut impl CryptoRng) -> bool {
        let is_offer = |attempt: &mut Attempt| attempt.id == id && attempt.role == Role::Offerer;
        let Some(attempt) = self.attempt.take_if(is_offer) else { return false };
        self.outputs.push_back(Output::Close(attempt.id));
        self.offer(now, rng);
        true
    }

    /// Drops the attempt under way: the peer, whose offer is coming, does not look where this side's went. So it is not
    /// glare, and the peer's is to be answered.
    pub fn give_way(&mut self) {
        self.drop_attempt();
    }

    /// The peer's answer came, signed by the peer's box key and not seen before.
    pub fn on_answer(&mut self, read: Read, now: u64) {
        let Body::Answer { sdp } = &read.message.body else { return };
        let ours = |attempt: &mut Attempt| {
            attempt.sid == read.message.sid && matches!(attempt.stage, Stage::AwaitingAnswer(Some(_)))
        };
        let Some(mut attempt) = self.attempt.take_if(ours) else { return };
        let Stage::AwaitingAnswer(Some(offer)) = attempt.stage else { return };
        self.outputs.push_back(Output::UseAnswer(attempt.id, sdp.clone()));
        attempt.deadline = now + OPEN_TIMEOUT;
        attempt.stage = Stage::Opening { offer, answer: read.into() };
        self.attempt = Some(attempt);
    }

    /// All channels are open; the certificates are SHA-256 of what DTLS presented.
    pub fn on_open(
        &mut self,
        id: AttemptId,
        own: [u8; 32],
        peer: [u8; 32],
        now: u64,
        rng: &mut impl CryptoRng,
    ) {
        let Some(mut attempt) = self.attempt.take_if(|attempt| attempt.id == id) else { return };
        attempt.stage = match attempt.stage {
            Stage::Opening { offer, answer } => {
                let basis = Basis {
                    sid: attempt.sid,
                    offer: offer.plaintext,
                    answer: answer.plaintext,
                    offer_export: offer.export,
                    answer_export: answer.export,
                    own_certificate: own,
                    peer_certificate: peer,
                };
                let (state, hello) = handshake::begin(attempt.role, basis, self.own, rng);
                let held = match attempt.role {
                    Role::Offerer => Some(hello),
                    Role::Answerer => {
                        self.outputs.push_back(Output::Send(id, Control::Hello1(hello)));
                        None
                    }
                };
                attempt.deadline = now + HANDSHAKE_TIMEOUT;
                Stage::ExpectHello1(Box::new(state), held)
            }
            other => other,
        };
        self.attempt = Some(attempt);
    }

    /// A control frame came over the connection of an attempt. Frames of a live session go elsewhere.
    pub fn on_control(
        &mut self,
        id: AttemptId,
        frame: Control,
        user_key: &UserKey,
        now: u64,
        rng: &mut impl CryptoRng,
    ) {
        let Some(mut attempt) = self.attempt.take_if(|attempt| attempt.id == id) else { return };
        let stage = match (attempt.stage, frame) {
            (Stage::ExpectHello1(state, held), Control::Hello1(hello)) => {
                self.outputs.extend(held.map(|own| Output::Send(id, Control::Hello1(own))));
                state.on_hello1(&hello, user_key).map(|(state, hello)| {
                    self.outputs.push_back(Output::Send(id, Control::Hello2(hello)));
                    Stage::ExpectHello2(Box::new(state))
                })
            }
            (Stage::ExpectHello2(state), Control::Hello2(hello)) => {
                match state.on_hello2(&hello, self.expected.as_ref()) {
                    Ok(proven) => return self.go_live(id, proven, attempt.early, now),
                    Err(error) => Err(error),
                }
            }
            _ => return self.fail_attempt(id, Failure::Frame(FrameError::Malformed), now, rng),
        };
        match stage {
            Ok(stage) => {
                attempt.stage = stage;
                self.attempt = Some(attempt);
            }
            Err(error) => self.fail_attempt(id, error.into(), now, rng),
        }
    }

    /// Something came on another channel before the peer's proof: it is kept until then, within
    /// [`MAX_EARLY`] bytes.
    pub fn on_early(
        &mut self,
        id: AttemptId,
        channel: u16,
        frame: Vec<u8>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) {
        let Some(attempt) = self.attempt.as_mut().filter(|attempt| attempt.id == id) else { return };
        if !attempt.hold(channel, frame) {
            self.attempt = None;
            self.fail_attempt(id, Failure::Frame(FrameError::TooLong), now, rng);
        }
    }

    /// The driver could not do what was asked for, or the peer broke the protocol on this connection.
    pub fn on_failed(&mut self, id: AttemptId, failure: Failure, now: u64, rng: &mut impl CryptoRng) {
        if self.attempt.take_if(|attempt| attempt.id == id).is_some() {
            self.fail_attempt(id, failure, now, rng);
        } else if self.live == Some(id) {
            self.end_live(Some(failure), now, rng);
        }
    }

    /// Lays the live session to rest: the other side will not try to come back by itself.
    pub fn rest(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if let Some(id) = self.live {
            self.outputs.push_back(Output::Send(id, Control::Rest));
            self.unwant();
            self.end_live(None, now, rng);
        }
    }

    /// The peer laid the live session to rest.
    pub fn on_rest(&mut self, id: AttemptId, now: u64, rng: &mut impl CryptoRng) {
        if self.live == Some(id) {
            self.unwant();
            self.end_live(None, now, rng);
        }
    }

    /// A session was laid to rest before all was said. One that was short counts as cut short: a peer that lays every one to
    /// rest at once is not called again at once for ever.
    pub fn want_after_rest(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if now.saturating_sub(self.live_since) >= STEADY {
            return self.want_now(now, rng);
        }
        self.pacing.want();
        if self.live.is_none() && self.attempt.is_none() {
            self.pacing.was_cut_short();
            self.pacing.plan_retry(now, rng);
        }
    }

    /// Ends everything, for good.
    pub fn shut_down(&mut self) {
        self.unwant();
        self.drop_attempt();
        if let Some(id) = self.live.take() {
            self.outputs.push_back(Output::Close(id));
        }
    }

    /// A deadline has passed.
    pub fn on_timeout(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if let Some(attempt) = self.attempt.take_if(|attempt| attempt.deadline <= now) {
            if attempt.was_answered_in_vain() && self.live.is_none() {
                self.pacing.want();
            }
            let was_first = self.pacing.failures() == 0;
            self.fail_attempt(attempt.id, attempt.failure_of_silence(was_first), now, rng);
        }
        if self.attempt.is_none() && self.live.is_none() && self.pacing.take_due(now) {
            self.offer(now, rng);
        }
    }

    fn offer(&mut self, now: u64, rng: &mut impl CryptoRng) {
        let (id, sid) = (self.next_attempt(), Id::generate(rng));
        self.attempt = Some(Attempt::new(id, sid, Role::Offerer, Stage::MakingOffer, now));
        self.outputs.push_back(Output::MakeOffer(id));
    }

    fn next_attempt(&mut self) -> AttemptId {
        self.attempts += 1;
        AttemptId(self.attempts)
    }

    fn drop_attempt(&mut self) {
        if let Some(attempt) = self.attempt.take() {
            self.outputs.push_back(Output::Close(attempt.id));
        }
    }

    fn go_live(&mut self, id: AttemptId, proven: Proven, early: Vec<(u16, Vec<u8>)>, now: u64) {
        if let Some(old) = self.live.replace(id) {
            self.judge_live(now);
            self.outputs.push_back(Output::Close(old));
            self.outputs.push_back(Output::Disconnected(None));
        }
        self.expected = Some(proven.peer.user);
        self.live_since = now;
        self.pacing.met();
        self.outputs.push_back(Output::Connected(id, Box::new(proven), early));
    }

    fn fail_attempt(&mut self, id: AttemptId, failure: Failure, now: u64, rng: &mut impl CryptoRng) {
        self.outputs.push_back(Output::Close(id));
        self.outputs.push_back(Output::Failed(failure));
        self.plan_retry(now, rng);
    }

    fn end_live(&mut self, failure: Option<Failure>, now: u64, rng: &mut impl CryptoRng) {
        let Some(id) = self.live.take() else { return };
        self.outputs.push_back(Output::Close(id));
        self.outputs.push_back(Output::Disconnected(failure));
        if failure.is_some() {
            self.judge_live(now);
            self.pacing.want();
        } else if now.saturating_sub(self.live_since) >= STEADY {
            self.pacing.forgive();
        }
        self.plan_retry(now, rng);
    }

    fn judge_live(&mut self, now: u64) {
        if now.saturating_sub(self.live_since) >= STEADY {
            self.pacing.forgive();
        } else {
            self.pacing.was_cut_short();
        }
    }

    fn plan_retry(&mut self, now: u64, rng: &mut impl CryptoRng) {
        if self.live.is_none() {
            self.pacing.plan_retry(now, rng);
        }
    }
}

#[cfg(test)]
mod tests;
