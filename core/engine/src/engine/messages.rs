//! App messages: sent when connected, and confirmed when the other app has them.
//!
//! What an app does not take is held for it, and nothing is confirmed meanwhile; so each side bounds how much it has under
//! way, and ends a session with a peer that does not.

use connectoid_protocol::frame::{App, AppAnswer, AppMessage, FrameError, MAX_APP_MESSAGE};

use super::{
    Engine, LinkId, Output,
    commands::{CommandResult, RequestId},
    pair::{MAX_QUEUED, MAX_UNANSWERED, MAX_UNANSWERED_BYTES, Session},
    session::{SessionError, SessionResult},
};
use crate::{
    api::{EventKind, Reply},
    channel::Channel,
    error::{Error, ErrorKind, Result},
};

/// How long a connection stays open for messages that an app has not taken, in µs. An app that has not done so in this time
/// hangs, and the radio is worth more.
const PATIENCE: u64 = 5 * 60_000_000;

/// Whether messages wait to be taken, at either side, so that the connection stays open for them.
pub(super) fn are_under_way(session: &Session, now: u64) -> bool {
    let waiting = !session.unanswered.is_empty() || !session.untaken.is_empty();
    waiting && now < session.spoke_at.saturating_add(PATIENCE)
}

impl Engine {
    /// Sends an app message, now or when connected.
    pub(super) fn send_message(
        &mut self,
        request: RequestId,
        nickname: &str,
        data: Vec<u8>,
        now: u64,
    ) -> CommandResult<()> {
        if data.len() > MAX_APP_MESSAGE {
            return Err(Error::usage("an app message has at most 256 KiB").into());
        }
        let number = self.pair_named(nickname)?;
        let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.is_reachable()) else {
            return Err(Error::usage(format!("{nickname} has not opened the link yet")).into());
        };
        if pair.queue.len() >= MAX_QUEUED {
            let message = "64 messages wait for this peer already; try again when it has taken some";
            return Err(Error::new(ErrorKind::Unanswered, message).into());
        }
        pair.queue.push_back((request, data));
        pair.connector.want(now, &mut self.rng);
        self.flush_queue(number, now);
        Ok(())
    }

    /// Sends what waits, as far as the peer has room for it.
    pub(super) fn flush_queue(&mut self, number: u64, now: u64) {
        let idle_timeout = self.config.idle_timeout;
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        let Some(session) = pair.session.as_mut() else { return };
        let mut bytes: usize = session.unanswered.values().map(|(_, length)| length).sum();
        while let Some((_, data)) = pair.queue.front() {
            bytes += data.len();
            if session.unanswered.len() >= MAX_UNANSWERED || bytes > MAX_UNANSWERED_BYTES {
                break;
            }
            let Some((request, data)) = pair.queue.pop_front() else { break };
            session.unanswered.insert(session.next_message, (request, data.len()));
            let message = App::Message(AppMessage { number: session.next_message, data });
            session.next_message += 1;
            (session.rest_at, session.spoke_at) = (now + idle_timeout, now);
            self.outputs.push_back(Output::Frame((number, session.attempt), Channel::App, message.encode()));
        }
    }

    pub(super) fn on_app_answer(&mut self, number: u64, message: u64, reply: Result<Reply>, now: u64) {
        let session = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut());
        if let Some((request, _)) = session.and_then(|session| session.unanswered.remove(&message)) {
            self.outputs.push_back(Output::Reply(request, reply));
            self.flush_queue(number, now);
        }
    }

    pub(super) fn on_app_message(&mut self, number: u64, message: AppMessage, now: u64) -> SessionResult {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let Some(session) = pair.session.as_mut() else { return Ok(()) };
        let bytes = session.untaken.values().sum::<usize>() + message.data.len();
        // Twice as much as is fair: what was taken may be known to the peer before it is counted here.
        let is_fair = bytes <= 2 * MAX_UNANSWERED_BYTES && session.untaken.len() < 2 * MAX_UNANSWERED;
        if message.data.len() > MAX_APP_MESSAGE || !is_fair {
            return Err(SessionError::from(FrameError::Malformed));
        }
        session.heard.take(message.number)?;
        session.untaken.insert(message.number, message.data.len());
        session.spoke_at = now;
        let (link, nickname) = ((number, session.attempt), pair.record.nickname.clone());
        let event = self.event(EventKind::Message { nickname, data: message.data }, now);
        self.outputs.push_back(Output::Message(link, message.number, event));
        Ok(())
    }

    /// The app has taken a message, or cannot any more.
    pub(super) fn on_handed(&mut self, (number, attempt): LinkId, message: u64, taken: bool) {
        let session = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut());
        let Some(session) = session.filter(|session| session.attempt == attempt) else { return };
        if session.untaken.remove(&message).is_some() {
            let answer = AppAnswer { number: message };
            let answer = if taken { App::Received(answer) } else { App::Lost(answer) };
            self.outputs.push_back(Output::Frame((number, attempt), Channel::App, answer.encode()));
        }
    }
}

pub(super) fn not_taken() -> Error {
    let message = "it came, and the app there did not take it: nobody was listening, or too slowly; send it again later";
    Error::new(ErrorKind::Unanswered, message)
}
