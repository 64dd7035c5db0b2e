use std::sync::LazyLock;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::{
    address::Address,
    boxes::BoxKey,
    message::{Fingerprint, Message, Read, Refusal, Written},
    seal::Export,
    user::DeviceId,
};

const NOW: u64 = 1_790_000_000_000_000;
const SECOND: u64 = 1_000_000;

/// Whose key signed is judged before a connector sees a message, so one return address does for all.
static ADDRESS: LazyLock<Address> = LazyLock::new(|| {
    let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
    Address::new(&key, &["https://mail.example".to_owned()], None).unwrap()
});

/// A message on its way, already written and read.
#[derive(Clone)]
struct Mail {
    sid: Id,
    exp: u64,
    body: Body,
}

impl Mail {
    fn plaintext(&self) -> Vec<u8> {
        format!("{:?} {:?}", self.sid.as_bytes(), self.body).into_bytes()
    }

    /// What both ends derive from the sealing: any function of the message will do.
    fn export(&self) -> Export {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(self.sid.as_bytes());
        bytes[16] = u8::from(matches!(self.body, Body::Offer { .. }));
        Export::from_bytes(bytes)
    }

    fn written(&self) -> Written {
        Written { sealed: Vec::new(), plaintext: self.plaintext().into(), export: self.export() }
    }

    fn read(&self) -> Read {
        let (id, from) = (Id::from_bytes([1; 16]), ADDRESS.clone());
        let message = Message { id, sid: self.sid, exp: self.exp, from, body: self.body.clone() };
        Read { message, plaintext: self.plaintext().into(), export: self.export() }
    }
}

/// What a test looks for in outputs.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    MakeOffer(AttemptId),
    MakeAnswer(AttemptId),
    UseAnswer(AttemptId),
    Mail(AttemptId),
    Send(AttemptId),
    Close(AttemptId),
    Connected(AttemptId, usize),
    Disconnected(Option<Failure>),
    Failed(Failure),
}

struct Node {
    connector: Connector,
    key: UserKey,
    rng: ChaCha20Rng,
    certificate: [u8; 32],
    sent: Vec<Control>,
    mail: Option<Mail>,
}

impl Node {
    fn new(side: Side, expected: Option<UserId>) -> Self {
        let seed = if side == Side::Opener { 1 } else { 2 };
        let mut rng = ChaCha20Rng::seed_from_u64(u64::from(seed));
        let key = UserKey::from_bytes(&[seed; 32]);
        let device = DeviceId::generate(&mut rng);
        let own = Identity { user: key.id(), key: *key.public().as_bytes(), device };
        let connector = Connector::new(side, own, expected, 0);
        Self { connector, key, rng, certificate: [seed; 32], sent: Vec::new(), mail: None }
    }

    /// What the machine says, in order; the latest mail and the frames are kept.
    fn said(&mut self) -> Vec<Said> {
        let mut said = Vec::new();
        while let Some(output) = self.connector.poll_output() {
            said.push(match output {
                Output::MakeOffer(id) => Said::MakeOffer(id),
                Output::MakeAnswer(id, _) => Said::MakeAnswer(id),
                Output::UseAnswer(id, _) => Said::UseAnswer(id),
                Output::Mail { attempt, sid, exp, body } => {
                    self.mail = Some(Mail { sid, exp, body });
                    Said::Mail(attempt)
                }
                Output::Send(id, frame) => {
                    self.sent.push(frame);
                    Said::Send(id)
                }
                Output::Close(id) => Said::Close(id),
                Output::Connected(id, _, early) => Said::Connected(id, early.len()),
                Output::Disconnected(failure) => Said::Disconnected(failure),
                Output::Failed(failure) => Said::Failed(failure),
            });
        }
        said
    }

    fn attempt(&self) -> AttemptId {
        self.connector.attempt.as_ref().unwrap().id
    }

