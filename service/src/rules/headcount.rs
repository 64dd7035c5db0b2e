//! How many of something there may be at once, in all and per client network.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Network;

/// Counts what is there now.
pub struct Headcount {
    limit: usize,
    limit_per_network: usize,
    present: Mutex<HashMap<Network, usize>>,
    total: std::sync::atomic::AtomicUsize,
}

/// One that is counted until it is dropped.
pub struct Presence {
    count: Arc<Headcount>,
    network: Network,
}

impl Headcount {
    /// Nobody there, and at most so many to come.
    pub fn new(limit: usize, limit_per_network: usize) -> Arc<Self> {
        Arc::new(Self { limit, limit_per_network, present: Mutex::default(), total: 0.into() })
    }

    /// Counts one more, if there is room.
    pub fn enter(self: &Arc<Self>, network: Network) -> Option<Presence> {
        let mut present = self.lock();
        if self.total() >= self.limit || present.get(&network).is_some_and(|n| *n >= self.limit_per_network) {
            return None;
        }
        *present.entry(network).or_default() += 1;
        self.total.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(Presence { count: self.clone(), network })
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A thread that panicked inside leaves the counts usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<Network, usize>> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.count.lock();
        self.count.total.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        match present.get_mut(&self.network) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(present.remove(&self.network)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_limits_hold_and_leaving_makes_room() {
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(|address| Network::of(address.parse().unwrap()));
        let count = Headcount::new(3, 2);
        let first = count.enter(one);
        let second = count.enter(one);
        assert!(first.is_some() && second.is_some() && count.enter(one).is_none());
        let third = count.enter(other);
        assert!(third.is_some() && count.enter(other).is_none());
        drop(first);
        assert_eq!(count.total(), 2);
        assert!(count.enter(one).is_some());
        drop((second, third));
        assert_eq!((count.total(), count.lock().len()), (0, 0));
    }
}
