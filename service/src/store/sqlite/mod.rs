//! Boxes in SQLite.
//!
//! One thread writes. It takes all that is waiting, up to a bound, into one transaction (group commit):
//! a commit costs a flush of the disk, and under load hundreds of messages share one. A request is
//! answered only after the commit that contains it. The journal is a write-ahead log with
//! `synchronous = FULL`: `NORMAL` would not flush at commit, so that a power cut could take messages
//! back whose senders were told `ok`.
//!
//! Other connections read at the same time. And since nearly all checks find nothing, the writer keeps
//! an [`Index`] in memory from which those are answered without touching the database.

mod batch;
mod index;
mod read;
mod writer;

use std::path::{Path, PathBuf};

use connectoid_protocol::{boxes::BoxId, mailbox::Message};
use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::{Appended, Capacity, Glance, IfMissing, Looked, Pending, Store, StoreError};
use crate::{
    data::open_private_file,
    rules::{Micros, quota::Totals},
};
use index::Index;
use read::Readers;
use writer::Writer;

/// The database's file in the data directory.
const FILE: &str = "mailbox.sqlite";

/// How long a connection waits for a lock. Only a backup or an operator's shell competes for one.
const BUSY_TIMEOUT: std::time::Duration = std::time::Duration::from_secs(5);

/// The database cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// SQLite cannot open or read it.
    #[error("cannot open the database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// It was written by a newer version, or is none of this service's.
    #[error("cannot bring the database up to date: {0}")]
    Migration(#[from] rusqlite_migration::Error),
    /// Its file cannot be made, or the thread that writes it cannot be started.
    #[error("cannot make the database or start its writer: {0}")]
    Thread(#[from] std::io::Error),
}

/// A store in a SQLite database.
pub struct SqliteStore {
    writer: Writer,
    readers: Readers,
    index: std::sync::Arc<Index>,
}

impl SqliteStore {
    /// Opens or makes the database in `directory`, which must exist and belong to this process alone.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(directory: &Path, capacity: Capacity) -> Result<Self, OpenError> {
        let path: PathBuf = directory.join(FILE);
        // SQLite gives its other files the mode of this one. They may have come from a copy with another.
        for file in
            [FILE.to_owned(), format!("{FILE}-wal"), format!("{FILE}-shm")].map(|name| directory.join(name))
        {
            if file == path || file.exists() {
                open_private_file(&file)?;
            }
        }
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations().to_latest(&mut connection)?;
        let index = std::sync::Arc::new(Index::new());
        let writer = Writer::start(connection, index.clone(), capacity)?;
        Ok(Self { writer, readers: Readers::open(&path)?, index })
    }
}

impl Store for SqliteStore {
    fn glance(&self, id: &BoxId, now: Micros) -> Option<Glance> {
        self.index.glance(id, now)
    }

    fn look(&self, id: BoxId, missing: IfMissing, now: Micros) -> Pending<'_, Looked> {
        self.writer.submit(move |batch| batch.look(id, missing, now))
    }

    fn append(&self, id: BoxId, data: String, missing: IfMissing, now: Micros) -> Pending<'_, Appended> {
        self.writer.submit(move |batch| batch.append(id, data.as_bytes(), missing, now))
    }

    fn read(&self, id: BoxId, after: Micros, limit: usize, now: Micros) -> Pending<'_, Vec<Message>> {
        self.readers.submit(move |connection| read::messages(connection, &id, after, limit, now))
    }

    fn forget(&self, id: BoxId, up_to: Micros) {
        self.writer.post(move |batch| batch.forget(id, up_to));
    }

    fn close(&self, id: BoxId, now: Micros) -> Pending<'_, ()> {
        self.writer.submit(move |batch| batch.close(id, now))
    }

    fn sweep(&self, now: Micros) -> Pending<'_, bool> {
        self.writer.submit(move |batch| batch.sweep(now))
    }

    fn totals(&self) -> Pending<'_, Totals> {
        self.writer.submit(|batch| Ok(batch.totals()))
    }
}

/// The reason goes to the log, where it says nothing about any box: statements carry no values.
fn failed(error: &rusqlite::Error) -> StoreError {
    tracing::error!(%error, "the database failed");
    StoreError::Failed
}

fn migrations() -> Migrations<'static> {
    Migrations::new(vec![M::up(include_str!("migrations/0001_boxes.sql"))])
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_migrations_are_valid() {
        super::migrations().validate().unwrap();
    }
}