    /// The driver describes, and the message is written and sent.
    fn mail(&mut self, now: u64) -> Mail {
        let id = self.attempt();
        self.connector.on_described(id, format!("v=0 {}", id.0), now);
        assert!(self.said().contains(&Said::Mail(id)));
        let mail = self.mail.take().unwrap();
        self.connector.on_written(id, mail.written(), now);
        mail
    }

    fn offer(&mut self, now: u64) -> Mail {
        self.connector.want_now(now, &mut self.rng);
        self.mail(now)
    }

    fn on_offer(&mut self, mail: &Mail, now: u64) -> Vec<Said> {
        self.connector.on_offer(mail.read(), now, &mut self.rng);
        self.said()
    }

    fn answer(&mut self, offer: &Mail, now: u64) -> Mail {
        let said = self.on_offer(offer, now);
        assert_eq!(said.last(), Some(&Said::MakeAnswer(self.attempt())));
        self.mail(now)
    }

    fn on_answer(&mut self, mail: &Mail, now: u64) -> Vec<Said> {
        self.connector.on_answer(mail.read(), now);
        self.said()
    }

    fn open(&mut self, peer: [u8; 32], now: u64) {
        let id = self.attempt();
        self.connector.on_open(id, self.certificate, peer, now, &mut self.rng);
    }

    fn on_control(&mut self, id: AttemptId, frame: Control, now: u64) -> Vec<Said> {
        self.connector.on_control(id, frame, &self.key, now, &mut self.rng);
        self.said()
    }

    fn on_failed(&mut self, id: AttemptId, failure: Failure, now: u64) -> Vec<Said> {
        self.connector.on_failed(id, failure, now, &mut self.rng);
        self.said()
    }

    fn on_timeout(&mut self, now: u64) -> Vec<Said> {
        self.connector.on_timeout(now, &mut self.rng);
        self.said()
    }

    /// Takes the next frame of the other node.
    fn hear(&mut self, other: &mut Self, now: u64) -> Vec<Said> {
        let frame = other.sent.remove(0);
        self.on_control(self.attempt(), frame, now)
    }
}

fn nodes() -> (Node, Node) {
    (Node::new(Side::Opener, None), Node::new(Side::Creator, None))
}

/// Both ends open.
fn open(one: &mut Node, other: &mut Node, now: u64) {
    one.open(other.certificate, now);
    other.open(one.certificate, now);
    one.said();
    other.said();
}

/// All four hellos; what the last of them led to, at the offerer and at the answerer.
fn prove(offerer: &mut Node, answerer: &mut Node, now: u64) -> (Vec<Said>, Vec<Said>) {
    offerer.hear(answerer, now);
    answerer.hear(offerer, now);
    let at_answerer = answerer.hear(offerer, now);
    let at_offerer = offerer.hear(answerer, now);
    (at_offerer, at_answerer)
}

/// From an offer to a live session.
fn connect(offerer: &mut Node, answerer: &mut Node, now: u64) {
    offerer.connector.want_now(now, &mut offerer.rng);
    answer_and_prove(offerer, answerer, now);
    assert!(offerer.connector.is_live() && answerer.connector.is_live());
}

/// One has just offered; the other answers, and both prove who they are.
fn answer_and_prove(offerer: &mut Node, answerer: &mut Node, now: u64) {
    let offer = offerer.mail(now);
    let answer = answerer.answer(&offer, now);
    offerer.on_answer(&answer, now);
    open(offerer, answerer, now);
    prove(offerer, answerer, now);
}

#[test]
fn an_answered_offer_becomes_a_proven_session() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    assert_eq!(offer.exp, NOW + OFFER_LIFETIME);
    let answer = bob.answer(&offer, NOW);
    assert_eq!(answer.sid, offer.sid);
    assert_eq!(alice.on_answer(&answer, NOW), [Said::UseAnswer(AttemptId(1))]);
    open(&mut alice, &mut bob, NOW);
    assert!(alice.sent.is_empty(), "the answerer speaks first");
    let (at_alice, at_bob) = prove(&mut alice, &mut bob, NOW);
    assert_eq!(at_alice, [Said::Connected(AttemptId(1), 0)]);
    assert_eq!(at_bob, [Said::Connected(AttemptId(1), 0)]);
    assert!(!alice.connector.is_wanted() && !alice.connector.is_connecting());
    assert_eq!((alice.connector.poll_timeout(), bob.connector.poll_timeout()), (None, None));
}

