//! Who follows the log, and the queue of each.

use std::sync::{
    Arc, PoisonError, RwLock, RwLockReadGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
    mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
};

use super::{Level, Line, QUEUE, Sink};

struct Entry {
    id: u64,
    level: Level,
    lines: SyncSender<Line>,
    state: Arc<State>,
}

/// What both ends of a queue know.
#[derive(Default)]
struct State {
    /// How many lines found no room, and were not told of yet.
    lost: AtomicUsize,
    /// Nobody wants what still waits.
    over: AtomicBool,
}

struct Sinks {
    last: u64,
    open: Vec<Entry>,
}

static SINKS: RwLock<Sinks> = RwLock::new(Sinks { last: 0, open: Vec::new() });

/// What waits for a sink.
pub(super) struct Queue {
    lines: Receiver<Line>,
    state: Arc<State>,
}

/// Adds one, and gives its number and its queue.
pub(super) fn add(level: Level) -> (u64, Queue) {
    let (sender, lines) = sync_channel(QUEUE);
    let state = Arc::<State>::default();
    let id = {
        let mut sinks = SINKS.write().unwrap_or_else(PoisonError::into_inner);
        sinks.last += 1;
        let id = sinks.last;
        sinks.open.push(Entry { id, level, lines: sender, state: state.clone() });
        id
    };
    // What is not listened to costs nothing: each place that logs remembers whether it is.
    tracing::callsite::rebuild_interest_cache();
    (id, Queue { lines, state })
}

/// Removes one, and lets go of what waits for it.
pub(super) fn remove(id: u64) {
    {
        let mut sinks = SINKS.write().unwrap_or_else(PoisonError::into_inner);
        for ended in sinks.open.extract_if(.., |entry| entry.id == id) {
            ended.state.over.store(true, Ordering::Release);
        }
    }
    tracing::callsite::rebuild_interest_cache();
}

/// The level that somebody wants; none if nobody listens.
pub(super) fn wanted() -> Option<Level> {
    open().open.iter().map(|entry| entry.level).max()
}

/// Puts a line into the queues of those who want it.
pub(super) fn tell(line: &Line) {
    for entry in open().open.iter().filter(|entry| line.level <= entry.level) {
        if let Err(TrySendError::Full(_)) = entry.lines.try_send(line.clone()) {
            entry.state.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn open() -> RwLockReadGuard<'static, Sinks> {
    SINKS.read().unwrap_or_else(PoisonError::into_inner)
}

impl Queue {
    /// Hands over until the sink is removed.
    pub(super) fn serve(self, mut sink: Sink) {
        while let Ok(line) = self.lines.recv() {
            let lost = self.state.lost.swap(0, Ordering::Relaxed);
            if lost > 0 {
                self.hand_over(loss(lost), lost, &mut sink);
            }
            self.hand_over(line, 1, &mut sink);
        }
    }

    /// Hands over what stands for so many lines.
    fn hand_over(&self, line: Line, count: usize, sink: &mut Sink) {
        if !self.state.over.load(Ordering::Acquire) && !sink(line) {
            self.state.lost.fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Stands for lines that are not told.
fn loss(count: usize) -> Line {
    let message = format!("{count} lines were lost: they came faster than they were taken");
    Line { level: Level::Warn, target: "connectoid::log".to_owned(), message }
}
