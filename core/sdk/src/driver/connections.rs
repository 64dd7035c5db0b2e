//! WebRTC connections, and whole frames over them.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use connectoid_protocol::frame::{FrameError, Joiner, pieces};
use tokio::{
    runtime::Handle,
    sync::{Semaphore, mpsc},
    task::JoinHandle,
};

use super::{engine_thread::Report, hands::lock, tasks::Tasks};
use crate::{
    engine::{DescribeFailure, Input, LinkId},
    rtc::{Channel, CloseReason, Connection, Incoming, RtcConfig, RtcError, RtcEvent},
};

/// How long what was sent last may take to leave.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// How many bytes may wait for a peer to take them. Of its own accord the engine has less to say: 256 app messages (64
/// MiB), one window of sync (1 MiB), and a step of the repair in each of 256 groups (12 MiB). The rest are answers,
/// which a peer can ask for without taking them.
const MAX_WAITING: usize = 96 << 20;

/// How many bytes of frames of one connection may wait for the engine; what is beyond waits at the peer. Several of the
/// largest frames, so that the next is there when one is done.
const MAX_UNTAKEN: usize = 1 << 20;

/// What a frame counts for at least among these: all connections wait in one line, and a small frame may take the engine
/// as long as a large one. So no more than 64 of one connection are before those of another.
const MIN_UNTAKEN: usize = MAX_UNTAKEN / 64;

/// What a frame takes beyond its bytes: without it, empty ones would be free.
const FRAME_OVERHEAD: usize = 64;

/// All connections of a node.
pub(super) struct Connections {
    runtime: Handle,
    config: Arc<RtcConfig>,
    reports: mpsc::Sender<Report>,
    open: Mutex<HashMap<LinkId, Line>>,
    /// What is being closed: the last frames are on their way, and the peer is told.
    closing: Tasks,
}

/// One connection: what is to be done with it, in order, and the task that does it.
struct Line {
    orders: mpsc::UnboundedSender<Order>,
    /// What the frames among the orders take, in bytes.
    waiting: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Line {
    fn order(&self, order: Order) {
        // A task that has ended reported so: the engine will hear of it.
        let _ = self.orders.send(order);
    }

    /// Closes after what was sent before; a peer that does not take it is not waited for.
    async fn close(mut self) {
        self.order(Order::Close);
        if tokio::time::timeout(CLOSE_LIMIT, &mut self.task).await.is_err() {
            self.break_off().await;
        }
    }

    /// Closes at once. Whoever reads from the connection finds it closed, and reports so.
    async fn break_off(self) {
        self.task.abort();
        // That it was cancelled is no news.
        let _ = self.task.await;
    }
}

/// What a connection's task is told.
enum Order {
    UseAnswer(String),
    Send(Channel, Vec<u8>),
    Close,
}

impl Connections {
    pub(super) fn new(runtime: Handle, config: RtcConfig, reports: mpsc::Sender<Report>) -> Self {
        let (open, closing) = (Mutex::default(), Tasks::default());
        Self { runtime, config: Arc::new(config), reports, open, closing }
    }

    /// Makes an offer.
    pub(super) fn offer(&self, link: LinkId) {
        let config = self.config.clone();
        self.start(link, async move { Connection::offer(&config).await });
    }

    /// Makes an answer.
    pub(super) fn answer(&self, link: LinkId, sdp: String) {
        let config = self.config.clone();
        self.start(link, async move { Connection::answer(&config, &sdp).await });
    }

    /// Uses the peer's answer.
    pub(super) fn use_answer(&self, link: LinkId, sdp: String) {
        self.order(link, Order::UseAnswer(sdp));
    }

    /// Sends a frame. Where nothing gets through any more and too much waits, the connection is broken off.
    pub(super) fn send(&self, link: LinkId, channel: Channel, frame: Vec<u8>) {
        let mut open = lock(&self.open);
        let Some(line) = open.get(&link) else { return };
        let taken = room(&frame);
        if line.waiting.fetch_add(taken, Ordering::Relaxed) + taken <= MAX_WAITING {
            line.order(Order::Send(channel, frame));
        } else if let Some(line) = open.remove(&link) {
            tracing::debug!("a peer takes nothing any more");
            self.closing.spawn(line.break_off(), &self.runtime);
        }
    }

    /// Closes a connection after what was sent before.
    pub(super) fn close(&self, link: LinkId) {
        if let Some(line) = lock(&self.open).remove(&link) {
            self.closing.spawn(line.close(), &self.runtime);
        }
    }

    /// Closes all connections and waits until they are closed, and those that were being closed.
    pub(super) async fn close_all(&self) {
        for (_, line) in lock(&self.open).drain() {
            self.closing.spawn(line.close(), &self.runtime);
        }
        self.closing.end().await;
    }

