//! A node whose disk is put back to an older copy: the pair finds together again, or is told that it cannot.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_engine::{
    Error, ErrorKind, EventKind,
    api::{Command, Credentials, PairState, PeerInfo, Reply, Write},
};
use connectoid_protocol::poll::Pace;
use connectoid_sim::{
    host::Host,
    story::share,
    world::{Hardship, World},
};

const SECOND: u64 = 1_000_000;
const DAY: u64 = 24 * 3600 * SECOND;

const ALICE: usize = 0;
const BOB: usize = 1;

/// A seed is a world; each is a little different.
const SEEDS: u64 = 2;

/// Alice, Bob, and copies of their disks.
struct Pair {
    world: World,
    link: String,
    copies: [tempfile::TempDir; 2],
    _folders: [tempfile::TempDir; 2],
}

impl Pair {
    /// Alice has made a link, and Bob has opened it while she was away.
    fn new(seed: u64) -> Self {
        Self::with_link(seed, share("bob"))
    }

    fn with_link(seed: u64, share: Command) -> Self {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let copies = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let hosts = folders.iter().zip([2 * seed, 2 * seed + 1]);
        let hosts = hosts.map(|(folder, seed)| Host::new(folder.path(), seed, 0)).collect();
        let world = World::new(hosts, Hardship { latency: 20_000, ..Hardship::default() }, seed);
        let mut pair = Self { world, link: String::new(), copies, _folders: folders };
        let Reply::Link(shared) = pair.call(ALICE, share) else { panic!("no link") };
        pair.link = shared.link;
        // Her service tells the date, from which on the link lasts.
        pair.world.pass(SECOND);
        pair.world.crash(ALICE);
        pair.open().unwrap();
        pair
    }

    fn open(&mut self) -> Result<Reply, Error> {
        let credentials = Credentials { link: self.link.clone(), nickname: "alice".into(), in_person: false };
        self.world.call(BOB, Command::Open(credentials)).unwrap()
    }

    fn call(&mut self, host: usize, command: Command) -> Reply {
        self.world.call(host, command).unwrap().unwrap()
    }

    /// Copies both disks, at a moment at which both are down.
    fn back_up(&mut self) {
        for host in [ALICE, BOB] {
            self.world.crash(host);
            self.world.hosts[host].back_up(self.copies[host].path());
        }
        self.start();
    }

    fn restore(&mut self, host: usize) {
        self.world.crash(host);
        self.world.hosts[host].restore(self.copies[host].path());
        for host in [ALICE, BOB] {
            self.world.hosts[host].events.clear();
        }
        self.start();
    }

    fn start(&mut self) {
        for host in [ALICE, BOB] {
            self.world.start(host);
        }
        self.pace(Pace::Foreground);
    }

    fn pace(&mut self, pace: Pace) {
        for host in [ALICE, BOB] {
            self.call(host, Command::SetPace { pace });
        }
    }

    /// A long time, in which both look seldom.
    fn wait(&mut self, time: u64) {
        self.pace(Pace::Background);
        self.world.pass(time);
        self.pace(Pace::Foreground);
    }

    fn put(&mut self, host: usize, id: &str) {
        let fields = [("x".to_owned(), 1.into())].into_iter().collect();
        let put = Write::Put { collection: "c".into(), id: id.into(), fields };
        self.call(host, Command::Commit { group: "g".into(), writes: vec![put] });
    }

    fn has(&mut self, host: usize, id: &str) -> bool {
        let get = Command::Get { group: "g".into(), collection: "c".into(), id: id.into() };
        matches!(self.world.call(host, get).unwrap(), Ok(Reply::Record { record: Some(_) }))
    }

    fn peer(&mut self, host: usize) -> PeerInfo {
        let Reply::Peers { peers } = self.call(host, Command::Peers) else { panic!("no peers") };
        peers.into_iter().next().unwrap()
    }

    /// What both noted lately, for who has to find out what went wrong.
    fn traces(&mut self) -> String {
        let mut traces = String::new();
        for host in [ALICE, BOB] {
            let Reply::Diagnosis(diagnosis) = self.call(host, Command::Doctor { nickname: None }) else {
                panic!("no diagnosis")
            };
            let lines = diagnosis.trace.iter().rev().take(30).rev();
            traces.extend(lines.map(|line| format!("{host}: {line}\n")));
        }
        traces
    }

    fn is_told(&self, host: usize, is_it: impl Fn(&EventKind) -> bool) -> bool {
        self.world.hosts[host].events.iter().any(|event| is_it(&event.kind))
    }

    fn is_told_kind(&self, host: usize, kind: ErrorKind) -> bool {
        self.is_told(
            host,
            |event| matches!(event, EventKind::ConnectFailed { problem, .. } if problem.kind == kind),
        )
    }

    fn problem(&mut self, host: usize) -> Option<ErrorKind> {
        self.peer(host).problem.map(|problem| problem.kind)
    }

    /// Time goes by until something holds.
    fn until(&mut self, what: &str, holds: impl Fn(&mut Self) -> bool) {
        for _ in 0..120 {
            self.world.pass(10 * SECOND);
            if holds(self) {
                return;
            }
        }
        panic!("{what}: in vain\n{}", self.traces());
    }

