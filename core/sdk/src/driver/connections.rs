//! WebRTC connections, and whole frames over them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use connectoid_protocol::frame::{FrameError, Joiner, pieces};
use tokio::{runtime::Handle, sync::mpsc, task::JoinHandle};

use super::{hands::lock, tasks::Tasks};
use crate::{
    engine::{DescribeFailure, Input, LinkId},
    rtc::{Channel, CloseReason, Connection, Incoming, RtcConfig, RtcError, RtcEvent},
};

/// How long what was sent last may take to leave.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// All connections of a node.
pub(super) struct Connections {
    runtime: Handle,
    config: Arc<RtcConfig>,
    reports: mpsc::Sender<Input>,
    open: Mutex<HashMap<LinkId, Line>>,
    /// What is being closed: the last frames are on their way, and the peer is told.
    closing: Tasks,
}

/// One connection: what is to be done with it, in order, and the task that does it.
struct Line {
    orders: mpsc::UnboundedSender<Order>,
    task: JoinHandle<()>,
}

impl Line {
    /// Closes after what was sent before; a peer that does not take it is not waited for.
    async fn close(mut self) {
        // A task that has ended is closed already.
        let _ = self.orders.send(Order::Close);
        if tokio::time::timeout(CLOSE_LIMIT, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// What a connection's task is told. The queue is unbounded, but what the engine puts into it is not:
/// sync stops at its window, app messages at the length of their queue.
enum Order {
    UseAnswer(String),
    Send(Channel, Vec<u8>),
    Close,
}

impl Connections {
    pub(super) fn new(runtime: Handle, config: RtcConfig, reports: mpsc::Sender<Input>) -> Self {
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

    /// Sends a frame.
    pub(super) fn send(&self, link: LinkId, channel: Channel, frame: Vec<u8>) {
        self.order(link, Order::Send(channel, frame));
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
        let reports = self.reports.clone();
        let task = self.runtime.spawn(async move {
            match describe.await {
                Ok((connection, incoming, sdp)) => {
                    report(&reports, Input::Described(link, Ok(sdp))).await;
                    run(link, connection, incoming, ordered, reports).await;
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
        open.insert(link, Line { orders, task });
    }

    fn order(&self, link: LinkId, order: Order) {
        if let Some(line) = lock(&self.open).get(&link) {
            // A task that has ended reported so: the engine will hear of it.
            let _ = line.orders.send(order);
        }
    }
}

/// Serves one connection until it is closed, by either side.
async fn run(
    link: LinkId,
    connection: Connection,
    incoming: Incoming,
    mut ordered: mpsc::UnboundedReceiver<Order>,
    reports: mpsc::Sender<Input>,
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
            Order::Send(channel, frame) => send(&connection, channel, &frame).await,
            Order::Close => break,
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a connection failed");
        }
    }
    connection.close().await;
    reader.abort();
}

async fn send(connection: &Connection, channel: Channel, frame: &[u8]) -> Result<(), RtcError> {
    for piece in pieces(frame) {
        connection.send(channel, Bytes::from(piece)).await?;
    }
    Ok(())
}

/// Reports what comes in, frame by frame. The queue before the engine is bounded, so that a peer who
/// sends faster than the engine takes is slowed down by the connection itself.
async fn read(link: LinkId, mut incoming: Incoming, reports: mpsc::Sender<Input>) {
    let mut joiners: [Joiner; Channel::ALL.len()] = Default::default();
    let mut misbehaved = None;
    while let Some(event) = incoming.next().await {
        match event {
            RtcEvent::Open { local_certificate, remote_certificate } => {
                report(&reports, Input::Opened(link, local_certificate, remote_certificate)).await;
            }
            RtcEvent::Message { channel, data } => match joiners[channel as usize].push(&data) {
                Ok(Some(frame)) => report(&reports, Input::Frame(link, channel, frame)).await,
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

async fn report(reports: &mpsc::Sender<Input>, input: Input) {
    // The engine may be gone; then nobody wants to know.
    let _ = reports.send(input).await;
}
