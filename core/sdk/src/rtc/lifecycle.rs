//! How a connection ends: once, for one reason, with everything released.
//!
//! Many things may end a connection and several may do so at once. Whoever comes first calls
//! [`Lifecycle::end`] and its reason stands. That wakes the supervising task, which closes the library's
//! driver and then reports, by [`Lifecycle::release`], that sockets and tasks are gone.

use std::sync::{Arc, OnceLock};

use tokio::sync::{Notify, watch};

use super::CloseReason;

/// The end of one connection, shared by everything that belongs to it.
#[derive(Debug)]
pub(super) struct Lifecycle {
    reason: OnceLock<CloseReason>,
    ending: Notify,
    released: watch::Sender<bool>,
}

impl Lifecycle {
    pub(super) fn new() -> Arc<Lifecycle> {
        Arc::new(Lifecycle {
            reason: OnceLock::new(),
            ending: Notify::new(),
            released: watch::Sender::new(false),
        })
    }

    /// Ends the connection. Only the first reason counts. Does not block.
    pub(super) fn end(&self, reason: CloseReason) {
        if self.reason.set(reason).is_ok() {
            // A permit, not a broadcast: the one waiter, the supervisor, may not be waiting yet.
            self.ending.notify_one();
        }
    }

    /// Why the connection ended or is ending.
    pub(super) fn reason(&self) -> Option<CloseReason> {
        self.reason.get().copied()
    }

    /// Waits until somebody ends the connection. For the supervisor alone.
    pub(super) async fn ending(&self) {
        self.ending.notified().await;
    }

    /// Reports that driver and sockets are gone.
    pub(super) fn release(&self) {
        self.released.send_replace(true);
    }

    /// Waits until driver and sockets are gone.
    pub(super) async fn released(&self) {
        // Fails only when the sender is gone, and `self` owns it.
        let _ = self.released.subscribe().wait_for(|released| *released).await;
    }
}

/// Ends the connection when dropped, so that no path out of it can forget to.
#[derive(Debug)]
pub(super) struct Lease(pub(super) Arc<Lifecycle>);

impl Drop for Lease {
    fn drop(&mut self) {
        self.0.end(CloseReason::Local);
    }
}