#[test]
fn of_two_offers_at_once_the_openers_wins() {
    let (mut opener, mut creator) = nodes();
    let offers = (opener.offer(NOW), creator.offer(NOW));
    assert_eq!(opener.on_offer(&offers.1, NOW), [], "its own offer stands");
    let dropped = creator.attempt();
    let said = creator.on_offer(&offers.0, NOW);
    assert_eq!(said, [Said::Close(dropped), Said::MakeAnswer(creator.attempt())]);
    let answer = creator.mail(NOW);
    assert_eq!(opener.on_answer(&answer, NOW), [Said::UseAnswer(AttemptId(1))]);
    open(&mut opener, &mut creator, NOW);
    prove(&mut opener, &mut creator, NOW);
    assert!(opener.connector.is_live() && creator.connector.is_live());
}

/// An opener's own offer at each stage that it goes through.
fn opener_at(stage: u8) -> Node {
    let (mut opener, mut creator) = nodes();
    opener.connector.want(NOW, &mut opener.rng);
    opener.said();
    if stage > 0 {
        let offer = opener.mail(NOW);
        let answer = creator.answer(&offer, NOW);
        if stage > 1 {
            opener.on_answer(&answer, NOW);
        }
    }
    if stage > 2 {
        open(&mut opener, &mut creator, NOW);
    }
    if stage > 3 {
        opener.hear(&mut creator, NOW);
    }
    opener
}

#[test]
fn the_openers_offer_stands_until_it_is_live_or_has_failed() {
    for stage in 0..5 {
        let (mut opener, mut creator) = (opener_at(stage), Node::new(Side::Creator, None));
        let glare = creator.offer(NOW);
        assert_eq!(opener.on_offer(&glare, NOW), [], "at stage {stage}");
        let failed = opener.on_failed(AttemptId(1), Failure::Lost, NOW);
        assert_eq!(failed, [Said::Close(AttemptId(1)), Said::Failed(Failure::Lost)]);
        assert_eq!(opener.on_offer(&glare, NOW), [Said::MakeAnswer(AttemptId(2))], "after stage {stage}");
    }
}

#[test]
fn who_answers_takes_a_newer_offer_at_any_stage() {
    for (side, stage) in [Side::Opener, Side::Creator]
        .into_iter()
        .flat_map(|side| [(side, 0), (side, 1), (side, 2), (side, 3)])
    {
        let other = if side == Side::Opener { Side::Creator } else { Side::Opener };
        let (mut answerer, mut offerer) = (Node::new(side, None), Node::new(other, None));
        let first = offerer.offer(NOW);
        answerer.on_offer(&first, NOW);
        if stage > 0 {
            let answer = answerer.mail(NOW);
            offerer.on_answer(&answer, NOW);
        }
        if stage > 1 {
            open(&mut offerer, &mut answerer, NOW);
        }
        if stage > 2 {
            offerer.hear(&mut answerer, NOW);
            answerer.hear(&mut offerer, NOW);
        }
        // The offerer has crashed, and starts over.
        let mut offerer = Node::new(other, None);
        offerer.rng = ChaCha20Rng::seed_from_u64(99);
        let second = offerer.offer(NOW);
        let said = answerer.on_offer(&second, NOW);
        let expected = [Said::Close(AttemptId(1)), Said::MakeAnswer(AttemptId(2))];
        assert_eq!(said, expected, "the {side:?} at stage {stage}");
    }
}

