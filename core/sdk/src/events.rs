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
        let waiting = unfold((receiver, None), |(mut receiver, held)| async move {
            if let Some(event) = held {
                return Some((event, (receiver, None)));
            }
            let mut were_dropped = false;
            let event: Event = loop {
                match receiver.recv().await {
                    Ok(event) => break event,
                    Err(RecvError::Lagged(_)) => were_dropped = true,
                    Err(RecvError::Closed) => return None,
                }
            };
            Some(if were_dropped {
                (resync_before(&event), (receiver, Some(event)))
            } else {
                (event, (receiver, None))
            })
        });
        Self { waiting: Box::pin(waiting.fuse()) }
    }

    /// The next event; `None` when the node is closed, and ever after.
    pub async fn next(&mut self) -> Option<Event> {
        std::future::poll_fn(|context| self.waiting.as_mut().poll_next(context)).await
    }
}

/// Stands for what was dropped: at the place of the last of it.
fn resync_before(event: &Event) -> Event {
    Event { sequence: event.sequence.saturating_sub(1), at: event.at, kind: EventKind::Resync {} }
}

impl Stream for EventStream {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.waiting.as_mut().poll_next(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_dropped_keeps_its_place() {
        let (sender, receiver) = broadcast::channel(2);
        let mut stream = EventStream::new(receiver);
        for sequence in 1..=5 {
            let kind = EventKind::Unshared { nickname: "bob".into() };
            sender.send(Event { sequence, at: 100 + sequence, kind }).unwrap();
        }
        drop(sender);
        let mut told = Vec::new();
        while let Some(event) = stream.next().await {
            told.push((event.sequence, event.at, matches!(event.kind, EventKind::Resync {})));
        }
        assert_eq!(told, [(3, 104, true), (4, 104, false), (5, 105, false)]);
    }
}
