//! What users do, and what must hold in the end.
//!
//! Everybody shares with everybody's neighbour in a star around the first node, writes at random, and
//! suffers what the seed has in store. Then the world becomes kind, and after a while:
//!
//! - whatever was acknowledged is there, everywhere (**nothing is lost**);
//! - all nodes show the same, namely what a model of a few lines says (**convergence**);
//! - nobody but the first opener of a link got in (**once**).

use std::collections::BTreeMap;

use connectoid_engine::{
    EventKind, Placement, Role,
    api::{Command, Credentials, PairState, Reply, Write},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;
use serde_json::{Map, Value, json};

use crate::{
    host::Host,
    world::{Fate, Hardship, World},
};

/// Sharing the group `g` with somebody who may write to it.
pub fn share(nickname: &str) -> Command {
    Command::Share {
        nickname: nickname.to_owned(),
        group: "g".into(),
        role: Role::Writer,
        expires_in: None,
        services: Vec::new(),
        link_base: None,
        placement: Placement::Fragment,
    }
}

/// What a seed has in store.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// How many nodes there are.
    pub nodes: usize,
    /// How many rounds of writing and suffering.
    pub rounds: u64,
    /// How many in a hundred rounds crash somebody.
    pub crashes: u64,
    /// How many in a hundred rounds take the service down for a while.
    pub outages: u64,
    /// How many in a hundred rounds divide the network for a while.
    pub partitions: u64,
    /// How far clocks may be off, either way, in µs.
    pub skew: u64,
    /// How many in a hundred rounds set somebody's clock anew.
    pub clocks: u64,
    /// One step that comes to a certain fate.
    pub fated: Option<(u64, Fate)>,
    /// Everything else.
    pub hardship: Hardship,
}

const SECOND: u64 = 1_000_000;

/// How many lines of each node's trace a failure shows.
const TRACED: usize = 40;

/// Tells the story of a seed; returns how many steps its nodes took.
///
/// # Errors
/// What did not hold.
pub fn tell(plan: Plan, seed: u64) -> Result<u64, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let mut clocks = ChaCha20Rng::seed_from_u64(!seed);
    let hosts = (0..plan.nodes).map(|node| {
        let home = folder.path().join(node.to_string());
        std::fs::create_dir(&home).map_err(|error| error.to_string())?;
        let off = off_by(clocks.next_u64(), plan.skew);
        Ok(Host::new(&home, seed * 16 + node as u64, off))
    });
    let hosts = hosts.collect::<Result<Vec<_>, String>>()?;
    let world = World::new(hosts, plan.hardship, seed);
    let mut story = Story { world, plan, written: BTreeMap::new(), unsure: BTreeMap::new() };
    story.world.fated = plan.fated;
    match story.unfold() {
        Ok(()) => Ok(story.world.steps),
        Err(problem) => Err(format!("{problem}\n{}", story.traces())),
    }
}

/// A drawn number as a difference of clocks of at most `most`, either way.
fn off_by(drawn: u64, most: u64) -> i64 {
    (drawn % (2 * most + 1)).cast_signed() - most.cast_signed()
}

struct Story {
    world: World,
    plan: Plan,
    /// The values that were acknowledged: each record is written once, so its value is certain.
    written: BTreeMap<String, Value>,
    /// The values whose writer crashed over them: they are there everywhere or nowhere.
    unsure: BTreeMap<String, Value>,
}

impl Story {
    fn unfold(&mut self) -> Result<(), String> {
        self.begin()?;
        for round in 0..self.plan.rounds {
            self.round(round)?;
        }
        self.end()
    }

    /// What every node noted lately, for who has to find out what went wrong.
    fn traces(&mut self) -> String {
        let mut traces = Vec::new();
        for node in 0..self.plan.nodes {
            if let Some(Ok(Reply::Diagnosis(diagnosis))) =
                self.world.call(node, Command::Doctor { nickname: None })
            {
                let lines = diagnosis.trace.iter().rev().take(TRACED).rev();
                traces.extend(lines.map(|line| format!("  node {node}: {line}\n")));
            }
        }
        traces.concat()
    }

    /// The first node shares with every other.
    fn begin(&mut self) -> Result<(), String> {
        for node in 1..self.plan.nodes {
            let sharing = share(&format!("node {node}"));
            let Some(Ok(Reply::Link(link))) = self.world.call(0, sharing) else {
                return Err("no link".into());
            };
            let credentials = Credentials { link: link.link, nickname: "first".into(), in_person: false };
            self.world.call(node, Command::Open(credentials));
        }
        Ok(())
    }

