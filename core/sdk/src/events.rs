//! What happens on a node, and who listens.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::{Stream, StreamExt, stream::unfold};
use tokio::{
    sync::broadcast::{self, error::RecvError},
    task::AbortHandle,
};

use crate::api::{Event, EventKind};

/// How many events wait for a listener that is busy; then the oldest are dropped, and the listener gets
/// [`EventKind::Resync`].
pub(crate) const EVENT_QUEUE: usize = 1024;

/// Takes events; called from a thread of the node, one event at a time. It may call the node, but must
/// not wait for long: see [`EventKind::Resync`].
pub trait EventHandler: Send + Sync {
    /// Something happened.
    fn on_event(&self, event: Event);
}

/// Ends when dropped.
#[derive(Debug)]
pub struct Subscription(pub(crate) AbortHandle);

impl Drop for Subscription {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What happens on a node, in order.
pub struct EventStream {
    waiting: Pin<Box<dyn Stream<Item = Event> + Send>>,
}

impl EventStream {
    pub(crate) fn new(receiver: broadcast::Receiver<Event>) -> Self {
        let waiting = unfold(receiver, |mut receiver| async move {
            let event = match receiver.recv().await {
                Ok(event) => event,
                Err(RecvError::Lagged(_)) => Event { sequence: 0, at: 0, kind: EventKind::Resync {} },
                Err(RecvError::Closed) => return None,
            };
            Some((event, receiver))
        });
        Self { waiting: Box::pin(waiting.fuse()) }
    }

    /// The next event; `None` when the node is closed, and ever after.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.waiting.as_mut().poll_next(context)).await
    }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.waiting.as_mut().poll_next(context)
    }
}
