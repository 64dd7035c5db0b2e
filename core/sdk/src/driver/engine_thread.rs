//! The thread on which the engine lives, and the queue before it.
//!
//! The engine is synchronous and waits for the disk, so it has a thread of its own. All commands that
//! wait when it becomes free go into one step, and so into one transaction: under load, they share one `fsync`.
//!
//! What drivers report comes in steps of its own, after the commands that wait. Most of it is said by peers, and a small
//! frame can mean much work: so as many reports go into a step as are done soon, and what a connection may have waiting
//! here is bounded in bytes.

use std::time::Duration;

use connectoid_protocol::handshake::Identity;
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, mpsc, oneshot, watch},
};

use super::{clock::Clock, hands::Hands};
use crate::{
    Error, Result,
    api::{Command, Reply},
    engine::{Engine, Input, RequestId},
    folder::FolderLock,
};

/// How many inputs may wait; more make their senders wait.
const QUEUE: usize = 1024;

/// How many commands or reports go into one step at most: enough to share an `fsync`.
const BATCH: usize = 256;

/// The same of reports after a while in which few came. The dearest take some milliseconds each.
const FIRST_BATCH: usize = 16;

/// How long a step with reports should take, in µs: a command that comes meanwhile is not felt to wait.
const STEP_TIME: u64 = 25_000;

/// The longest sleep; bounds what a clock that was set changes.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// What comes into the queue.
enum Work {
    Call(Command, oneshot::Sender<Result<Reply>>, oneshot::Sender<RequestId>),
    Close,
}

/// Something that a driver tells, and the room that it takes of what its connection may have waiting, until it is taken.
pub(crate) struct Report {
    pub(super) input: Input,
    room: Option<OwnedSemaphorePermit>,
}

impl Report {
    pub(super) fn in_room(input: Input, room: OwnedSemaphorePermit) -> Self {
        Self { input, room: Some(room) }
    }
}

impl From<Input> for Report {
    fn from(input: Input) -> Self {
        Self { input, room: None }
    }
}

/// How many reports go into a step, by how long the last ones took.
struct Batch(usize);

impl Batch {
    /// A step with so many reports took so long. What came one by one says little of what comes by hundreds, so that a
    /// batch grows by what was tried alone.
    fn took(&mut self, reports: usize, micros: u64) {
        let batch = match reports * 2 {
            // What it took had to do with other things.
            0 => self.0,
            _ if micros > STEP_TIME => reports / 2,
            tried if tried < self.0 => tried.max(self.0.min(FIRST_BATCH)),
            tried => tried,
        };
        self.0 = batch.clamp(1, BATCH);
    }
}

/// The way to the engine. Clones share it.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    queue: mpsc::Sender<Work>,
    /// Beside the queue, which may be full. Each call cancels once at most, which bounds it.
    cancels: mpsc::UnboundedSender<RequestId>,
    /// Its sender is gone when the thread is through with everything.
    ended: watch::Receiver<()>,
}

impl EngineHandle {
    /// Has a command carried out. Dropping the future cancels a command that still waits for a peer.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply> {
        let ((reply, replied), (number, numbered)) = (oneshot::channel(), oneshot::channel());
        self.queue.send(Work::Call(command, reply, number)).await.map_err(|_| Error::closed())?;
        let mut cancel = CancelOnDrop { cancels: self.cancels.clone(), request: Some(numbered) };
        let result = replied.await.map_err(|_| Error::closed())?;
        cancel.request = None;
        result
    }

    /// Ends the engine, whoever else does so too: what was sent is on its way, connections are closed, the store is
    /// closed, the folder is free.
    pub(crate) async fn close(&self) {
        // An engine that is not there any more, or ends already, takes nothing.
        let _ = self.queue.send(Work::Close).await;
        // Fails, which is the end that is waited for.
        let _ = self.ended.clone().wait_for(|()| false).await;
    }
}

struct CancelOnDrop {
    cancels: mpsc::UnboundedSender<RequestId>,
    request: Option<oneshot::Receiver<RequestId>>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(request) = &mut self.request else { return };
        // From here on, the engine's thread either has told the number or finds that nobody waits.
        request.close();
        if let Ok(request) = request.try_recv() {
            // An engine that has ended has nothing to cancel.
            let _ = self.cancels.send(request);
        }
    }
}

/// Starts the thread. It keeps the lock on the data folder until the store is closed.
pub(crate) fn start(
    runtime: Handle,
    lock: Option<FolderLock>,
    engine: impl FnOnce(Option<&FolderLock>, u64) -> Result<Engine> + Send + 'static,
    hands: impl FnOnce(mpsc::Sender<Report>) -> Hands + Send + 'static,
) -> impl Future<Output = Result<(EngineHandle, crate::store::Reader, Identity)>> {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let (cancels, cancelled) = mpsc::unbounded_channel();
    let (alive, ended) = watch::channel(());
    let (opened, opening) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("connectoid-engine".to_owned()).spawn(move || {
        let context = runtime.clone();
        // To the end: what is dropped here may have a connection to a service to give back, which takes a task.
        let _context = context.enter();
        let mut clock = Clock::new();
        let engine = engine(lock.as_ref(), clock.now()).and_then(|engine| Ok((engine.reader()?, engine)));
        let engine = match engine {
            Ok((reader, engine)) => {
                let _ = opened.send(Ok((reader, engine.identity())));
                engine
            }
            Err(error) => {
                // Whoever is told may try again at once.
                drop(lock);
                let _ = opened.send(Err(error));
                return;
            }
        };
        let (reports, reported) = mpsc::channel(QUEUE);
        let hands = hands(reports);
        let batch = Batch(FIRST_BATCH);
        Loop { runtime, engine, hands, clock, calls: 0, batch, waiting, cancelled, reported }.run();
        // In this order: who is told that all has ended may open the folder again.
        drop(lock);
        drop(alive);
    });
    async move {
        spawned.map_err(|_| Error::internal("the engine's thread could not be started"))?;
        let (reader, identity) =
            opening.await.map_err(|_| Error::internal("the engine's thread ended"))??;
        Ok((EngineHandle { queue, cancels, ended }, reader, identity))
    }
}

