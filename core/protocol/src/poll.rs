//! When to look into which mailboxes, and where.
//!
//! Looking costs battery, not looking costs time. So the pace adapts:
//!
//! | the app is | and | a round of checks is made |
//! |---|---|---|
//! | in the foreground | | at once after the last; the service holds each for up to 25 s |
//! | in the background | something was sent in the last minute | every 2 s |
//! | in the background | something happened lately | every `interval` (60 s unless set) |
//! | in the background | nothing happened for long | at intervals doubling up to 15 min |
//!
//! A round asks, for each box, the first of its services that works, in the order of its address; on every fifth
//! round, and while a connection is being made, all of them. All boxes at one service go into one request.
//!
//! A service that failed last time is *doubted* until it answers: it is asked as well, but aside. The round does not
//! wait for it, so that one which takes connections and never answers keeps nobody waiting.
//!
//! Who shares with very many people has more boxes than a service can hold checks for. Then the boxes in which mail is
//! most likely are asked first, and alone with a hold: those that are new, those in which something was found last, and
//! those from which something was sent. The others are asked every few seconds.
//!
//! How far a box was read at a service is a cursor that the caller persists together with the effect
//! of the messages, and hands in again after a restart.

use core::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

use rand_core::CryptoRng;

use crate::{address::Address, boxes::BoxId};

/// The pace in the background unless the app sets another, in µs.
pub const DEFAULT_INTERVAL: u64 = 60_000_000;

/// The slowest pace in the background, in µs.
pub const MAX_INTERVAL: u64 = 15 * 60_000_000;

/// How long a service is asked to hold a check while the app is in the foreground, in s.
pub const WAIT: u64 = 25;

/// How long a service is asked to hold a check beside another one that does not hold, in s: as long as that
/// one is left alone.
pub const SHORT_WAIT: u64 = HOT_INTERVAL / 1_000_000;

/// The pace while an answer is expected, in µs.
pub const HOT_INTERVAL: u64 = 2_000_000;

/// A check that came back empty sooner than this was not held by the service, in µs.
pub const SHORTEST_HOLD: u64 = 1_000_000;

/// How long an answer is expected after something was sent, in µs.
pub const HOT_TIME: u64 = 60_000_000;

/// How many rounds without anything pass before the background pace halves.
pub const ROUNDS_PER_STEP: u32 = 10;

/// Every so many rounds, all services of a box are asked.
pub const FULL_ROUND: u32 = 5;

/// The first pause after a service could not be reached, in µs; it doubles up to [`MAX_INTERVAL`], in
/// the foreground up to [`MAX_FOREGROUND_BACKOFF`].
pub const FIRST_BACKOFF: u64 = 1_000_000;

/// The longest pause after a service could not be reached while the app is in the foreground, in µs: somebody waits
/// for the network to come back.
pub const MAX_FOREGROUND_BACKOFF: u64 = 30_000_000;

/// How long a service is heeded that asks to be left alone, in µs; whatever it says, a device is not lost to the people
/// it shares with. In the foreground, [`MAX_FOREGROUND_RETRY_AFTER`].
pub const MAX_RETRY_AFTER: u64 = MAX_INTERVAL;

/// The same while the app is in the foreground, in µs: a request a minute harms no service, and somebody waits.
pub const MAX_FOREGROUND_RETRY_AFTER: u64 = 60_000_000;

/// How many checks one service is asked to hold at the same time: over HTTP/2 they share a connection with what is sent,
/// on which a service may take no more than eight requests at once.
pub const MAX_HELD_CHECKS: usize = 4;

/// How long they are held where there are more boxes than that, in s: as long as the others are left alone.
pub const CROWDED_WAIT: u64 = 5;

/// The pause between two rounds that begin for the sake of new boxes, in µs. The first begins at once; who makes many
/// links in a row does not have all boxes asked for each of them.
pub const RESTART_PAUSE: u64 = 1_000_000;

/// The most boxes in one check; more make several requests.
pub const MAX_BOXES_PER_CHECK: usize = crate::mailbox::MAX_BATCH;

/// The next round while services are asked aside and there is no round: one is planned when one of them answers or fails.
const NOT_PLANNED: u64 = u64::MAX;

