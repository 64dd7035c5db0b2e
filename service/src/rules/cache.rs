//! A map that stays bounded by forgetting what was not used for longest, roughly.
//!
//! There are two generations. Whatever is used moves to the young one; when that has reached half of
//! the capacity, it becomes the old one and the old one is forgotten. So what is in use survives, each
//! operation takes constant time, and there is no list to maintain.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, Hash},
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Locks are spread over so many parts, so that the cores of a server rarely meet at one.
const SHARDS: usize = 16;

/// A bounded map that several threads share.
pub struct Cache<K, V> {
    shards: Box<[Mutex<Generations<K, V>>]>,
    spread: RandomState,
}

impl<K: Hash + Eq, V> Cache<K, V> {
    /// A cache of about `capacity` entries: between a half and the whole of it stay.
    pub fn new(capacity: usize) -> Self {
        let half = capacity.div_ceil(2 * SHARDS).max(1);
        let shards = (0..SHARDS).map(|_| Mutex::new(Generations::new(half))).collect();
        Self { shards, spread: RandomState::new() }
    }

    /// Looks an entry up and works on it, which counts as use.
    pub fn with<T>(&self, key: &K, work: impl FnOnce(&mut V) -> T) -> Option<T> {
        self.shard(key).entry(key).map(work)
    }

    /// Works on an entry that is made first if there is none.
    pub fn with_or_insert<T>(&self, key: K, make: impl FnOnce() -> V, work: impl FnOnce(&mut V) -> T) -> T {
        let mut shard = self.shard(&key);
        let value = shard.take(&key).unwrap_or_else(make);
        work(shard.insert(key, value))
    }

    /// Adds or replaces an entry.
    pub fn insert(&self, key: K, value: V) {
        let mut shard = self.shard(&key);
        shard.old.remove(&key);
        shard.insert(key, value);
    }

    /// Forgets an entry.
    pub fn remove(&self, key: &K) {
        self.shard(key).take(key);
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).len()).sum()
    }

    /// Whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Generations<K, V>> {
        // Which bits of the hash choose the shard does not matter, so those lost on 32 bits are no loss.
        #[allow(clippy::cast_possible_truncation)]
        let hash = self.spread.hash_one(key) as usize;
        lock(&self.shards[hash % SHARDS])
    }
}

/// A thread that panicked inside leaves the map usable: each entry is changed in one step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Generations<K, V> {
    young: HashMap<K, V>,
    old: HashMap<K, V>,
    half: usize,
}

impl<K: Hash + Eq, V> Generations<K, V> {
    fn new(half: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half }
    }

    fn entry(&mut self, key: &K) -> Option<&mut V> {
        if !self.young.contains_key(key) {
            let (key, value) = self.old.remove_entry(key)?;
            return Some(self.insert(key, value));
        }
        self.young.get_mut(key)
    }

    fn insert(&mut self, key: K, value: V) -> &mut V {
        if self.young.len() >= self.half && !self.young.contains_key(&key) {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.entry(key).insert_entry(value).into_mut()
    }

    fn take(&mut self, key: &K) -> Option<V> {
        let young = self.young.remove(key);
        let old = self.old.remove(key);
        young.or(old)
    }

    fn len(&self) -> usize {
        self.young.len() + self.old.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_bounded_and_keeps_what_is_used() {
        let cache = Cache::new(1000);
        cache.insert(u64::MAX, 1);
        for key in 0..100_000_u64 {
            cache.insert(key, 0);
            assert_eq!(cache.with(&u64::MAX, |value| *value), Some(1), "forgotten at {key}");
        }
        assert!((400..=1100).contains(&cache.len()), "{}", cache.len());
        assert_eq!(cache.with(&0, |_| ()), None);
    }

    #[test]
    fn an_entry_is_made_once_and_can_be_removed() {
        let cache = Cache::new(100);
        for expected in 1..=50 {
            let value = cache.with_or_insert(
                7,
                || 0,
                |value| {
                    *value += 1;
                    *value
                },
            );
            assert_eq!(value, expected);
        }
        cache.insert(7, 3);
        assert_eq!((cache.with(&7, |value| *value), cache.len()), (Some(3), 1));
        cache.remove(&7);
        assert!(cache.is_empty());
    }

    #[test]
    fn replacing_leaves_no_older_value_behind() {
        let mut map = Generations::new(2);
        for key in 0..3 {
            map.insert(key, "old");
        }
        assert_eq!(map.take(&0), Some("old"));
        assert_eq!(map.take(&0), None);
        assert_eq!(map.entry(&1).copied(), Some("old"));
    }
}
