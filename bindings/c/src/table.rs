//! The nodes of this process, by number. A number is never used again, so a handle that was released, or that never
//! was one, is found out.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use connectoid_session::Session;
use zeroize::Zeroizing;

use crate::{
    delivery::{Delivery, Way},
    fault::Fault,
};

/// A node that is open, being opened, or closed.
pub(crate) struct Entry {
    pub(crate) session: Session,
    pub(crate) delivery: Arc<Delivery>,
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
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    let node = table.last + 1;
    let delivery = Arc::new(Delivery::new(node, way));
    // A callback that calls in waits for the table, so it finds its node.
    let session = Session::open(id, settings, delivery.clone())?;
    table.last = node;
    table.entries.insert(node, Arc::new(Entry { session, delivery }));
    Ok(node)
}

pub(crate) fn find(node: usize) -> Result<Arc<Entry>, Fault> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    table.entries.get(&node).cloned().ok_or(Fault::NoSuchNode)
}

pub(crate) fn remove(node: usize) -> Result<Arc<Entry>, Fault> {
    let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
    table.entries.remove(&node).ok_or(Fault::NoSuchNode)
}