#[test]
fn an_expired_offer_is_answered_by_a_fresh_one() {
    for (late, said) in [(0, Said::MakeOffer(AttemptId(1))), (SECOND, Said::MakeOffer(AttemptId(1)))] {
        let (mut alice, mut bob) = nodes();
        let offer = alice.offer(NOW);
        assert_eq!(bob.on_offer(&offer, offer.exp + late), [said]);
        assert!(bob.connector.is_wanted());
    }
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    assert_eq!(bob.on_offer(&offer, offer.exp - 1), [Said::MakeAnswer(AttemptId(1))]);
}

#[test]
fn a_flood_of_calls_is_followed_so_often_and_then_when_it_is_due() {
    let (mut alice, _) = nodes();
    // Each stale one, and each call, forgives what has failed so far: no more often than that.
    let failures = |alice: &mut Node| {
        let mut offers = 0;
        for _ in 0..100 {
            alice.connector.on_call(NOW, &mut alice.rng);
            let said = alice.said();
            if let Some(Said::MakeOffer(id)) = said.first() {
                offers += 1;
                alice.connector.on_failed(*id, Failure::Unanswered, NOW, &mut alice.rng);
                alice.said();
            }
        }
        offers
    };
    assert_eq!(failures(&mut alice), MAX_OFFERS);
}

#[test]
fn an_expired_offer_neither_disturbs_an_attempt_nor_a_session() {
    let (mut alice, mut bob) = nodes();
    let old = Mail { sid: Id::from_bytes([9; 16]), exp: NOW, body: Body::Offer { sdp: "v=0".into() } };
    let offer = alice.offer(NOW);
    assert_eq!(alice.on_offer(&old, NOW), []);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    open(&mut alice, &mut bob, NOW);
    prove(&mut alice, &mut bob, NOW);
    assert_eq!(alice.on_offer(&old, NOW), []);
    assert!(alice.connector.is_live());
}

#[test]
fn an_offer_that_was_answered_in_vain_was_stale_after_all() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    bob.answer(&offer, NOW);
    let failed = bob.on_timeout(NOW + OPEN_TIMEOUT);
    let unanswered = Said::Failed(Failure::Unanswered);
    assert_eq!(failed, [Said::Close(AttemptId(1)), unanswered], "who does not wait has not answered");
    let next = bob.connector.poll_timeout().unwrap();
    assert_eq!(bob.on_timeout(next), [Said::MakeOffer(AttemptId(2))]);
}

#[test]
fn every_stage_ends_in_time() {
    let deadlines = [
        (DESCRIBE_TIMEOUT, Failure::Rtc),
        (OFFER_LIFETIME, Failure::Unanswered),
        (OPEN_TIMEOUT, Failure::NoRoute),
        (HANDSHAKE_TIMEOUT, Failure::Silent),
        (HANDSHAKE_TIMEOUT, Failure::Silent),
    ];
    for (stage, (timeout, failure)) in (0..).zip(deadlines) {
        let mut opener = opener_at(stage);
        assert_eq!(opener.connector.poll_timeout(), Some(NOW + timeout), "at stage {stage}");
        assert_eq!(opener.on_timeout(NOW + timeout - 1), []);
        let said = opener.on_timeout(NOW + timeout);
        assert_eq!(said, [Said::Close(AttemptId(1)), Said::Failed(failure)]);
        assert!(!opener.connector.is_connecting());
    }
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    bob.on_offer(&offer, NOW);
    assert_eq!(
        bob.on_timeout(NOW + DESCRIBE_TIMEOUT),
        [Said::Close(AttemptId(1)), Said::Failed(Failure::Rtc)]
    );
    assert_eq!(bob.connector.poll_timeout(), None, "who only answered has nothing to try again");
}

