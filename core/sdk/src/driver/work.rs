//! Proof of work, for services that take no message without.

use connectoid_protocol::{boxes::BoxId, work::Challenge};
use tokio::sync::Semaphore;

use super::clock::now_seconds;

/// Works on one message at a time, on a thread of its own: whatever services ask for, it takes one core.
pub(super) struct Worker {
    turn: Semaphore,
}

impl Worker {
    pub(super) fn new() -> Self {
        Self { turn: Semaphore::new(1) }
    }

    /// Looks for the nonce of a message; `ahead` is how far the service's clock is ahead, in s. `None` if
    /// that is more work than [`connectoid_protocol::work::MAX_WORK_BITS`].
    pub(super) async fn work(&self, id: BoxId, data: &str, bits: u32, ahead: i64) -> Option<u64> {
        let _turn = self.turn.acquire().await.ok()?;
        let minute = now_seconds().saturating_add_signed(ahead) / 60;
        let challenge = Challenge::new(&id, minute, data);
        tokio::task::spawn_blocking(move || challenge.work(bits)).await.ok()?
    }
}