/// What the app is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Pace {
    /// In front of its user: latency matters.
    Foreground,
    /// Out of sight: battery matters.
    Background,
}

/// Names one check towards the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CheckId(pub u64);

/// A service with the `ext` that its requests carry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Endpoint {
    /// The service's URL.
    pub service: String,
    /// `ext` of the boxes' addresses.
    pub ext: Option<String>,
}

/// What the driver is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Check these boxes and fetch what is there; answer by [`Poller::on_checked`].
    Check {
        /// Names the check.
        id: CheckId,
        /// Whom to ask.
        endpoint: Endpoint,
        /// Each box with the cursor behind which messages are wanted.
        boxes: Vec<(BoxId, u64)>,
        /// How long the service may hold the check, in s.
        wait: u64,
    },
    /// Give a check up: the set of boxes has changed, or the pace.
    Abort(CheckId),
}

/// How a check went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The service answered; whether there was anything.
    Answered {
        /// Whether a message was found.
        found: bool,
    },
    /// The service could not be reached or did not do what it should; wait at least so long, in µs.
    Unreachable {
        /// What the service asked for, or 0.
        retry_after: u64,
    },
}

/// The machine. See the [module](self).
pub struct Poller {
    pace: Pace,
    interval: u64,
    boxes: BTreeMap<BoxId, Watched>,
    services: BTreeMap<String, Service>,
    running: BTreeMap<CheckId, Running>,
    round_began: u64,
    next_round: u64,
    round: u32,
    quiet_rounds: u32,
    /// Somebody wants to know soon how things are: the next round is not held.
    hurried: bool,
    /// The round under way, or the last one, was such a one.
    was_hurried: bool,
    hot_until: u64,
    /// A box is to be asked that is not being asked.
    restart: bool,
    /// When a round was last begun anew for that.
    restarted: Option<u64>,
    checks: u64,
    ranks: u64,
    outputs: VecDeque<Output>,
}

struct Watched {
    services: Vec<String>,
    ext: Option<String>,
    cursors: BTreeMap<String, u64>,
    /// The greater, the more likely there is something in it.
    rank: u64,
}

#[derive(Default)]
struct Service {
    /// How many checks in a row failed; what is answered aside does not end the row: it may be held checks that fail.
    failures: u32,
    /// Whether the last check failed.
    doubted: bool,
    not_before: u64,
    /// Whether it did not hold the last check that it was asked to hold.
    hasty: bool,
}

struct Running {
    endpoint: Endpoint,
    boxes: Vec<BoxId>,
    /// For how long the service was asked to hold it, in s.
    wait: u64,
    /// The service was doubted when it was asked.
    aside: bool,
}

impl Watched {
    /// How far the box was read at a service.
    fn cursor(&self, service: &str) -> u64 {
        self.cursors.get(service).copied().unwrap_or(0)
    }
}

/// The boxes of a round, each with its cursor, by where they are asked for.
type Plan = BTreeMap<Endpoint, Vec<(BoxId, u64)>>;

impl Poller {
    /// A machine without boxes; `interval` is the background pace in µs.
    pub fn new(pace: Pace, interval: u64) -> Self {
        Self {
            pace,
            interval,
            boxes: BTreeMap::new(),
            services: BTreeMap::new(),
            running: BTreeMap::new(),
            round_began: 0,
            next_round: 0,
            round: 0,
            quiet_rounds: 0,
            hurried: false,
            was_hurried: false,
            hot_until: 0,
            restart: false,
            restarted: None,
            checks: 0,
            ranks: 0,
            outputs: VecDeque::new(),
        }
    }

    /// The next thing to do; to be drained after every call.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Poller::on_timeout`], in µs since the epoch.
    pub fn poll_timeout(&self) -> Option<u64> {
        if self.boxes.is_empty() {
            return None;
        }
        let planned = !self.in_round() && self.next_round != NOT_PLANNED;
        planned.then_some(self.next_round).into_iter().chain(self.restart_at()).min()
    }

    /// When a round begins anew for boxes that are not being asked.
    fn restart_at(&self) -> Option<u64> {
        self.restart.then(|| self.restarted.map_or(0, |at| at.saturating_add(RESTART_PAUSE)))
    }

