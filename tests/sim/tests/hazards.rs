//! What somebody can do who puts messages into a node's boxes: a service, a thief of a link, a creator who
//! lies. The node is real; what it asks for is looked at, and what it is told is written here.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_engine::{
    ErrorKind, EventKind, Placement,
    api::{Command, Credentials, PairState, Reply},
    engine::{Checked, Fetched, Input, LinkId, Output},
};
use connectoid_protocol::{
    address::Address,
    boxes::{BoxId, BoxKey},
    encoding::parse_base64url,
    link,
    message::{self, Body, Fingerprint, Id, Message, OFFER_LIFETIME, Refusal},
    poll::CheckId,
};
use connectoid_sim::{host::Host, story::share};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

const NOW: u64 = 1_790_000_000_000_000;
const SERVICE: &str = "http://mailbox.sim";

/// Somebody with a box, in the hands of the test.
struct Party {
    key: BoxKey,
    address: Address,
    rng: ChaCha20Rng,
}

impl Party {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let key = BoxKey::generate(&mut rng);
        let address = Address::new(&key, &[SERVICE.to_owned()], None).unwrap();
        Self { key, address, rng }
    }

    fn write(&mut self, to: &Address, sid: Id, body: Body) -> Vec<u8> {
        let id = Id::generate(&mut self.rng);
        let message = Message { id, sid, exp: NOW + OFFER_LIFETIME, from: self.address.clone(), body };
        message::write(&message, &self.key, to, &mut self.rng).unwrap().sealed
    }

    fn offer(&mut self, to: &Address) -> Vec<u8> {
        let sid = Id::generate(&mut self.rng);
        self.write(to, sid, Body::Offer { sdp: "v=0 theirs".into() })
    }

    fn read(&self, sealed: &[u8]) -> Message {
        message::read(&self.key, &self.address, sealed).unwrap().message
    }
}

/// A node, whose outputs wait to be looked at.
struct Node {
    host: Host,
    asked: Vec<Output>,
    watched: Vec<BoxKey>,
    _folder: tempfile::TempDir,
}

impl Node {
    fn new(seed: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut host = Host::new(folder.path(), seed, 0);
        host.start(NOW);
        Self { host, asked: Vec::new(), watched: Vec::new(), _folder: folder }
    }

    fn step(&mut self, input: Input) {
        let asked = self.host.step(input, NOW);
        self.note(asked);
    }

    fn call(&mut self, command: Command) -> Reply {
        let (asked, reply) = self.host.call(command, NOW);
        self.note(asked);
        reply.unwrap().unwrap()
    }

    fn note(&mut self, asked: Vec<Output>) {
        for output in &asked {
            if let Output::Check { boxes, .. } = output {
                self.watched = boxes.iter().map(|(key, _)| key.clone()).collect();
            }
        }
        self.asked.extend(asked);
    }

    /// Has the node find messages in one of its boxes, numbered from so many µs after the beginning on.
    fn find(&mut self, id: &BoxId, at: u64, messages: &[&[u8]]) {
        let key = self.watched.iter().find(|key| key.id() == *id).unwrap().clone();
        let numbered = (NOW + at..).zip(messages.iter().map(|sealed| sealed.to_vec())).collect();
        let fetched = Fetched { key, service: SERVICE.to_owned(), messages: Ok(numbered) };
        let checked = Checked { fetched: vec![fetched], date: Some(NOW / 1_000_000) };
        self.step(Input::Checked(CheckId(0), Ok(checked)));
    }

    /// Describes whatever is to be described.
    fn describe(&mut self) {
        let links: Vec<LinkId> = self.asked.iter().filter_map(described).collect();
        self.asked.retain(|output| described(output).is_none());
        for link in links {
            self.step(Input::Described(link, Ok("v=0 ours".into())));
        }
    }

    /// What was sent to a box since it was last asked.
    fn sent_to(&mut self, party: &Party) -> Vec<Message> {
        self.describe();
        let sent = |output: &Output| match output {
            Output::Send { to, data, .. } if to.id == party.key.id() => Some(parse_base64url(data).unwrap()),
            _ => None,
        };
        let sent = self.asked.iter().filter_map(sent).map(|sealed| party.read(&sealed)).collect();
        self.asked.clear();
        sent
    }

    /// How many answers were sent to a box since it was last asked.
    fn answers_to(&mut self, party: &Party) -> usize {
        let sent = self.sent_to(party);
        sent.iter().filter(|message| matches!(message.body, Body::Answer { .. })).count()
    }