    fn meet(&mut self) {
        self.until("to meet", |pair| {
            [ALICE, BOB].into_iter().all(|host| pair.peer(host).state == PairState::Paired)
        });
        self.world.pass(60 * SECOND);
    }

    /// Boxes are changed in a session, a week after the last time.
    fn rotate(&mut self, id: &str) {
        self.wait(8 * DAY);
        self.put(ALICE, id);
        self.until("bob to have it", |pair| pair.has(BOB, id));
        self.world.pass(60 * SECOND);
    }

    /// One of both has forgotten; either may be the one who has something to say.
    fn heals(&mut self, restored: usize, speaker: usize) {
        self.put(ALICE, "meanwhile");
        self.until("the other to have it", |pair| pair.has(BOB, "meanwhile"));
        self.world.pass(60 * SECOND);
        self.restore(restored);
        let id = format!("news of {speaker}");
        self.put(speaker, &id);
        self.until("the news to arrive", |pair| pair.has(1 - speaker, &id));
        self.until("what was forgotten to come back", |pair| pair.has(restored, "meanwhile"));
        assert!(self.is_told(restored, |event| matches!(event, EventKind::Restored { .. })));
        for host in [ALICE, BOB] {
            let traces = self.traces();
            assert!(!self.is_told_kind(host, ErrorKind::NoRoute), "{host}: no network is at fault\n{traces}");
            assert!(!self.is_told_kind(host, ErrorKind::PairLost), "{host}: nothing is lost\n{traces}");
            assert!(
                !self.is_told(host, |event| matches!(event, EventKind::LinkOpenedAgain { .. })),
                "{host}: an alarm"
            );
            assert_eq!(self.peer(host).problem, None, "{host}");
        }
        // And so it stays, also after the boxes have changed once more.
        self.rotate("later");
        assert_eq!((self.peer(ALICE).state, self.peer(BOB).state), (PairState::Paired, PairState::Paired));
    }
}

#[test]
fn a_copy_from_before_the_meeting_finds_its_peer_again() {
    for seed in 0..SEEDS {
        // Who made the link knows nobody, and is found; who opened it has nothing to say.
        for (restored, speaker) in [(ALICE, BOB), (BOB, ALICE)] {
            println!("seed {seed}, restored {restored}, speaker {speaker}");
            let mut pair = Pair::new(seed);
            pair.back_up();
            pair.meet();
            pair.heals(restored, speaker);
        }
    }
}

#[test]
fn a_copy_from_before_a_change_of_boxes_finds_its_peer_again() {
    for seed in 0..SEEDS {
        for restored in [ALICE, BOB] {
            for speaker in [ALICE, BOB] {
                println!("seed {seed}, restored {restored}, speaker {speaker}");
                let mut pair = Pair::new(seed);
                pair.start();
                pair.meet();
                pair.back_up();
                pair.rotate("a week later");
                pair.heals(restored, speaker);
            }
        }
    }
}

impl Pair {
    /// They have met, copies are made, and then boxes change more than once.
    fn long_ago(seed: u64) -> Self {
        let mut pair = Self::new(seed);
        pair.start();
        pair.meet();
        pair.back_up();
        for week in 0..2 {
            pair.rotate(&format!("week {week}"));
        }
        pair
    }
}

#[test]
fn a_copy_from_long_before_finds_its_peer_again() {
    for (seed, restored) in [(0, ALICE), (1, BOB)] {
        for speaker in [ALICE, BOB] {
            println!("seed {seed}, restored {restored}, speaker {speaker}");
            Pair::long_ago(seed).heals(restored, speaker);
        }
    }
}

#[test]
fn the_same_copy_finds_its_peer_a_second_time() {
    let mut pair = Pair::long_ago(1);
    pair.heals(ALICE, ALICE);
    pair.heals(ALICE, BOB);
}

#[test]
fn both_copies_from_long_before_find_each_other_again() {
    for (seed, speakers) in [(0, vec![ALICE]), (1, vec![BOB]), (2, vec![ALICE, BOB])] {
        println!("seed {seed}, speakers {speakers:?}");
        let mut pair = Pair::long_ago(seed);
        pair.restore(ALICE);
        pair.restore(BOB);
        for speaker in &speakers {
            pair.put(*speaker, &format!("news of {speaker}"));
        }
        pair.until("the news to arrive", |pair| {
            speakers.iter().all(|speaker| pair.has(1 - speaker, &format!("news of {speaker}")))
        });
        for host in [ALICE, BOB] {
            // Nobody waits for an answer that the other has dropped for one of its own.
            let in_vain = [ErrorKind::Unanswered, ErrorKind::NoRoute, ErrorKind::PairLost];
            let traces = pair.traces();
            assert!(!in_vain.into_iter().any(|kind| pair.is_told_kind(host, kind)), "{host}\n{traces}");
        }
    }
}