    /// Watches the box of an address, from its cursors (per service) on, and before those that are watched already.
    /// Watching it again changes nothing.
    pub fn watch(&mut self, address: &Address, cursors: BTreeMap<String, u64>) {
        if self.boxes.contains_key(&address.box_id()) {
            return;
        }
        let (services, ext) = (address.services().to_vec(), address.ext().map(str::to_owned));
        let rank = self.next_rank();
        self.boxes.insert(address.box_id(), Watched { services, ext, cursors, rank });
        self.restart = true;
    }

    /// Whether a box is watched.
    pub fn is_watched(&self, id: &BoxId) -> bool {
        self.boxes.contains_key(id)
    }

    /// Mail is expected in a box: it is asked before the others.
    pub fn expect_mail(&mut self, id: &BoxId) {
        let rank = self.next_rank();
        let Some(watched) = self.boxes.get_mut(id) else { return };
        watched.rank = rank;
        let mut held = self.running.values().filter(|check| check.wait > 0).peekable();
        self.restart |= held.peek().is_some() && !held.any(|check| check.boxes.contains(id));
    }

    fn next_rank(&mut self) -> u64 {
        self.ranks += 1;
        self.ranks
    }

    /// Does not ask a service for a box any more: it says that the box is closed there.
    pub fn leave_out(&mut self, id: &BoxId, service: &str) {
        if let Some(watched) = self.boxes.get_mut(id) {
            watched.services.retain(|known| known != service);
        }
    }

    /// Whether all services of a box have said that it is closed.
    pub fn is_left_out(&self, id: &BoxId) -> bool {
        self.boxes.get(id).is_some_and(|watched| watched.services.is_empty())
    }

    /// Forgets all boxes and gives up what is under way.
    pub fn clear(&mut self) {
        self.boxes.clear();
        self.start_over();
    }

    /// Stops watching a box. Checks under way are left alone: what they bring is ignored.
    pub fn forget(&mut self, id: &BoxId) {
        self.boxes.remove(id);
    }

    /// The boxes that are watched.
    pub fn watched(&self) -> impl Iterator<Item = &BoxId> {
        self.boxes.keys()
    }

    /// Moves a cursor, after the effect of the messages up to it is persisted. It may move back: a service
    /// treats a cursor beyond its own clock as 0.
    pub fn on_processed(&mut self, id: &BoxId, service: &str, at: u64) {
        let rank = self.next_rank();
        if let Some(watched) = self.boxes.get_mut(id) {
            watched.cursors.insert(service.to_owned(), at);
            watched.rank = rank;
        }
    }

    /// The app came to the front or went out of sight.
    pub fn set_pace(&mut self, pace: Pace, now: u64) {
        if self.pace != pace {
            self.pace = pace;
            self.quiet_rounds = 0;
            if pace == Pace::Foreground {
                self.look_now(now);
            } else {
                self.next_round = now;
                self.start_over();
            }
        }
    }

    /// Something was sent, so an answer is expected.
    pub fn on_sent(&mut self, now: u64) {
        self.hot_until = now + HOT_TIME;
        self.quiet_rounds = 0;
        if !self.in_round() {
            self.next_round = self.next_round.min(now + HOT_INTERVAL);
        }
    }

    /// Look now: the app asks for it, or the network has changed. The services are to answer at once, so that it shows
    /// which of them do.
    pub fn look_now(&mut self, now: u64) {
        self.hurried = true;
        for service in self.services.values_mut() {
            service.not_before = 0;
        }
        self.next_round = now;
        self.start_over();
    }

    /// The service that a check under way asks.
    pub fn service_of(&self, id: CheckId) -> Option<&str> {
        self.running.get(&id).map(|check| check.endpoint.service.as_str())
    }

