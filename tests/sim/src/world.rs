//! The world: what is to come, in the order of its time, and one source of chance.

use std::collections::BTreeMap;

use connectoid_engine::{
    Error,
    api::{Command, Reply},
    engine::{Channel, Checked, Fetched, Input, LinkId, Output, SendId, ServiceFailure, Unreached},
};
use connectoid_protocol::{boxes::BoxKey, encoding::parse_base64url, mailbox::Refusal, poll::CheckId};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;

use crate::{
    host::Host,
    mailbox::{Mailbox, Malice},
    wire::{End, Wires},
};

/// When every simulation begins: some time in 2026, in µs since the epoch.
pub const BEGINNING: u64 = 1_790_000_000_000_000;

/// How hard the world is on its nodes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hardship {
    /// How many in a hundred requests to the service get no answer.
    pub loss: u64,
    /// How many in a hundred messages to the service arrive twice, at different times.
    pub duplicates: u64,
    /// How many in a thousand steps of a node end in its crash.
    pub fatal_steps: u64,
    /// How many in a hundred connections never open.
    pub no_route: u64,
    /// How many in a thousand frames break the connection instead of arriving.
    pub breaks: u64,
    /// The longest way of anything, in µs.
    pub latency: u64,
    /// What the service does.
    pub malice: Malice,
}

/// What a step of a node comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is carried out.
    Done,
    /// The node crashes before it has committed anything.
    Lost,
    /// The node crashes after it has committed, and after so many of its outputs have left.
    Cut(u64),
}

/// Something to come.
enum Coming {
    Start(usize),
    Input(usize, Input),
    Send(usize, SendId, connectoid_protocol::boxes::BoxId, Vec<u8>),
    Check(usize, CheckId, Vec<(BoxKey, u64)>, u64),
    Open(End, End),
}

/// See the [module](self).
pub struct World {
    /// The nodes.
    pub hosts: Vec<Host>,
    /// The service.
    pub mailbox: Mailbox,
    /// How hard it is.
    pub hardship: Hardship,
    /// The step that comes to a fate which is not left to chance, counting all nodes' steps from 0.
    pub fated: Option<(u64, Fate)>,
    /// How many steps there were.
    pub steps: u64,
    /// Which side of the network each host is on: those on different sides cannot connect.
    sides: Vec<bool>,
    /// Which hosts cannot reach the service.
    offline: Vec<bool>,
    now: u64,
    order: u64,
    coming: BTreeMap<(u64, u64), Coming>,
    /// Which life of its host something belongs to: what comes for an earlier one is dropped.
    lives: Vec<u64>,
    born_in: BTreeMap<u64, (usize, u64)>,
    wires: Wires,
    rng: ChaCha20Rng,
}

impl World {
    /// A world with these hosts, all up.
    pub fn new(hosts: Vec<Host>, hardship: Hardship, seed: u64) -> Self {
        let lives = vec![0; hosts.len()];
        let mut mailbox = Mailbox::default();
        (mailbox.up, mailbox.tells_date) = (true, true);
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let (coming, born_in, wires) = (BTreeMap::new(), BTreeMap::new(), Wires::default());
        let (sides, offline) = (vec![false; hosts.len()], vec![false; hosts.len()]);
        let mut world = Self {
            hosts,
            mailbox,
            hardship,
            fated: None,
            steps: 0,
            sides,
            offline,
            now: BEGINNING,
            order: 0,
            coming,
            lives,
            born_in,
            wires,
            rng,
        };
        // Nobody crashes before the story has begun.
        world.hardship.fatal_steps = 0;
        for host in 0..world.hosts.len() {
            world.start(host);
        }
        world.hardship = hardship;
        world
    }

    /// A number below `bound`.
    pub fn draw(&mut self, bound: u64) -> u64 {
        self.rng.next_u64() % bound.max(1)
    }