#[test]
fn a_new_offer_replaces_a_live_session_only_once_it_is_proven() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    let old = bob.connector.live().unwrap();
    // Somebody found an offer that leads nowhere.
    let nowhere = Node::new(Side::Opener, None).offer(NOW);
    bob.answer(&nowhere, NOW);
    assert_eq!(bob.connector.live(), Some(old));
    let failed = bob.on_timeout(NOW + OPEN_TIMEOUT);
    assert_eq!(failed, [Said::Close(AttemptId(2)), Said::Failed(Failure::Unanswered)]);
    assert_eq!((bob.connector.live(), bob.connector.poll_timeout()), (Some(old), None));
    // The peer starts over, and this offer is good.
    let mut alice = Node::new(Side::Opener, None);
    alice.rng = ChaCha20Rng::seed_from_u64(99);
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    open(&mut alice, &mut bob, NOW);
    assert_eq!(bob.connector.live(), Some(old));
    let (_, at_bob) = prove(&mut alice, &mut bob, NOW);
    assert_eq!(at_bob, [Said::Close(old), Said::Disconnected(None), Said::Connected(AttemptId(3), 0)]);
    assert_eq!(bob.connector.live(), Some(AttemptId(3)));
}

#[test]
fn an_answer_counts_once_and_only_for_the_offer_that_waits() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    let foreign = Mail { sid: Id::from_bytes([9; 16]), ..answer.clone() };
    assert_eq!(alice.on_answer(&foreign, NOW), []);
    assert_eq!(alice.on_answer(&answer, NOW), [Said::UseAnswer(AttemptId(1))]);
    assert_eq!(alice.on_answer(&answer, NOW), [], "a replay");
    open(&mut alice, &mut bob, NOW);
    prove(&mut alice, &mut bob, NOW);
    assert_eq!(alice.on_answer(&answer, NOW), []);
    assert_eq!(alice.connector.live(), Some(AttemptId(1)));
}

#[test]
fn a_late_answer_is_no_answer() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_timeout(NOW + OFFER_LIFETIME);
    assert_eq!(alice.on_answer(&answer, NOW + OFFER_LIFETIME), []);
    alice.offer(NOW + OFFER_LIFETIME);
    assert_eq!(alice.on_answer(&answer, NOW + OFFER_LIFETIME), [], "not to the next offer either");
}

#[test]
fn other_messages_are_neither_offers_nor_answers() {
    let (mut alice, _) = nodes();
    let offer = alice.offer(NOW);
    let winner = Fingerprint::of(&ADDRESS.box_id());
    let why = Refusal::Used { at: NOW, winner };
    for body in [Body::Unshared, Body::Refused { refused: offer.sid, why }] {
        let other = Mail { body, ..offer.clone() };
        assert_eq!((alice.on_offer(&other, NOW), alice.on_answer(&other, NOW)), (vec![], vec![]));
    }
    assert_eq!(alice.attempt(), AttemptId(1));
}

/// Lets attempts fail one after the other and returns the pauses between them.
fn pauses(node: &mut Node, count: usize) -> Vec<u64> {
    let mut now = NOW;
    let mut pauses = Vec::new();
    for _ in 0..count {
        let failed = node.attempt();
        node.on_failed(failed, Failure::Unanswered, now);
        let next = node.connector.poll_timeout().unwrap();
        assert_eq!(node.on_timeout(next - 1), []);
        assert_eq!(node.on_timeout(next), [Said::MakeOffer(AttemptId(failed.0 + 1))]);
        pauses.push(next - now);
        now = next;
    }
    pauses
}

#[test]
fn pauses_double_up_to_less_than_a_mailbox_remembers() {
    let (mut alice, _) = nodes();
    alice.offer(NOW);
    let mut longest = FIRST_RETRY;
    for pause in pauses(&mut alice, 40) {
        assert!((longest..longest + longest / 4).contains(&pause), "{pause} after {longest}");
        longest = (2 * longest).min(LAST_RETRY);
    }
    assert_eq!(longest, LAST_RETRY);
    const { assert!(LAST_RETRY + LAST_RETRY / 4 < crate::message::MESSAGE_LIFETIME) };
}

