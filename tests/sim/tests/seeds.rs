//! Many seeds. A failure prints the seed; `CONNECTOID_SEED=n CONNECTOID_SEEDS=1` repeats it, and
//! `CONNECTOID_SEEDS` sets how many there are per plan.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use connectoid_sim::{
    mailbox::Malice,
    story::{Plan, tell},
    world::Hardship,
};

/// How many seeds each plan is told with.
const SEEDS: u64 = 6;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn tell_all(plan: Plan) {
    let first = number("CONNECTOID_SEED", 1);
    for seed in first..first + number("CONNECTOID_SEEDS", SEEDS) {
        if let Err(problem) = tell(plan, seed) {
            panic!("seed {seed}: {problem} ({plan:?})");
        }
    }
}

const KIND: Plan = Plan {
    nodes: 2,
    rounds: 6,
    crashes: 0,
    outages: 0,
    skew: 0,
    hardship: Hardship {
        loss: 0,
        no_route: 0,
        breaks: 0,
        latency: 200_000,
        malice: Malice { drops: 0, replays: 0, swaps: 0, forges: 0, lies: 0 },
    },
};

#[test]
fn a_kind_world() {
    tell_all(KIND);
}

#[test]
fn a_bad_network() {
    let hardship = Hardship { loss: 30, no_route: 30, breaks: 20, latency: 3_000_000, ..KIND.hardship };
    tell_all(Plan { nodes: 3, outages: 20, hardship, ..KIND });
}

#[test]
fn crashes_at_every_step() {
    let hardship = Hardship { loss: 10, breaks: 10, ..KIND.hardship };
    tell_all(Plan { nodes: 3, rounds: 12, crashes: 80, outages: 10, hardship, ..KIND });
}

#[test]
fn clocks_that_are_minutes_off() {
    tell_all(Plan { nodes: 4, skew: 300_000_000, crashes: 20, ..KIND });
}

#[test]
fn a_malicious_service() {
    let malice = Malice { drops: 20, replays: 30, swaps: 15, forges: 15, lies: 15 };
    let hardship = Hardship { malice, ..KIND.hardship };
    tell_all(Plan { nodes: 3, rounds: 10, crashes: 20, hardship, ..KIND });
}
