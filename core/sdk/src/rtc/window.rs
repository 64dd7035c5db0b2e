//! How much may be on its way at once. Pure: time and acknowledgements come in, a limit goes out.
//!
//! Two harms bound the window from either side. Too much at once overflows the receiver's socket buffer (208
//! KiB by default on Linux); what is lost at the end of a burst is noticed only by SCTP's timer of at least a
//! second, and throughput collapses with idle processors. Too little leaves a long path empty: one window per
//! round trip is all that can be sent. So the window follows the path: a little more than the path itself
//! holds, which is its rate times its round trip (the *bandwidth-delay product*).
//!
//! It is measured in rounds. A round ends when what had been sent at its beginning has been acknowledged. If
//! senders had to wait meanwhile, what was delivered and how long it took, compared with the shortest round,
//! tell what the path holds. As long as rounds are short the path was not full, and the window grows; once
//! they are longer, data queues up somewhere, and the window becomes half more than the path holds. Larger
//! steps fill the path sooner but overflow the queues of its routers, which costs more. On a near path the
//! smallest window is plenty and nothing is gained by more; after a stall, what was too much is remembered.
//!
//! Congestion control proper is SCTP's; this only decides how much it is given to work with.

use std::time::{Duration, Instant};

/// The smallest window, in bytes: what default socket buffers take without loss, and still 100 MB/s at 0.6
/// ms.
pub(super) const MIN_WINDOW: usize = 64 * 1024;

/// The largest window, in bytes: 40 MB/s at 100 ms. Also SCTP's receive buffer, which takes memory only as it
/// fills.
pub(super) const MAX_WINDOW: u32 = 4 * 1024 * 1024;

/// Rounds below this mean a near path (the same device, a wired network), which the smallest window fills.
/// Where busy processors rather than the path make rounds long, more would only crowd the socket buffers.
const NEAR: Duration = Duration::from_millis(2);

/// No acknowledgement for so long, while waiting for one, is a loss that SCTP's timer had to repair (RTO.Min
/// is 1 s, RFC 9260 §16).
const STALL: Duration = Duration::from_millis(900);

/// The window in quarters of what a round delivered, as long as the path is not full. Less than double: a
/// router's queue holds about as much as its path, and what overflows it is repaired slowly.
const GROW: u64 = 7;

/// The window in quarters of what the path holds, once it is full: enough to keep it so when rounds vary.
const HOLD: u64 = 6;

/// How long the shortest round trip is believed, at least; routes and radios change.
const MEMORY: Duration = Duration::from_secs(10);

/// The send window of one connection.
#[derive(Debug)]
pub(super) struct Window {
    limit: usize,
    ceiling: Ceiling,
    sent: u64,
    acknowledged: u64,
    round: Option<Round>,
    shortest: Shortest,
    progress: Option<Instant>,
}

/// The time from `started` until `end`, a count of bytes sent so far, is acknowledged.
#[derive(Debug)]
struct Round {
    started: Instant,
    end: u64,
    acknowledged_before: u64,
}

impl Window {
    pub(super) fn new() -> Window {
        Window {
            limit: MIN_WINDOW,
            ceiling: Ceiling::default(),
            sent: 0,
            acknowledged: 0,
            round: None,
            shortest: Shortest::default(),
            progress: None,
        }
    }

    /// Whether another message may be sent. It may exceed the limit by itself, so that any size passes.
    pub(super) fn has_room(&self) -> bool {
        self.sent - self.acknowledged < self.limit as u64
    }

    /// `len` bytes were handed to SCTP.
    pub(super) fn sent(&mut self, len: usize, now: Instant) {
        self.sent += len as u64;
        self.progress.get_or_insert(now);
        self.round.get_or_insert(Round {
            started: now,
            end: self.sent,
            acknowledged_before: self.acknowledged,
        });
    }

