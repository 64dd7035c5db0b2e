//! What the handle of a session and its thread both know: which calls run, and how they are answered.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use connectoid::{Error, ErrorKind, Result};
use connectoid_engine::calls::Encoded;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};

use crate::{
    host::Host,
    message::{Message, Outlet},
    session::Refused,
};

/// How many calls may run or have answers that the receiver still holds: enough for an app that writes ten thousand
/// records at once.
pub const CALLS: usize = 16_384;

/// How many events the receiver may hold; further ones wait.
pub const EVENTS: usize = 1024;

/// How many pages of observers the receiver may hold; a page has up to 1,000 records.
pub const PAGES: usize = 16;

pub(crate) struct Shared {
    pub(crate) outlet: Arc<dyn Outlet>,
    pub(crate) host: Arc<Host>,
    pub(crate) calls: Arc<Semaphore>,
    pub(crate) events: Arc<Semaphore>,
    pub(crate) pages: Arc<Semaphore>,
    /// The calls that can be cancelled.
    running: Mutex<HashMap<u64, oneshot::Sender<Error>>>,
    finished: Notify,
    /// Whether a call of `close` was answered.
    closed: AtomicBool,
}

impl Shared {
    pub(crate) fn new(outlet: Arc<dyn Outlet>) -> Self {
        Self {
            host: Arc::new(Host::new(outlet.clone())),
            outlet,
            calls: Arc::new(Semaphore::new(CALLS)),
            events: Arc::new(Semaphore::new(EVENTS)),
            pages: Arc::new(Semaphore::new(PAGES)),
            running: Mutex::default(),
            finished: Notify::new(),
            closed: AtomicBool::new(false),
        }
    }

    /// Begins a call: there will be exactly one answer.
    pub(crate) fn begin(self: &Arc<Self>, id: u64) -> Result<(Replier, oneshot::Receiver<Error>), Refused> {
        let permit = self.calls.clone().try_acquire_owned().map_err(|_| Refused::TooManyCalls)?;
        let (cancel, cancelled) = oneshot::channel();
        let mut running = self.running();
        if running.contains_key(&id) {
            return Err(Refused::IdInUse);
        }
        running.insert(id, cancel);
        drop(running);
        Ok((Replier { shared: self.clone(), id, owed: true, permit: Some(permit), listed: true }, cancelled))
    }

    /// Begins a call that is always taken and cannot be cancelled.
    pub(crate) fn begin_last(self: &Arc<Self>, id: u64) -> Replier {
        Replier { shared: self.clone(), id, owed: true, permit: None, listed: false }
    }

    /// Ends a call with an error; false if it does not run.
    pub(crate) fn end(&self, id: u64, error: Error) -> bool {
        let running = &mut *self.running();
        let Some(cancel) = running.get_mut(&id) else { return false };
        // It stays listed until it is answered. A second cancel finds nobody, which is as well.
        let _ = std::mem::replace(cancel, oneshot::channel().0).send(error);
        true
    }

    /// Ends all calls and waits until they are answered.
    pub(crate) async fn end_all(&self) {
        let ids: Vec<u64> = self.running().keys().copied().collect();
        for id in ids {
            self.end(id, closed());
        }
        loop {
            let finished = self.finished.notified();
            if self.running().is_empty() {
                return;
            }
            finished.await;
        }
    }

    pub(crate) fn set_closed(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<u64, oneshot::Sender<Error>>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Owes a call its answer. If it is dropped, by a panic, the call fails.
pub(crate) struct Replier {
    shared: Arc<Shared>,
    id: u64,
    /// Whether the answer is still to come.
    owed: bool,
    permit: Option<OwnedSemaphorePermit>,
    /// Whether it can be cancelled.
    listed: bool,
}

impl Replier {
    pub(crate) fn id(&self) -> u64 {
        self.id
    }

    pub(crate) fn reply(mut self, result: Result<Encoded>) {
        self.answer(result);
    }

    /// Takes back that the call was begun.
    pub(crate) fn forget(mut self) {
        self.owed = false;
        self.end();
    }

    fn answer(&mut self, result: Result<Encoded>) {
        if !std::mem::take(&mut self.owed) {
            return;
        }
        // First, so that the receiver may use the id again.
        self.end();
        self.shared.outlet.deliver(Message::answer(self.id, result, self.permit.take()));
        self.shared.finished.notify_waiters();
    }

    fn end(&self) {
        if self.listed {
            self.shared.running().remove(&self.id);
        }
    }
}

impl Drop for Replier {
    fn drop(&mut self) {
        self.answer(Err(Error::new(ErrorKind::Internal, "the call was lost to a defect of the SDK")));
    }
}

pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the node is closed")
}
