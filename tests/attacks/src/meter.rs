//! What an attack costs, and what is promised of that.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

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

/// Of so many parts of a core, one may be spent on what is judged again, and on connecting again, as long as it lasts.
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
    asked: Arc<AtomicU32>,
    friend: JoinHandle<Asked>,
    enough: oneshot::Sender<()>,
}

/// What came of the friend's requests.
#[derive(Default)]
struct Asked {
    /// How long each took.
    round_trips: Vec<Duration>,
    /// How many were not served.
    refused: usize,
}

/// What an attack has cost.
pub(crate) struct Cost {
    sent: u64,
    memory: usize,
    processor: Duration,
    disk: u64,
    round_trips: Vec<Duration>,
    refused: usize,
    took: Duration,
    /// The part of a core that may be taken as long as it lasts.
    share: u32,
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
        let asked = Arc::new(AtomicU32::new(0));
        let friend = tokio::spawn(ask(friend, asked.clone(), end));
        Ok(Self {
            process,
            began: Instant::now(),
            sent,
            memory: process.memory()?,
            processor: process.processor()?,
            disk: process.disk()?,
            request,
            asked,
            friend,
            enough,
        })
    }

    /// Waits until the victim is idle again, and tells what it has cost that so many bytes are sent by now.
    pub(crate) async fn stop(self, sent: u64) -> Outcome<Cost> {
        let process = self.process;
        // The friend goes on meanwhile: what is left to be done must not keep it waiting either.
        settle(process, &self.asked, self.request).await?;
        let _ = self.enough.send(());
        let Asked { mut round_trips, refused } = self.friend.await?;
        round_trips.sort_unstable();
        let friend = self.request * self.asked.load(Ordering::Relaxed);
        Ok(Cost {
            sent: sent - self.sent,
            memory: process.peak()?.saturating_sub(self.memory),
            processor: process.processor()?.saturating_sub(self.processor + friend),
            disk: process.disk()?.saturating_sub(self.disk),
            round_trips,
            refused,
            took: self.began.elapsed(),
            share: 0,
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

    /// Judging again and connecting again may take a tenth of a core as long as they last.
    pub(crate) fn that_lasts(mut self) -> Self {
        self.share = 1;
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
            (self.refused == 0 && self.round_trips.len() > 5, "the friend is always answered".to_owned()),
            (!timed || worst <= ROUND_TRIP, "the friend is answered within 250 ms".to_owned()),
            (
                !timed || self.processor <= line + ALLOWANCE + self.took * self.share / SHARE,
                "a second of the processor costs a second of the line, but for a tenth of it".to_owned(),
            ),
        ];
        let broken = promises.into_iter().filter(|(holds, _)| !holds).map(|(_, promise)| promise);
        broken.chain(self.broken.iter().cloned()).collect()
    }

    /// Bytes that it has held more, at most.
    pub(crate) fn memory(&self) -> usize {
        self.memory
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
    settle(process, &AtomicU32::new(0), Duration::ZERO).await?;
    let before = process.processor()?;
    let (enough, end) = oneshot::channel();
    let asked = Arc::new(AtomicU32::new(0));
    let friend = tokio::spawn(ask(friend, asked.clone(), end));
    sleep(ALONE).await;
    let _ = enough.send(());
    friend.await?;
    Ok(process.processor()?.saturating_sub(before) / asked.load(Ordering::Relaxed).max(1))
}

/// Requests one after the other, and how long each takes.
async fn ask(friend: impl Friend, count: Arc<AtomicU32>, mut end: oneshot::Receiver<()>) -> Asked {
    let mut asked = Asked::default();
    while end.try_recv().is_err() {
        let began = Instant::now();
        if !friend.is_served().await {
            asked.refused += 1;
        }
        asked.round_trips.push(began.elapsed());
        count.fetch_add(1, Ordering::Relaxed);
        sleep(PAUSE).await;
    }
    asked
}

/// Waits until nothing is done any more but what the friend asks for, which takes so much each time.
async fn settle(process: &Process, asked: &AtomicU32, request: Duration) -> Outcome {
    let began = Instant::now();
    let look = || Ok::<_, crate::Failure>((process.processor()?, asked.load(Ordering::Relaxed)));
    let (mut before, mut asked_before) = look()?;
    while began.elapsed() < AFTERMATH {
        sleep(LOOK).await;
        let (after, asked_after) = look()?;
        let friend = request * (asked_after - asked_before);
        if after.saturating_sub(before) <= IDLE + 2 * friend {
            return Ok(());
        }
        (before, asked_before) = (after, asked_after);
    }
    Err("it is busy without end".into())
}
