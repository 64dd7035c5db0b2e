//! A live session: rotation, comparing emoji, app messages, sync frames, and rest.

use std::{collections::BTreeMap, mem::replace};

use connectoid_protocol::{
    address::Address,
    connect::{AttemptId, Failure, Side},
    frame::{App, Behind, Control, FrameError, Numbers, Rotate, Rotated},
    handshake::Proven,
    rotation::{OwnBox, RotateAnswer, Step},
    sas::{self, Binding},
    sync::{Sync, SyncError},
};

use super::{
    Engine, LinkId, Output, WEEK,
    commands::CommandResult,
    messages,
    pair::{Pair, Sas, Session, Shown},
};
use crate::{
    api::{EventKind, Reply, Verified},
    channel::Channel,
    error::Error,
    store::StoreError,
};

/// How many control frames a peer may send in a day of a session. Few are needed: of boxes when it begins and weekly, of
/// one comparison of emoji, of resting. Each may have a key looked at and something stored here, which takes a
/// millisecond.
const MAX_CONTROLS: u32 = 64;

/// A day, in µs.
const DAY: u64 = 24 * 3_600_000_000;

/// How long two people may take to compare emoji, in µs.
const COMPARING: u64 = 15 * 60_000_000;

/// The peer broke the protocol in a live session, or the store failed.
pub(super) enum SessionError {
    Peer,
    Store(StoreError),
}

impl From<StoreError> for SessionError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<FrameError> for SessionError {
    fn from(_: FrameError) -> Self {
        Self::Peer
    }
}

impl From<SyncError<StoreError>> for SessionError {
    fn from(error: SyncError<StoreError>) -> Self {
        match error {
            // A session that goes on about a group that is gone ends; others are none the worse.
            SyncError::Log(StoreError::UnknownGroup(_)) => Self::Peer,
            SyncError::Log(error) => Self::Store(error),
            _ => Self::Peer,
        }
    }
}

pub(super) type SessionResult = Result<(), SessionError>;

impl Engine {
    /// The peer is proven: what was agreed on at sharing takes effect, and sync begins.
    pub(super) fn on_connected(
        &mut self,
        number: u64,
        attempt: AttemptId,
        proven: Proven,
        early: Vec<(u16, Vec<u8>)>,
        now: u64,
    ) -> Result<(), StoreError> {
        let peer = proven.peer;
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let first_time = pair.record.peer.is_none();
        let nickname = pair.record.nickname.clone();
        pair.record.peer = Some(peer);
        pair.record.problem = None;
        pair.not_taken = 0;
        (pair.goes_home, pair.offered_home) = (false, false);
        let sync = Sync::new(self.own.user, peer.user, peer.source()).with_link_group(pair.record.link_group);
        pair.session = Some(Session {
            attempt,
            proven,
            sync: if pair.record.expects_group { sync.expecting_group() } else { sync },
            sas: Sas::Fresh,
            controls: (now, 0),
            was_behind: false,
            unanswered: BTreeMap::new(),
            next_message: 0,
            untaken: BTreeMap::new(),
            spoke_at: now,
            clock_ahead: 0,
            told_skew: false,
            heard: Numbers::default(),
            rest_at: now + self.config.idle_timeout,
        });
        self.save_pair(number)?;
        self.trace.add(now, &format!("pair {number}: connected"));
        if first_time {
            self.tell(EventKind::Paired { nickname: nickname.clone() }, now);
        }
        self.tell(EventKind::Connected { nickname }, now);
        self.give_grant(number, now)?;
        self.tell_home(number, now)?;
        let offered = self.offer_rotation(number, now)?;
        self.repeat_box(number, offered);
        self.start_sync(number, now)?;
        self.flush_queue(number, now);
        self.begin_wanted_verification(number);
        for (channel, frame) in early {
            let channel = Channel::ALL.into_iter().find(|known| *known as u16 == channel);
            if let Some(channel) = channel {
                self.on_frame((number, attempt), channel, frame, now)?;
            }
        }
        Ok(())
    }

