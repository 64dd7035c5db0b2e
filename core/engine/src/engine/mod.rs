//! The engine: the node's one brain, which decides everything and does nothing.
//!
//! [`Engine::step`] takes what happened (a command, fetched messages, a frame, the passing of time),
//! changes the store, and leaves [`Output`]s: what drivers are to do and what to tell the app. It owns
//! no socket, no thread and no clock, so that a simulator can drive it as the real drivers do.
//!
//! **A step is a transaction.** All that a step writes is committed before any of its outputs leaves.
//! So "persist, then send" holds everywhere without being said anywhere, several commands that arrive
//! together share one `fsync`, and a crash at any moment leaves a state from which everything goes on.
//!
//! | file | room |
//! |---|---|
//! | `record` | what is remembered of a link and a pair, sealed |
//! | `pair` | one pair while the node runs: its connector and its session |
//! | `clock` | what time it is for shared data |
//! | `commands` | the one dispatch of [`Command`]s |
//! | `sharing` | making and ending a share |
//! | `opening` | opening a link, once |
//! | `mail` | messages in, messages out |
//! | `link_mail` | messages about links |
//! | `connecting` | what a connector asks for, and what drivers answer |
//! | `session` | frames of a live session |
//! | `messages` | app messages |
//! | `home` | the box of a pair that stays |
//! | `acceptance` | what this user says to being in groups, and what peers say |
//! | `data` | groups, commits and who has to hear of them |
//! | `identity` | this user and this device |
//! | `members` | who is in a group, as far as this user decides |
//! | `names` | nicknames and names of groups, however they are typed |
//! | `reports` | peers, groups, history |
//! | `doctor` | why things are not as they should be |

mod acceptance;
mod clock;
mod commands;
mod connecting;
mod data;
mod doctor;
mod home;
mod identity;
mod link_mail;
mod mail;
mod members;
mod messages;
pub(crate) mod names;
mod opening;
mod pair;
mod record;
mod reports;
mod session;
mod sharing;
mod trace;
mod writes;

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};

use connectoid_protocol::{
    boxes::BoxKey,
    connect::AttemptId,
    frame::FrameError,
    handshake::Identity,
    mailbox::Refusal,
    poll::{CheckId, Endpoint, Pace, Poller},
    user::UserKey,
};
use rand_chacha::ChaCha20Rng;

pub use self::{commands::RequestId, names::normal as normal_name, sharing::check_services};
use self::{
    pair::Pair,
    record::{LinkRecord, PairRecord},
    trace::Trace,
};
pub use crate::Channel;
use crate::{
    api::{Command, Event, EventKind, Reply},
    error::{Error, Result},
    store::{Author, Sealed, Store, StoreError},
    vault::Vault,
};

/// How many µs a week has: a pair changes its boxes at most so often.
const WEEK: u64 = 7 * 24 * 3_600_000_000;

/// How often losing versions and old message ids are cleared away, in µs.
const HOUSEKEEPING: u64 = 3_600_000_000;

/// The pause between two parts of it, so that they keep nobody waiting, in µs.
const HOUSEKEEPING_PAUSE: u64 = 1_000_000;

/// The same while a group is cleared away that the user wants gone, or judged again, in µs.
const SHORT_PAUSE: u64 = 100_000;

/// The pause after the store could not be written, as with a full disk, in µs.
const STORAGE_RETRY: u64 = 30_000_000;

/// How often a batch of messages is tried that crashed the process.
const MAX_TRIES: u32 = 3;

/// What the engine needs to know of the settings.
#[derive(Clone)]
pub struct EngineConfig {
    /// The services of this node's boxes.
    pub services: Vec<String>,
    /// The `ext` of this node's boxes.
    pub service_ext: Option<String>,
    /// The base of links.
    pub link_base: String,
    /// The background pace, in µs.
    pub poll_interval: u64,
    /// The first pace.
    pub pace: Pace,
    /// How long an idle connection stays open, in µs.
    pub idle_timeout: u64,
    /// How many bytes each group may take on the disk, about.
    pub group_quota: u64,
    /// What helps connections from one network to another.
    pub helpers: Helpers,
}