struct Loop {
    runtime: Handle,
    engine: Engine,
    hands: Hands,
    clock: Clock,
    calls: u64,
    batch: Batch,
    waiting: mpsc::Receiver<Work>,
    cancelled: mpsc::UnboundedReceiver<RequestId>,
    reported: mpsc::Receiver<Report>,
}

/// What there is to do.
#[derive(Default)]
struct Taken {
    work: Vec<Work>,
    cancels: Vec<RequestId>,
    reports: Vec<Report>,
}

impl Loop {
    fn run(mut self) {
        // The first step carries out what loading the store asked for.
        self.step(vec![Input::Tick]);
        loop {
            let Taken { work, cancels, reports } = self.wait();
            let is_asked = !work.is_empty() || !cancels.is_empty();
            let mut inputs: Vec<Input> = cancels.into_iter().map(Input::Cancel).collect();
            let mut closing = false;
            for work in work {
                match work {
                    Work::Call(command, reply, number) => {
                        self.calls += 1;
                        let request = RequestId(self.calls);
                        // A caller that has gone already has cancelled its command.
                        if number.send(request).is_ok() {
                            self.hands.expect_reply(request, reply);
                            inputs.push(Input::Command(request, command));
                        }
                    }
                    Work::Close => closing = true,
                }
            }
            if is_asked {
                self.step(inputs);
            }
            if closing {
                self.close();
                return;
            }
            if !is_asked || !reports.is_empty() {
                self.take_reports(reports);
            }
        }
    }

    /// Sleeps until there is work, a report, or the engine's next deadline; takes what there is.
    fn wait(&mut self) -> Taken {
        let now = self.clock.now();
        let sleep =
            self.engine.poll_timeout().map_or(MAX_SLEEP, |at| Duration::from_micros(at.saturating_sub(now)));
        let (waiting, cancelled, reported) = (&mut self.waiting, &mut self.cancelled, &mut self.reported);
        let mut taken = Taken::default();
        self.runtime.block_on(async {
            tokio::select! {
                biased;
                count = waiting.recv_many(&mut taken.work, BATCH) => {
                    if count == 0 {
                        // The node was dropped without being closed.
                        taken.work.push(Work::Close);
                    }
                }
                Some(request) = cancelled.recv() => taken.cancels.push(request),
                _ = reported.recv_many(&mut taken.reports, self.batch.0) => {}
                () = tokio::time::sleep(sleep.min(MAX_SLEEP)) => {}
            }
        });
        while let Ok(request) = cancelled.try_recv() {
            taken.cancels.push(request);
        }
        while taken.reports.len() < self.batch.0
            && let Ok(report) = reported.try_recv()
        {
            taken.reports.push(report);
        }
        taken
    }

    /// Takes what was reported; or looks what time it is.
    fn take_reports(&mut self, reports: Vec<Report>) {
        let began = self.clock.now();
        let (inputs, rooms): (Vec<Input>, Vec<_>) =
            reports.into_iter().map(|report| (report.input, report.room)).unzip();
        let count = inputs.len();
        self.step(if inputs.is_empty() { vec![Input::Tick] } else { inputs });
        drop(rooms);
        self.batch.took(count, self.clock.now().saturating_sub(began));
    }

    fn step(&mut self, inputs: Vec<Input>) {
        let now = self.clock.now();
        self.engine.step(inputs, now);
        while let Some(output) = self.engine.poll_output() {
            self.hands.carry_out(output);
        }
    }

    fn close(&mut self) {
        // Drivers that still report must not wait for an engine that does not listen any more.
        self.waiting.close();
        self.reported.close();
        let now = self.clock.now();
        self.engine.shut_down(now);
        while let Some(output) = self.engine.poll_output() {
            self.hands.carry_out(output);
        }
        self.runtime.block_on(self.hands.close());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_that_take_long_become_small_and_grow_again() {
        let mut batch = Batch(BATCH);
        for _ in 0..20 {
            batch.took(batch.0, STEP_TIME + 1);
        }
        assert_eq!(batch.0, 1);
        for _ in 0..20 {
            batch.took(batch.0, STEP_TIME);
        }
        assert_eq!(batch.0, BATCH);
    }

    #[test]
    fn after_few_the_next_step_is_small() {
        let mut batch = Batch(BATCH);
        batch.took(1, 0);
        assert_eq!(batch.0, FIRST_BATCH);
        batch.took(FIRST_BATCH, STEP_TIME + 1);
        batch.took(1, 0);
        batch.took(0, STEP_TIME + 1);
        assert_eq!(batch.0, FIRST_BATCH / 2, "it is remembered that they were dear");
    }
}