    /// So many bytes are still unacknowledged, as seen while no sender was waiting. When they were
    /// acknowledged is unknown, so nothing is measured.
    pub(super) fn observe(&mut self, outstanding: usize, now: Instant) {
        self.acknowledged = self.sent.saturating_sub(outstanding as u64);
        self.progress = (outstanding > 0).then_some(now);
        if self.round.as_ref().is_some_and(|round| self.acknowledged >= round.end) {
            self.round = None;
        }
    }

    /// So many bytes are still unacknowledged, as seen by a sender that waits for room and looks whenever
    /// something arrives.
    pub(super) fn observe_waiting(&mut self, outstanding: usize, now: Instant) {
        let acknowledged = self.sent.saturating_sub(outstanding as u64);
        if acknowledged > self.acknowledged {
            let stalled = self.progress.is_some_and(|since| now.duration_since(since) > STALL);
            self.acknowledged = acknowledged;
            self.progress = Some(now);
            if stalled {
                self.retreat(now);
            }
        }
        let Some(round) = &self.round else { return };
        if self.acknowledged >= round.end {
            let took = now.duration_since(round.started);
            let delivered = self.acknowledged - round.acknowledged_before;
            self.round = None;
            self.adapt(took, delivered, now);
        }
    }

    /// Something was lost that only the timer repaired: the window was too large for the receiver.
    fn retreat(&mut self, now: Instant) {
        self.ceiling.lower(self.limit / 2, now);
        self.limit = MIN_WINDOW;
        self.round = None;
    }

    fn adapt(&mut self, took: Duration, delivered: u64, now: Instant) {
        let shortest = self.shortest.update(took, now);
        let target = if shortest < NEAR {
            MIN_WINDOW
        } else if took <= shortest + shortest / 8 {
            self.limit.max(part(delivered, GROW))
        } else {
            let held = u128::from(delivered) * shortest.as_nanos() / took.as_nanos().max(1);
            part(u64::try_from(held).unwrap_or(u64::MAX), HOLD)
        };
        self.limit = target.clamp(MIN_WINDOW, self.ceiling.at(now));
    }
}

/// So many quarters of an amount.
fn part(amount: u64, quarters: u64) -> usize {
    usize::try_from(amount / 4 * quarters).unwrap_or(usize::MAX)
}

/// What the window may not exceed after a stall. It doubles with every period of [`MEMORY`], for the cause
/// may have been something else, such as a radio that changed networks.
#[derive(Debug, Default)]
struct Ceiling(Option<(usize, Instant)>);

impl Ceiling {
    fn lower(&mut self, limit: usize, now: Instant) {
        self.0 = Some((limit.max(MIN_WINDOW), now));
    }

    fn at(&mut self, now: Instant) -> usize {
        let most = MAX_WINDOW as usize;
        if let Some((limit, since)) = self.0
            && now.duration_since(since) > MEMORY
        {
            self.0 = (limit < most).then_some((limit * 2, now));
        }
        self.0.map_or(most, |(limit, _)| limit.min(most))
    }
}

/// The shortest round of the recent past: the minimum of this period of [`MEMORY`] and the one before.
#[derive(Debug, Default)]
struct Shortest {
    current: Option<(Instant, Duration)>,
    previous: Option<Duration>,
}

