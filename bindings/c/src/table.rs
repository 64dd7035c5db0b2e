//! The nodes of this process, and who follows its log, by number. A number is never used again, so a handle that was released, or that never
//! was one, is found out.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError, RwLock},
};

use connectoid_session::{Level, Log, Session};
use zeroize::Zeroizing;

use crate::{
    delivery::{Delivery, Way},
    fault::Fault,
};

/// What a number stands for.
pub(crate) struct Entry {
    source: Source,
    pub(crate) delivery: Arc<Delivery>,
}

/// Where messages come from.
enum Source {
    /// A node that is open, being opened, or closed.
    Node(Session),
    /// The log; none once it was released.
    Log(Mutex<Option<Log>>),
}

impl Entry {
    /// The session, if it is a node's.
    pub(crate) fn session(&self) -> Result<&Session, Fault> {
        match &self.source {
            Source::Node(session) => Ok(session),
            Source::Log(_) => Err(Fault::IsLog),
        }
    }

    /// Whether the caller is the callback.
    pub(crate) fn is_own_thread(&self) -> bool {
        match &self.source {
            Source::Node(session) => session.is_own_thread(),
            Source::Log(log) => lock(log).as_ref().is_some_and(Log::is_own_thread),
        }
    }

    /// Ends it. Nothing is delivered any more.
    pub(crate) fn release(&self) {
        match &self.source {
            Source::Node(session) => session.release(),
            Source::Log(log) => drop(lock(log).take()),
        }
    }
}

fn lock(log: &Mutex<Option<Log>>) -> MutexGuard<'_, Option<Log>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Default)]
struct Table {
    /// The last number that was given.
    last: usize,
    entries: HashMap<usize, Arc<Entry>>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

/// Opens a node and gives it a number.
pub(crate) fn open(id: u64, settings: Zeroizing<String>, way: Way) -> Result<usize, Fault> {
    add(way, |delivery| Ok(Source::Node(Session::open(id, settings, delivery)?)))
}

/// Follows the log, and gives that a number.
pub(crate) fn follow_log(level: Level, way: Way) -> Result<usize, Fault> {
    add(way, |delivery| {
        let log = Log::follow(level, delivery).map_err(|error| Fault::NoLog(error.message))?;
        Ok(Source::Log(Mutex::new(Some(log))))
    })
}

fn add(way: Way, open: impl FnOnce(Arc<Delivery>) -> Result<Source, Fault>) -> Result<usize, Fault> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let number = table.last + 1;
    let delivery = Arc::new(Delivery::new(number, way));
    // A callback that calls in waits for the table, so it finds its node.
    let source = open(delivery.clone())?;
    table.last = number;
    table.entries.insert(number, Arc::new(Entry { source, delivery }));
    Ok(number)
}

pub(crate) fn find(node: usize) -> Result<Arc<Entry>, Fault> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    table.entries.get(&node).cloned().ok_or(Fault::NoSuchNode)
}

pub(crate) fn remove(node: usize) -> Result<Arc<Entry>, Fault> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    table.entries.remove(&node).ok_or(Fault::NoSuchNode)
}
