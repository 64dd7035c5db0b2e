//! How messages reach the app: by its callback, by a port of Dart, or by waiting for them.

#![allow(unsafe_code, reason = "the app's callback is called here")]

use std::{
    collections::VecDeque,
    ffi::c_void,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicPtr, Ordering},
    },
    time::{Duration, Instant},
};

use connectoid_session::{Message, Outlet};

use crate::{
    dart::Port,
    fault::Fault,
    ffi::{self, Callback},
    message, table,
};

/// Takes what a session says.
pub(crate) struct Delivery {
    node: usize,
    way: Way,
    /// The node was released: nothing is delivered any more.
    over: AtomicBool,
}

/// How messages reach the app.
pub(crate) enum Way {
    Port {
        port: Port,
        /// Held while a message is posted.
        running: Mutex<()>,
    },
    Callback {
        callback: unsafe extern "C" fn(*mut c_void, *mut ffi::Message),
        user_data: AtomicPtr<c_void>,
        /// Held while the callback runs.
        running: Mutex<()>,
    },
    Queue {
        messages: Mutex<VecDeque<Message>>,
        more: Condvar,
    },
}

impl Way {
    pub(crate) fn port(port: Port) -> Self {
        Self::Port { port, running: Mutex::default() }
    }

    /// By callback, if there is one.
    pub(crate) fn callback(callback: Callback, user_data: *mut c_void) -> Self {
        match callback {
            Some(callback) => {
                Self::Callback { callback, user_data: AtomicPtr::new(user_data), running: Mutex::default() }
            }
            None => Self::Queue { messages: Mutex::default(), more: Condvar::new() },
        }
    }
}

impl Delivery {
    pub(crate) fn new(node: usize, way: Way) -> Self {
        Self { node, way, over: AtomicBool::new(false) }
    }

    /// Waits for a message; NULL if none came in time, or none will come.
    pub(crate) fn receive(&self, timeout: Duration) -> Result<*mut ffi::Message, Fault> {
        let Way::Queue { messages, more } = &self.way else { return Err(Fault::HasCallback) };
        let deadline = Instant::now() + timeout;
        let mut waiting = lock(messages);
        loop {
            if let Some(message) = waiting.pop_front() {
                return Ok(message::give(self.node, message));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || self.is_over() {
                return Ok(std::ptr::null_mut());
            }
            waiting = more.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Ends delivery. When this returns, no callback runs and none will, except the one that is the caller.
    pub(crate) fn end(&self, from_callback: bool) {
        self.over.store(true, Ordering::SeqCst);
        match &self.way {
            Way::Callback { running, .. } | Way::Port { running, .. } if !from_callback => {
                drop(lock(running));
            }
            Way::Callback { .. } | Way::Port { .. } => {}
            Way::Queue { messages, more } => {
                lock(messages).clear();
                more.notify_all();
            }
        }
    }

    /// Gives the node or log back from its own thread: nobody hears it any more.
    fn release(&self) {
        self.over.store(true, Ordering::SeqCst);
        // Somebody else may be releasing it.
        if let Ok(entry) = table::remove(self.node) {
            entry.release();
        }
    }

    fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }
}

impl Outlet for Delivery {
    fn deliver(&self, message: Message) {
        match &self.way {
            Way::Port { port, running } => {
                let running = lock(running);
                if !self.is_over() && !port.post(message::give(self.node, message)) {
                    drop(running);
                    self.release();
                }
            }
            Way::Callback { callback, user_data, running } => {
                let _running = lock(running);
                if !self.is_over() {
                    let message = message::give(self.node, message);
                    // SAFETY: the app gave the function for this, with this pointer, to be called from any thread
                    // until the node is released; the message belongs to it now.
                    unsafe { callback(user_data.load(Ordering::Relaxed), message) };
                }
            }
            Way::Queue { messages, more } => {
                let mut waiting = lock(messages);
                if !self.is_over() {
                    waiting.push_back(message);
                    more.notify_one();
                }
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
