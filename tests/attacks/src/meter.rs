//! What an attack costs, and what is promised of that.

use std::time::{Duration, Instant};

use tokio::{sync::oneshot, task::JoinHandle, time::sleep};

use crate::{Outcome, attacks::Extent, process::Process, stage::QUOTA};

/// What the process may take more, in bytes.
const MEMORY: usize = 32 << 20;

/// How long the friend may wait for an answer.
const ROUND_TRIP: Duration = Duration::from_millis(250);

/// What a line of 10 Mbit/s carries in a second, in bytes.
const LINE: f64 = 10e6 / 8.0;

/// What the disk may grow by, in bytes: what the group may take, and SQLite's log, which is written back whenever it has
/// 16 MiB, and the last transaction before that.
const DISK: u64 = QUOTA + (20 << 20);

/// What any attack may cost the processor: meeting, being refused, being noted.
const ALLOWANCE: Duration = Duration::from_millis(500);

/// The part of the processor that may be spent on what is judged again, and on connecting again, as long as it lasts.
const SHARE: u32 = 10;

/// How long the victim may be busy with what an attack has left, before that counts as without end.
const AFTERMATH: Duration = Duration::from_secs(20);

/// The victim is idle that takes no more of a processor in [`LOOK`].
const IDLE: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(250);

/// How long the friend is listened to alone, for what it costs by itself.
const ALONE: Duration = Duration::from_millis(300);

/// The pause between two requests of the friend's.
const PAUSE: Duration = Duration::from_millis(5);

pub(crate) const HEAD: &str = "attack                 sent    memory  processor   per s of line   round trips: median      worst      disk   takes";

/// What is measured from its beginning to its end.
pub(crate) struct Meter<'a> {
    process: &'a Process,
    began: Instant,
    sent: u64,
    memory: usize,
    processor: Duration,
    disk: u64,
    /// What a request of the friend's takes of the processor.
    request: Duration,
    friend: JoinHandle<Vec<Duration>>,
    enough: oneshot::Sender<()>,
}

/// What an attack has cost.
pub(crate) struct Cost {
    sent: u64,
    memory: usize,
    processor: Duration,
    disk: u64,
    round_trips: Vec<Duration>,
    took: Duration,
    /// What else was promised and does not hold.
    broken: Vec<String>,
}

/// Somebody honest, who wants to be served while others attack.
pub(crate) trait Friend: Clone + Send + Sync + 'static {
    /// Asks for something; says whether it was served.
    fn is_served(&self) -> impl Future<Output = bool> + Send;
}

impl<'a> Meter<'a> {
    /// Begins when so many bytes have been sent.
    pub(crate) async fn start(process: &'a Process, friend: impl Friend, sent: u64) -> Outcome<Self> {
        let request = alone(process, friend.clone()).await?;
        process.forget_peak()?;
        let (enough, end) = oneshot::channel();
        let friend = tokio::spawn(ask(friend, end));
        Ok(Self {
            process,
            began: Instant::now(),
            sent,
            memory: process.memory()?,
            processor: process.processor()?,
            disk: process.disk()?,
            request,
            friend,
            enough,
        })
    }

    /// Waits until the victim is idle again, and tells what it has cost that so many bytes are sent by now.
    pub(crate) async fn stop(self, sent: u64) -> Outcome<Cost> {
        let process = self.process;
        let _ = self.enough.send(());
        let mut round_trips = self.friend.await?;
        round_trips.sort_unstable();
        settle(process).await?;
        let friend = self.request * u32::try_from(round_trips.len())?;
        Ok(Cost {
            sent: sent - self.sent,
            memory: process.peak()?.saturating_sub(self.memory),
            processor: process.processor()?.saturating_sub(self.processor + friend),
            disk: process.disk()?.saturating_sub(self.disk),
            round_trips,
            took: self.began.elapsed(),
            broken: Vec::new(),
        })
    }
}

impl Cost {
    /// Adds a promise of this attack's own.
    pub(crate) fn promise(mut self, what: &str, holds: bool) -> Self {
        if !holds {
            self.broken.push(what.to_owned());
        }
        self
    }

    /// What is promised and does not hold. What a busy machine makes longer is not looked at in small.
    pub(crate) fn broken(&self, extent: Extent) -> Vec<String> {
        let worst = self.round_trips.last().copied().unwrap_or_default();
        let line = Duration::from_secs_f64(self.line());
        let timed = extent == Extent::Long;
        let promises = [
            (self.memory <= MEMORY, "at most 32 MiB more".to_owned()),
            (self.disk <= DISK, "no more on the disk than the quota".to_owned()),
            (!self.round_trips.is_empty(), "the friend is answered".to_owned()),
            (!timed || worst <= ROUND_TRIP, "the friend is answered within 250 ms".to_owned()),
            (
                !timed || self.processor <= line + ALLOWANCE + self.took / SHARE,
                "a second of the processor costs a second of the line, but for a tenth of it".to_owned(),
            ),
        ];
        let broken = promises.into_iter().filter(|(holds, _)| !holds).map(|(_, promise)| promise);
        broken.chain(self.broken.iter().cloned()).collect()
    }

    /// Bytes that the victim's folder has grown by.
    pub(crate) fn disk(&self) -> u64 {
        self.disk
    }

    /// Seconds that the attacker's line is busy.
    #[allow(clippy::cast_precision_loss, reason = "a figure for people")]
    fn line(&self) -> f64 {
        self.sent as f64 / LINE
    }

    #[allow(clippy::cast_precision_loss, reason = "figures for people")]
    pub(crate) fn row(&self, name: &str) -> String {
        let millis = |time: Duration| time.as_secs_f64() * 1000.0;
        let median = self.round_trips.get(self.round_trips.len() / 2).copied().unwrap_or_default();
        let worst = self.round_trips.last().copied().unwrap_or_default();
        format!(
            "{name:16} {:>9.2} MB {:>5.1} MiB {:>7.2} s {:>13.2} s {:>17.1} ms {:>7.1} ms {:>5.1} MiB {:>5.1} s",
            self.sent as f64 / 1e6,
            self.memory as f64 / f64::from(1 << 20),
            self.processor.as_secs_f64(),
            self.processor.as_secs_f64() / self.line().max(1e-9),
            millis(median),
            millis(worst),
            self.disk as f64 / f64::from(1 << 20),
            self.took.as_secs_f64(),
        )
    }
}

/// What one request of the friend's takes of the processor while nothing else happens.
async fn alone(process: &Process, friend: impl Friend) -> Outcome<Duration> {
    settle(process).await?;
    let before = process.processor()?;
    let (enough, end) = oneshot::channel();
    let friend = tokio::spawn(ask(friend, end));
    sleep(ALONE).await;
    let _ = enough.send(());
    let count = u32::try_from(friend.await?.len())?;
    Ok(process.processor()?.saturating_sub(before) / count.max(1))
}

/// Requests one after the other, and how long each takes.
async fn ask(friend: impl Friend, mut end: oneshot::Receiver<()>) -> Vec<Duration> {
    let mut round_trips = Vec::new();
    while end.try_recv().is_err() {
        let began = Instant::now();
        if friend.is_served().await {
            round_trips.push(began.elapsed());
        }
        sleep(PAUSE).await;
    }
    round_trips
}

async fn settle(process: &Process) -> Outcome {
    let began = Instant::now();
    let mut before = process.processor()?;
    while began.elapsed() < AFTERMATH {
        sleep(LOOK).await;
        let after = process.processor()?;
        if after.saturating_sub(before) <= IDLE {
            return Ok(());
        }
        before = after;
    }
    Err("it is busy without end".into())
}
