//! Transactions, which the caller drives: many inputs can share one, and so one write to the disk.
//!
//! A call that writes and fails may have written half. Outside a transaction it undoes that itself. Within
//! one, the caller wraps it in [`Store::savepoint`] if it wants to go on, or gives up the transaction;
//! [`Store::commit_transaction`] sees to it that nothing half-written is ever committed.

use super::{Store, StoreError, arrivals::Sequence, error::Result};

/// What a store was like when a savepoint began.
pub(crate) struct Savepoint(Sequence, bool);

impl Store {
    /// Begins a transaction. Calls that write outside one run in a transaction of their own.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another process writes; [`StoreError::Internal`] within a transaction.
    pub fn begin_transaction(&mut self) -> Result<()> {
        self.sequence.remember();
        self.half_written = false;
        Ok(self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(|_| ())?)
    }

    /// Makes everything since [`Store::begin_transaction`] durable.
    ///
    /// # Errors
    /// [`StoreError`]; then everything since then is undone. [`StoreError::HalfWritten`] if a call in the
    /// transaction has failed and was not undone by a savepoint.
    pub fn commit_transaction(&mut self) -> Result<()> {
        if self.half_written {
            self.rollback_transaction()?;
            return Err(StoreError::HalfWritten);
        }
        let committed = self.connection.prepare_cached("COMMIT")?.execute([]);
        if let Err(error) = committed {
            self.rollback_transaction()?;
            return Err(error.into());
        }
        Ok(())
    }

    /// Undoes everything since [`Store::begin_transaction`].
    ///
    /// # Errors
    /// [`StoreError`] if not even that is possible.
    pub fn rollback_transaction(&mut self) -> Result<()> {
        self.caches.clear();
        self.sequence.go_back();
        self.half_written = false;
        // Some errors make SQLite roll back by itself.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK")?;
        }
        Ok(())
    }

    /// Runs `work` so that, if it fails, nothing of it remains; within a transaction or outside.
    ///
    /// # Errors
    /// Those of `work`, and [`StoreError`].
    pub fn savepoint<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        if self.connection.is_autocommit() {
            return self.in_own_transaction(work);
        }
        let before = self.begin_savepoint()?;
        let done = work(self);
        match &done {
            Ok(_) => self.release_savepoint()?,
            Err(_) => self.undo_savepoint(before)?,
        }
        done
    }

    /// Runs the `work` of one call: in a transaction of its own, or as part of the caller's.
    pub(super) fn write<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.connection.is_autocommit() {
            return self.in_own_transaction(work);
        }
        let done = work(self);
        self.half_written |= done.is_err();
        done
    }

    fn in_own_transaction<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(&mut Self) -> core::result::Result<T, E>,
    ) -> core::result::Result<T, E> {
        self.begin_transaction()?;
        let done = work(self);
        match &done {
            Ok(_) => self.commit_transaction()?,
            Err(_) => self.rollback_transaction()?,
        }
        done
    }

    /// As [`Store::savepoint`], for work that does not fit a closure; within a transaction only. Savepoints
    /// may be nested: the latest is the one that is released or undone.
    pub(crate) fn begin_savepoint(&mut self) -> Result<Savepoint> {
        self.connection.prepare_cached("SAVEPOINT step")?.execute([])?;
        Ok(Savepoint(self.sequence.clone(), self.half_written))
    }

    /// Keeps what was written since the savepoint.
    pub(crate) fn release_savepoint(&mut self) -> Result<()> {
        self.connection.prepare_cached("RELEASE step")?.execute([])?;
        Ok(())
    }

    /// Undoes what was written since the savepoint.
    pub(crate) fn undo_savepoint(&mut self, before: Savepoint) -> Result<()> {
        self.caches.clear();
        (self.sequence, self.half_written) = (before.0, before.1);
        // After an error upon which SQLite has rolled back all, there is no savepoint any more.
        if !self.connection.is_autocommit() {
            self.connection.execute_batch("ROLLBACK TO step; RELEASE step")?;
        }
        Ok(())
    }
}
