//! Reading, beside the writer.

use std::{
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use connectoid_protocol::{boxes::BoxId, mailbox::Message};
use rusqlite::{Connection, OpenFlags, params};
use tokio::sync::Semaphore;

use super::{BUSY_TIMEOUT, failed};
use crate::{
    rules::{Micros, quota::MESSAGE_LIFETIME},
    store::{Pending, StoreError},
};

/// Connections that read. A read takes microseconds from the page cache, so a few serve thousands.
const CONNECTIONS: usize = 4;

pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(path: &Path) -> rusqlite::Result<Self> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            Ok(connection)
        };
        let idle = (0..CONNECTIONS).map(|_| open()).collect::<rusqlite::Result<Vec<_>>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), turns: Arc::new(Semaphore::new(CONNECTIONS)) })
    }

    /// Reads on a thread that may block, once a connection is free.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Pending<'_, T> {
        Box::pin(async move {
            let turn = self.turns.clone().acquire_owned().await.map_err(|_| StoreError::Closed)?;
            let idle = self.idle.clone();
            let read = tokio::task::spawn_blocking(move || {
                let connection = pool(&idle).pop().ok_or(StoreError::Busy)?;
                let result = work(&connection).map_err(|error| failed(&error));
                pool(&idle).push(connection);
                drop(turn);
                result
            });
            read.await.map_err(|_| StoreError::Closed)?
        })
    }
}

fn pool(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(super) fn messages(
    connection: &Connection,
    id: &BoxId,
    after: Micros,
    limit: usize,
    now: Micros,
) -> rusqlite::Result<Vec<Message>> {
    let sql = "SELECT at, data FROM message WHERE box = (SELECT id FROM box WHERE key = ?1) \
               AND at > ?2 AND stored > ?3 ORDER BY at LIMIT ?4";
    let mut statement = connection.prepare_cached(sql)?;
    let values = params![id.as_bytes(), after, now.saturating_sub(MESSAGE_LIFETIME), limit];
    let messages = statement.query_map(values, |row| {
        let data = String::from_utf8(row.get(1)?);
        let invalid = |_| rusqlite::Error::InvalidColumnType(1, "data".into(), rusqlite::types::Type::Blob);
        Ok(Message { at: row.get(0)?, data: data.map_err(invalid)? })
    })?;
    messages.collect()
}
