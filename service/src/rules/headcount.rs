//! How many of something there may be at once, in all, per client network, and per neighbourhood of networks.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{NEIGHBOURS, Network};

/// Counts what is there now.
pub struct Headcount {
    limit: usize,
    limit_per_network: usize,
    present: Mutex<Present>,
    total: std::sync::atomic::AtomicUsize,
}

#[derive(Default)]
struct Present {
    networks: HashMap<Network, usize>,
    neighbourhoods: HashMap<Network, usize>,
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
        let neighbourhood = network.neighbourhood();
        let among_neighbours = self.limit_per_network.saturating_mul(NEIGHBOURS as usize);
        let is_full =
            |counts: &HashMap<Network, usize>, of, limit| counts.get(of).is_some_and(|n| *n >= limit);
        if self.total() >= self.limit
            || is_full(&present.networks, &network, self.limit_per_network)
            || is_full(&present.neighbourhoods, &neighbourhood, among_neighbours)
        {
            return None;
        }
        *present.networks.entry(network).or_default() += 1;
        *present.neighbourhoods.entry(neighbourhood).or_default() += 1;
        self.total.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Some(Presence { count: self.clone(), network })
    }

    /// How many there are.
    pub fn total(&self) -> usize {
        self.total.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// A thread that panicked inside leaves the counts usable.
    fn lock(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let mut present = self.count.lock();
        self.count.total.fetch_sub(1, std::sync::atomic::Ordering::Relaxed);
        leave(&mut present.networks, self.network);
        leave(&mut present.neighbourhoods, self.network.neighbourhood());
    }
}

fn leave(counts: &mut HashMap<Network, usize>, network: Network) {
    match counts.get_mut(&network) {
        Some(count) if *count > 1 => *count -= 1,
        _ => drop(counts.remove(&network)),
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
        assert_eq!(count.total(), 0);
        let present = count.lock();
        assert!(present.networks.is_empty() && present.neighbourhoods.is_empty());
    }

    #[test]
    fn neighbours_together_are_as_many_as_some_of_them() {
        let count = Headcount::new(1000, 2);
        let enter = |host: u8| count.enter(Network::of([192, 0, 2, host].into()));
        let there: Vec<_> = (0..255).filter_map(enter).collect();
        assert_eq!(there.len(), 2 * NEIGHBOURS as usize);
        assert!(count.enter(Network::of([192, 0, 3, 1].into())).is_some());
    }
}
