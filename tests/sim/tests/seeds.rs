//! Many seeds. A failure prints the seed; `CONNECTOID_SEED=n CONNECTOID_SEEDS=1` repeats it, and
//! `CONNECTOID_SEEDS` sets how many there are per plan.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use connectoid_sim::{
    mailbox::Malice,
    story::{Plan, tell},
    world::{Fate, Hardship},
};

/// How many seeds each plan is told with; `cargo xtask test` goes on where these end.
const SEEDS: u64 = 20;

fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Tells all stories on all cores. Those that go wrong are named together, as one alone may mislead.
fn tell_all(name: &str, stories: impl IntoIterator<Item = (Plan, u64)>) {
    let stories: Vec<(Plan, u64)> = stories.into_iter().collect();
    let (next, failed) = (AtomicU64::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((plan, seed)) =
            stories.get(usize::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap())
        {
            if let Err(problem) = tell(*plan, *seed) {
                failed.lock().unwrap().push(format!("seed {seed}: {problem} ({plan:?})"));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let failed = failed.into_inner().unwrap();
    assert!(
        failed.is_empty(),
        "{name}: {} of {} failed:\n{}",
        failed.len(),
        stories.len(),
        failed.join("\n")
    );
}

fn tell_seeds(name: &str, plan: Plan) {
    let first = number("CONNECTOID_SEED", 1);
    tell_all(name, (first..first + number("CONNECTOID_SEEDS", SEEDS)).map(|seed| (plan, seed)));
}

const KIND: Plan = Plan {
    nodes: 2,
    rounds: 6,
    crashes: 0,
    outages: 0,
    partitions: 0,
    skew: 0,
    clocks: 0,
    fated: None,
    hardship: Hardship {
        loss: 0,
        duplicates: 0,
        fatal_steps: 0,
        no_route: 0,
        breaks: 0,
        latency: 200_000,
        malice: Malice { drops: 0, replays: 0, swaps: 0, forges: 0, lies: 0 },
    },
};

#[test]
fn a_kind_world() {
    tell_seeds("a kind world", KIND);
}

#[test]
fn a_bad_network() {
    let hardship =
        Hardship { loss: 30, duplicates: 30, no_route: 30, breaks: 20, latency: 3_000_000, ..KIND.hardship };
    tell_seeds("a bad network", Plan { nodes: 3, outages: 20, hardship, ..KIND });
}

#[test]
fn a_divided_network() {
    let hardship = Hardship { loss: 10, breaks: 5, latency: 1_000_000, ..KIND.hardship };
    tell_seeds("a divided network", Plan { nodes: 5, partitions: 70, outages: 10, hardship, ..KIND });
}

#[test]
fn crashes_at_any_step() {
    let hardship = Hardship { loss: 10, breaks: 10, fatal_steps: 20, ..KIND.hardship };
    tell_seeds("crashes", Plan { nodes: 3, crashes: 20, outages: 10, hardship, ..KIND });
}

#[test]
fn clocks_that_are_minutes_off() {
    tell_seeds("clocks", Plan { nodes: 4, skew: 270_000_000, crashes: 20, ..KIND });
}

/// By more than a day, either way, and set anew while nodes run: whatever was stamped is there in the end, and nobody
/// believes to have all before that.
#[test]
fn clocks_that_are_days_off_and_set_while_nodes_run() {
    let (skew, rounds) = (30 * 3_600_000_000, 10);
    tell_seeds("wrong clocks", Plan { nodes: 3, rounds, skew, clocks: 40, crashes: 20, ..KIND });
}

#[test]
fn a_malicious_service() {
    let malice = Malice { drops: 20, replays: 30, swaps: 15, forges: 15, lies: 15 };
    let hardship = Hardship { malice, ..KIND.hardship };
    tell_seeds("a malicious service", Plan { nodes: 3, crashes: 20, hardship, ..KIND });
}

/// How many outputs of a step leave at most before the crash: few steps have more.
const MOST_OUTPUTS: u64 = 3;

/// One story, again and again, with a crash at each of its steps: before it is committed, and after so many
/// of its outputs have left.
#[test]
fn a_crash_at_each_step() {
    let plan = Plan { rounds: 2, ..KIND };
    let steps = tell(plan, 1).unwrap();
    let fates = (0..=MOST_OUTPUTS).map(Fate::Cut).chain([Fate::Lost]);
    let fated =
        fates.flat_map(|fate| (0..steps).map(move |step| (Plan { fated: Some((step, fate)), ..plan }, 1)));
    tell_all("a crash at each step", fated);
}
