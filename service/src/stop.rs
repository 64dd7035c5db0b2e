//! The signal to stop, which reaches everything that waits.

use tokio::sync::watch;

/// Tells everything to stop, at the latest when it is dropped.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

/// Knows when to stop.
#[derive(Debug, Clone)]
pub struct Stopping(watch::Receiver<bool>);

impl Stop {
    /// A signal not yet given.
    pub fn new() -> (Self, Stopping) {
        let (stop, stopping) = watch::channel(false);
        (Self(stop), Stopping(stopping))
    }

    /// Gives the signal.
    pub fn stop(&self) {
        self.0.send_replace(true);
    }
}

impl Stopping {
    /// Waits for the signal.
    pub async fn stopped(&mut self) {
        // An error means that the sender is gone, which is as good.
        let _gone = self.0.wait_for(|stopping| *stopping).await.is_err();
    }
}