    /// The world's clock.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Starts a host, unless it is up.
    pub fn start(&mut self, host: usize) {
        if !self.hosts[host].is_up() {
            self.hosts[host].start(self.now);
            self.give(host, Input::Tick);
        }
    }

    /// Draws a border through the network: what crosses it breaks, noticed or not for half a minute, and
    /// whole sides may lose the service.
    pub fn divide(&mut self) {
        for host in 0..self.hosts.len() {
            self.sides[host] = self.draw(2) == 0;
        }
        let without_service = [self.draw(3) == 0, self.draw(3) == 0];
        for host in 0..self.hosts.len() {
            self.offline[host] = without_service[usize::from(self.sides[host])];
        }
        for (one, other) in self.wires.all() {
            if self.sides[one.0] != self.sides[other.0] {
                self.wires.cut(one);
                self.wires.cut(other);
                for end in [one, other] {
                    let noticed = self.draw(NOTICE);
                    self.schedule(end.0, noticed, Coming::Input(end.0, Input::Closed(end.1, None)));
                }
            }
        }
    }

    /// Takes all borders away.
    pub fn unite(&mut self) {
        self.sides.fill(false);
        self.offline.fill(false);
    }

    /// Crashes a host: its connections break, and whatever was on its way to it is lost.
    pub fn crash(&mut self, host: usize) {
        self.hosts[host].crash();
        self.lives[host] += 1;
        for end in self.wires.ends_of(host) {
            self.cut(end);
        }
    }

    /// Has a host carry out a command.
    pub fn call(&mut self, host: usize, command: Command) -> Option<Result<Reply, Error>> {
        let (asked, reply) = self.hosts[host].call(command, self.now);
        self.carry_out(host, asked);
        reply
    }

    /// As [`World::call`], but the host may crash over it: then there is no reply.
    pub fn risk_call(&mut self, host: usize, command: Command) -> Option<Result<Reply, Error>> {
        let fate = self.fate();
        if fate == Fate::Lost {
            self.crash_for_a_while(host);
            return None;
        }
        let (asked, reply) = self.hosts[host].call(command, self.now);
        self.carry_out_fated(host, asked, fate);
        reply.filter(|_| fate == Fate::Done)
    }

    /// Lets so much time pass, in µs.
    pub fn pass(&mut self, time: u64) {
        let end = self.now + time;
        while let Some(at) = self.next_time().filter(|at| *at <= end) {
            self.now = at.max(self.now);
            if let Some((key, _)) = self.coming.first_key_value().filter(|((at, _), _)| *at <= self.now) {
                let key = *key;
                if let Some(coming) = self.coming.remove(&key) {
                    self.happen(key.1, coming);
                }
                continue;
            }
            let due = |host: &Host, now: u64| host.next_call().is_some_and(|at| at <= now);
            if let Some(host) = (0..self.hosts.len()).find(|host| due(&self.hosts[*host], self.now)) {
                self.give(host, Input::Tick);
            }
        }
        self.now = end;
    }

    fn next_time(&self) -> Option<u64> {
        let coming = self.coming.first_key_value().map(|((at, _), _)| *at);
        let calls = self.hosts.iter().filter_map(Host::next_call);
        coming.into_iter().chain(calls).min()
    }

    fn give(&mut self, host: usize, input: Input) {
        if !self.hosts[host].is_up() {
            return;
        }
        let fate = self.fate();
        if fate == Fate::Lost {
            return self.crash_for_a_while(host);
        }
        let asked = self.hosts[host].step(input, self.now);
        self.carry_out_fated(host, asked, fate);
    }

    fn fate(&mut self) -> Fate {
        let step = self.steps;
        self.steps += 1;
        if let Some((_, fate)) = self.fated.take_if(|(fated, _)| *fated == step) {
            return fate;
        }
        if self.hardship.fatal_steps == 0 || self.draw(1000) >= self.hardship.fatal_steps {
            return Fate::Done;
        }
        if self.draw(3) == 0 { Fate::Lost } else { Fate::Cut(self.draw(4)) }
    }

