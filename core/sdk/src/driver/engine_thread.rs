//! The thread on which the engine lives, and the queue before it.
//!
//! The engine is synchronous and waits for the disk, so it has a thread of its own. Everything that
//! waits in the queue when it becomes free goes into one step, and so into one transaction: under load,
//! many commands share one `fsync`.

use std::time::Duration;

use connectoid_protocol::handshake::Identity;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot, watch},
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

/// How many inputs go into one step: enough to share an `fsync`, few enough to answer soon.
const BATCH: usize = 256;

/// The longest sleep; bounds what a clock that was set changes.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// What comes into the queue.
enum Work {
    Call(Command, oneshot::Sender<Result<Reply>>, oneshot::Sender<RequestId>),
    Close,
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
    hands: impl FnOnce(mpsc::Sender<Input>) -> Hands + Send + 'static,
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
        Loop { runtime, engine, hands, clock, calls: 0, waiting, cancelled, reported }.run();
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
    waiting: mpsc::Receiver<Work>,
    cancelled: mpsc::UnboundedReceiver<RequestId>,
    reported: mpsc::Receiver<Input>,
}

impl Loop {
    fn run(mut self) {
        // The first step carries out what loading the store asked for.
        self.step(vec![Input::Tick]);
        loop {
            let (mut work, mut inputs) = (Vec::new(), Vec::new());
            self.wait(&mut work, &mut inputs);
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
            self.step(inputs);
            if closing {
                self.close();
                return;
            }
        }
    }

    /// Sleeps until there is work, a report, or the engine's next deadline.
    fn wait(&mut self, work: &mut Vec<Work>, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let sleep =
            self.engine.poll_timeout().map_or(MAX_SLEEP, |at| Duration::from_micros(at.saturating_sub(now)));
        let (waiting, cancelled, reported) = (&mut self.waiting, &mut self.cancelled, &mut self.reported);
        self.runtime.block_on(async {
            tokio::select! {
                count = waiting.recv_many(work, BATCH) => {
                    if count == 0 {
                        // The node was dropped without being closed.
                        work.push(Work::Close);
                    }
                }
                Some(request) = cancelled.recv() => inputs.push(Input::Cancel(request)),
                _ = reported.recv_many(inputs, BATCH) => {}
                () = tokio::time::sleep(sleep.min(MAX_SLEEP)) => inputs.push(Input::Tick),
            }
        });
        while let Ok(request) = cancelled.try_recv() {
            inputs.push(Input::Cancel(request));
        }
        while let Ok(input) = reported.try_recv() {
            inputs.push(input);
            if inputs.len() >= BATCH {
                break;
            }
        }
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