    fn start(
        &self,
        link: LinkId,
        describe: impl Future<Output = Result<(Connection, Incoming, String), RtcError>> + Send + 'static,
    ) {
        let (orders, ordered) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let (reports, sent) = (self.reports.clone(), waiting.clone());
        let task = self.runtime.spawn(async move {
            match describe.await {
                Ok((connection, incoming, sdp)) => {
                    report(&reports, Input::Described(link, Ok(sdp))).await;
                    run(link, connection, incoming, (ordered, sent), reports).await;
                }
                Err(error) => {
                    tracing::debug!(%error, "no session description");
                    let blame = match error {
                        RtcError::Description(_) | RtcError::Rejected(_) => DescribeFailure::Peer,
                        _ => DescribeFailure::Own,
                    };
                    report(&reports, Input::Described(link, Err(blame))).await;
                }
            }
        });
        let mut open = lock(&self.open);
        open.retain(|_, line| !line.task.is_finished());
        open.insert(link, Line { orders, waiting, task });
    }

    fn order(&self, link: LinkId, order: Order) {
        if let Some(line) = lock(&self.open).get(&link) {
            line.order(order);
        }
    }
}

/// Serves one connection until it is closed, by either side.
async fn run(
    link: LinkId,
    connection: Connection,
    incoming: Incoming,
    (mut ordered, waiting): (mpsc::UnboundedReceiver<Order>, Arc<AtomicUsize>),
    reports: mpsc::Sender<Report>,
) {
    let reader = tokio::spawn(read(link, incoming, reports.clone()));
    while let Some(order) = ordered.recv().await {
        let done = match order {
            Order::UseAnswer(sdp) => match connection.accept_answer(&sdp).await {
                Ok(()) => Ok(()),
                Err(error) => {
                    report(&reports, Input::Described(link, Err(DescribeFailure::Peer))).await;
                    Err(error)
                }
            },
            Order::Send(channel, frame) => {
                let sent = send(&connection, channel, &frame).await;
                waiting.fetch_sub(room(&frame), Ordering::Relaxed);
                sent
            }
            Order::Close => break,
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a connection failed");
        }
    }
    connection.close().await;
    reader.abort();
}

/// What a frame takes while it waits, in bytes.
fn room(frame: &[u8]) -> usize {
    frame.len() + FRAME_OVERHEAD
}

async fn send(connection: &Connection, channel: Channel, frame: &[u8]) -> Result<(), RtcError> {
    for piece in pieces(frame) {
        connection.send(channel, Bytes::from(piece)).await?;
    }
    Ok(())
}

/// Reports what comes in, frame by frame. What may wait before the engine is bounded, so that a peer who
/// sends faster than the engine takes is slowed down by the connection itself.
async fn read(link: LinkId, mut incoming: Incoming, reports: mpsc::Sender<Report>) {
    let mut joiners: [Joiner; Channel::ALL.len()] = Default::default();
    let untaken = Arc::new(Semaphore::new(MAX_UNTAKEN));
    let mut misbehaved = None;
    while let Some(event) = incoming.next().await {
        match event {
            RtcEvent::Open { local_certificate, remote_certificate } => {
                report(&reports, Input::Opened(link, local_certificate, remote_certificate)).await;
            }
            RtcEvent::Message { channel, data } => match joiners[channel as usize].push(&data) {
                Ok(Some(frame)) => {
                    let taken = u32::try_from(room(&frame).max(MIN_UNTAKEN)).unwrap_or(u32::MAX);
                    // It is never closed, and has room for the largest frame.
                    let Ok(room) = untaken.clone().acquire_many_owned(taken).await else { break };
                    report(&reports, Report::in_room(Input::Frame(link, channel, frame), room)).await;
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(%error, ?channel, "a piece cannot be joined");
                    misbehaved = Some(error);
                    break;
                }
            },
            RtcEvent::Closed { reason } => {
                tracing::debug!(?reason, "a connection ended");
                misbehaved = (reason == CloseReason::PeerMisbehaved).then_some(FrameError::Malformed);
                break;
            }
        }
    }
    report(&reports, Input::Closed(link, misbehaved)).await;
}

async fn report(reports: &mpsc::Sender<Report>, report: impl Into<Report>) {
    // The engine may be gone; then nobody wants to know.
    let _ = reports.send(report.into()).await;
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use connectoid_protocol::{connect::AttemptId, frame::MAX_APP_MESSAGE};

    use super::*;

    const LINK: LinkId = (1, AttemptId(1));

    async fn next(told: &mut mpsc::Receiver<Report>) -> Option<Input> {
        told.recv().await.map(|report| report.input)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_peer_that_takes_nothing_is_let_go() {
        let config = RtcConfig { bind: vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], ..RtcConfig::default() };
        let (reports, mut told) = mpsc::channel(16);
        let connections = Connections::new(Handle::current(), config.clone(), reports);
        connections.offer(LINK);
        let Some(Input::Described(LINK, Ok(offer))) = next(&mut told).await else { panic!("no offer") };
        // What comes in is not read.
        let (_peer, _incoming, answer) = Connection::answer(&config, &offer).await.unwrap();
        connections.use_answer(LINK, answer);
        assert!(matches!(next(&mut told).await, Some(Input::Opened(LINK, ..))));
        let mut sent = 0;
        while lock(&connections.open).contains_key(&LINK) {
            connections.send(LINK, Channel::App, vec![0; MAX_APP_MESSAGE]);
            sent += 1;
        }
        assert!(sent >= 256, "{sent}");
        assert!(matches!(next(&mut told).await, Some(Input::Closed(LINK, None))));
        connections.close_all().await;
    }
}