    /// A check is over.
    pub fn on_checked(&mut self, id: CheckId, outcome: Outcome, now: u64, rng: &mut impl CryptoRng) {
        let Some(check) = self.running.remove(&id) else { return };
        let hasty = now < self.round_began.saturating_add(SHORTEST_HOLD);
        let service = self.services.entry(check.endpoint.service.clone()).or_default();
        let answered = matches!(outcome, Outcome::Answered { .. });
        let has_found = matches!(outcome, Outcome::Answered { found: true });
        match outcome {
            Outcome::Answered { found } => {
                let hasty = if check.wait > 0 { hasty && !found } else { service.hasty };
                let failures = if check.aside { service.failures } else { 0 };
                *service = Service { failures, hasty, ..Service::default() };
                if found {
                    self.quiet_rounds = 0;
                    // What was found may be an offer whose sender waits, or not all there is.
                    self.hot_until = self.hot_until.max(now + HOT_INTERVAL);
                }
            }
            Outcome::Unreachable { retry_after } => {
                let (longest, heeded) = match self.pace {
                    Pace::Foreground => (MAX_FOREGROUND_BACKOFF, MAX_FOREGROUND_RETRY_AFTER),
                    Pace::Background => (MAX_INTERVAL, MAX_RETRY_AFTER),
                };
                let backoff = (FIRST_BACKOFF << service.failures.min(20)).min(longest);
                service.failures = service.failures.saturating_add(1);
                service.doubted = true;
                service.not_before = now + backoff.max(retry_after.min(heeded)) + jitter(backoff, rng);
            }
        }
        if check.aside {
            self.on_checked_aside(answered, now, rng);
        } else if self.in_round() {
            if has_found {
                self.ask_again(&check, now);
            }
        } else {
            self.quiet_rounds = self.quiet_rounds.saturating_add(1);
            self.next_round = self.plan(now, rng);
        }
    }

    /// Something came in some boxes while checks of others are still held: these do not wait for the others to end.
    fn ask_again(&mut self, check: &Running, now: u64) {
        let end = self.round_began.saturating_add(check.wait.saturating_mul(1_000_000));
        let left = end.saturating_sub(now) / 1_000_000;
        let service = &check.endpoint.service;
        let still_watched = check.boxes.iter().filter_map(|id| {
            let watched = self.boxes.get(id).filter(|watched| watched.services.contains(service))?;
            Some((*id, watched.cursor(service)))
        });
        let boxes: Vec<_> = still_watched.collect();
        if left > 0 && !boxes.is_empty() {
            self.check(&check.endpoint, &boxes, left);
        }
    }

    fn on_checked_aside(&mut self, answered: bool, now: u64, rng: &mut impl CryptoRng) {
        if answered && self.pace == Pace::Foreground {
            // Now it can hold a check as well. Others are still asked aside.
            self.give_up(|check| !check.aside);
        } else if !self.in_round() {
            self.next_round = self.next_round.min(self.plan(now, rng));
        }
    }

    /// The time of the next round has come.
    pub fn on_timeout(&mut self, now: u64) {
        if self.boxes.is_empty() {
            return;
        }
        let is_due = !self.in_round() && self.next_round <= now;
        if !is_due && self.restart_at().is_some_and(|at| at <= now) {
            self.restarted = Some(now);
            self.start_over();
        }
        if !self.in_round() && self.next_round <= now {
            self.start_round(now);
        }
    }

    fn plan(&self, now: u64, rng: &mut impl CryptoRng) -> u64 {
        let open = self.services.values().map(|service| service.not_before).min().unwrap_or(0);
        if self.pace == Pace::Foreground {
            // A service that does not hold checks must not be asked at the speed of the network.
            let held = now >= self.round_began.saturating_add(SHORTEST_HOLD) || self.quiet_rounds <= 1;
            return if held || self.was_hurried { now } else { now + HOT_INTERVAL }.max(open);
        }
        if now < self.hot_until {
            return (now + HOT_INTERVAL).max(open);
        }
        let steps = (self.quiet_rounds / ROUNDS_PER_STEP).min(16);
        let interval = self.interval.saturating_mul(1 << steps).min(MAX_INTERVAL.max(self.interval));
        (now + interval + jitter(interval / 2, rng)).max(open)
    }

