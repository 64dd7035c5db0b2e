//! Receiving: the events of all four channels as one sequence.
//!
//! Nothing is buffered here. Each channel has the library's own queue, and a channel is read only when the
//! consumer asks for the next event, so that a slow consumer fills the queue, the queue stops the library
//! from reading SCTP, and SCTP stops the peer. Before `Open`, channels that have opened are not read at all:
//! their messages wait.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use webrtc::data_channel::{DataChannel, DataChannelEvent};
use webrtc::peer_connection::PeerConnection;

use super::flow::DataChannels;
use super::guard::watch::Watch;
use super::lifecycle::{Lease, Lifecycle};
use super::runtime::Pulse;
use super::{Channel, CloseReason, RtcEvent, certificate};

/// How many messages may come before the channels are reported open. Peers speak a handshake first, so
/// these are a handful.
const MAX_EARLY: usize = 64;

/// The one receiver of a connection's events. Dropping it closes the connection, since nobody would read it.
pub(crate) struct Incoming {
    inputs: [Input; Channel::ALL.len()],
    /// Where the next search for an event starts, so that no channel starves the others.
    turn: usize,
    stage: Stage,
    /// Messages that came before their channel was reported open: a peer that is open already may send
    /// while our side still hears of its own channels.
    early: VecDeque<RtcEvent>,
    local_certificate: [u8; 32],
    connection: Arc<dyn PeerConnection>,
    pulse: Arc<Pulse>,
    watch: Arc<Watch>,
    lease: Lease,
}

impl fmt::Debug for Incoming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("stage", &self.stage).finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Opening,
    Open,
    Closed,
}

impl Incoming {
    pub(super) fn new(
        channels: DataChannels,
        local_certificate: [u8; 32],
        connection: Arc<dyn PeerConnection>,
        life: Arc<Lifecycle>,
        pulse: Arc<Pulse>,
        watch: Arc<Watch>,
    ) -> Incoming {
        Incoming {
            inputs: channels.map(Input::new),
            turn: 0,
            stage: Stage::Opening,
            early: VecDeque::new(),
            local_certificate,
            connection,
            pulse,
            watch,
            lease: Lease(life),
        }
    }

    /// The next event; `None` after `Closed`. May be cancelled and called again without losing any.
    pub(crate) async fn next(&mut self) -> Option<RtcEvent> {
        match self.stage {
            Stage::Opening => Some(self.open().await),
            Stage::Open => Some(self.receive().await),
            Stage::Closed => None,
        }
    }

    async fn open(&mut self) -> RtcEvent {
        for index in 0..self.inputs.len() {
            while !self.inputs[index].opened {
                match self.inputs[index].event().await {
                    Some(DataChannelEvent::OnOpen) => self.inputs[index].opened = true,
                    Some(DataChannelEvent::OnMessage(message)) if self.early.len() < MAX_EARLY => {
                        self.watch.delivered(Channel::ALL[index]);
                        let data = message.data.freeze();
                        self.early.push_back(RtcEvent::Message { channel: Channel::ALL[index], data });
                    }
                    Some(DataChannelEvent::OnMessage(_)) => {
                        self.lease.0.end(CloseReason::PeerMisbehaved);
                        return self.closed();
                    }
                    Some(event) => self.note(&event),
                    None => return self.closed(),
                }
            }
        }
        match remote_certificate(&*self.connection).await {
            Some(remote_certificate) => {
                self.stage = Stage::Open;
                self.pulse.opened();
                self.watch.opened();
                RtcEvent::Open { local_certificate: self.local_certificate, remote_certificate }
            }
            // Channels without a certificate under them: the connection is being torn down, or worse.
            None => self.closed(),
        }
    }

    async fn receive(&mut self) -> RtcEvent {
        if let Some(message) = self.early.pop_front() {
            return message;
        }
        loop {
            let (index, event) = std::future::poll_fn(|cx| self.poll_inputs(cx)).await;
            match event {
                Some(DataChannelEvent::OnMessage(message)) => {
                    self.watch.delivered(Channel::ALL[index]);
                    let data = message.data.freeze();
                    return RtcEvent::Message { channel: Channel::ALL[index], data };
                }
                Some(event) => self.note(&event),
                None if self.inputs.iter().all(|input| input.ended) => return self.closed(),
                None => {}
            }
        }
    }

    /// What remains to be read is read to its end before `Closed` is reported; the supervisor ends the
    /// queues.
    fn closed(&mut self) -> RtcEvent {
        self.stage = Stage::Closed;
        self.watch.tell();
        let life = &self.lease.0;
        life.end(CloseReason::Failed);
        RtcEvent::Closed { reason: life.reason().unwrap_or(CloseReason::Failed) }
    }

    fn note(&self, event: &DataChannelEvent) {
        match event {
            DataChannelEvent::OnClose | DataChannelEvent::OnClosing => self.lease.0.end(CloseReason::Remote),
            DataChannelEvent::OnError => self.lease.0.end(CloseReason::Failed),
            _ => {}
        }
    }

    fn poll_inputs(&mut self, cx: &mut Context<'_>) -> Poll<(usize, Option<DataChannelEvent>)> {
        let count = self.inputs.len();
        for index in (self.turn..self.turn + count).map(|index| index % count) {
            if let Poll::Ready(event) = self.inputs[index].poll(cx) {
                self.turn = (index + 1) % count;
                return Poll::Ready((index, event));
            }
        }
        Poll::Pending
    }
}

async fn remote_certificate(connection: &dyn PeerConnection) -> Option<[u8; 32]> {
    let dtls = connection.sctp().await?.transport();
    let certificates = dtls.get_remote_certificates().await.ok()?;
    certificates.first().map(|der| certificate::hash(der))
}

type NextEvent = Pin<Box<dyn Future<Output = Option<DataChannelEvent>> + Send>>;

/// The events of one channel. The future that waits for the next one is kept between calls, so that a
/// cancelled wait loses nothing.
struct Input {
    channel: Arc<dyn DataChannel>,
    next: NextEvent,
    opened: bool,
    ended: bool,
}

impl Input {
    fn new(channel: Arc<dyn DataChannel>) -> Input {
        Input { next: next_event(&channel), channel, opened: false, ended: false }
    }

    async fn event(&mut self) -> Option<DataChannelEvent> {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    /// The next event, once `None` when the channel has ended, and never anything after that.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<DataChannelEvent>> {
        if self.ended {
            return Poll::Pending;
        }
        let event = std::task::ready!(self.next.as_mut().poll(cx));
        match event {
            Some(_) => self.next = next_event(&self.channel),
            None => self.ended = true,
        }
        Poll::Ready(event)
    }
}

fn next_event(channel: &Arc<dyn DataChannel>) -> NextEvent {
    let channel = Arc::clone(channel);
    Box::pin(async move { channel.poll().await })
}
