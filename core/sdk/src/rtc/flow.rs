//! Sending: admits a message when the window has room, and otherwise waits.
//!
//! All channels share one window, for they share one path and one receive buffer. Senders that find it full
//! wait in line. A small message on a channel that has nothing on its way skips the line, so that the
//! session's own messages are not held up by a large transfer; this adds at most [`SMALL`] bytes per channel.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use webrtc::data_channel::DataChannel;
use webrtc::error::Error;

use super::lifecycle::Lifecycle;
use super::runtime::Pulse;
use super::window::Window;
use super::{Channel, CloseReason, MAX_MESSAGE, RtcError};

/// Up to this size a message may skip the line.
const SMALL: usize = 4 * 1024;

/// The library's handles of the four channels, in the order of [`Channel::ALL`].
pub(super) type DataChannels = [Arc<dyn DataChannel>; Channel::ALL.len()];

/// The sending half of a connection.
pub(super) struct Flow {
    channels: DataChannels,
    life: Arc<Lifecycle>,
    pulse: Arc<Pulse>,
    /// Held by the sender whose turn it is to wait for room. tokio's lock is first come, first served.
    line: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

struct State {
    window: Window,
    /// Unacknowledged bytes per channel: as last seen, plus what was sent since.
    outstanding: [usize; Channel::ALL.len()],
}

impl Flow {
    pub(super) fn new(channels: DataChannels, life: Arc<Lifecycle>, pulse: Arc<Pulse>) -> Flow {
        let state = State { window: Window::new(), outstanding: [0; Channel::ALL.len()] };
        Flow { channels, life, pulse, line: tokio::sync::Mutex::new(()), state: Mutex::new(state) }
    }

    /// Sends a message when there is room.
    pub(super) async fn send(&self, channel: Channel, message: Bytes) -> Result<(), RtcError> {
        if message.len() > MAX_MESSAGE {
            return Err(RtcError::MessageTooLarge { size: message.len() });
        }
        if !self.pulse.is_open() {
            return Err(self.life.reason().map_or(RtcError::NotOpen, RtcError::Closed));
        }
        if message.len() <= SMALL && self.outstanding(channel).await? == 0 {
            return self.hand_over(channel, message).await;
        }
        let _turn = self.line.lock().await;
        if !self.state().window.has_room() {
            self.room().await?;
        }
        self.hand_over(channel, message).await
    }

    /// Waits until everything sent has been acknowledged, or the connection has ended.
    pub(super) async fn drained(&self) {
        loop {
            let beat = self.pulse.beat();
            tokio::pin!(beat);
            beat.as_mut().enable();
            match self.total().await {
                Ok(outstanding) if outstanding > 0 => beat.await,
                _ => return,
            }
        }
    }

    /// Whether another message would be sent without waiting, as far as known.
    #[cfg(test)]
    pub(super) fn has_room(&self) -> bool {
        self.state().window.has_room()
    }

    async fn room(&self) -> Result<(), RtcError> {
        let total = self.total().await?;
        self.state().window.observe(total, Instant::now());
        loop {
            let beat = self.pulse.beat();
            tokio::pin!(beat);
            // Listening before looking: an acknowledgement in between is not missed.
            beat.as_mut().enable();
            let total = self.total().await?;
            let has_room = {
                let mut state = self.state();
                state.window.observe_waiting(total, Instant::now());
                state.window.has_room()
            };
            if has_room {
                return Ok(());
            }
            beat.await;
        }
    }

    async fn hand_over(&self, channel: Channel, message: Bytes) -> Result<(), RtcError> {
        let len = message.len();
        self.alive()?;
        let sent = self.channels[channel.index()].send(BytesMut::from(message)).await;
        sent.map_err(|error| self.ended(&error))?;
        let mut state = self.state();
        state.outstanding[channel.index()] += len;
        state.window.sent(len, Instant::now());
        Ok(())
    }

    /// Unacknowledged bytes of all channels.
    async fn total(&self) -> Result<usize, RtcError> {
        let mut total = 0;
        for channel in Channel::ALL {
            total += self.outstanding(channel).await?;
        }
        Ok(total)
    }

    /// Unacknowledged bytes of one channel. Asks the library only where something may be.
    async fn outstanding(&self, channel: Channel) -> Result<usize, RtcError> {
        self.alive()?;
        if self.state().outstanding[channel.index()] == 0 {
            return Ok(0);
        }
        let outstanding = self.channels[channel.index()].outstanding_bytes().await;
        let outstanding = outstanding.map_err(|error| self.ended(&error))?;
        self.state().outstanding[channel.index()] = outstanding;
        Ok(outstanding)
    }

    fn alive(&self) -> Result<(), RtcError> {
        self.life.reason().map_or(Ok(()), |reason| Err(RtcError::Closed(reason)))
    }

    /// An open channel refuses only when it is gone: the peer closed it, or the connection ends.
    fn ended(&self, error: &Error) -> RtcError {
        tracing::debug!(%error, "a channel is gone");
        self.life.end(CloseReason::Remote);
        RtcError::Closed(self.life.reason().unwrap_or(CloseReason::Remote))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The lock is never held across anything that could panic halfway through a change.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
