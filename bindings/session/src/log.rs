//! The log, through an outlet as nodes have one.

use std::sync::Arc;

use connectoid::{
    Result,
    log::{self, Level},
};
use tokio::sync::Semaphore;

use crate::message::{Message, Outlet};

/// How many lines the receiver may hold; of further ones it is told how many were lost.
pub const LINES: usize = 1024;

/// Follows the log until it is dropped.
#[derive(Debug)]
pub struct Log(log::Log);

impl Log {
    /// Delivers what the SDK says from now on, up to a level, as messages of the kind [`crate::Kind::Log`].
    ///
    /// # Errors
    /// As of [`log::follow`].
    pub fn follow(level: Level, outlet: Arc<dyn Outlet>) -> Result<Self> {
        let room = Arc::new(Semaphore::new(LINES));
        let sink = move |line| {
            let permit = room.clone().try_acquire_owned().ok();
            let message = permit.and_then(|permit| Message::line(&line, permit));
            message.is_some_and(|message| {
                outlet.deliver(message);
                true
            })
        };
        log::follow(level, Box::new(sink)).map(Self)
    }

    /// Whether the caller is in [`Outlet::deliver`].
    pub fn is_own_thread(&self) -> bool {
        self.0.is_own_thread()
    }
}
