//! What happens on a node, and who listens.
//!
//! Each event is told once to every listener. A **message** of a peer's app is confirmed to that peer when the first
//! listener takes it, and is said to be lost when it is certain that none will: nobody listened, or all of them were too
//! slow. Messages that slow listeners have not taken are held up to a bound in bytes, behind which the oldest go.

use std::{
    collections::VecDeque,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
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

/// How many bytes of messages wait for listeners that are busy: those of a few peers who send as much as they may.
const MAX_SHELF: usize = 16 << 20;

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

/// Hears once whether a message was taken.
type Answer = Box<dyn FnOnce(bool) + Send>;

/// An event on its way to those who listen.
pub(crate) struct Told {
    sequence: u64,
    at: u64,
    is_message: bool,
    /// None once it is not held any more.
    event: Mutex<Option<Event>>,
    answer: Mutex<Option<Answer>>,
}

impl Told {
    pub(crate) fn event(event: Event) -> Arc<Self> {
        Self::new(event, None)
    }

    /// A message, with what hears whether it was taken.
    pub(crate) fn message(event: Event, answer: Answer) -> Arc<Self> {
        Self::new(event, Some(answer))
    }

    fn new(event: Event, answer: Option<Answer>) -> Arc<Self> {
        Arc::new(Self {
            sequence: event.sequence,
            at: event.at,
            is_message: answer.is_some(),
            event: Mutex::new(Some(event)),
            answer: Mutex::new(answer),
        })
    }

    /// The event, for a listener; what stands for it if it is not held any more.
    fn take(&self) -> Event {
        let event = lock(&self.event).clone();
        if event.is_some() {
            self.answer(true);
        }
        event.unwrap_or(Event { sequence: self.sequence, at: self.at, kind: EventKind::Resync {} })
    }

    /// Stands for what was dropped before it: at the place of the last of that.
    fn resync_before(&self) -> Event {
        Event { sequence: self.sequence.saturating_sub(1), at: self.at, kind: EventKind::Resync {} }
    }

    /// Holds it no longer.
    fn let_go(&self) {
        *lock(&self.event) = None;
        self.answer(false);
    }

    fn answer(&self, taken: bool) {
        if let Some(answer) = lock(&self.answer).take() {
            answer(taken);
        }
    }

    fn length(&self) -> usize {
        match lock(&self.event).as_ref().map(|event| &event.kind) {
            Some(EventKind::Message { data, .. }) => data.len(),
            _ => 0,
        }
    }
}

/// Nobody will take it any more.
impl Drop for Told {
    fn drop(&mut self) {
        self.answer(false);
    }
}

/// The messages that some listener has not taken yet, oldest first.
#[derive(Default)]
pub(crate) struct Shelf(Mutex<VecDeque<Weak<Told>>>);

impl Shelf {
    /// Keeps an eye on a message; if too much is held, the oldest are let go.
    pub(crate) fn put(&self, told: &Arc<Told>) {
        let mut shelf = lock(&self.0);
        shelf.push_back(Arc::downgrade(told));
        shelf.retain(|told| told.strong_count() > 0);
        let mut bytes: usize = shelf.iter().filter_map(Weak::upgrade).map(|told| told.length()).sum();
        while bytes > MAX_SHELF
            && let Some(oldest) = shelf.pop_front()
        {
            if let Some(oldest) = oldest.upgrade() {
                bytes -= oldest.length();
                oldest.let_go();
            }
        }
    }
}

/// A thread that panicked inside leaves what is behind these locks whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happens on a node, in order.
pub struct EventStream {
    waiting: Pin<Box<dyn Stream<Item = Event> + Send>>,
}

impl EventStream {
    /// All that happens: whoever reads it takes the messages too.
    pub(crate) fn new(receiver: broadcast::Receiver<Arc<Told>>) -> Self {
        Self::listening(receiver, |_| true)
    }

    /// All but messages, which it leaves to others.
    pub(crate) fn without_messages(receiver: broadcast::Receiver<Arc<Told>>) -> Self {
        Self::listening(receiver, |told| !told.is_message)
    }

    fn listening(receiver: broadcast::Receiver<Arc<Told>>, wanted: fn(&Told) -> bool) -> Self {
        let waiting = unfold((receiver, None::<Arc<Told>>), move |(mut receiver, held)| async move {
            if let Some(told) = held {
                return Some((told.take(), (receiver, None)));
            }
            let mut were_dropped = false;
            let told = loop {
                match receiver.recv().await {
                    Ok(told) if !wanted(&told) => {}
                    Ok(told) => break told,
                    Err(RecvError::Lagged(_)) => were_dropped = true,
                    Err(RecvError::Closed) => return None,
                }
            };
            // Taken when it is given out.
            Some(if were_dropped {
                (told.resync_before(), (receiver, Some(told)))
            } else {
                (told.take(), (receiver, None))
            })
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

#[cfg(test)]
mod tests {
    use super::*;

    type Answers = Arc<Mutex<Vec<(u64, bool)>>>;

    fn unshared(sequence: u64) -> Event {
        let kind = EventKind::Unshared { nickname: "bob".into() };
        Event { sequence, at: 100 + sequence, kind }
    }

    fn message(sequence: u64, length: usize, answers: &Answers) -> Arc<Told> {
        let kind = EventKind::Message { nickname: "bob".into(), data: vec![7; length] };
        let answers = answers.clone();
        let answer = move |taken| lock(&answers).push((sequence, taken));
        Told::message(Event { sequence, at: 100 + sequence, kind }, Box::new(answer))
    }

    async fn heard(mut stream: EventStream) -> Vec<(u64, bool)> {
        let mut told = Vec::new();
        while let Some(event) = stream.next().await {
            told.push((event.sequence, matches!(event.kind, EventKind::Resync {})));
        }
        told
    }

    #[tokio::test]
    async fn what_was_dropped_keeps_its_place() {
        let (sender, receiver) = broadcast::channel(2);
        for sequence in 1..=5 {
            sender.send(Told::event(unshared(sequence))).ok().unwrap();
        }
        drop(sender);
        assert_eq!(heard(EventStream::new(receiver)).await, [(3, true), (4, false), (5, false)]);
    }

    #[tokio::test]
    async fn a_message_is_confirmed_by_the_first_who_takes_it() {
        let (sender, receiver) = broadcast::channel(8);
        let (answers, second) = (Answers::default(), sender.subscribe());
        sender.send(message(1, 9, &answers)).ok().unwrap();
        let (mut first, mut second) = (EventStream::new(receiver), EventStream::new(second));
        assert_eq!(*lock(&answers), [], "it waits");
        first.next().await.unwrap();
        assert_eq!(*lock(&answers), [(1, true)]);
        second.next().await.unwrap();
        assert_eq!(*lock(&answers), [(1, true)]);
    }

    #[tokio::test]
    async fn what_nobody_takes_is_lost() {
        let (sender, receiver) = broadcast::channel(2);
        let answers = Answers::default();
        let observer = EventStream::without_messages(sender.subscribe());
        for sequence in 1..=3 {
            sender.send(message(sequence, 9, &answers)).ok().unwrap();
        }
        assert_eq!(*lock(&answers), [(1, false)], "there is no room for it any more");
        drop(receiver);
        drop(sender);
        assert_eq!(heard(observer).await, [], "and messages are none of an observer's business");
        assert_eq!(*lock(&answers), [(1, false), (2, false), (3, false)]);
        drop(message(4, 9, &answers));
        assert_eq!(lock(&answers).last(), Some(&(4, false)), "nobody was listening");
    }

    #[tokio::test]
    async fn so_many_bytes_are_held_and_no_more() {
        let (sender, receiver) = broadcast::channel(1024);
        let (answers, shelf) = (Answers::default(), Shelf::default());
        let length = MAX_SHELF / 4;
        for sequence in 1..=6 {
            let told = message(sequence, length, &answers);
            shelf.put(&told);
            sender.send(told).ok().unwrap();
        }
        drop(sender);
        assert_eq!(*lock(&answers), [(1, false), (2, false)]);
        let told = [(1, true), (2, true), (3, false), (4, false), (5, false), (6, false)];
        assert_eq!(heard(EventStream::new(receiver)).await, told);
    }
}