#[test]
fn a_pause_is_cut_short_by_a_person_and_not_by_data() {
    let (mut alice, _) = nodes();
    alice.offer(NOW);
    pauses(&mut alice, 5);
    alice.on_failed(AttemptId(6), Failure::Unanswered, NOW);
    alice.connector.want(NOW, &mut alice.rng);
    assert_eq!(alice.said(), []);
    alice.connector.want_now(NOW, &mut alice.rng);
    assert_eq!(alice.said(), [Said::MakeOffer(AttemptId(7))]);
    let pause = pauses(&mut alice, 1)[0];
    assert!(pause < 2 * FIRST_RETRY, "and what failed before is forgiven");
}

#[test]
fn success_forgives_what_failed_before() {
    let (mut alice, mut bob) = nodes();
    alice.offer(NOW);
    pauses(&mut alice, 5);
    alice.on_failed(AttemptId(6), Failure::Unanswered, NOW);
    connect(&mut bob, &mut alice, NOW);
    alice.on_failed(AttemptId(7), Failure::Lost, NOW);
    let next = alice.connector.poll_timeout().unwrap();
    assert!((FIRST_RETRY..2 * FIRST_RETRY).contains(&(next - NOW)));
}

#[test]
fn sessions_that_are_laid_to_rest_unheard_are_renewed_ever_more_seldom() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    let (mut now, mut attempt) = (NOW, 0);
    let mut pause_after = |lasted: u64| {
        attempt += 1;
        now += lasted;
        alice.connector.on_rest(AttemptId(attempt), now, &mut alice.rng);
        bob.connector.rest(now, &mut bob.rng);
        let _ = (alice.said(), bob.said());
        bob.sent.clear();
        alice.connector.want_after_rest(now, &mut alice.rng);
        let next =
            alice.connector.poll_timeout().filter(|next| *next > now && alice.connector.attempt.is_none());
        let pause = next.map_or(0, |next| next - now);
        now += pause;
        alice.connector.on_timeout(now, &mut alice.rng);
        answer_and_prove(&mut alice, &mut bob, now);
        pause
    };
    let pauses: Vec<_> = (0..6).map(|_| pause_after(0)).collect();
    assert!(pauses.windows(2).all(|pair| pair[0] < pair[1]), "{pauses:?}");
    assert_eq!(pause_after(STEADY), 0, "one that lasted is renewed at once");
}

#[test]
fn sessions_that_break_at_once_are_renewed_ever_more_seldom() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    let (mut now, mut attempt) = (NOW, 0);
    let mut pause_after = |lasted: u64| {
        attempt += 1;
        now += lasted;
        for node in [&mut alice, &mut bob] {
            node.on_failed(AttemptId(attempt), Failure::Lost, now);
        }
        // Bob does not call meanwhile.
        bob.connector.unwant();
        let next = alice.connector.poll_timeout().unwrap();
        let pause = next - now;
        now = next;
        alice.connector.on_timeout(now, &mut alice.rng);
        answer_and_prove(&mut alice, &mut bob, now);
        pause
    };
    let pauses: Vec<u64> = (0..8).map(|_| pause_after(STEADY - 1)).collect();
    assert!(pauses.windows(2).all(|two| two[0] < two[1]), "{pauses:?}");
    assert!(pauses[7] > 60_000_000, "{pauses:?}");
    assert!(pause_after(STEADY) < 2 * FIRST_RETRY, "one that lasted is a success");
}

#[test]
fn nothing_is_repeated_that_nobody_wants() {
    let (mut alice, _) = nodes();
    alice.offer(NOW);
    alice.connector.unwant();
    alice.on_failed(AttemptId(1), Failure::Unanswered, NOW);
    assert_eq!(alice.connector.poll_timeout(), None);
}