/// Which servers are set that help connections from one network to another.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Helpers {
    /// At least one STUN server.
    pub stun: bool,
    /// At least one TURN server.
    pub turn: bool,
}

/// A connection towards the driver: the pair and the attempt.
pub type LinkId = (u64, AttemptId);

/// Names one sending towards the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SendId(pub u64);

/// What happened.
pub enum Input {
    /// A command of the app; answered by exactly one [`Output::Reply`].
    Command(RequestId, Command),
    /// The app does not wait for the reply any more.
    Cancel(RequestId),
    /// A check is over.
    Checked(CheckId, Result<Checked, ServiceFailure>),
    /// A sending is over: one result per service, in the order of the address.
    Sent(SendId, Vec<(String, Result<(), ServiceFailure>)>),
    /// A session description was made, or could not be.
    Described(LinkId, Result<String, DescribeFailure>),
    /// All channels of a connection are open; SHA-256 of both certificates.
    Opened(LinkId, [u8; 32], [u8; 32]),
    /// A whole frame arrived.
    Frame(LinkId, Channel, Vec<u8>),
    /// What became of an [`Output::Message`]: whether somebody took it.
    Handed(LinkId, u64, bool),
    /// A connection is over, and why if it was not asked for.
    Closed(LinkId, Option<FrameError>),
    /// Time passed.
    Tick,
}

/// What a check brought.
pub struct Checked {
    /// The boxes in which something was found.
    pub fetched: Vec<Fetched>,
    /// What the service's clock said, in s since the epoch, if it told.
    pub date: Option<u64>,
}

/// The messages of one box.
pub struct Fetched {
    /// The box.
    pub key: BoxKey,
    /// The service.
    pub service: String,
    /// The messages with their `at`, ascending; or why there are none.
    pub messages: Result<Vec<(u64, Vec<u8>)>, ServiceFailure>,
}

/// A service did not do what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServiceFailure {
    /// Not reached, or not in time.
    Unreachable(Unreached),
    /// It refused; wait at least so long, in µs.
    Refused(Refusal, u64),
    /// Its reply makes no sense.
    Malformed,
}

/// Why a service was not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// Its URL is none that can be asked.
    Url,
    /// Its name leads to no address.
    Name,
    /// Nothing takes connections there.
    Refused,
    /// No network leads there, or nobody is there.
    Network,
    /// It took the connection and did not answer in time.
    Silent,
    /// It ended the connection without an answer, or does not speak HTTP.
    Broken,
    /// It answers with a redirect to somewhere else.
    Redirected,
    /// It does not speak TLS.
    Tls,
    /// Its certificate is by an authority that this device does not trust.
    Authority,
    /// Its certificate is for another name.
    OtherName,
    /// Its certificate is not valid now, by this device's clock.
    Expired,
    /// Its certificate is of no use otherwise.
    Certificate,
}

/// Why there is no session description.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescribeFailure {
    /// This device is at fault.
    Own,
    /// The peer's description is.
    Peer,
}

/// What is to be done.
pub enum Output {
    /// Answer a command.
    Reply(RequestId, Result<Reply>),
    /// Tell the app.
    Event(Event),
    /// Tell the app of a message, by its number; answered by exactly one [`Input::Handed`].
    Message(LinkId, u64, Event),
    /// Check boxes and fetch what is there.
    Check {
        /// Names the check.
        id: CheckId,
        /// Whom to ask.
        endpoint: Endpoint,
        /// The keys of the boxes, each with its cursor.
        boxes: Vec<(BoxKey, u64)>,
        /// How long the service may hold the check, in s.
        wait: u64,
    },
    /// Give a check up.
    AbortCheck(CheckId),
    /// Leave a message with all services of an address.
    Send {
        /// Names the sending.
        id: SendId,
        /// The services and the box.
        to: Destination,
        /// The sealed message, as base64url.
        data: String,
    },
    /// Close a box at its services; nobody waits for the result.
    DropBox(BoxKey, Vec<Endpoint>),
    /// Make an offer.
    MakeOffer(LinkId),
    /// Make an answer to an offer.
    MakeAnswer(LinkId, String),
    /// Use the peer's answer.
    UseAnswer(LinkId, String),
    /// Send a frame over a connection.
    Frame(LinkId, Channel, Vec<u8>),
    /// Close a connection, after what was sent before.
    Close(LinkId),
}

