//! Groups that one is invited to, and messages that are not taken: nobody is called for what nobody takes, and what is
//! taken comes.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_engine::{
    ErrorKind, EventKind, Pace, Role,
    api::{Acceptance, Command, ConnectionState, Credentials, GroupInfo, PeerInfo, Reply, Write},
};
use connectoid_sim::{
    host::Host,
    story::share,
    two::{ALICE, BOB, SECOND, call, pair},
    world::{Hardship, World},
};
use serde_json::{Map, json};
use tempfile::TempDir;

const MINUTE: u64 = 60 * SECOND;

/// Alice and Bob share a group, and Alice has put Bob into another one, of which Bob has heard.
fn invited() -> ([TempDir; 2], World) {
    let (folders, mut world) = shared();
    call(&mut world, ALICE, Command::CreateGroup { name: "h".into() });
    put(&mut world, "first");
    let add = Command::AddMember { nickname: "bob".into(), group: "h".into(), role: Role::Writer };
    call(&mut world, ALICE, add);
    world.pass(5 * MINUTE);
    assert_eq!(acceptance(&mut world, BOB), Some(Acceptance::Invited));
    (folders, world)
}

fn shared() -> ([TempDir; 2], World) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hosts = folders.iter().zip(1..).map(|(folder, seed)| Host::new(folder.path(), seed, 0)).collect();
    let mut world = World::new(hosts, Hardship { latency: 20_000, ..Hardship::default() }, 1);
    pair(&mut world);
    (folders, world)
}

fn put(world: &mut World, id: &str) {
    let fields = Map::from_iter([("x".to_owned(), json!(1))]);
    let put = Write::Put { collection: "c".into(), id: id.into(), fields };
    call(world, ALICE, Command::Commit { group: "h".into(), writes: vec![put] });
}

fn group(world: &mut World, host: usize) -> Option<GroupInfo> {
    let Reply::Groups { groups } = call(world, host, Command::Groups) else { panic!("no groups") };
    groups.into_iter().find(|group| group.name == "h")
}

fn acceptance(world: &mut World, host: usize) -> Option<Acceptance> {
    group(world, host).map(|group| group.acceptance)
}

fn has(world: &mut World, id: &str) -> bool {
    let Some(group) = group(world, BOB) else { return false };
    let get = Command::Get { group: group.id, collection: "c".into(), id: id.into() };
    matches!(call(world, BOB, get), Reply::Record { record: Some(_) })
}

fn peer(world: &mut World, host: usize) -> PeerInfo {
    let Reply::Peers { peers } = call(world, host, Command::Peers) else { panic!("no peers") };
    peers.into_iter().next().unwrap()
}

/// How often the two were connected while the time passed.
fn connections(world: &mut World, time: u64) -> usize {
    world.hosts[BOB].events.clear();
    world.pass(time);
    let is_connection = |kind: &EventKind| matches!(kind, EventKind::Connected { .. });
    world.hosts[BOB].events.iter().filter(|event| is_connection(&event.kind)).count()
}

#[test]
fn an_invitation_is_told_and_keeps_nobody_awake() {
    let (_folders, mut world) = invited();
    let invitation = |kind: &EventKind| matches!(kind, EventKind::Invited { name, nickname: Some(nickname), .. } if name == "h" && nickname == "alice");
    assert_eq!(world.hosts[BOB].events.iter().filter(|event| invitation(&event.kind)).count(), 1);
    assert_eq!(peer(&mut world, ALICE).connection, ConnectionState::Resting);
    let of_group = peer(&mut world, ALICE).groups.into_iter().find(|group| group.name == "h").unwrap();
    assert_eq!((of_group.acceptance, of_group.lacks), (Acceptance::Invited, 3));
    put(&mut world, "second");
    assert_eq!(connections(&mut world, 60 * MINUTE), 0, "for what is not taken");
    assert!(!has(&mut world, "first"));
}

#[test]
fn what_is_accepted_while_both_rest_comes_at_once() {
    let (_folders, mut world) = invited();
    call(&mut world, BOB, Command::AcceptInvitation { group: "alice/h".into() });
    world.pass(10 * SECOND);
    assert!(has(&mut world, "first"));
    put(&mut world, "second");
    world.pass(10 * SECOND);
    assert!(has(&mut world, "second"));
    let answered = |kind: &EventKind| matches!(kind, EventKind::Acceptance { acceptance: Acceptance::Accepted, nickname, .. } if nickname == "bob");
    assert_eq!(world.hosts[ALICE].events.iter().filter(|event| answered(&event.kind)).count(), 1);
}

#[test]
fn who_has_left_or_forgotten_is_called_once_and_no_more() {
    for forget in [false, true] {
        let (_folders, mut world) = invited();
        call(&mut world, BOB, Command::AcceptInvitation { group: "h".into() });
        world.pass(5 * MINUTE);
        assert_eq!(peer(&mut world, BOB).connection, ConnectionState::Resting);
        let group = "h".to_owned();
        call(
            &mut world,
            BOB,
            if forget { Command::ForgetGroup { group } } else { Command::LeaveGroup { group } },
        );
        put(&mut world, "second");
        assert_eq!(connections(&mut world, 5 * MINUTE), 1, "to be told");
        put(&mut world, "third");
        assert_eq!(connections(&mut world, 60 * MINUTE), 0);
        assert!(!has(&mut world, "second"));
        let of_group = peer(&mut world, ALICE).groups.into_iter().find(|group| group.name == "h").unwrap();
        assert_eq!(of_group.acceptance, Acceptance::Left);
        assert_eq!(acceptance(&mut world, BOB), (!forget).then_some(Acceptance::Left));
    }
}

