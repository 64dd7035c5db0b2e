//! Two people who share, for stories about what happens between them.

use connectoid_engine::{
    Pace,
    api::{Command, Credentials, PairState, Reply},
};

use crate::{story::share, world::World};

/// A second, in µs.
pub const SECOND: u64 = 1_000_000;

/// Who made the link.
pub const ALICE: usize = 0;

/// Who opened it.
pub const BOB: usize = 1;

/// Tells a node something, which it does.
///
/// # Panics
/// If it does not.
#[allow(clippy::unwrap_used, reason = "a simulation that cannot go on has failed")]
pub fn call(world: &mut World, host: usize, command: Command) -> Reply {
    world.call(host, command).unwrap().unwrap()
}

/// Alice shares the group `g` with Bob, and they are connected.
///
/// # Panics
/// If they do not find each other.
#[allow(clippy::panic, reason = "a simulation that cannot go on has failed")]
pub fn pair(world: &mut World) {
    for host in [ALICE, BOB] {
        call(world, host, Command::SetPace { pace: Pace::Foreground });
    }
    let Reply::Link(shared) = call(world, ALICE, share("bob")) else { panic!("no link") };
    let credentials = Credentials { link: shared.link, nickname: "alice".into(), in_person: false };
    call(world, BOB, Command::Open(credentials));
    for _ in 0..60 {
        world.pass(SECOND);
        let Reply::Peers { peers } = call(world, BOB, Command::Peers) else { panic!("no peers") };
        if peers[0].state == PairState::Paired {
            // Time to agree on what there is.
            return world.pass(SECOND);
        }
    }
    panic!("they do not find each other");
}
