//! A clock that is set wrong while a node runs, and right again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_engine::{
    EventKind,
    api::{Command, Credentials, GroupSync, PairState, Reply, Write},
};
use connectoid_protocol::poll::Pace;
use connectoid_sim::{
    host::Host,
    story::share,
    world::{Hardship, World},
};
use serde_json::json;

const SECOND: u64 = 1_000_000;
const MINUTE: i64 = 60_000_000;
const LATENCY: u64 = 20_000;

const ALICE: usize = 0;
const BOB: usize = 1;

fn call(world: &mut World, host: usize, command: Command) -> Reply {
    world.call(host, command).unwrap().unwrap()
}

/// Alice shares a group with Bob, and they are connected.
fn pair(world: &mut World) {
    for host in [ALICE, BOB] {
        call(world, host, Command::SetPace { pace: Pace::Foreground });
    }
    let link = link(world);
    meet(world, link);
}

fn link(world: &mut World) -> String {
    let Reply::Link(shared) = call(world, ALICE, share("bob")) else { panic!("no link") };
    shared.link
}

fn meet(world: &mut World, link: String) {
    let credentials = Credentials { link, nickname: "alice".into(), in_person: false };
    call(world, BOB, Command::Open(credentials));
    wait(world, |world| {
        let Reply::Peers { peers } = call(world, BOB, Command::Peers) else { panic!("no peers") };
        peers[0].state == PairState::Paired && group(world, ALICE).is_some_and(|group| group.lacks == 0)
    });
}

fn world(off: i64) -> (World, [tempfile::TempDir; 2]) {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let hosts = folders.iter().zip([(1, off), (2, 0)]);
    let hosts = hosts.map(|(folder, (seed, off))| Host::new(folder.path(), seed, off)).collect();
    (World::new(hosts, Hardship { latency: LATENCY, ..Hardship::default() }, 1), folders)
}

/// Lets time pass until something is so, for three minutes at most.
fn wait(world: &mut World, is_so: impl Fn(&mut World) -> bool) {
    for _ in 0..180 {
        if is_so(world) {
            return;
        }
        world.pass(SECOND);
    }
    panic!("it does not come about");
}

fn put(world: &mut World, host: usize, id: &str) {
    let fields = [("value".to_owned(), json!(id))].into_iter().collect();
    let put = Write::Put { collection: "c".into(), id: id.into(), fields };
    call(world, host, Command::Commit { group: "g".into(), writes: vec![put] });
}

fn has(world: &mut World, host: usize, id: &str) -> bool {
    let get = Command::Get { group: "g".into(), collection: "c".into(), id: id.into() };
    matches!(call(world, host, get), Reply::Record { record: Some(_) })
}

fn group(world: &mut World, host: usize) -> Option<GroupSync> {
    let Reply::Peers { mut peers } = call(world, host, Command::Peers) else { panic!("no peers") };
    peers.remove(0).groups.pop()
}

fn told_skews(world: &World, host: usize) -> usize {
    let events = world.hosts[host].events.iter();
    events.filter(|event| matches!(event.kind, EventKind::ClockSkew { .. })).count()
}

/// As often, that it is this device's own clock that is wrong.
fn told_own_skews(world: &World, host: usize) -> usize {
    let events = world.hosts[host].events.iter();
    events.filter(|event| matches!(event.kind, EventKind::ClockSkew { nickname: None, .. })).count()
}