impl Shortest {
    fn update(&mut self, took: Duration, now: Instant) -> Duration {
        let (since, current) = match self.current {
            Some((since, shortest)) if now.duration_since(since) > MEMORY => {
                self.previous = Some(shortest);
                (now, took)
            }
            Some((since, shortest)) => (since, shortest.min(took)),
            None => (now, took),
        };
        self.current = Some((since, current));
        self.previous.map_or(current, |previous| previous.min(current))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    const MESSAGE: usize = 16 * 1024;

    /// A path that delivers `rate` bytes per second after `delay`, and a sender that always has more.
    struct Path {
        window: Window,
        now: Instant,
        rate: u32,
        delay: Duration,
        free_at: Instant,
        flying: VecDeque<Instant>,
    }

    impl Path {
        fn new(rate: u32, delay: Duration) -> Path {
            let now = Instant::now();
            Path { window: Window::new(), now, rate, delay, free_at: now, flying: VecDeque::new() }
        }

        fn outstanding(&self) -> usize {
            self.flying.len() * MESSAGE
        }

        fn send_all(&mut self) {
            while self.window.has_room() {
                self.free_at = self.free_at.max(self.now) + Duration::from_secs(MESSAGE as u64) / self.rate;
                self.flying.push_back(self.free_at + self.delay);
                self.window.sent(MESSAGE, self.now);
            }
        }

        /// Sends for a while and returns the bytes per second that arrived.
        fn run(&mut self, time: Duration) -> usize {
            let (start, mut arrived) = (self.now, 0);
            while self.now < start + time {
                self.send_all();
                self.now = self.flying.pop_front().unwrap();
                arrived += MESSAGE;
                self.window.observe_waiting(self.outstanding(), self.now);
            }
            arrived * 1000 / usize::try_from(time.as_millis()).unwrap()
        }
    }

    #[test]
    fn fills_a_long_path_without_flooding_it() {
        let mut path = Path::new(10_000_000, Duration::from_millis(80));
        path.run(Duration::from_secs(3));
        assert!(path.run(Duration::from_secs(2)) > 9_500_000);
        let holds = 800_000;
        assert!(path.window.limit < 2 * holds, "{}", path.window.limit);
    }

    #[test]
    fn stays_small_on_a_near_path() {
        let mut path = Path::new(150_000_000, Duration::from_micros(50));
        assert!(path.run(Duration::from_secs(1)) > 140_000_000);
        assert_eq!(path.window.limit, MIN_WINDOW);
    }

    #[test]
    fn stays_small_where_the_processor_is_the_limit() {
        // A slow device talking to itself: more in flight only takes longer.
        let mut path = Path::new(10_000_000, Duration::from_micros(100));
        path.run(Duration::from_secs(2));
        assert!(path.window.limit <= 2 * MIN_WINDOW + MESSAGE, "{}", path.window.limit);
    }

    #[test]
    fn is_bounded_on_the_longest_path() {
        let mut path = Path::new(1_000_000_000, Duration::from_millis(300));
        path.run(Duration::from_secs(10));
        assert_eq!(path.window.limit, MAX_WINDOW as usize);
    }

    #[test]
    fn retreats_after_a_stall_and_remembers_what_was_too_much() {
        let mut path = Path::new(10_000_000, Duration::from_millis(80));
        path.run(Duration::from_secs(3));
        let before = path.window.limit;
        path.send_all();
        path.flying.clear();
        path.now += Duration::from_secs(1);
        path.window.observe_waiting(0, path.now);
        assert_eq!(path.window.limit, MIN_WINDOW);
        path.run(Duration::from_secs(3));
        assert!(path.window.limit <= before / 2);
        path.run(4 * MEMORY);
        assert!(path.window.limit > before / 2, "but not for ever");
    }

    #[test]
    fn a_pause_of_the_sender_is_no_stall() {
        let mut window = Window::new();
        let start = Instant::now();
        window.limit = 4 * MIN_WINDOW;
        window.sent(MESSAGE, start);
        window.observe(0, start + Duration::from_secs(5));
        window.sent(MESSAGE, start + Duration::from_secs(5));
        window.observe_waiting(0, start + Duration::from_millis(5001));
        assert!(window.ceiling.0.is_none());
    }

    #[test]
    fn room_is_what_is_not_outstanding() {
        let mut window = Window::new();
        let now = Instant::now();
        window.sent(MIN_WINDOW - 1, now);
        assert!(window.has_room());
        window.sent(1, now);
        assert!(!window.has_room());
        window.observe(MIN_WINDOW - 1, now);
        assert!(window.has_room());
    }

    #[test]
    fn the_shortest_round_is_forgotten_in_time() {
        let start = Instant::now();
        let mut shortest = Shortest::default();
        let ms = Duration::from_millis;
        assert_eq!(shortest.update(ms(5), start), ms(5));
        assert_eq!(shortest.update(ms(50), start + ms(11_000)), ms(5));
        assert_eq!(shortest.update(ms(50), start + ms(22_000)), ms(50));
    }
}
