//! The thread on which the engine lives, and the queue before it.
//!
//! The engine is synchronous and waits for the disk, so it has a thread of its own. Everything that
//! waits in the queue when it becomes free goes into one step, and so into one transaction: under load,
//! many commands share one `fsync`.

use std::{sync::Arc, time::Duration};

use connectoid_protocol::handshake::Identity;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
};

use super::{clock::Clock, hands::Hands};
use crate::{
    api::{Command, Reply},
    engine::{Engine, Input, RequestId},
    error::{Error, Result},
};

/// How many inputs may wait; more make their senders wait.
const QUEUE: usize = 1024;

/// How many inputs go into one step: enough to share an `fsync`, few enough to answer soon.
const BATCH: usize = 256;

/// The longest sleep; bounds what a clock that was set changes.
const MAX_SLEEP: Duration = Duration::from_mins(1);

/// What comes into the queue.
pub(super) enum Work {
    Input(Input),
    Call(Command, oneshot::Sender<Result<Reply>>, oneshot::Sender<RequestId>),
    Close(oneshot::Sender<()>),
}

/// The way to the engine. Clones share it.
#[derive(Clone)]
pub(crate) struct EngineHandle {
    queue: mpsc::Sender<Work>,
}

impl EngineHandle {
    /// Has a command carried out. Dropping the future cancels a command that still waits for a peer.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply> {
        let ((reply, replied), (number, numbered)) = (oneshot::channel(), oneshot::channel());
        self.queue.send(Work::Call(command, reply, number)).await.map_err(|_| Error::closed())?;
        let mut cancel = CancelOnDrop { queue: self.queue.clone(), request: Some(numbered) };
        let result = replied.await.map_err(|_| Error::closed())?;
        cancel.request = None;
        result
    }

    /// Ends the engine: what was sent is on its way, connections are closed, the store is closed.
    pub(crate) async fn close(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.send(Work::Close(done)).await.is_ok() {
            // The thread drops `done` if it ends otherwise, and then it is closed as well.
            let _ = closed.await;
        }
    }

    /// Ends the engine and waits for it, outside any runtime.
    pub(crate) fn close_blocking(&self) {
        let (done, closed) = oneshot::channel();
        if self.queue.blocking_send(Work::Close(done)).is_ok() {
            // The thread drops `done` if it ends otherwise, and then it is closed as well.
            let _ = closed.blocking_recv();
        }
    }
}

struct CancelOnDrop {
    queue: mpsc::Sender<Work>,
    request: Option<oneshot::Receiver<RequestId>>,
}

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        let Some(request) = &mut self.request else { return };
        // From here on, the engine's thread either has told the number or finds that nobody waits.
        request.close();
        if let Ok(request) = request.try_recv() {
            // A full queue means that the cancelled command costs a place in it a little longer.
            let _ = self.queue.try_send(Work::Input(Input::Cancel(request)));
        }
    }
}

/// Starts the thread.
pub(crate) fn start(
    runtime: Handle,
    engine: impl FnOnce(u64) -> Result<Engine> + Send + 'static,
    hands: impl FnOnce(mpsc::Sender<Input>) -> Hands + Send + 'static,
) -> impl Future<Output = Result<(EngineHandle, crate::store::Reader, Identity)>> {
    let (queue, waiting) = mpsc::channel(QUEUE);
    let (opened, opening) = oneshot::channel();
    let spawned = std::thread::Builder::new().name("connectoid-engine".to_owned()).spawn(move || {
        let mut clock = Clock::new();
        let engine = engine(clock.now()).and_then(|engine| Ok((engine.reader()?, engine)));
        let engine = match engine {
            Ok((reader, engine)) => {
                let _ = opened.send(Ok((reader, engine.identity())));
                engine
            }
            Err(error) => {
                let _ = opened.send(Err(error));
                return;
            }
        };
        let (reports, reported) = mpsc::channel(QUEUE);
        let hands = hands(reports);
        Loop { runtime, engine, hands: Arc::new(hands), clock, calls: 0, waiting, reported }.run();
    });
    async move {
        spawned.map_err(|_| Error::internal("the engine's thread could not be started"))?;
        let (reader, identity) =
            opening.await.map_err(|_| Error::internal("the engine's thread ended"))??;
        Ok((EngineHandle { queue }, reader, identity))
    }
}

struct Loop {
    runtime: Handle,
    engine: Engine,
    hands: Arc<Hands>,
    clock: Clock,
    calls: u64,
    waiting: mpsc::Receiver<Work>,
    reported: mpsc::Receiver<Input>,
}

impl Loop {
    fn run(mut self) {
        // The first step carries out what loading the store asked for.
        self.step(vec![Input::Tick]);
        loop {
            let (mut work, mut inputs) = (Vec::new(), Vec::new());
            self.wait(&mut work, &mut inputs);
            let mut closing = None;
            for work in work {
                match work {
                    Work::Input(input) => inputs.push(input),
                    Work::Call(command, reply, number) => {
                        self.calls += 1;
                        let request = RequestId(self.calls);
                        // A caller that has gone already has cancelled its command.
                        if number.send(request).is_ok() {
                            self.hands.expect_reply(request, reply);
                            inputs.push(Input::Command(request, command));
                        }
                    }
                    Work::Close(done) => closing = Some(done),
                }
            }
            self.step(inputs);
            if let Some(done) = closing {
                self.close();
                // The store must be closed before anybody is told so.
                drop(self);
                let _ = done.send(());
                return;
            }
        }
    }

    /// Sleeps until there is work, a report, or the engine's next deadline.
    fn wait(&mut self, work: &mut Vec<Work>, inputs: &mut Vec<Input>) {
        let now = self.clock.now();
        let sleep =
            self.engine.poll_timeout().map_or(MAX_SLEEP, |at| Duration::from_micros(at.saturating_sub(now)));
        let (waiting, reported) = (&mut self.waiting, &mut self.reported);
        self.runtime.block_on(async {
            tokio::select! {
                count = waiting.recv_many(work, BATCH) => {
                    if count == 0 {
                        // The node was dropped without being closed.
                        work.push(Work::Close(oneshot::channel().0));
                    }
                }
                _ = reported.recv_many(inputs, BATCH) => {}
                () = tokio::time::sleep(sleep.min(MAX_SLEEP)) => inputs.push(Input::Tick),
            }
        });
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
        let hands = self.hands.clone();
        self.runtime.block_on(hands.close());
    }
}