    /// How often an answer of the peer was taken since it was last asked.
    fn answers_used(&self) -> usize {
        self.asked.iter().filter(|output| matches!(output, Output::UseAnswer(..))).count()
    }

    fn state(&mut self) -> PairState {
        let Reply::Peers { peers } = self.call(Command::Peers) else { panic!("no peers") };
        peers[0].state
    }

    fn refusal(&self) -> Option<ErrorKind> {
        let refused = |event: &connectoid_engine::Event| match &event.kind {
            EventKind::OpenRefused { problem, .. } => Some(problem.kind),
            _ => None,
        };
        self.host.events.iter().find_map(refused)
    }

    fn alarms(&self) -> usize {
        let events = self.host.events.iter();
        events.filter(|event| matches!(event.kind, EventKind::LinkOpenedAgain { .. })).count()
    }

    fn share(&mut self) -> Address {
        let Reply::Link(shared) = self.call(share("bob")) else { panic!("no link") };
        link::parse(&shared.link).unwrap().0
    }
}

fn described(output: &Output) -> Option<LinkId> {
    match output {
        Output::MakeOffer(link) | Output::MakeAnswer(link, _) => Some(*link),
        _ => None,
    }
}

/// A node that has opened the link of a creator who is in the hands of the test, and its first offer.
fn opener() -> (Node, Party, Message) {
    let (mut node, creator) = (Node::new(1), Party::new(2));
    let url = link::to_url("sim://open", &creator.address, Placement::Fragment);
    node.call(Command::Open(Credentials { link: url, nickname: "alice".into(), in_person: false }));
    let offer = node.sent_to(&creator).remove(0);
    assert!(matches!(offer.body, Body::Offer { .. }));
    (node, creator, offer)
}

/// That the link was used by somebody else.
fn used(refused: Id) -> Body {
    let winner = Fingerprint::of(&Party::new(77).key.id());
    Body::Refused { refused, why: Refusal::Used { at: NOW, winner } }
}

#[test]
fn only_the_creator_says_that_a_link_was_used() {
    let (mut node, mut creator, offer) = opener();
    let (own, mut eve) = (offer.from.clone(), Party::new(3));
    node.find(&own.box_id(), 1, &[&eve.write(&own, offer.sid, used(offer.id))]);
    assert_eq!((node.state(), node.refusal()), (PairState::Opening, None), "signed by another key");

    // Eve cannot sign as the creator either.
    let id = Id::generate(&mut eve.rng);
    let forged =
        Message { id, sid: offer.sid, exp: offer.exp, from: creator.address.clone(), body: used(offer.id) };
    let forged = message::write(&forged, &eve.key, &own, &mut eve.rng).unwrap().sealed;
    node.find(&own.box_id(), 2, &[&forged]);
    assert_eq!((node.state(), node.refusal()), (PairState::Opening, None), "in the creator's name");

    node.find(&own.box_id(), 3, &[&creator.write(&own, offer.sid, used(offer.id))]);
    assert_eq!((node.state(), node.refusal()), (PairState::Refused, Some(ErrorKind::LinkUsed)));
}

#[test]
fn a_refusal_of_another_offer_or_in_favour_of_ourselves_is_no_refusal() {
    let (mut node, mut creator, offer) = opener();
    let own = offer.from.clone();
    let another = creator.write(&own, offer.sid, used(Id::from_bytes([9; 16])));
    let winner = Fingerprint::of(&own.box_id());
    let ourselves = Body::Refused { refused: offer.id, why: Refusal::Used { at: NOW, winner } };
    let ourselves = creator.write(&own, offer.sid, ourselves);
    node.find(&own.box_id(), 1, &[&another, &ourselves]);
    assert_eq!((node.state(), node.refusal()), (PairState::Opening, None));
}

#[test]
fn only_the_peer_answers_an_offer() {
    let (mut node, mut creator, offer) = opener();
    let (own, mut eve) = (offer.from.clone(), Party::new(3));
    let answer = || Body::Answer { sdp: "v=0 theirs".into() };
    node.find(&own.box_id(), 1, &[&eve.write(&own, offer.sid, answer())]);
    assert_eq!(node.answers_used(), 0, "by a service that has stolen nothing but the offer's name");
    node.find(&own.box_id(), 2, &[&creator.write(&own, offer.sid, answer())]);
    assert_eq!(node.answers_used(), 1);
}