#[test]
fn a_lost_session_is_renewed_and_one_laid_to_rest_is_not() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    let lost = alice.on_failed(AttemptId(1), Failure::Lost, NOW);
    assert_eq!(lost, [Said::Close(AttemptId(1)), Said::Disconnected(Some(Failure::Lost))]);
    assert!(alice.connector.poll_timeout().is_some());

    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    alice.connector.rest(NOW, &mut alice.rng);
    let rest = [Said::Send(AttemptId(1)), Said::Close(AttemptId(1)), Said::Disconnected(None)];
    assert_eq!((alice.said(), alice.sent.pop()), (rest.into(), Some(Control::Rest)));
    // What it has said in this session it need not say again.
    bob.connector.want(NOW, &mut bob.rng);
    bob.connector.on_rest(AttemptId(1), NOW, &mut bob.rng);
    assert_eq!(bob.said(), [Said::Close(AttemptId(1)), Said::Disconnected(None)]);
    assert_eq!((alice.connector.poll_timeout(), bob.connector.poll_timeout()), (None, None));
}

#[test]
fn a_changed_network_renews_beside_the_live_session() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    alice.connector.renew(NOW, &mut alice.rng);
    assert_eq!(alice.said(), [Said::MakeOffer(AttemptId(2))]);
    assert!(alice.connector.is_live());
    alice.connector.renew(NOW, &mut alice.rng);
    assert_eq!(alice.said(), [], "one attempt at a time");
    let offer = alice.mail(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    open(&mut alice, &mut bob, NOW);
    let (at_alice, _) = prove(&mut alice, &mut bob, NOW);
    let expected = [Said::Close(AttemptId(1)), Said::Disconnected(None), Said::Connected(AttemptId(2), 0)];
    assert_eq!(at_alice, expected);
    // What is still heard of the old connection is no loss.
    assert_eq!(alice.on_failed(AttemptId(1), Failure::Lost, NOW), []);
    assert_eq!(alice.connector.live(), Some(AttemptId(2)));
}

#[test]
fn what_comes_before_the_proof_is_kept_in_order_and_within_bounds() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    open(&mut alice, &mut bob, NOW);
    for channel in [3, 1, 2] {
        alice.connector.on_early(AttemptId(1), channel, vec![7], NOW, &mut alice.rng);
    }
    offer_frames(&mut alice, &mut bob);
    let Some(Output::Connected(_, _, early)) = alice.connector.poll_output() else { panic!("not connected") };
    assert_eq!(early, [(3, vec![7]), (1, vec![7]), (2, vec![7])]);

    // Each frame counts with 64 bytes more than it has.
    for (length, count) in [(MAX_EARLY - 64, 1), (0, MAX_EARLY / 64), (1 << 16, 15)] {
        let mut opener = opener_at(3);
        for _ in 0..count {
            opener.connector.on_early(AttemptId(1), 1, vec![0; length], NOW, &mut opener.rng);
        }
        assert_eq!(opener.said(), []);
        opener.connector.on_early(AttemptId(1), 1, vec![0; length], NOW, &mut opener.rng);
        let failed = [Said::Close(AttemptId(1)), Said::Failed(Failure::Frame(FrameError::TooLong))];
        assert_eq!(opener.said(), failed, "{count} frames of {length} bytes");
    }
}

/// The hellos, leaving alone what the last one leads to.
fn offer_frames(offerer: &mut Node, answerer: &mut Node) {
    offerer.hear(answerer, NOW);
    answerer.hear(offerer, NOW);
    let last = answerer.sent.remove(0);
    offerer.connector.on_control(offerer.attempt(), last, &offerer.key, NOW, &mut offerer.rng);
}

#[test]
fn nothing_but_the_expected_hello_is_heard_before_the_proof() {
    for stage in [2, 3, 4] {
        let mut opener = opener_at(stage);
        let said = opener.on_control(AttemptId(1), Control::Rest, NOW);
        let failed = [Said::Close(AttemptId(1)), Said::Failed(Failure::Frame(FrameError::Malformed))];
        assert_eq!(said, failed, "at stage {stage}");
    }
}

