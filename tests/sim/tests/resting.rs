//! A session that is laid to rest by one side while the other one still says something.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_engine::api::{Command, Reply};
use connectoid_sim::{
    host::Host,
    two::{ALICE, BOB, SECOND, call, pair},
    world::{Hardship, World},
};

/// The longest way of anything: what happens within it happens at the same time.
const LATENCY: u64 = 20_000;

/// How many members a node knows of the group.
fn members(world: &mut World, host: usize) -> usize {
    let Reply::Groups { groups } = call(world, host, Command::Groups) else { panic!("no groups") };
    groups[0].members.len()
}

#[test]
fn who_rests_while_being_removed_is_told_in_the_next_session() {
    for seed in 0..50 {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let hosts = folders.iter().zip([2 * seed, 2 * seed + 1]);
        let hosts = hosts.map(|(folder, seed)| Host::new(folder.path(), seed, 0)).collect();
        let mut world = World::new(hosts, Hardship { latency: LATENCY, ..Hardship::default() }, seed);
        pair(&mut world);
        assert_eq!(members(&mut world, BOB), 2);
        call(&mut world, BOB, Command::Disconnect { nickname: "alice".into() });
        world.pass(seed * LATENCY / 25);
        call(&mut world, ALICE, Command::RemoveMember { nickname: "bob".into(), group: "g".into() });
        world.pass(60 * SECOND);
        assert_eq!(members(&mut world, BOB), 1, "seed {seed}");
    }
}