    fn carry_out_fated(&mut self, host: usize, mut asked: Vec<Output>, fate: Fate) {
        if let Fate::Cut(left) = fate {
            asked.truncate(usize::try_from(left).unwrap_or(0));
        }
        self.carry_out(host, asked);
        if fate != Fate::Done {
            self.crash_for_a_while(host);
        }
    }

    fn crash_for_a_while(&mut self, host: usize) {
        self.crash(host);
        let down = self.draw(DOWN);
        self.schedule(host, down, Coming::Start(host));
    }

    fn carry_out(&mut self, host: usize, asked: Vec<Output>) {
        for output in asked {
            self.carry_out_one(host, output);
        }
    }

    fn carry_out_one(&mut self, host: usize, output: Output) {
        match output {
            Output::Check { id, boxes, wait, .. } => {
                let way = self.way();
                self.schedule(host, way, Coming::Check(host, id, boxes, wait));
            }
            Output::Send { id, to, data } => {
                let way = self.way();
                let data = parse_base64url(&data).unwrap_or_default();
                self.schedule(host, way, Coming::Send(host, id, to.id, data));
            }
            Output::MakeOffer(link) | Output::MakeAnswer(link, _) if !self.hosts[host].is_up() => {
                self.wires.cut((host, link));
            }
            Output::MakeOffer(link) => self.describe(host, link, None),
            Output::MakeAnswer(link, offer) => self.describe(host, link, Some(&offer)),
            Output::UseAnswer(link, answer) => self.meet((host, link), &answer),
            Output::Frame(link, channel, frame) => self.send_frame((host, link), channel, frame),
            Output::Close(link) => self.cut((host, link)),
            Output::DropBox(key, _) if self.reached(host) => self.mailbox.close(&key.id()),
            // What was asked is answered all the same.
            _ => {}
        }
    }

    fn describe(&mut self, host: usize, link: LinkId, offer: Option<&str>) {
        let description = self.wires.describe((host, link));
        if let Some(offer) = offer {
            self.meet((host, link), offer);
        }
        let way = self.draw(20_000);
        self.schedule(host, way, Coming::Input(host, Input::Described(link, Ok(description))));
    }

    fn meet(&mut self, end: End, description: &str) {
        let Some((one, other)) = self.wires.meet(end, description) else { return };
        if self.sides[one.0] != self.sides[other.0] || self.draw(100) < self.hardship.no_route {
            return;
        }
        let way = self.way();
        self.schedule(one.0, way, Coming::Open(one, other));
        let way = self.way();
        self.schedule(other.0, way, Coming::Open(other, one));
    }

    fn send_frame(&mut self, end: End, channel: Channel, frame: Vec<u8>) {
        let Some(peer) = self.wires.peer(end) else { return };
        if self.draw(1000) < self.hardship.breaks {
            self.cut(end);
            let way = self.way();
            self.schedule(end.0, way, Coming::Input(end.0, Input::Closed(end.1, None)));
            return;
        }
        let arrival = self.now + self.way();
        let arrival = self.wires.in_order(end, channel, arrival);
        self.schedule(
            peer.0,
            arrival - self.now,
            Coming::Input(peer.0, Input::Frame(peer.1, channel, frame)),
        );
    }

    /// Closes one end; the other hears of it behind what was sent before.
    fn cut(&mut self, end: End) {
        let behind = Channel::ALL.map(|channel| self.wires.in_order(end, channel, self.now));
        let behind = behind.into_iter().max().unwrap_or(self.now);
        if let Some(peer) = self.wires.cut(end) {
            self.schedule(peer.0, behind - self.now + 1, Coming::Input(peer.0, Input::Closed(peer.1, None)));
        }
    }