#[test]
fn only_the_peer_makes_offers_and_ends_the_share() {
    let (mut node, mut creator, offer) = opener();
    let (own, mut eve) = (offer.from.clone(), Party::new(3));
    let end = eve.write(&own, offer.sid, Body::Unshared);
    let foreign = eve.offer(&own);
    node.find(&own.box_id(), 1, &[&end, &foreign]);
    assert_eq!(node.state(), PairState::Opening);
    assert_eq!((node.sent_to(&eve).len(), node.sent_to(&creator).len()), (0, 0));
    node.find(&own.box_id(), 3, &[&creator.write(&own, offer.sid, Body::Unshared)]);
    let Reply::Peers { peers } = node.call(Command::Peers) else { panic!("no peers") };
    assert!(peers.is_empty());
}

#[test]
fn a_message_counts_once_however_often_it_is_delivered() {
    let (mut node, mut bob) = (Node::new(1), Party::new(2));
    let link = node.share();
    let offer = bob.offer(&link);
    node.find(&link.box_id(), 1, &[&offer]);
    assert_eq!(node.answers_to(&bob), 1);
    node.find(&link.box_id(), 2, &[&offer, &offer]);
    assert_eq!(node.answers_to(&bob), 0, "a replay with a new number");
    // Nor does a crash make it forget.
    node.host.crash();
    node.host.start(NOW);
    node.step(Input::Tick);
    node.find(&link.box_id(), 4, &[&offer]);
    assert_eq!(node.answers_to(&bob), 0);
    node.find(&link.box_id(), 5, &[&bob.offer(&link)]);
    assert_eq!(node.answers_to(&bob), 1, "what is new is answered");
}

#[test]
fn the_second_opener_is_told_by_whom_it_was_used_and_never_answered() {
    let (mut node, mut bob, mut eve) = (Node::new(1), Party::new(2), Party::new(3));
    let link = node.share();
    node.find(&link.box_id(), 1, &[&bob.offer(&link)]);
    assert_eq!(node.answers_to(&bob), 1);
    // The pin outlives a crash.
    node.host.crash();
    node.host.start(NOW);
    node.step(Input::Tick);
    let second = eve.offer(&link);
    let refused = eve_id(&second, &link, &node);
    node.find(&link.box_id(), 2, &[&second]);
    let why = Refusal::Used { at: NOW, winner: Fingerprint::of(&bob.key.id()) };
    let told = node.sent_to(&eve);
    assert_eq!(
        told.iter().map(|told| told.body.clone()).collect::<Vec<_>>(),
        [Body::Refused { refused, why }]
    );
    assert_eq!(told[0].from.box_id(), link.box_id(), "signed by the link's own key");
    assert_eq!(node.alarms(), 1);
    // A flood of openers raises a bounded number of alarms.
    for seed in 10..40 {
        let mut other = Party::new(seed);
        node.find(&link.box_id(), seed, &[&other.offer(&link)]);
    }
    assert_eq!(node.alarms(), usize::from(connectoid_protocol::invite::MAX_ALARMS));
}

/// The name of an offer to a link, read with the link's own key.
fn eve_id(sealed: &[u8], link: &Address, node: &Node) -> Id {
    let key = node.watched.iter().find(|key| key.id() == link.box_id()).unwrap();
    message::read(key, link, sealed).unwrap().message.id
}

#[test]
fn what_cannot_be_read_counts_as_processed() {
    let (mut node, mut bob) = (Node::new(1), Party::new(2));
    let link = node.share();
    let mut tampered = bob.offer(&link);
    tampered[200] ^= 1;
    let elsewhere = bob.offer(&Party::new(9).address);
    let good = bob.offer(&link);
    node.find(&link.box_id(), 1, &[b"", b"noise", &tampered, &elsewhere, &good]);
    assert_eq!(node.answers_to(&bob), 1, "what comes behind it is read");
    let cursor = node.asked_cursor(&link.box_id());
    assert_eq!(cursor, Some(NOW + 5));
}

impl Node {
    /// From where the node asks on, after a restart.
    fn asked_cursor(&mut self, id: &BoxId) -> Option<u64> {
        self.host.crash();
        self.host.start(NOW);
        let asked = self.host.step(Input::Tick, NOW);
        asked.iter().find_map(|output| match output {
            Output::Check { boxes, .. } => boxes.iter().find(|(key, _)| key.id() == *id).map(|(_, at)| *at),
            _ => None,
        })
    }
}
