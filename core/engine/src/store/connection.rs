//! How connections are opened, and what is asked of SQLite.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};

use super::error::Result;

/// How durable a commit is. FULL: it survives a power cut, because an acknowledgement in sync tells the peer
/// that it need not keep a change for us any longer.
const SYNCHRONOUS: &str = "FULL";

/// How long to wait for another process, or in memory for a reader, before reporting [`super::StoreError::Busy`].
/// Readers hold their lock for the time of one query.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// How many statements stay compiled: more than there are in this folder.
const STATEMENTS: usize = 128;

/// How much of the file is held in memory, in KiB (negative: that is how SQLite wants it).
const CACHE_KIB: i64 = -16384;

/// After how many pages of 4 KiB the write-ahead log is written back: 16 MiB, so that a long import syncs
/// the main file seldom.
const CHECKPOINT_PAGES: i64 = 4096;

/// Where a store is.
#[derive(Debug, Clone)]
pub(super) enum Place {
    File(PathBuf),
    /// The name of a database in this process's memory, which connections share.
    Memory(String),
}

impl Place {
    /// A place in memory that no other store has.
    pub(super) fn memory() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self::Memory(format!("file:/connectoid-{}?vfs=memdb", NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// Opens it for writing; makes it if there is nothing.
    pub(super) fn open(&self) -> Result<Connection> {
        let connection = self.connect(OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE)?;
        // A database in memory has no log, and answers so.
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", SYNCHRONOUS)?;
        connection.pragma_update(None, "foreign_keys", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // Sealed keys are deleted from here; what is overwritten costs no extra write.
        connection.pragma_update(None, "secure_delete", "FAST")?;
        Ok(connection)
    }

    /// Opens it for reading.
    pub(super) fn open_to_read(&self) -> Result<Connection> {
        self.connect(OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    fn connect(&self, flags: OpenFlags) -> Result<Connection> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::File(path) => Connection::open_with_flags(path, flags)?,
            Self::Memory(uri) => Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?,
        };
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.pragma_update(None, "cache_size", CACHE_KIB)?;
        Ok(connection)
    }
}