/// The clock of Alice is wrong by so much, while she writes and what she writes leaves; with or without being set right.
fn story(off: i64, set_right: bool) {
    let (mut world, _folders) = world(0);
    pair(&mut world);
    // Nobody tells the date at the moment.
    world.mailbox.up = false;
    world.hosts[ALICE].set_clock(off);
    put(&mut world, ALICE, "wrong");
    world.pass(4 * LATENCY);
    assert!(!has(&mut world, BOB, "wrong"), "it waits there");
    let (hers, his) = (group(&mut world, ALICE).unwrap(), group(&mut world, BOB).unwrap());
    assert_eq!((hers.lacks, his.held), (1, 1), "and both know it");
    assert!(his.held_until.is_some_and(|until| until > world.now()));
    assert!(told_skews(&world, BOB) > 0);
    if set_right {
        world.hosts[ALICE].set_clock(0);
        world.crash(ALICE);
        world.start(ALICE);
        call(&mut world, ALICE, Command::SetPace { pace: Pace::Foreground });
    }
    world.mailbox.up = true;
    put(&mut world, ALICE, "later");
    call(&mut world, ALICE, Command::SyncNow);
    wait(&mut world, |world| has(world, BOB, "wrong") && has(world, BOB, "later"));
    put(&mut world, BOB, "answer");
    wait(&mut world, |world| {
        has(world, ALICE, "answer")
            && [ALICE, BOB].iter().all(|host| {
                let group = group(world, *host).unwrap();
                (group.lacks, group.held, group.held_until) == (0, 0, None)
            })
    });
    let Reply::Diagnosis(diagnosis) = call(&mut world, ALICE, Command::Doctor { nickname: None }) else {
        panic!("no doctor")
    };
    assert_eq!(diagnosis.findings.is_empty(), set_right, "{:?}", diagnosis.findings);
    assert_eq!(told_own_skews(&world, ALICE) > 0, !set_right);
}

#[test]
fn a_clock_that_was_eleven_minutes_ahead_costs_nothing_once_it_is_right() {
    story(11 * MINUTE, true);
}

#[test]
fn a_clock_that_stays_ahead_costs_nothing_once_the_service_has_told_the_date() {
    for off in [11 * MINUTE, 26 * 60 * MINUTE] {
        story(off, false);
    }
}

/// Wrong when the link is made, and set right while nobody has opened it; or wrong later, when nobody tells the date.
#[test]
fn a_link_lasts_as_long_whatever_the_clock_of_its_maker_was() {
    for (off, then) in [(-20 * 365, 0), (20 * 365, 0), (0, 20 * 365), (0, -20 * 365)] {
        let days = 24 * 60 * MINUTE;
        let (mut world, _folders) = world(off * days);
        let link = link(&mut world);
        world.pass(SECOND);
        world.mailbox.up = false;
        world.hosts[ALICE].set_clock(then * days);
        world.crash(ALICE);
        world.start(ALICE);
        world.pass(60 * SECOND);
        world.mailbox.up = true;
        meet(&mut world, link);
    }
}

/// The service tells no date, so that what the link says of its end means nothing once the clock is set.
#[test]
fn a_link_outlives_the_setting_of_the_clock_where_nobody_tells_the_date() {
    let days = 24 * 60 * MINUTE;
    for off in [-20 * 365 * days, 20 * 365 * days] {
        let (mut world, _folders) = world(off);
        world.mailbox.tells_date = false;
        let link = link(&mut world);
        world.pass(SECOND);
        world.hosts[ALICE].set_clock(0);
        world.crash(ALICE);
        world.start(ALICE);
        world.pass(60 * SECOND);
        world.mailbox.tells_date = true;
        meet(&mut world, link);
    }
}

#[test]
fn a_link_ends_in_time_whatever_the_clock_of_its_maker() {
    for off in [-400, 0, 400] {
        let (mut world, _folders) = world(off * 24 * 60 * MINUTE);
        let link = link(&mut world);
        // It works for a day.
        world.pass(86_400 * SECOND + 60 * SECOND);
        for host in [ALICE, BOB] {
            call(&mut world, host, Command::SetPace { pace: Pace::Foreground });
        }
        let credentials = Credentials { link, nickname: "alice".into(), in_person: false };
        call(&mut world, BOB, Command::Open(credentials));
        wait(&mut world, |world| {
            let told = |event: &connectoid_engine::Event| matches!(event.kind, EventKind::OpenRefused { .. });
            world.hosts[BOB].events.iter().any(told)
        });
    }
}