    fn round(&mut self, round: u64) -> Result<(), String> {
        for node in 0..self.plan.nodes {
            if self.world.draw(2) == 0 && self.world.hosts[node].is_up() {
                self.write(node, round)?;
            }
        }
        if self.world.draw(100) < self.plan.clocks {
            let whose = usize::try_from(self.world.draw(self.plan.nodes as u64)).unwrap_or(0);
            let off = off_by(self.world.draw(u64::MAX), self.plan.skew);
            self.world.hosts[whose].set_clock(off);
        }
        let pause = self.world.draw(40 * SECOND);
        self.world.pass(pause);
        if self.world.draw(100) < self.plan.crashes {
            let victim = usize::try_from(self.world.draw(self.plan.nodes as u64)).unwrap_or(0);
            self.world.crash(victim);
            let down = self.world.draw(60 * SECOND);
            self.world.pass(down);
            self.world.start(victim);
        }
        if self.world.draw(100) < self.plan.outages {
            self.world.mailbox.up = false;
            let down = self.world.draw(120 * SECOND);
            self.world.pass(down);
            self.world.mailbox.up = true;
        }
        if self.world.draw(100) < self.plan.partitions {
            self.world.divide();
            let divided = self.world.draw(180 * SECOND);
            self.world.pass(divided);
            self.world.unite();
        }
        Ok(())
    }

    fn write(&mut self, node: usize, round: u64) -> Result<(), String> {
        let (id, value) = (format!("{round:03}-{node}"), self.world.draw(1000));
        let fields: Map<String, Value> = [("value".to_owned(), json!(value))].into_iter().collect();
        let put = Write::Put { collection: "c".into(), id: id.clone(), fields };
        match self.world.risk_call(node, Command::Commit { group: "g".into(), writes: vec![put] }) {
            Some(Ok(_)) => {
                self.written.insert(id, json!(value));
                Ok(())
            }
            None => {
                self.unsure.insert(id, json!(value));
                Ok(())
            }
            // A node that has not been let in yet has no group to write to.
            Some(Err(error)) if error.kind == connectoid_engine::ErrorKind::Usage => Ok(()),
            other => Err(format!("a write was answered by {other:?}")),
        }
    }

    /// The world becomes kind; hours later everything must be in order.
    fn end(&mut self) -> Result<(), String> {
        self.world.hardship = Hardship { latency: 50_000, ..Hardship::default() };
        for node in 0..self.plan.nodes {
            self.world.start(node);
        }
        // Even if the dice let nobody write, there has to be something to lose.
        self.write(0, self.plan.rounds)?;
        for _ in 0..12 {
            self.world.pass(1800 * SECOND);
            if self.check().is_ok() {
                break;
            }
        }
        self.check()
    }

    fn check(&mut self) -> Result<(), String> {
        let mut first = None;
        for node in 0..self.plan.nodes {
            let shown = self.shown(node)?;
            for (id, value) in &self.written {
                match shown.get(id) {
                    Some(found) if found == value => {}
                    Some(found) => return Err(format!("node {node} shows {found} for {id}, not {value}")),
                    None => return Err(format!("node {node} has lost {id}")),
                }
            }
            let known = |(id, value): &(&String, &Value)| {
                self.written.contains_key(*id) || self.unsure.get(*id) == Some(*value)
            };
            if let Some((id, value)) = shown.iter().find(|entry| !known(entry)) {
                return Err(format!("node {node} shows {value} for {id}, which nobody wrote"));
            }
            if *first.get_or_insert_with(|| shown.clone()) != shown {
                return Err(format!("node {node} shows not what the first one does"));
            }
            self.check_pairs(node)?;
        }
        Ok(())
    }

    fn shown(&mut self, node: usize) -> Result<BTreeMap<String, Value>, String> {
        let list = Command::List { group: "g".into(), collection: "c".into(), after: None, limit: 10_000 };
        match self.world.call(node, list) {
            Some(Ok(Reply::Records { records })) => {
                Ok(records.into_iter().map(|record| (record.id, record.fields["value"].clone())).collect())
            }
            other => Err(format!("node {node} cannot list: {other:?}")),
        }
    }

    fn check_pairs(&mut self, node: usize) -> Result<(), String> {
        let Some(Ok(Reply::Peers { peers })) = self.world.call(node, Command::Peers) else {
            return Err("no peers".into());
        };
        if let Some(peer) = peers.iter().find(|peer| peer.state != PairState::Paired) {
            return Err(format!("node {node} and {} are {:?}", peer.nickname, peer.state));
        }
        // Nothing is under way any more, so what each knows of the other is exact.
        let same = |group: &connectoid_engine::api::GroupSync| {
            (group.lacks, group.held, group.held_until) == (0, 0, None)
        };
        if let Some(peer) = peers.iter().find(|peer| !peer.groups.iter().all(same)) {
            return Err(format!("node {node} believes of {}: {:?}", peer.nickname, peer.groups));
        }
        let alarm = self.world.hosts[node].events.iter().any(|event| {
            matches!(event.kind, EventKind::LinkOpenedAgain { .. } | EventKind::OpenRefused { .. })
        });
        if alarm { Err(format!("node {node} raised a false alarm")) } else { Ok(()) }
    }
}
