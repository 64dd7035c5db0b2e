//! The one place that reads the clocks, or in simulations sets them.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::rules::{Micros, throttle::Monotonic};

/// Tells the time.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System { start: Instant },
    Manual(Arc<AtomicU64>),
}

/// The time of a request.
#[derive(Debug, Clone, Copy)]
pub struct Now {
    /// For what outlives the process: arrival times, expiry, questions.
    pub wall: Micros,
    /// For rate limits, which a change of the wall clock must not disturb.
    pub monotonic: Monotonic,
}

/// A clock that stands still until it is moved, for simulations of hours in an instant.
#[derive(Debug, Clone)]
pub struct ManualClock(Arc<AtomicU64>);

impl Clock {
    /// The machine's clocks.
    pub fn system() -> Self {
        Self(Source::System { start: Instant::now() })
    }

    /// The time.
    pub fn now(&self) -> Now {
        match &self.0 {
            Source::System { start } => {
                let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                Now { wall: micros(wall), monotonic: micros(start.elapsed()) }
            }
            Source::Manual(time) => Now { wall: time.load(Relaxed), monotonic: time.load(Relaxed) },
        }
    }
}

impl ManualClock {
    /// A clock that stands at `start`.
    pub fn new(start: Micros) -> Self {
        Self(Arc::new(start.into()))
    }

    /// What follows this clock.
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(self.0.clone()))
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(micros(by), Relaxed);
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
