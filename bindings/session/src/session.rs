//! The handle of a session.

use std::{
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle, ThreadId},
};

use connectoid::{Error, ErrorKind};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::{
    message::Outlet,
    serve::{self, Order},
    shared::Shared,
};

/// Why a call was not taken. It gets no answer through the outlet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A call with this id runs already.
    #[error("a call with this id is running; choose ids that differ")]
    IdInUse,
    /// There is no call or request with this id, or it was answered already.
    #[error("there is no such call or request, or it was answered already")]
    NoSuchId,
    /// [`crate::CALLS`] calls run, or have answers that the receiver has not let go.
    #[error("too many calls are running, or have answers that were not freed")]
    TooManyCalls,
    /// The session was released.
    #[error("the session was released")]
    Released,
    /// The operating system gave no thread.
    #[error("a thread could not be started")]
    NoThread,
}

/// A node, and a thread that talks to it.
pub struct Session {
    shared: Arc<Shared>,
    thread: ThreadId,
    /// None when it was released.
    ends: Mutex<Option<Ends>>,
}

struct Ends {
    inbox: mpsc::UnboundedSender<Order>,
    thread: JoinHandle<()>,
}

impl Session {
    /// Opens a node with the settings of an [`crate::Opening`]. The answer, under this id, is
    /// [`connectoid::api::Reply::User`]. Calls may follow at once: they wait.
    ///
    /// # Errors
    /// [`Refused::NoThread`].
    pub fn open(id: u64, settings: Zeroizing<String>, outlet: Arc<dyn Outlet>) -> Result<Self, Refused> {
        let shared = Arc::new(Shared::new(outlet));
        let (inbox, orders) = mpsc::unbounded_channel();
        // Once there is a call to answer, nothing here may fail any more.
        let (begin, begun) = std::sync::mpsc::channel();
        let served = shared.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(|_| Refused::NoThread)?;
        let thread = thread::Builder::new()
            .name("connectoid-calls".to_owned())
            .spawn(move || {
                if let Ok(to_open) = begun.recv() {
                    runtime.block_on(serve::serve(served, to_open, orders));
                }
            })
            .map_err(|_| Refused::NoThread)?;
        let (replier, cancelled) = shared.begin(id)?;
        if let Err(unsent) = begin.send(serve::ToOpen { settings, replier, cancelled }) {
            unsent.0.replier.forget();
            return Err(Refused::NoThread);
        }
        let id = thread.thread().id();
        Ok(Self { shared, thread: id, ends: Mutex::new(Some(Ends { inbox, thread })) })
    }

    /// Makes a call: JSON, and bytes beside it. What is wrong with its content is answered through the outlet.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn call(&self, id: u64, json: String, bytes: Vec<u8>) -> Result<(), Refused> {
        self.order(|| {
            let (replier, cancelled) = self.shared.begin(id)?;
            Ok(Order::Call { replier, cancelled, json, bytes })
        })
    }

    /// Takes a call back: it is answered with [`ErrorKind::Cancelled`] unless its answer is on the way. What waits for
    /// a peer is not sent any more; what was done stays done.
    ///
    /// # Errors
    /// [`Refused::NoSuchId`].
    pub fn cancel(&self, id: u64) -> Result<(), Refused> {
        let cancelled = Error::new(ErrorKind::Cancelled, "the call was cancelled");
        if self.shared.end(id, cancelled) { Ok(()) } else { Err(Refused::NoSuchId) }
    }

    /// Answers a request: bytes, or what went wrong.
    ///
    /// # Errors
    /// [`Refused::NoSuchId`], also if the request is not waited for any more.
    pub fn complete(&self, id: u64, answer: Result<Zeroizing<Vec<u8>>, String>) -> Result<(), Refused> {
        if self.shared.host.complete(id, answer) { Ok(()) } else { Err(Refused::NoSuchId) }
    }

    /// Closes the node. The answer comes when the data folder is free for another node and every call made before
    /// was answered; later calls are answered with [`ErrorKind::Closed`]. Cannot be cancelled, and is taken however many calls there are.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn close(&self, id: u64) -> Result<(), Refused> {
        self.order(|| Ok(Order::Close(self.shared.begin_last(id))))
    }

    /// Whether the caller is in [`Outlet::deliver`].
    pub fn is_own_thread(&self) -> bool {
        thread::current().id() == self.thread
    }

    /// Ends the session. A node that is still open is closed in the background. If it was closed, this returns when
    /// the session's thread has ended, unless it is called by that thread.
    pub fn release(&self) {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(Ends { inbox, thread }) = ends else { return };
        drop(inbox);
        if self.shared.is_closed() && !self.is_own_thread() {
            // A thread that panicked has ended as well.
            let _ = thread.join();
        }
    }

    fn order(&self, order: impl FnOnce() -> Result<Order, Refused>) -> Result<(), Refused> {
        let ends = self.ends.lock().unwrap_or_else(PoisonError::into_inner);
        let inbox = &ends.as_ref().ok_or(Refused::Released)?.inbox;
        inbox.send(order()?).map_err(|unsent| {
            // The thread has panicked. The caller learns of it here and not through the outlet.
            unsent.0.forget();
            Refused::NoThread
        })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.release();
    }
}