/// Where a message goes.
#[derive(Clone)]
pub struct Destination {
    /// The services, in the order of the address.
    pub endpoints: Vec<Endpoint>,
    /// The box.
    pub id: connectoid_protocol::boxes::BoxId,
}

/// The node's brain. See the [module](self).
pub struct Engine {
    store: Store,
    vault: Vault,
    user_key: UserKey,
    own: Identity,
    config: EngineConfig,
    rng: ChaCha20Rng,
    links: BTreeMap<u64, LinkRecord>,
    pairs: BTreeMap<u64, Pair>,
    poller: Poller,
    sendings: BTreeMap<SendId, Sending>,
    sends: u64,
    attempts: u64,
    next_housekeeping: u64,
    /// When something comes due, or is to be judged again.
    next_judging: u64,
    outbox_failures: u32,
    /// Why nothing can be written, and when that is tried again.
    storage_problem: Option<(Error, u64)>,
    problems: BTreeMap<String, Error>,
    /// Checks that are to be answered at once: of which service, and since when.
    asked: BTreeMap<CheckId, (String, u64)>,
    /// How far the clock of a service is ahead of this device's, in µs, once one has told.
    clock_ahead: Option<i64>,
    /// The same, as the app was told last, while it is off.
    told_skew: Option<i64>,
    sequence: u64,
    trace: Trace,
    outputs: VecDeque<Output>,
}

/// What a sending was for.
enum Sending {
    Attempt(LinkId),
    Outbox(u64),
    /// To a box that the peer may have left: whether it is there says nothing.
    Call,
}

impl Engine {
    /// Starts from what the store has; makes the user and the device if it is empty.
    ///
    /// # Errors
    /// Storage errors, and [`crate::ErrorKind::WrongKey`] if the vault's key is another one.
    pub fn new(
        store: Store,
        vault: Vault,
        config: EngineConfig,
        mut rng: ChaCha20Rng,
        now: u64,
    ) -> Result<Self> {
        let mut store = store;
        let (user_key, device) = identity::load(&mut store, &vault, &mut rng)?;
        let own = Identity { user: user_key.id(), key: *user_key.public().as_bytes(), device };
        store.set_user(own.user);
        store.set_group_quota(config.group_quota);
        let poller = Poller::new(config.pace, config.poll_interval);
        let mut engine = Self {
            store,
            vault,
            user_key,
            own,
            config,
            rng,
            links: BTreeMap::new(),
            pairs: BTreeMap::new(),
            poller,
            sendings: BTreeMap::new(),
            sends: 0,
            attempts: 0,
            next_housekeeping: now,
            next_judging: now,
            outbox_failures: 0,
            storage_problem: None,
            problems: BTreeMap::new(),
            asked: BTreeMap::new(),
            clock_ahead: None,
            told_skew: None,
            sequence: 0,
            trace: Trace::default(),
            outputs: VecDeque::new(),
        };
        engine.load()?;
        engine.want_lacking(now)?;
        Ok(engine)
    }

    /// Takes what happened and commits what follows from it. Drain [`Engine::poll_output`] afterwards.
    pub fn step(&mut self, inputs: impl IntoIterator<Item = Input>, now: u64) {
        let inputs: Vec<Input> = inputs.into_iter().collect();
        let request =
            |input: &Input| if let Input::Command(request, _) = input { Some(*request) } else { None };
        let requests: Vec<RequestId> = inputs.iter().filter_map(request).collect();
        let mark = self.outputs.len();
        if let Err(error) = self.try_step(inputs, now) {
            self.recover(mark, &requests, &error, now);
        }
    }

