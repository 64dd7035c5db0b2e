//! Checks that wait: who is to be woken when a message arrives.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connectoid_protocol::boxes::BoxId;
use tokio::{sync::Notify, time::Instant};

use crate::{
    config::Limits,
    rules::{
        Network, Refused,
        headcount::{Headcount, Presence},
    },
    stop::Stopping,
};

/// When a client with too many waiting checks should come back: about when the first of them end.
const RETRY: Duration = Duration::from_secs(10);

pub(super) struct Waiters {
    table: Arc<Table>,
    count: Arc<Headcount>,
    stopping: Stopping,
}

#[derive(Default)]
struct Table(Mutex<HashMap<BoxId, Vec<Arc<Notify>>>>);

/// Hears when something happens in some boxes, until it is dropped.
pub(super) struct Watch {
    table: Arc<Table>,
    ids: Vec<BoxId>,
    bell: Arc<Notify>,
}

/// A check that waits, until it is dropped.
pub(super) struct Waiting {
    watch: Watch,
    deadline: Instant,
    stopping: Stopping,
    _presence: Presence,
}

impl Waiters {
    pub(super) fn new(limits: &Limits, stopping: Stopping) -> Self {
        let count = Headcount::new(limits.waits, limits.waits_per_client);
        Self { table: Arc::default(), count, stopping }
    }

    /// Registers a check. It must register before it looks, so that no message slips in between.
    pub(super) fn register(
        &self,
        ids: Vec<BoxId>,
        network: Network,
        wait: Duration,
    ) -> Result<Waiting, Refused> {
        let presence = self.enter(network)?;
        let (watch, deadline) = (self.watch(ids), Instant::now() + wait);
        Ok(Waiting { watch, deadline, stopping: self.stopping.clone(), _presence: presence })
    }

    /// Counts one more that waits, if there is room.
    pub(super) fn enter(&self, network: Network) -> Result<Presence, Refused> {
        self.count.enter(network).ok_or(Refused::too_often(RETRY))
    }

    /// Listens for what happens in these boxes from now on.
    pub(super) fn watch(&self, ids: Vec<BoxId>) -> Watch {
        let bell = Arc::new(Notify::new());
        let mut table = self.table.lock();
        for id in &ids {
            table.entry(*id).or_default().push(bell.clone());
        }
        drop(table);
        Watch { table: self.table.clone(), ids, bell }
    }

    /// How many checks wait.
    pub(super) fn count(&self) -> usize {
        self.count.total()
    }

    /// Wakes all that wait for this box.
    pub(super) fn wake(&self, id: &BoxId) {
        for bell in self.table.lock().get(id).into_iter().flatten() {
            bell.notify_one();
        }
    }
}

impl Waiting {
    /// Waits for one of the boxes to change; `false` if that is no longer to be expected in time.
    pub(super) async fn changed(&mut self) -> bool {
        tokio::select! {
            () = self.watch.rung() => true,
            () = tokio::time::sleep_until(self.deadline) => false,
            () = self.stopping.stopped() => false,
        }
    }
}

impl Watch {
    /// Waits for something to happen; what happened before the wait counts.
    pub(super) async fn rung(&self) {
        self.bell.notified().await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut table = self.table.lock();
        for id in &self.ids {
            let Some(bells) = table.get_mut(id) else { continue };
            bells.retain(|bell| !Arc::ptr_eq(bell, &self.bell));
            if bells.is_empty() {
                table.remove(id);
            }
        }
    }
}

impl Table {
    /// A thread that panicked inside leaves the table usable.
    fn lock(&self) -> MutexGuard<'_, HashMap<BoxId, Vec<Arc<Notify>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Stop;

    fn id(byte: u8) -> BoxId {
        let mut bytes = [byte; 49];
        bytes[0] = 2;
        BoxId::from_bytes(&bytes).unwrap()
    }

    fn network() -> Network {
        Network::of("192.0.2.1".parse().unwrap())
    }

    fn waiters() -> (Waiters, Stop) {
        let (stop, stopping) = Stop::new();
        (Waiters::new(&Limits { waits_per_client: 2, ..Limits::default() }, stopping), stop)
    }

    #[tokio::test(start_paused = true)]
    async fn a_wake_up_before_waiting_is_not_lost() {
        let (waiters, _stop) = waiters();
        let wait = Duration::from_secs(25);
        let mut one = waiters.register(vec![id(1), id(2)], network(), wait).unwrap();
        let mut other = waiters.register(vec![id(3)], network(), wait).unwrap();
        waiters.wake(&id(2));
        assert!(one.changed().await);
        assert!(!other.changed().await, "nothing for this one");
    }

    #[tokio::test(start_paused = true)]
    async fn the_number_is_limited_and_nothing_stays_behind() {
        let (waiters, _stop) = waiters();
        let register = || waiters.register(vec![id(1), id(1)], network(), Duration::ZERO);
        let held = (register().unwrap(), register().unwrap());
        assert_eq!(register().err(), Some(Refused::too_often(RETRY)));
        drop(held);
        assert!(waiters.table.lock().is_empty());
        assert!(register().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn stopping_ends_the_wait() {
        let (waiters, stop) = waiters();
        let mut waiting = waiters.register(vec![id(1)], network(), Duration::from_secs(25)).unwrap();
        let before = Instant::now();
        stop.stop();
        assert!(!waiting.changed().await);
        assert_eq!(Instant::now(), before);
    }
}
