//! The one thread that writes: group commit.

use std::{io, sync::Arc, thread};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use super::{batch::Batch, failed, index::Index};
use crate::{
    rules::quota::Totals,
    store::{Capacity, Pending, StoreError},
};

/// The most operations in one transaction, which bounds how long the first one waits for the last.
const MAX_BATCH: usize = 512;

/// The most operations that wait. Beyond it requests are refused rather than memory filled: at 24 KiB
/// each this is 96 MiB.
const MAX_QUEUE: usize = 4096;

/// Does its part of a transaction and returns what to tell its client after the commit. If either fails,
/// the job is dropped, and with it the channel on which its client waits: that is how the client learns.
type Job = Box<dyn FnOnce(&mut Batch<'_>) -> rusqlite::Result<Publish> + Send>;
type Publish = Box<dyn FnOnce() + Send>;

pub(super) struct Writer {
    queue: Option<mpsc::Sender<Job>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        connection: Connection,
        index: Arc<Index>,
        capacity: Capacity,
    ) -> Result<Self, super::OpenError> {
        let totals = Batch::count(&connection)?;
        let (queue, jobs) = mpsc::channel(MAX_QUEUE);
        let state = State { connection, index, totals, capacity };
        let thread = thread::Builder::new().name("mailbox-writer".into()).spawn(move || state.run(jobs))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Does `work` in the next transaction and waits for the commit.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Pending<'_, T> {
        let (reply, result) = oneshot::channel();
        let job: Job = Box::new(move |batch| {
            let value = work(batch)?;
            Ok(Box::new(move || {
                // A client that left no longer waits for the answer; the work is done all the same.
                let _gone = reply.send(value);
            }))
        });
        let queued = self.enqueue(job);
        Box::pin(async move {
            queued?;
            result.await.map_err(|_| StoreError::Failed)
        })
    }

    /// Does `work` in the next transaction, for which nobody waits. It is left out if too much waits already.
    pub(super) fn post(&self, work: impl FnOnce(&mut Batch<'_>) -> rusqlite::Result<()> + Send + 'static) {
        let job: Job = Box::new(move |batch| {
            work(batch)?;
            Ok(Box::new(|| {}))
        });
        if let Err(error) = self.enqueue(job) {
            tracing::debug!(%error, "what could wait was left out");
        }
    }

    fn enqueue(&self, job: Job) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => StoreError::Busy,
            mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
        })
    }
}

impl Drop for Writer {
    /// Lets the writer finish what is queued and close the database.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(Err(_)) = self.thread.take().map(thread::JoinHandle::join) {
            tracing::error!("the writer of the database has panicked");
        }
    }
}

struct State {
    connection: Connection,
    index: Arc<Index>,
    totals: Totals,
    capacity: Capacity,
}

impl State {
    fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        while let Some(first) = jobs.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < MAX_BATCH
                && let Ok(job) = jobs.try_recv()
            {
                batch.push(job);
            }
            match self.commit(batch) {
                Ok(answers) => answers.into_iter().for_each(|publish| publish()),
                Err(error) => drop(failed(&error)),
            }
        }
    }

    /// Does all jobs in one transaction. The index follows before anybody is told.
    fn commit(&mut self, jobs: Vec<Job>) -> rusqlite::Result<Vec<Publish>> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut batch = Batch::new(&transaction, self.totals, self.capacity);
        let answers = jobs.into_iter().map(|job| job(&mut batch)).collect::<rusqlite::Result<Vec<_>>>()?;
        let (totals, changes) = batch.finish();
        transaction.commit()?;
        self.totals = totals;
        for (id, entry) in changes {
            self.index.update(id, entry);
        }
        Ok(answers)
    }
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the store failed");
        Self::Failed
    }
}