#[test]
fn who_is_removed_before_accepting_is_told() {
    let (_folders, mut world) = invited();
    call(&mut world, ALICE, Command::RemoveMember { nickname: "bob".into(), group: "h".into() });
    world.pass(MINUTE);
    let removed = |kind: &EventKind| matches!(kind, EventKind::Removed { .. });
    assert!(world.hosts[BOB].events.iter().any(|event| removed(&event.kind)));
    assert_eq!(group(&mut world, BOB).unwrap().role, None);
}

#[test]
fn what_was_accepted_while_the_inviter_was_away_comes_when_it_is_back() {
    let (_folders, mut world) = invited();
    world.crash(ALICE);
    call(&mut world, BOB, Command::AcceptInvitation { group: "h".into() });
    world.pass(MINUTE);
    world.crash(BOB);
    world.pass(24 * 60 * MINUTE);
    world.start(BOB);
    world.pass(24 * 60 * MINUTE);
    world.start(ALICE);
    world.pass(60 * MINUTE);
    assert!(has(&mut world, "first"));
    put(&mut world, "second");
    world.pass(20 * MINUTE);
    assert!(has(&mut world, "second"));
    assert_eq!(connections(&mut world, 60 * MINUTE), 0);
}

/// The link is for a group that is not there any more; the two meet all the same, and nothing fails.
#[test]
fn a_link_to_a_group_that_was_forgotten_since_harms_nobody() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hosts = folders.iter().zip(1..).map(|(folder, seed)| Host::new(folder.path(), seed, 0)).collect();
    let mut world = World::new(hosts, Hardship { latency: 20_000, ..Hardship::default() }, 1);
    for host in [ALICE, BOB] {
        call(&mut world, host, Command::SetPace { pace: Pace::Foreground });
    }
    let Reply::Link(shared) = call(&mut world, ALICE, share("bob")) else { panic!("no link") };
    call(&mut world, ALICE, Command::ForgetGroup { group: "g".into() });
    let credentials = Credentials { link: shared.link, nickname: "alice".into(), in_person: false };
    call(&mut world, BOB, Command::Open(credentials));
    assert_eq!(connections(&mut world, 5 * MINUTE), 1);
    let Reply::Diagnosis(diagnosis) = call(&mut world, ALICE, Command::Doctor { nickname: None }) else {
        panic!("no diagnosis")
    };
    assert!(diagnosis.findings.is_empty(), "{:?}", diagnosis.findings);
}

/// Alice invites Bob to more groups than wait for an answer at a time.
#[test]
fn invitations_beyond_the_bound_keep_nobody_awake() {
    let (_folders, mut world) = shared();
    for number in 0..40 {
        let group = format!("h{number}");
        call(&mut world, ALICE, Command::CreateGroup { name: group.clone() });
        call(&mut world, ALICE, Command::AddMember { nickname: "bob".into(), group, role: Role::Writer });
    }
    world.pass(5 * MINUTE);
    let Reply::Groups { groups } = call(&mut world, BOB, Command::Groups) else { panic!("no groups") };
    assert_eq!(groups.len(), 1 + 32);
    assert_eq!(connections(&mut world, 60 * MINUTE), 0);
    for group in &groups[1..] {
        call(&mut world, BOB, Command::AcceptInvitation { group: group.id.clone() });
    }
    world.pass(5 * MINUTE);
    call(&mut world, BOB, Command::Connect { nickname: "alice".into() });
    world.pass(5 * MINUTE);
    let Reply::Groups { groups } = call(&mut world, BOB, Command::Groups) else { panic!("no groups") };
    assert_eq!(groups.len(), 1 + 40, "an answer makes room");
}

#[test]
fn the_answer_survives_a_restart() {
    let (_folders, mut world) = invited();
    for host in [ALICE, BOB] {
        world.crash(host);
        world.start(host);
    }
    world.pass(5 * MINUTE);
    assert_eq!(acceptance(&mut world, BOB), Some(Acceptance::Invited));
    assert_eq!(connections(&mut world, 60 * MINUTE), 0);
    call(&mut world, BOB, Command::LeaveGroup { group: "h".into() });
    world.crash(BOB);
    world.start(BOB);
    world.pass(5 * MINUTE);
    assert_eq!(acceptance(&mut world, BOB), Some(Acceptance::Left));
}

#[test]
fn a_message_that_an_app_does_not_take_keeps_nobody_awake_for_long() {
    let (_folders, mut world) = shared();
    world.hosts[BOB].takes_messages = false;
    let send = Command::Send { nickname: "bob".into(), data: vec![7; 1000] };
    assert!(world.call(ALICE, send).is_none(), "it waits to be taken");
    world.pass(3 * MINUTE);
    assert!(world.hosts[ALICE].late_replies().is_empty());
    assert_eq!(peer(&mut world, ALICE).connection, ConnectionState::Connected);
    world.pass(5 * MINUTE);
    let replies = world.hosts[ALICE].late_replies();
    assert!(matches!(&replies[..], [Err(error)] if error.kind == ErrorKind::PeerSilent), "{replies:?}");
    assert_eq!(peer(&mut world, ALICE).connection, ConnectionState::Resting);
}