    /// Closes everything that is open, for good.
    pub fn shut_down(&mut self, now: u64) {
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        for number in numbers {
            if let Some(pair) = self.pairs.get_mut(&number) {
                // A peer that hears of the rest does not try to come back.
                pair.connector.rest(now, &mut self.rng);
            }
            if let Err(error) = self.settle_pair(number, now) {
                tracing::warn!(%error, "a pair was closed without a word");
            }
            self.close_for_good(number);
        }
        self.trace.add(now, "closed");
    }

    /// What is to be done next.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// When to call [`Engine::step`] with [`Input::Tick`], in µs since the epoch.
    pub fn poll_timeout(&self) -> Option<u64> {
        let pairs = self.pairs.values().filter_map(Pair::poll_timeout);
        if let Some((_, at)) = self.storage_problem {
            return Some(at);
        }
        pairs.chain([self.next_housekeeping, self.next_judging]).chain(self.poller.poll_timeout()).min()
    }

    /// A second connection to the same data, for reading without the engine.
    ///
    /// # Errors
    /// Storage errors.
    pub fn reader(&self) -> Result<crate::store::Reader> {
        Ok(self.store.reader()?)
    }

    /// Whether a store has a user; [`Engine::new`] gives it one if not.
    ///
    /// # Errors
    /// Storage errors.
    pub fn is_founded(store: &Store) -> Result<bool> {
        Ok(identity::is_kept(store)?)
    }

    /// This user on this device.
    pub fn identity(&self) -> Identity {
        self.own
    }

    fn try_step(&mut self, inputs: Vec<Input>, now: u64) -> Result<(), StoreError> {
        self.note_tries(&inputs)?;
        self.store.begin_transaction()?;
        for input in inputs {
            self.take(input, now)?;
            self.settle(now)?;
        }
        self.take_time(now)?;
        self.settle(now)?;
        self.store.commit_transaction()
    }

    fn take(&mut self, input: Input, now: u64) -> Result<(), StoreError> {
        match input {
            Input::Command(request, command) => self.on_command(request, command, now)?,
            Input::Cancel(request) => self.on_cancel(request),
            Input::Checked(id, result) => self.on_checked(id, result, now)?,
            Input::Sent(id, results) => self.on_sent(id, &results, now)?,
            Input::Described(link, result) => self.on_described(link, result, now),
            Input::Opened(link, own, peer) => self.on_opened(link, own, peer, now),
            Input::Frame(link, channel, frame) => self.on_frame(link, channel, frame, now)?,
            Input::Handed(link, message, taken) => self.on_handed(link, message, taken),
            Input::Closed(link, misbehaved) => self.on_closed(link, misbehaved, now),
            Input::Tick => {}
        }
        Ok(())
    }

    /// Does what the passing of time asks for.
    fn take_time(&mut self, now: u64) -> Result<(), StoreError> {
        if let Some((_, at)) = self.storage_problem {
            if at > now {
                return Ok(());
            }
            self.try_storage(now)?;
        }
        self.poller.on_timeout(now);
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        for number in numbers {
            self.on_pair_time(number, now);
        }
        if self.next_housekeeping <= now {
            self.keep_house(now)?;
        }
        if self.store.has_more_to_judge() {
            self.next_judging = self.next_judging.min(now + SHORT_PAUSE);
        }
        if self.next_judging <= now {
            self.judge(now)?;
        }
        Ok(())
    }

    fn keep_house(&mut self, now: u64) -> Result<(), StoreError> {
        let time = self.data_time(now);
        let more_to_clear = self.store.clear_forgotten()?;
        let more_to_prune = self.store.prune(time)? > 0;
        self.store.forget_messages(now)?;
        self.store.forget_spent_links(now)?;
        for group in self.store.take_room_again()? {
            self.take_again(group, now)?;
        }
        self.resend_outbox(now)?;
        self.next_housekeeping = match (more_to_clear, more_to_prune) {
            (true, _) => now + SHORT_PAUSE,
            (_, true) => now + HOUSEKEEPING_PAUSE,
            _ => now + HOUSEKEEPING,
        };
        Ok(())
    }