#[test]
fn a_copy_from_long_before_is_told_that_the_pair_is_lost_if_the_peer_has_ended_it() {
    for restored in [ALICE, BOB] {
        let mut pair = Pair::long_ago(1);
        let (gone, nickname) = if restored == ALICE { (BOB, "alice") } else { (ALICE, "bob") };
        pair.world.crash(restored);
        pair.call(gone, Command::Unshare { nickname: nickname.into() });
        // The word of it is not kept for so long.
        pair.world.pass(2 * 3600 * SECOND);
        pair.restore(restored);
        pair.put(restored, "news");
        pair.until("the restored to be told", |pair| pair.problem(restored) == Some(ErrorKind::PairLost));
    }
}

#[test]
fn a_peer_that_is_away_for_weeks_is_not_lost() {
    for away in [ALICE, BOB] {
        let (mut pair, other) = (Pair::long_ago(1), 1 - away);
        pair.world.crash(away);
        pair.put(other, "news");
        // Longer than a service keeps a box that nobody looks into.
        pair.call(other, Command::SetPace { pace: Pace::Background });
        pair.world.pass(40 * DAY);
        assert!(!pair.is_told_kind(other, ErrorKind::PairLost));
        assert_eq!(pair.problem(other), Some(ErrorKind::Unanswered));
        pair.start();
        pair.until("the news to arrive", |pair| pair.has(away, "news"));
        assert_eq!((pair.problem(ALICE), pair.problem(BOB)), (None, None));
    }
}

#[test]
fn a_creator_that_was_put_back_when_its_link_was_closed_is_told() {
    let mut pair = Pair::with_link(1, share_for(3600));
    pair.back_up();
    pair.meet();
    // The link of an hour is watched for a day after it was used, and would be for a day and an hour if it was not.
    pair.wait(DAY + 1800 * SECOND);
    pair.restore(ALICE);
    pair.until("its creator to be told", |pair| pair.problem(ALICE) == Some(ErrorKind::PairLost));
    assert!(pair.is_told_kind(ALICE, ErrorKind::PairLost));
    assert!(!pair.is_told_kind(BOB, ErrorKind::PairLost));
}

/// A link that works for so many seconds.
fn share_for(seconds: u64) -> Command {
    let Command::Share { nickname, group, role, services, link_base, placement, .. } = share("bob") else {
        panic!("no share")
    };
    let expires_in = Some(seconds);
    Command::Share { nickname, group, role, expires_in, services, link_base, placement }
}

#[test]
fn a_creator_that_was_put_back_when_its_link_had_expired_cannot_let_the_peer_in() {
    let mut pair = Pair::with_link(1, share_for(3600));
    pair.back_up();
    pair.meet();
    pair.wait(2 * 3600 * SECOND);
    pair.restore(ALICE);
    pair.put(BOB, "news");
    pair.until("both to be told", |pair| {
        (pair.problem(ALICE), pair.problem(BOB)) == (Some(ErrorKind::LinkExpired), Some(ErrorKind::PairLost))
    });
}

#[test]
fn a_link_that_was_used_is_known_in_every_state() {
    let refused = |pair: &mut Pair| pair.open().unwrap_err();
    let mut pair = Pair::new(1);
    assert!(pair.open().is_ok(), "before the meeting it is tried again");
    pair.start();
    pair.meet();
    let error = refused(&mut pair);
    assert_eq!(
        (error.kind, error.message.as_str()),
        (ErrorKind::AlreadyShared, "you share with alice already")
    );
    pair.rotate("a week later");
    assert_eq!(refused(&mut pair).kind, ErrorKind::AlreadyShared, "the boxes have changed");

    let own = Credentials { link: pair.link.clone(), nickname: "me".into(), in_person: false };
    let own = pair.world.call(ALICE, Command::Open(own)).unwrap().unwrap_err();
    assert_eq!(own.kind, ErrorKind::LinkOwn, "also when the link is not watched any more");
    assert!(own.message.contains("bob"), "{}", own.message);

    pair.call(ALICE, Command::Unshare { nickname: "bob".into() });
    pair.until("bob to be told", |pair| {
        pair.is_told(BOB, |event| matches!(event, EventKind::Unshared { .. }))
    });
    assert_eq!(refused(&mut pair).kind, ErrorKind::LinkRevoked, "the peer ended the share");
    let own = Credentials { link: pair.link.clone(), nickname: "me".into(), in_person: false };
    assert_eq!(pair.world.call(ALICE, Command::Open(own)).unwrap().unwrap_err().kind, ErrorKind::LinkOwn);
    assert!(!pair.is_told(ALICE, |event| matches!(event, EventKind::LinkOpenedAgain { .. })));
}

#[test]
fn a_link_of_a_share_that_one_ended_oneself_is_known() {
    let mut pair = Pair::new(2);
    pair.start();
    pair.meet();
    pair.call(BOB, Command::Unshare { nickname: "alice".into() });
    assert_eq!(pair.open().unwrap_err().kind, ErrorKind::LinkRevoked);
    pair.world.pass(60 * SECOND);
    assert!(!pair.is_told(ALICE, |event| matches!(event, EventKind::LinkOpenedAgain { .. })));
}
