//! Which output of the engine goes to which driver.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connectoid_protocol::poll::CheckId;
use futures_util::future::join;
use tokio::{
    runtime::Handle,
    sync::{broadcast, mpsc, oneshot},
    task::AbortHandle,
    time::timeout,
};

use super::{connections::Connections, engine_thread::Report, platform::Native, tasks::Tasks};
use crate::{
    Result,
    api::Reply,
    engine::{Checked, Input, Output, RequestId, ServiceFailure},
    events::{Shelf, Told},
    mailbox::Mailbox,
    rtc::RtcConfig,
};

/// How long closing waits for services: a program that does one thing and ends has it done, and one that is offline
/// does not hang. What a peer must be told is in the store as well, and is told after the next start.
const LEAVING: Duration = Duration::from_secs(2);

/// Whoever wants to hear of events.
pub(crate) type Listeners = broadcast::Sender<Arc<Told>>;

/// The drivers.
pub(crate) struct Hands {
    runtime: Handle,
    mailbox: Arc<Mailbox<Native>>,
    connections: Connections,
    listeners: Listeners,
    shelf: Shelf,
    replies: Mutex<HashMap<RequestId, oneshot::Sender<Result<Reply>>>>,
    checks: Mutex<HashMap<CheckId, AbortHandle>>,
    /// What is on its way to services, and must not end with the node at once.
    leaving: Tasks,
    reports: mpsc::Sender<Report>,
}

impl Hands {
    pub(crate) fn new(
        runtime: Handle,
        config: RtcConfig,
        native: Native,
        listeners: Listeners,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        let connections = Connections::new(runtime.clone(), config, reports.clone());
        let (replies, checks) = (Mutex::default(), Mutex::default());
        Self {
            runtime,
            mailbox: Arc::new(Mailbox::new(native)),
            connections,
            listeners,
            shelf: Shelf::default(),
            replies,
            checks,
            leaving: Tasks::default(),
            reports,
        }
    }

    /// Keeps the place to which a command's reply goes.
    pub(super) fn expect_reply(&self, request: RequestId, reply: oneshot::Sender<Result<Reply>>) {
        lock(&self.replies).insert(request, reply);
    }

    /// Does what the engine asks for; never waits.
    pub(super) fn carry_out(&self, output: Output) {
        match output {
            Output::Reply(request, reply) => {
                if let Some(waiting) = lock(&self.replies).remove(&request) {
                    // Whoever asked may have stopped waiting.
                    let _ = waiting.send(reply);
                }
            }
            Output::Event(event) => self.tell(Told::event(event)),
            Output::Message(link, message, event) => {
                let (runtime, reports) = (self.runtime.clone(), self.reports.downgrade());
                let answer = move |taken| {
                    runtime.spawn(async move {
                        if let Some(reports) = reports.upgrade() {
                            // The engine may be gone.
                            let _ = reports.send(Input::Handed(link, message, taken).into()).await;
                        }
                    });
                };
                let told = Told::message(event, Box::new(answer));
                self.shelf.put(&told);
                self.tell(told);
            }
            Output::Check { id, endpoint, boxes, wait } => {
                let mailbox = self.mailbox.clone();
                self.start_check(id, async move { mailbox.check(&endpoint, &boxes, wait).await });
            }
            Output::AbortCheck(id) => {
                if let Some(check) = lock(&self.checks).remove(&id) {
                    check.abort();
                }
            }
            Output::Send { id, to, data } => {
                let (mailbox, reports) = (self.mailbox.clone(), self.reports.clone());
                let sending = async move {
                    let results = mailbox.send(&to, &data).await;
                    // The engine may be gone.
                    let _ = reports.send(Input::Sent(id, results).into()).await;
                };
                self.leaving.spawn(sending, &self.runtime);
            }
            Output::DropBox(key, endpoints) => {
                let mailbox = self.mailbox.clone();
                let closing = async move { mailbox.close(&key, &endpoints).await };
                self.leaving.spawn(closing, &self.runtime);
            }
            Output::MakeOffer(link) => self.connections.offer(link),
            Output::MakeAnswer(link, sdp) => self.connections.answer(link, sdp),
            Output::UseAnswer(link, sdp) => self.connections.use_answer(link, sdp),
            Output::Frame(link, channel, frame) => self.connections.send(link, channel, frame),
            Output::Close(link) => self.connections.close(link),
        }
    }

    fn tell(&self, told: Arc<Told>) {
        // Nobody may be listening.
        let _ = self.listeners.send(told);
    }

    /// Closes all connections and waits until they are closed, and until what was to be sent is sent.
    pub(super) async fn close(&self) {
        lock(&self.checks).drain().for_each(|(_, check)| check.abort());
        let in_time = timeout(LEAVING, self.leaving.end());
        if join(in_time, self.connections.close_all()).await.0.is_err() {
            tracing::debug!("a service was too slow for what was to be sent before the end");
        }
    }

    fn start_check(
        &self,
        id: CheckId,
        check: impl Future<Output = Result<Checked, ServiceFailure>> + Send + 'static,
    ) {
        let reports = self.reports.clone();
        let task = self.runtime.spawn(async move {
            let result = check.await;
            // The engine may be gone.
            let _ = reports.send(Input::Checked(id, result).into()).await;
        });
        let mut checks = lock(&self.checks);
        checks.retain(|_, check| !check.is_finished());
        checks.insert(id, task.abort_handle());
    }
}

/// Locks; what a panicking thread left is still a map.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
