//! A peer that is honest until it has met its victim, and then sends whatever it likes.
//!
//! Its brain is the engine itself, so the link, the mailbox, the proof of who it is and the beginning of sync are as they
//! should be. Its user's key is known to the attacks, so that they can sign what they like, at any time they like.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use bytes::Bytes;
use connectoid_engine::{
    Channel, Error, EventKind, MasterSecret, OsRandom, Pace, Vault,
    api::{Command, Reply},
    engine::{Engine, EngineConfig, Helpers, Input, LinkId, Output, RequestId},
    mailbox::Mailbox,
    store::Store,
};
use connectoid_protocol::{
    frame::{Joiner, pieces},
    poll::CheckId,
    sync::Frame,
    user::{DeviceId, UserKey},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tokio::{
    sync::{mpsc, oneshot, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};

use crate::{
    Outcome, PATIENCE,
    http::Plain,
    raw::Raw,
    rtc::{Connection, Incoming, RtcConfig, RtcEvent},
};

/// How a connection is made.
#[derive(Clone)]
pub(crate) enum Manner {
    /// As it should.
    Honest,
    /// Offers are answered by a library that is tapped, which is handed over here once SCTP is set up.
    Raw(mpsc::UnboundedSender<Raw>),
    /// Offers are ignored, and this is what is offered.
    Sdp(String),
}

/// The peer.
pub(crate) struct Hostile {
    /// The key by which it signs.
    pub(crate) key: UserKey,
    /// Its device.
    pub(crate) device: DeviceId,
    orders: mpsc::UnboundedSender<Order>,
    events: mpsc::UnboundedReceiver<EventKind>,
    line: watch::Receiver<Option<Connection>>,
    heard: Arc<Heard>,
}

/// What the peer has said, and what it has heard of its victim once it does not keep to the rules any more.
#[derive(Default)]
struct Heard {
    silent: AtomicBool,
    /// Bytes of frames sent, honest ones too.
    sent: AtomicU64,
    acks: watch::Sender<u64>,
    closed: watch::Sender<bool>,
    mailed: watch::Sender<u64>,
}

enum Order {
    Input(Input),
    Command(Command, oneshot::Sender<Result<Reply, Error>>),
    Manner(Manner),
}

impl Hostile {
    /// A peer with a user of its own, at a service.
    pub(crate) fn start(service: &str) -> Outcome<Self> {
        let (key, device) = (UserKey::generate(&mut OsRandom), DeviceId::generate(&mut OsRandom));
        let (vault, mut store) = (Vault::new(&MasterSecret::generate(&mut OsRandom)), Store::in_memory()?);
        let identity = [key.to_bytes().as_slice(), device.as_bytes()].concat();
        store.set_setting("identity", &vault.seal(b"identity", &identity, &mut OsRandom))?;
        let config = EngineConfig {
            services: vec![service.to_owned()],
            service_ext: None,
            link_base: "https://hostile.example/open".to_owned(),
            poll_interval: 60_000_000,
            pace: Pace::Foreground,
            idle_timeout: 3_600_000_000,
            group_quota: 1 << 40,
            helpers: Helpers::default(),
        };
        let rng = ChaCha20Rng::from_rng(&mut OsRandom);
        let engine = Engine::new(store, vault, config, rng, now())?;
        let (orders, ordered) = mpsc::unbounded_channel();
        let (tell, events) = mpsc::unbounded_channel();
        let (live, line) = watch::channel(None);
        let heard = Arc::new(Heard::default());
        let brain = Brain {
            engine,
            mailbox: Arc::new(Mailbox::new(Plain)),
            manner: Manner::Honest,
            orders: orders.clone(),
            tell,
            live,
            talks: None,
            heard: heard.clone(),
            lines: HashMap::new(),
            checks: HashMap::new(),
            replies: HashMap::new(),
            requests: 0,
        };
        tokio::spawn(brain.run(ordered));
        Ok(Self { key, device, orders, events, line, heard })
    }

    /// Makes connections otherwise from now on.
    pub(crate) fn change_manner(&self, manner: Manner) {
        // The brain lives as long as this.
        let _ = self.orders.send(Order::Manner(manner));
    }

    /// Does what an app may ask for.
    pub(crate) async fn call(&self, command: Command) -> Outcome<Reply> {
        let (reply, replied) = oneshot::channel();
        self.orders.send(Order::Command(command, reply)).map_err(|_| "the brain is gone")?;
        Ok(replied.await??)
    }

    /// Waits for an event.
    pub(crate) async fn event(&mut self, what: &str, is_it: impl Fn(&EventKind) -> bool) -> Outcome {
        let search = async {
            while let Some(event) = self.events.recv().await {
                if is_it(&event) {
                    return Ok(());
                }
            }
            Err("the brain is gone")
        };
        Ok(timeout(PATIENCE, search).await.map_err(|_| format!("the attacker waits for {what}"))??)
    }

    /// Does not keep to the rules from now on: what the victim says is not listened to any more.
    pub(crate) fn turn_hostile(&self) {
        self.heard.silent.store(true, Ordering::Relaxed);
    }

    /// Waits until frames can be sent.
    pub(crate) async fn connected(&self) -> Outcome {
        let mut line = self.line.clone();
        let connected = timeout(PATIENCE, line.wait_for(Option::is_some)).await;
        Ok(connected.map_err(|_| "there is no connection")?.map(|_| ())?)
    }

    /// Sends a frame, as fast as the connection takes it. Says whether there is still one.
    pub(crate) async fn send(&self, channel: Channel, frame: &[u8]) -> Outcome<bool> {
        let line = self.line.borrow().clone();
        let Some(line) = line else { return Ok(false) };
        for piece in pieces(frame) {
            self.heard.sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
            let sent = timeout(PATIENCE, line.send(channel, Bytes::from(piece))).await;
            if sent.map_err(|_| "the victim takes nothing any more")?.is_err() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Bytes of frames sent.
    pub(crate) fn sent(&self) -> u64 {
        self.heard.sent.load(Ordering::Relaxed)
    }

    /// How many frames with changes the victim has dealt with.
    pub(crate) fn acks(&self) -> u64 {
        *self.heard.acks.borrow()
    }

    /// How many messages were left in the victim's mailbox.
    pub(crate) fn mailed(&self) -> u64 {
        *self.heard.mailed.borrow()
    }

    /// Waits until that many were.
    pub(crate) async fn until_mailed(&self, count: u64) -> Outcome {
        let mut mailed = self.heard.mailed.subscribe();
        let mailed = timeout(PATIENCE, mailed.wait_for(|mailed| *mailed >= count)).await;
        Ok(mailed.map_err(|_| "the messages do not get there")?.map(|_| ())?)
    }

    /// Waits until the victim has dealt with so many frames of changes, or has closed. Says whether it is still there.
    pub(crate) async fn acknowledged(&self, count: u64) -> Outcome<bool> {
        let (mut acks, mut closed) = (self.heard.acks.subscribe(), self.heard.closed.subscribe());
        let wait = async {
            tokio::select! {
                _ = acks.wait_for(|acks| *acks >= count) => true,
                _ = closed.wait_for(|closed| *closed) => false,
            }
        };
        Ok(timeout(PATIENCE, wait).await.map_err(|_| "the victim does not get on")?)
    }
}

struct Brain {
    engine: Engine,
    mailbox: Arc<Mailbox<Plain>>,
    manner: Manner,
    orders: mpsc::UnboundedSender<Order>,
    tell: mpsc::UnboundedSender<EventKind>,
    live: watch::Sender<Option<Connection>>,
    /// Which connection that is.
    talks: Option<LinkId>,
    heard: Arc<Heard>,
    lines: HashMap<LinkId, Line>,
    checks: HashMap<CheckId, AbortHandle>,
    replies: HashMap<RequestId, oneshot::Sender<Result<Reply, Error>>>,
    requests: u64,
}

/// One connection: its frames in order, and the task that sends them.
struct Line {
    connection: watch::Receiver<Option<Connection>>,
    say: mpsc::UnboundedSender<Say>,
}

enum Say {
    Frame(Channel, Vec<u8>),
    UseAnswer(String),
}

impl Brain {
    async fn run(mut self, mut ordered: mpsc::UnboundedReceiver<Order>) {
        loop {
            let at = self.engine.poll_timeout().unwrap_or(u64::MAX);
            let pause = Duration::from_micros(at.saturating_sub(now())).min(Duration::from_mins(1));
            let input = tokio::select! {
                order = ordered.recv() => match order {
                    Some(Order::Input(input)) => input,
                    Some(Order::Command(command, reply)) => {
                        self.requests += 1;
                        self.replies.insert(RequestId(self.requests), reply);
                        Input::Command(RequestId(self.requests), command)
                    }
                    Some(Order::Manner(manner)) => {
                        self.manner = manner;
                        continue;
                    }
                    None => return,
                },
                () = sleep(pause) => Input::Tick,
            };
            // Whoever started it has gone, and with it whoever listens.
            if self.tell.is_closed() {
                return;
            }
            self.engine.step([input], now());
            while let Some(output) = self.engine.poll_output() {
                self.carry_out(output);
            }
        }
    }

    fn carry_out(&mut self, output: Output) {
        match output {
            Output::Reply(request, reply) => {
                if let Some(waiting) = self.replies.remove(&request) {
                    let _ = waiting.send(reply);
                }
            }
            Output::Event(event) => _ = self.tell.send(event.kind),
            Output::Message(link, number, _) => self.order(Input::Handed(link, number, true)),
            Output::Check { id, endpoint, boxes, wait } => {
                let (mailbox, orders) = (self.mailbox.clone(), self.orders.clone());
                let check = tokio::spawn(async move {
                    let checked = mailbox.check(&endpoint, &boxes, wait).await;
                    let _ = orders.send(Order::Input(Input::Checked(id, checked)));
                });
                self.checks.insert(id, check.abort_handle());
            }
            Output::AbortCheck(id) => {
                if let Some(check) = self.checks.remove(&id) {
                    check.abort();
                }
            }
            Output::Send { id, to, data } => {
                let (mailbox, orders, heard) =
                    (self.mailbox.clone(), self.orders.clone(), self.heard.clone());
                // Nothing comes of what is offered in vain, so that the next may be.
                let vain: Vec<_> = self.lines.keys().copied().collect();
                let vain = if matches!(self.manner, Manner::Sdp(_)) { vain } else { Vec::new() };
                tokio::spawn(async move {
                    let sent = mailbox.send(&to, &data).await;
                    let _ = orders.send(Order::Input(Input::Sent(id, sent)));
                    for link in vain {
                        let _ = orders.send(Order::Input(Input::Closed(link, None)));
                    }
                    heard.mailed.send_modify(|mailed| *mailed += 1);
                });
            }
            Output::DropBox(key, endpoints) => {
                let mailbox = self.mailbox.clone();
                tokio::spawn(async move { mailbox.close(&key, &endpoints).await });
            }
            Output::MakeOffer(link) => self.make(link, None),
            Output::MakeAnswer(link, sdp) => self.make(link, Some(sdp)),
            Output::UseAnswer(link, sdp) => self.say(link, Say::UseAnswer(sdp)),
            Output::Frame(link, channel, frame) => {
                if let Some(line) = self.lines.get(&link)
                    && channel == Channel::Sync
                {
                    self.live.send_replace(line.connection.borrow().clone());
                    self.talks = Some(link);
                }
                self.say(link, Say::Frame(channel, frame));
            }
            Output::Close(link) => {
                self.lines.remove(&link);
                if self.talks == Some(link) {
                    self.live.send_replace(None);
                }
            }
        }
    }

    fn make(&mut self, link: LinkId, offer: Option<String>) {
        let (say, said) = mpsc::unbounded_channel();
        let (place, connection) = watch::channel(None);
        self.lines.insert(link, Line { connection, say });
        let (orders, heard) = (self.orders.clone(), self.heard.clone());
        match (self.manner.clone(), offer) {
            (Manner::Honest, offer) => {
                tokio::spawn(async move {
                    let config = config();
                    let made = match &offer {
                        Some(offer) => Connection::answer(&config, offer).await,
                        None => Connection::offer(&config).await,
                    };
                    let Ok((connection, incoming, sdp)) = made else { return };
                    place.send_replace(Some(connection.clone()));
                    let _ = orders.send(Order::Input(Input::Described(link, Ok(sdp))));
                    tokio::spawn(read(link, incoming, orders, heard.clone()));
                    serve(connection, said, &heard.sent).await;
                });
            }
            (Manner::Raw(hand_over), Some(offer)) => {
                tokio::spawn(async move {
                    let Ok((mut raw, sdp)) = Raw::answer(&offer).await else { return };
                    let _ = orders.send(Order::Input(Input::Described(link, Ok(sdp))));
                    if raw.established().await.is_ok() {
                        let _ = hand_over.send(raw);
                    }
                });
            }
            (Manner::Sdp(sdp), None) => self.order(Input::Described(link, Ok(sdp))),
            (Manner::Raw(_), None) | (Manner::Sdp(_), Some(_)) => {}
        }
    }

    fn say(&self, link: LinkId, say: Say) {
        if let Some(line) = self.lines.get(&link) {
            // A connection that is gone says so itself.
            let _ = line.say.send(say);
        }
    }

    fn order(&self, input: Input) {
        let _ = self.orders.send(Order::Input(input));
    }
}

async fn serve(connection: Connection, mut said: mpsc::UnboundedReceiver<Say>, sent: &AtomicU64) {
    while let Some(say) = said.recv().await {
        match say {
            Say::UseAnswer(sdp) => _ = connection.accept_answer(&sdp).await,
            Say::Frame(channel, frame) => {
                for piece in pieces(&frame) {
                    sent.fetch_add(piece.len() as u64, Ordering::Relaxed);
                    if connection.send(channel, Bytes::from(piece)).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
    connection.close().await;
}

async fn read(link: LinkId, mut incoming: Incoming, orders: mpsc::UnboundedSender<Order>, heard: Arc<Heard>) {
    let mut joiners: [Joiner; Channel::ALL.len()] = Default::default();
    while let Some(event) = incoming.next().await {
        let input = match event {
            RtcEvent::Open { local_certificate, remote_certificate } => {
                Input::Opened(link, local_certificate, remote_certificate)
            }
            RtcEvent::Message { channel, data } => match joiners[channel as usize].push(&data) {
                Ok(Some(frame)) if heard.silent.load(Ordering::Relaxed) => {
                    if channel == Channel::Sync
                        && matches!(Frame::decode(&frame), Ok(Some(Frame::Ack { .. })))
                    {
                        heard.acks.send_modify(|acks| *acks += 1);
                    }
                    continue;
                }
                Ok(Some(frame)) => Input::Frame(link, channel, frame),
                _ => continue,
            },
            RtcEvent::Closed { .. } => break,
        };
        let _ = orders.send(Order::Input(input));
    }
    heard.closed.send_replace(true);
    let _ = orders.send(Order::Input(Input::Closed(link, None)));
}

/// Loopback only.
pub(crate) fn config() -> RtcConfig {
    RtcConfig { bind: vec![[127, 0, 0, 1].into()], loopback: true, ..RtcConfig::default() }
}

/// µs since the epoch.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}