    /// A frame came, over whichever connection.
    pub(super) fn on_frame(
        &mut self,
        (number, attempt): LinkId,
        channel: Channel,
        frame: Vec<u8>,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if pair.connector.live() != Some(attempt) {
            match (channel, Control::decode(&frame)) {
                (Channel::Control, Ok(Some(frame))) => {
                    pair.connector.on_control(attempt, frame, &self.user_key, now, &mut self.rng);
                }
                (Channel::Control, Ok(None)) => {}
                (Channel::Control, Err(error)) => self.fail_attempt((number, attempt), error.into(), now),
                (channel, _) => pair.connector.on_early(attempt, channel as u16, frame, now, &mut self.rng),
            }
            return Ok(());
        }
        match self.on_live_frame(number, channel, &frame, now) {
            Ok(()) => Ok(()),
            Err(SessionError::Store(error)) => Err(error),
            Err(SessionError::Peer) => {
                self.trace.add(now, &format!("pair {number}: the peer broke the protocol"));
                self.fail_attempt((number, attempt), Failure::Frame(FrameError::Malformed), now);
                Ok(())
            }
        }
    }

    fn on_live_frame(&mut self, number: u64, channel: Channel, frame: &[u8], now: u64) -> SessionResult {
        let (idle_timeout, time) = (self.config.idle_timeout, self.data_time(now));
        let Some(session) = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut()) else {
            return Ok(());
        };
        session.rest_at = now + idle_timeout;
        match channel {
            Channel::Control => match Control::decode(frame)? {
                Some(frame) => self.on_control(number, frame, now),
                None => Ok(()),
            },
            Channel::Sync if frame == Control::Unshare.encode() => Ok(self.on_unshared(number, now)?),
            Channel::Sync => self.store.savepoint(|store| Ok(session.sync.on_frame(store, frame, time)?)),
            Channel::App => match App::decode(frame)? {
                Some(App::Message(message)) => self.on_app_message(number, message, now),
                Some(App::Received(answer)) => {
                    self.on_app_answer(number, answer.number, Ok(Reply::Done {}), now);
                    Ok(())
                }
                Some(App::Lost(answer)) => {
                    self.on_app_answer(number, answer.number, Err(messages::not_taken()), now);
                    Ok(())
                }
                _ => Ok(()),
            },
            Channel::Blob => Ok(()),
        }
    }

    fn on_control(&mut self, number: u64, frame: Control, now: u64) -> SessionResult {
        let Some(session) = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut()) else {
            return Ok(());
        };
        let (since, count) = session.controls;
        session.controls = if now.abs_diff(since) > DAY { (now, 1) } else { (since, count + 1) };
        if session.controls.1 > MAX_CONTROLS {
            return Err(SessionError::Peer);
        }
        match frame {
            Control::Rotate(rotate) => self.on_rotate(number, &rotate),
            Control::Behind(Behind { generation }) => self.on_behind(number, generation, now),
            Control::Home(home) => self.on_home(number, &home),
            Control::Rotated(Rotated { generation }) => {
                let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
                let left = pair.record.receiving.previous.clone();
                match pair.record.receiving.on_rotated(generation) {
                    Step::Committed => Ok(self.on_rotation_committed(number, left, now)?),
                    Step::Nothing => Ok(()),
                }
            }
            Control::SasStart(_) | Control::SasAccept(_) | Control::SasReveal(_) => {
                self.on_sas(number, &frame, now)
            }
            Control::Rest => {
                let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
                if let Some(attempt) = pair.connector.live() {
                    pair.connector.on_rest(attempt, now, &mut self.rng);
                }
                Ok(())
            }
            _ => Err(SessionError::Peer),
        }
    }

    pub(super) fn control(&mut self, number: u64, frame: &Control) {
        let Some(session) = self.pairs.get(&number).and_then(|pair| pair.session.as_ref()) else { return };
        self.outputs.push_back(Output::Frame((number, session.attempt), Channel::Control, frame.encode()));
    }

    /// Offers a new box at the first meeting, weekly, and while an offer is not acknowledged. Says whether it did.
    fn offer_rotation(&mut self, number: u64, now: u64) -> Result<bool, StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(false) };
        let receiving = &pair.record.receiving;
        let due = receiving.generation == 0 || now.abs_diff(pair.record.rotated_at) >= WEEK;
        if !due && receiving.next.is_none() {
            return Ok(false);
        }
        let services = self.services_for(pair);
        let Some(fresh) = self.mint_for(number, &services, now) else { return Ok(false) };
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(false) };
        let (generation, address) = pair.record.receiving.offer(|| fresh);
        let rotate = Control::Rotate(Rotate { generation, address: address.as_text().to_owned() });
        self.save_pair(number)?;
        self.watch_boxes()?;
        self.control(number, &rotate);
        Ok(true)
    }

    /// Where new boxes for a pair are to be.
    pub(super) fn services_for(&self, pair: &Pair) -> Vec<String> {
        if self.config.services.is_empty() {
            pair.record.receiving.current.address.services().to_vec()
        } else {
            self.config.services.clone()
        }
    }

    pub(super) fn mint_for(&mut self, number: u64, services: &[String], now: u64) -> Option<OwnBox> {
        self.mint(services)
            .inspect_err(|error| self.trace.add(now, &format!("pair {number}: no new box: {error}")))
            .ok()
    }

    fn on_rotate(&mut self, number: u64, rotate: &Rotate) -> SessionResult {
        let address = Address::parse(&rotate.address).map_err(|_| SessionError::Peer)?;
        let Some(sending) = self.pairs.get_mut(&number).and_then(|pair| pair.record.sending.as_mut()) else {
            return Ok(());
        };
        match sending.on_rotate(rotate.generation, address) {
            RotateAnswer::Acknowledge => {
                self.save_pair(number)?;
                self.control(number, &Control::Rotated(Rotated { generation: rotate.generation }));
            }
            RotateAnswer::Behind(generation) => {
                self.control(number, &Control::Behind(Behind { generation }));
            }
        }
        Ok(())
    }

    /// This node was restored from a copy: the peer knows later boxes of it. It gets a new one.
    fn on_behind(&mut self, number: u64, generation: u32, now: u64) -> SessionResult {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let first = pair.session.as_mut().is_some_and(|session| !replace(&mut session.was_behind, true));
        if !first || !pair.record.receiving.on_behind(generation) {
            return Err(SessionError::Peer);
        }
        self.tell_restored(number, now);
        self.save_pair(number)?;
        self.offer_rotation(number, now)?;
        Ok(())
    }

    /// A peer that wrote to an older box has forgotten the current one, unless it was just offered the next.
    fn repeat_box(&mut self, number: u64, offered: bool) {
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        if replace(&mut pair.heard_in_old, false) && !offered {
            let (generation, address) = pair.record.receiving.repeat();
            let rotate = Control::Rotate(Rotate { generation, address: address.as_text().to_owned() });
            self.control(number, &rotate);
        }
    }

    /// A peer knows more of this node than it knows itself.
    pub(super) fn tell_restored(&mut self, number: u64, now: u64) {
        let Some(pair) = self.pairs.get(&number) else { return };
        let nickname = pair.record.nickname.clone();
        self.trace.add(now, &format!("pair {number}: knows this node from after the copy was made"));
        self.tell(EventKind::Restored { nickname }, now);
    }

    /// The peer writes to the new box from now on. A link's box is no longer this pair's, and the box before the
    /// last is left for good: a peer that has forgotten the later ones learns from its service that it is closed.
    pub(super) fn on_rotation_committed(
        &mut self,
        number: u64,
        left: Option<OwnBox>,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        pair.record.rotated_at = now;
        let previous = pair.record.receiving.previous.as_ref().map(OwnBox::id);
        if self.links.values().any(|link| Some(link.own.id()) == previous) {
            pair.record.receiving.previous = None;
        }
        if let Some(left) = left {
            self.drop_box(&left);
            self.store.forget_box(&left.id())?;
        }
        self.trace.add(now, &format!("pair {number}: box changed"));
        self.save_pair(number)?;
        self.watch_boxes()
    }

    /// Starts comparing emoji: at once if connected, else when connected.
    pub(super) fn verify(&mut self, nickname: &str, now: u64) -> CommandResult<()> {
        let number = self.pair_named(nickname)?;
        let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.is_reachable()) else {
            return Err(Error::usage(format!("{nickname} has not opened the link yet")).into());
        };
        if let Some(shown) = pair.shown.as_ref().filter(|shown| shown.until > now) {
            let shown = EventKind::emojis(nickname, shown.emojis.as_slice());
            self.tell(shown, now);
            return Ok(());
        }
        pair.verify_wanted = true;
        if pair.session.is_none() {
            pair.connector.want_now(now, &mut self.rng);
            return Ok(());
        }
        if matches!(pair.session, Some(Session { sas: Sas::Over, .. })) {
            // One attempt per session: another one needs another session.
            pair.connector.renew(now, &mut self.rng);
            return Ok(());
        }
        self.begin_wanted_verification(number);
        Ok(())
    }

    fn begin_wanted_verification(&mut self, number: u64) {
        let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.verify_wanted) else { return };
        let Some(session) = pair.session.as_mut().filter(|session| matches!(session.sas, Sas::Fresh)) else {
            return;
        };
        let (starter, accepter) = (session.proven.own, session.proven.peer);
        let binding = Binding { transcript: session.proven.transcript, starter, accepter };
        let (state, start) = sas::start(binding, &mut self.rng);
        session.sas = Sas::Started(Box::new(state));
        pair.verify_wanted = false;
        self.control(number, &Control::SasStart(start));
    }

    fn on_sas(&mut self, number: u64, frame: &Control, now: u64) -> SessionResult {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let (side, nickname) = (pair.record.side, pair.record.nickname.clone());
        let Some(session) = pair.session.as_mut() else { return Ok(()) };
        let state = replace(&mut session.sas, Sas::Over);
        let (state, answer, emojis) = match (state, frame) {
            // Both started at once: the opener's start counts.
            (Sas::Started(own), Control::SasStart(_)) if side == Side::Opener => {
                (Sas::Started(own), None, None)
            }
            (Sas::Fresh | Sas::Started(_), Control::SasStart(start)) => {
                let (starter, accepter) = (session.proven.peer, session.proven.own);
                let binding = Binding { transcript: session.proven.transcript, starter, accepter };
                let (state, accept) = sas::accept(binding, start, &mut self.rng);
                (Sas::Accepted(Box::new(state)), Some(Control::SasAccept(accept)), None)
            }
            (Sas::Started(state), Control::SasAccept(accept)) => {
                let (reveal, emojis) = state.on_accept(accept);
                (Sas::Over, Some(Control::SasReveal(reveal)), Some(emojis))
            }
            (Sas::Accepted(state), Control::SasReveal(reveal)) => {
                (Sas::Over, None, Some(state.on_reveal(reveal).map_err(|_| SessionError::Peer)?))
            }
            _ => return Err(SessionError::Peer),
        };
        session.sas = state;
        let shown = emojis.as_ref().map(|emojis| EventKind::emojis(&nickname, emojis.as_slice()));
        if let Some(emojis) = emojis {
            pair.shown = Some(Shown { emojis, until: now + COMPARING });
        }
        if let Some(answer) = answer {
            self.control(number, &answer);
        }
        if let Some(shown) = shown {
            self.tell(shown, now);
        }
        Ok(())
    }

    /// The two people compared the emoji.
    pub(super) fn confirm_verify(&mut self, nickname: &str, same: bool, now: u64) -> CommandResult<()> {
        let number = self.pair_named(nickname)?;
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        if pair.shown.take().is_none_or(|shown| shown.until <= now) {
            return Err(Error::usage(
                "there are no emoji to confirm, or they are too old; begin to compare first",
            )
            .into());
        }
        pair.record.verified = match pair.record.verified {
            _ if same => Verified::Sas,
            // What an earlier comparison has proven is in doubt; nothing else is proven by this one.
            Verified::Sas => Verified::Link,
            other => other,
        };
        Ok(self.save_pair(number)?)
    }

    /// Lays an idle session to rest, unless something is still under way.
    pub(super) fn rest_if_idle(&mut self, number: u64, now: u64) {
        let idle_timeout = self.config.idle_timeout;
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        let Some(session) = pair.session.as_mut() else { return };
        let quiet = pair.shared.iter().all(|group| session.sync.is_quiet(*group));
        if quiet && !messages::are_under_way(session, now) {
            pair.connector.rest(now, &mut self.rng);
        } else {
            session.rest_at = now + idle_timeout;
        }
    }
}