    /// Takes what has come due, and a part of what is judged again.
    fn judge(&mut self, now: u64) -> Result<(), StoreError> {
        let time = self.data_time(now);
        let released = self.store.release_parked(time)?;
        let judged = self.store.judge_again(time)?;
        for (group, applied) in released.into_iter().chain(judged) {
            self.on_applied(group, &applied, now)?;
        }
        let due = self.store.next_due()?.map_or(u64::MAX, |due| self.local_time(due, now));
        let next = if self.store.is_judging()? { now } else { due };
        self.next_judging = next.max(now + SHORT_PAUSE);
        self.store.has_more_to_judge();
        Ok(())
    }

    /// Nothing of a failed step may leave: its commands fail, and memory starts over from the store.
    fn recover(&mut self, mark: usize, requests: &[RequestId], error: &StoreError, now: u64) {
        tracing::error!(%error, "a step failed and is undone");
        let rolled_back = self.store.rollback_transaction();
        // But what earlier commands were waiting for has happened, and connections that were let go are to be closed.
        let stays = |output: &Output| match output {
            Output::Reply(request, _) => !requests.contains(request),
            Output::Close(_) => true,
            _ => false,
        };
        let undone: Vec<Output> = self.outputs.drain(mark..).collect();
        self.outputs.extend(undone.into_iter().filter(stays));
        self.outputs.extend(requests.iter().map(|request| Output::Reply(*request, Err(error.into()))));
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        for number in numbers {
            self.close_for_good(number);
        }
        self.poller.clear();
        if rolled_back.is_err() || self.load().is_err() {
            tracing::error!("the store cannot be read back; the node goes on without its peers");
        }
        self.storage_problem = Some((error.into(), now + STORAGE_RETRY));
    }

    /// Finds out whether the store can be written again. Until then nothing begins: it could not be remembered.
    fn try_storage(&mut self, now: u64) -> Result<(), StoreError> {
        self.store.set_setting("written", &now.to_be_bytes())?;
        self.storage_problem = None;
        self.trace.add(now, "the store can be written again");
        self.want_lacking(now)
    }

    /// Reads links and pairs, and watches their boxes.
    fn load(&mut self) -> Result<()> {
        self.links.clear();
        self.pairs.clear();
        self.sendings.clear();
        for (number, sealed) in self.store.sealed_rows(Sealed::Link)? {
            self.links.insert(number, LinkRecord::open(&sealed, &self.vault, number)?);
        }
        for (number, sealed) in self.store.sealed_rows(Sealed::Pair)? {
            let record = PairRecord::open(&sealed, &self.vault, number)?;
            self.add_pair(number, record);
        }
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        self.find_shared(&numbers)?;
        self.watch_boxes()?;
        Ok(())
    }

    fn add_pair(&mut self, number: u64, record: PairRecord) {
        self.attempts += 1 << 32;
        self.pairs.insert(number, Pair::new(record, self.own, self.attempts));
    }

    fn save_pair(&mut self, number: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let sealed = pair.record.seal(&self.vault, number, &mut self.rng);
        self.store.save_sealed(Sealed::Pair, number, &sealed)
    }

    fn save_link(&mut self, number: u64) -> Result<(), StoreError> {
        let Some(link) = self.links.get(&number) else { return Ok(()) };
        let sealed = link.seal(&self.vault, number, &mut self.rng);
        self.store.save_sealed(Sealed::Link, number, &sealed)
    }

    fn tell(&mut self, kind: EventKind, now: u64) {
        let event = self.event(kind, now);
        self.outputs.push_back(Output::Event(event));
    }

    /// The next event, in the order of all.
    fn event(&mut self, kind: EventKind, now: u64) -> Event {
        self.sequence += 1;
        Event { sequence: self.sequence, at: now, kind }
    }

    fn author<'a>(user_key: &'a UserKey, own: &Identity) -> Author<'a> {
        Author { key: user_key, device: own.device }
    }
}