#[test]
fn a_peer_that_has_become_another_user_is_refused() {
    let stranger = UserKey::from_bytes(&[9; 32]).id();
    let (mut alice, mut bob) = (Node::new(Side::Opener, Some(stranger)), Node::new(Side::Creator, None));
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    open(&mut alice, &mut bob, NOW);
    let (at_alice, _) = prove(&mut alice, &mut bob, NOW);
    let failure = Failure::Handshake(HandshakeError::AnotherUser);
    assert_eq!(at_alice, [Said::Close(AttemptId(1)), Said::Failed(failure)]);
    assert!(!alice.connector.is_live());
}

#[test]
fn who_was_proven_once_is_expected_ever_after() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    let mut mallory = Node::new(Side::Creator, None);
    mallory.key = UserKey::from_bytes(&[9; 32]);
    let own =
        Identity { user: mallory.key.id(), key: *mallory.key.public().as_bytes(), ..mallory.connector.own };
    mallory.connector.own = own;
    let offer = mallory.offer(NOW);
    let answer = alice.answer(&offer, NOW);
    mallory.on_answer(&answer, NOW);
    open(&mut mallory, &mut alice, NOW);
    let (_, at_alice) = prove(&mut mallory, &mut alice, NOW);
    let failure = Failure::Handshake(HandshakeError::AnotherUser);
    assert_eq!(at_alice, [Said::Close(AttemptId(2)), Said::Failed(failure)]);
    assert_eq!(alice.connector.live(), Some(AttemptId(1)));
}

#[test]
fn a_tampered_certificate_ends_the_attempt() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    let answer = bob.answer(&offer, NOW);
    alice.on_answer(&answer, NOW);
    // DTLS shows Alice another certificate than Bob's: somebody is in between.
    alice.open([66; 32], NOW);
    bob.open(alice.certificate, NOW);
    alice.said();
    bob.said();
    alice.hear(&mut bob, NOW);
    bob.hear(&mut alice, NOW);
    let failure = Failure::Handshake(HandshakeError::NotThisConnection);
    let failed = [Said::Close(AttemptId(1)), Said::Failed(failure)];
    assert_eq!(
        (bob.hear(&mut alice, NOW), alice.hear(&mut bob, NOW)),
        (failed.into(), vec![Said::Close(AttemptId(1)), Said::Failed(failure)])
    );
}

#[test]
fn what_is_heard_of_a_forgotten_attempt_is_ignored() {
    let (mut alice, mut bob) = nodes();
    let offer = alice.offer(NOW);
    alice.on_failed(AttemptId(1), Failure::Undelivered, NOW);
    let before = alice.connector.poll_timeout();
    alice.connector.on_described(AttemptId(1), "v=0".into(), NOW);
    alice.connector.on_written(AttemptId(1), offer.written(), NOW);
    alice.connector.on_open(AttemptId(1), [1; 32], [2; 32], NOW, &mut alice.rng);
    alice.connector.on_early(AttemptId(1), 1, vec![0; 2 * MAX_EARLY], NOW, &mut alice.rng);
    alice.connector.on_rest(AttemptId(1), NOW, &mut alice.rng);
    alice.on_control(AttemptId(1), Control::Rest, NOW);
    assert_eq!(alice.on_failed(AttemptId(1), Failure::Lost, NOW), []);
    assert_eq!(alice.connector.poll_timeout(), before);
    assert_eq!(bob.on_answer(&offer, NOW), []);
}

#[test]
fn shutting_down_closes_everything() {
    let (mut alice, mut bob) = nodes();
    connect(&mut alice, &mut bob, NOW);
    alice.connector.renew(NOW, &mut alice.rng);
    alice.said();
    alice.connector.shut_down();
    assert_eq!(alice.said(), [Said::Close(AttemptId(2)), Said::Close(AttemptId(1))]);
    assert_eq!(alice.connector.poll_timeout(), None);
    assert!(!alice.connector.is_live() && !alice.connector.is_connecting());
}
