//! Waiting for the node to be open.

use std::sync::OnceLock;

use connectoid::{Node, Result};
use tokio::sync::Semaphore;

use crate::shared::closed;

/// The node, once it is open. Whoever waits goes on in the order of asking: a semaphore is fair.
pub(crate) struct Ready {
    gate: Semaphore,
    node: OnceLock<Option<Node>>,
}

impl Ready {
    pub(crate) fn new() -> Self {
        Self { gate: Semaphore::new(0), node: OnceLock::new() }
    }

    /// Lets everybody go on, with the node or without. Only the first time counts.
    pub(crate) fn set(&self, node: Option<Node>) {
        if self.node.set(node).is_ok() {
            self.gate.close();
        }
    }

    /// Waits for the node.
    pub(crate) async fn node(&self) -> Result<&Node> {
        // There are no permits to be had; the gate closes, and that is the sign.
        let _ = self.gate.acquire().await;
        self.now().ok_or_else(closed)
    }

    /// The node, if it is open by now.
    pub(crate) fn now(&self) -> Option<&Node> {
        self.node.get().and_then(Option::as_ref)
    }
}