    fn start_round(&mut self, now: u64) {
        self.round_began = now;
        self.was_hurried = std::mem::take(&mut self.hurried);
        self.restart = false;
        let (plan, first_choices) = self.who_is_asked(now);
        // A round lasts as long as its longest check, and what is not held in it must be asked often.
        let crowded = |(endpoint, boxes): (&Endpoint, &Vec<_>)| {
            first_choices.contains(&endpoint.service) && boxes.len() > MAX_HELD_CHECKS * MAX_BOXES_PER_CHECK
        };
        let wait = if first_choices.iter().any(|name| self.is_hasty(name)) {
            SHORT_WAIT
        } else if plan.iter().any(crowded) {
            CROWDED_WAIT
        } else {
            WAIT
        };
        for (endpoint, boxes) in plan {
            // Only the preferred services may hold a check, or the slowest would set the pace.
            let may_hold = self.pace == Pace::Foreground && !self.was_hurried;
            let holds = may_hold && first_choices.contains(&endpoint.service);
            for (number, boxes) in boxes.chunks(MAX_BOXES_PER_CHECK).enumerate() {
                self.check(&endpoint, boxes, if holds && number < MAX_HELD_CHECKS { wait } else { 0 });
            }
        }
        if !self.in_round() {
            let open = self.services.values().map(|service| service.not_before).filter(|at| *at > now).min();
            let is_idle = self.running.is_empty();
            let is_soon = is_idle || self.pace == Pace::Foreground || now < self.hot_until;
            let otherwise = if is_idle { now + self.interval } else { NOT_PLANNED };
            self.next_round = open.filter(|_| is_soon).unwrap_or(otherwise);
        }
    }

    /// Which boxes are asked for where, the most likely ones first; and the services that are some box's first choice.
    fn who_is_asked(&mut self, now: u64) -> (Plan, BTreeSet<String>) {
        let full = self.round.is_multiple_of(FULL_ROUND) || now < self.hot_until;
        self.round = self.round.wrapping_add(1);
        let (mut plan, mut first_choices) = (Plan::new(), BTreeSet::new());
        let mut boxes: Vec<(&BoxId, &Watched)> = self.boxes.iter().collect();
        boxes.sort_by_key(|(_, watched)| Reverse(watched.rank));
        for (id, watched) in boxes {
            let mut chosen = false;
            for name in watched.services.iter().filter(|name| self.is_open(name, now)) {
                let endpoint = Endpoint { service: name.clone(), ext: watched.ext.clone() };
                plan.entry(endpoint).or_default().push((*id, watched.cursor(name)));
                if !chosen && !self.is_doubted(name) {
                    chosen = true;
                    first_choices.insert(name.clone());
                }
                if chosen && !full {
                    break;
                }
            }
        }
        (plan, first_choices)
    }

    fn check(&mut self, endpoint: &Endpoint, boxes: &[(BoxId, u64)], wait: u64) {
        self.checks += 1;
        let id = CheckId(self.checks);
        let aside = self.is_doubted(&endpoint.service);
        let asked = boxes.iter().map(|(id, _)| *id).collect();
        self.running.insert(id, Running { endpoint: endpoint.clone(), boxes: asked, wait, aside });
        self.outputs.push_back(Output::Check { id, endpoint: endpoint.clone(), boxes: boxes.to_vec(), wait });
    }

    /// Whether the next round has to wait for a check.
    fn in_round(&self) -> bool {
        self.running.values().any(|check| !check.aside)
    }

    /// Whether a service can be asked: it is not paused, nor is it still being asked aside.
    fn is_open(&self, service: &str, now: u64) -> bool {
        self.services.get(service).is_none_or(|service| service.not_before <= now)
            && !self.running.values().any(|check| check.endpoint.service == service)
    }

    fn is_doubted(&self, service: &str) -> bool {
        self.services.get(service).is_some_and(|service| service.doubted)
    }

    fn is_hasty(&self, service: &str) -> bool {
        self.services.get(service).is_some_and(|service| service.hasty)
    }

    /// Gives up what is under way, so that the next round has the new boxes and the new pace.
    fn start_over(&mut self) {
        self.give_up(|_| true);
    }

    fn give_up(&mut self, which: impl Fn(&Running) -> bool) {
        self.next_round = 0;
        let outputs = &mut self.outputs;
        self.running.retain(|id, check| {
            let goes = which(check);
            outputs.extend(goes.then_some(Output::Abort(*id)));
            !goes
        });
    }
}

/// Up to a fifth of `interval`, so that clients do not come in step.
fn jitter(interval: u64, rng: &mut impl CryptoRng) -> u64 {
    u64::from(rng.next_u32()) % (interval / 5).max(1)
}

#[cfg(test)]
mod crowd_tests;
#[cfg(test)]
mod tests;