    fn happen(&mut self, number: u64, coming: Coming) {
        let (host, life) = self.born_in.remove(&number).unwrap_or_default();
        // A request that has left is on its way, whatever becomes of its sender.
        let stale = self.lives[host] != life && !matches!(coming, Coming::Send(..));
        if stale {
            return;
        }
        match coming {
            Coming::Start(host) => self.start(host),
            Coming::Input(host, input) => self.give(host, input),
            Coming::Open(end, peer) => {
                let (own, other) = (self.wires.certificate(end), self.wires.certificate(peer));
                self.give(end.0, Input::Opened(end.1, own, other));
            }
            Coming::Send(host, id, to, data) => self.take_message(host, id, to, data),
            Coming::Check(host, id, boxes, wait) => self.check(host, id, &boxes, wait),
        }
    }

    fn take_message(
        &mut self,
        host: usize,
        id: SendId,
        to: connectoid_protocol::boxes::BoxId,
        data: Vec<u8>,
    ) {
        let reached = self.reached(host);
        if reached && self.draw(100) < self.hardship.duplicates {
            let way = self.way();
            self.schedule(host, way, Coming::Send(host, id, to, data.clone()));
        }
        if reached && self.mailbox.is_closed(&to) {
            let closed = ServiceFailure::Refused(Refusal::Closed, 0);
            return self.reply(host, Input::Sent(id, vec![(SERVICE.to_owned(), Err(closed))]));
        }
        if reached {
            let (malice, now) = (self.hardship.malice, self.now);
            let rng = &mut self.rng;
            self.mailbox.send(to, data, malice, now, |bound| rng.next_u64() % bound.max(1));
        }
        // The reply can be lost as well.
        let result = if reached && self.reached(host) { Ok(()) } else { Err(UNREACHABLE) };
        self.reply(host, Input::Sent(id, vec![(SERVICE.to_owned(), result)]));
    }

    fn check(&mut self, host: usize, id: CheckId, boxes: &[(BoxKey, u64)], _wait: u64) {
        if !self.reached(host) {
            return self.reply(host, Input::Checked(id, Err(UNREACHABLE)));
        }
        let mut fetched = Vec::new();
        for (key, cursor) in boxes {
            let closed = ServiceFailure::Refused(Refusal::Closed, 0);
            let messages = if self.mailbox.is_closed(&key.id()) {
                Err(closed)
            } else {
                Ok(self.mailbox.receive(&key.id(), *cursor, self.now))
            };
            if messages.as_ref().is_ok_and(Vec::is_empty) {
                continue;
            }
            fetched.push(Fetched { key: key.clone(), service: SERVICE.to_owned(), messages });
        }
        // A service's clock is right, and its `Date` is cut to seconds.
        let date = Some(self.now / SECOND).filter(|_| self.mailbox.tells_date);
        self.reply(host, Input::Checked(id, Ok(Checked { fetched, date })));
    }

    fn reply(&mut self, host: usize, input: Input) {
        let way = self.way();
        self.schedule(host, way, Coming::Input(host, input));
    }

    fn reached(&mut self, host: usize) -> bool {
        self.mailbox.up && !self.offline[host] && self.draw(100) >= self.hardship.loss
    }

    fn way(&mut self) -> u64 {
        1 + self.draw(self.hardship.latency.max(1))
    }

    fn schedule(&mut self, host: usize, after: u64, coming: Coming) {
        self.order += 1;
        self.born_in.insert(self.order, (host, self.lives[host]));
        self.coming.insert((self.now + after, self.order), coming);
    }
}

const SECOND: u64 = 1_000_000;

/// How long a broken connection may look alive, in µs.
const NOTICE: u64 = 30_000_000;

/// How long a host that crashed stays down at most, in µs.
const DOWN: u64 = 60_000_000;

const SERVICE: &str = "http://mailbox.sim";

const UNREACHABLE: ServiceFailure = ServiceFailure::Unreachable(Unreached::Network);
