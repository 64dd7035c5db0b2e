//! The data folder: one node at a time, its owner's alone, and never begun twice.
//!
//! | file | what |
//! |---|---|
//! | `lock` | locked by the node that uses the folder, as long as it lives: the operating system frees it, whatever happens |
//! | `founding` | there while the folder gets its key and its database for the first time |
//! | `key` | the master secret, unless the app keeps it elsewhere |
//! | `connectoid.db`, `-wal`, `-shm` | the store |
//!
//! A database that is gone, while its key is there, looks like a folder that was never used. To go on would make a new
//! user without a word, whom no peer knows; `founding` tells the two apart, also after a crash in the very first start.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
};

use crate::{Error, ErrorKind, Result, VaultError, files};

const LOCK: &str = "lock";
const FOUNDING: &str = "founding";
pub(crate) const KEY: &str = "key";
const DATABASE: &str = "connectoid.db";

/// The files of a folder, apart from the lock and the key, that a copy may have given another mode.
const OTHERS: [&str; 3] = [DATABASE, "connectoid.db-wal", "connectoid.db-shm"];

/// Keeps other nodes out of a data folder, until it is dropped.
pub struct FolderLock {
    file: File,
    folder: PathBuf,
    /// Whether there was a lock before this one, and so a node.
    was_used: bool,
}

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A process that is being started elsewhere in this one may hold the file as well, for a moment: it is not
        // enough to close it. What fails here, the end of the process mends.
        let _ = self.file.unlock();
    }
}

impl FolderLock {
    /// Takes a folder, which is made if need be; `None` if a node uses it now. For programs of several processes that
    /// wait for each other; all others call [`crate::Node::open`].
    ///
    /// # Errors
    /// [`ErrorKind::StorageUnavailable`], which says what is the matter with the folder.
    pub fn take(folder: &Path) -> Result<Option<Self>> {
        files::make_folder(folder).map_err(|error| unusable(&error))?;
        let path = folder.join(LOCK);
        let was_used = path.exists();
        let file = files::open(&path).map_err(|error| unusable(&error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(unusable(&error)),
        }
        files::close_to_others(&path);
        Ok(Some(Self { file, folder: folder.to_owned(), was_used }))
    }

    /// Whether opening a folder would make a new user; one with a key and no database is not new, but damaged.
    pub fn is_new(folder: &Path) -> bool {
        let is_empty = !folder.join(DATABASE).exists() && !folder.join(KEY).exists();
        is_empty || folder.join(FOUNDING).exists()
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.folder.join(DATABASE)
    }

    /// What there is in place of a database: see [`Found`].
    pub(crate) fn look(&self) -> Result<Found> {
        for name in OTHERS {
            files::close_to_others(&self.folder.join(name));
        }
        if self.folder.join(FOUNDING).exists() {
            return Ok(Found::Unfinished);
        }
        match fs::metadata(self.database()) {
            Ok(metadata) if metadata.is_file() && metadata.len() == 0 => Ok(Found::Empty),
            Ok(_) => {
                // SQLite would say less of what is the matter.
                let opened = File::options().read(true).write(true).open(self.database());
                opened.map(|_| Found::Database).map_err(|error| unusable(&error))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(unusable(&error)),
        }
    }

    /// Whether a key in this folder, or one that the app keeps, may begin it.
    pub(crate) fn may_begin(&self, found: Found, has_key: bool, key_is_elsewhere: bool) -> Result<()> {
        match (found, has_key) {
            (Found::Unfinished, _) | (Found::Database, true) | (Found::Nothing, false) => Ok(()),
            (Found::Database | Found::Empty, false) => Err(VaultError::Missing.into()),
            // An app that was installed anew, on a phone whose key store outlives it.
            (Found::Nothing, true) if key_is_elsewhere && !self.was_used => Ok(()),
            (Found::Nothing | Found::Empty, true) => Err(lost()),
        }
    }

    /// Notes that what comes now is the first start; before there is a key.
    pub(crate) fn begin(&self) -> Result<()> {
        let mark = self.folder.join(FOUNDING);
        let marked = files::open(&mark).and_then(|_| files::sync_folder_of(&mark));
        // SQLite gives its other files the mode of the database.
        marked.and_then(|()| files::open(&self.database()).map(|_| ())).map_err(|error| unusable(&error))
    }

    /// Notes that the folder has its key and its user.
    pub(crate) fn founded(&self) -> Result<()> {
        files::remove(&self.folder.join(FOUNDING)).map_err(|error| unusable(&error))
    }
}

/// What a data folder has in place of a database.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// The first start was not finished, or is under way.
    Unfinished,
    /// A database that is more than an empty file.
    Database,
    /// An empty file.
    Empty,
    /// Nothing.
    Nothing,
}

/// The database was lost or emptied, and its key was not.
pub(crate) fn lost() -> Error {
    let message = "the database of this data folder is missing or empty, though its key is there; put connectoid.db, \
                   and connectoid.db-wal if there is one, back from a backup, or begin in a new folder, as a new user \
                   to whom peers have to send new links";
    Error::new(ErrorKind::StorageCorrupt, message)
}

fn unusable(error: &io::Error) -> Error {
    let message = format!("the data folder cannot be made or written to: {}", files::reason(error));
    Error::new(ErrorKind::StorageUnavailable, message)
}
