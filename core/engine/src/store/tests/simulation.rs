//! Three nodes, made-up commits and memberships, and a network that fails at any point.

use rand_chacha::rand_core::Rng;

use super::*;

const NODES: usize = 3;

/// How much is judged again at once: nearly nothing, a few changes, or all there is.
const JUDGING: [i64; 3] = [1, 100, 10_000];

struct World {
    directory: tempfile::TempDir,
    nodes: Vec<Node>,
    /// Between 0 and 1, 1 and 2, 2 and 0.
    wires: [Option<Wire>; NODES],
    rng: ChaCha20Rng,
    group: GroupId,
    judging: i64,
    now: u64,
}

impl World {
    fn new(seed: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let mut nodes: Vec<_> = (0..NODES)
            .map(|index| {
                let store = Store::open(&directory.path().join(index.to_string())).unwrap();
                Node::with_store(u8::try_from(index).unwrap() + 1, store)
            })
            .collect();
        let group = nodes[0].create_group();
        let rng = ChaCha20Rng::seed_from_u64(seed);
        let judging = JUDGING[usize::try_from(seed).unwrap() % JUDGING.len()];
        for node in &mut nodes {
            node.store.limit_judging(judging);
        }
        Self { directory, nodes, wires: [const { None }; NODES], rng, group, judging, now: NOW }
    }

    fn random(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u32()).unwrap() % below
    }

    /// The two nodes of a wire.
    fn ends(&mut self, wire: usize) -> [&mut Node; 2] {
        self.nodes.get_disjoint_mut([wire, (wire + 1) % NODES]).unwrap()
    }

    fn step(&mut self) {
        self.now += 1 + self.rng.next_u64() % SECOND;
        let index = self.random(NODES);
        match self.random(20) {
            0 => self.wires[index] = None,
            1 => self.restart(index),
            8 => self.copy_or_restore(index),
            2 => self.change_members(),
            3..=6 => self.commit(index),
            7 => self.connect(index),
            9 => _ = self.judge(index),
            _ => {
                let side = self.random(2);
                self.deliver(index, side);
            }
        }
    }

    fn connect(&mut self, wire: usize) {
        if self.wires[wire].is_none() {
            let now = self.now;
            let [one, other] = self.ends(wire);
            self.wires[wire] = Some(Wire::connect(one, other, now));
        }
    }

    fn restart(&mut self, index: usize) {
        self.wires[index] = None;
        self.wires[(index + NODES - 1) % NODES] = None;
        let path = self.directory.path().join(index.to_string());
        self.nodes[index].store = Store::open(&path).unwrap();
        self.nodes[index].store.limit_judging(self.judging);
    }

    /// Judges a part again; says whether there was something to do.
    fn judge(&mut self, index: usize) -> bool {
        let judging = self.nodes[index].store.is_judging().unwrap();
        // As if time had passed that gives the effort back.
        self.nodes[index].store.limit_judging(self.judging);
        if !self.nodes[index].store.judge_again(self.now).unwrap().is_empty() {
            self.tell(index, None);
        }
        judging
    }

    /// Copies a node's store, or puts back the copy that was made last.
    fn copy_or_restore(&mut self, index: usize) {
        let path = self.directory.path().join(index.to_string());
        let copy = self.directory.path().join(format!("{index}.copy"));
        let restore = copy.exists() && self.random(4) == 0;
        if !restore {
            let _ = std::fs::remove_file(&copy);
            let into = [copy.to_str().unwrap()];
            self.nodes[index].store.connection().execute("VACUUM INTO ?1", into).unwrap();
            return;
        }
        self.nodes[index].store = Store::in_memory().unwrap();
        std::fs::copy(&copy, &path).unwrap();
        self.restart(index);
    }

    fn change_members(&mut self) {
        let user = 1 + self.random(NODES - 1);
        let key = self.nodes[user].key.clone();
        // Some entries come late, after changes that they forbid or allow.
        let at = self.now - self.rng.next_u64() % (20 * SECOND);
        let (group, now) = (self.group, self.now);
        let op = match self.random(3) {
            0 => Op::Remove { user: key.id() },
            1 => Op::Member { user: key.id(), key: key.public(), role: Role::Reader },
            _ => Op::Member { user: key.id(), key: key.public(), role: Role::Writer },
        };
        let owner = &mut self.nodes[0];
        let entry = owner.sign(group, at, vec![op]);
        let source = owner.source();
        owner.store.apply(group, &source, &[entry.bytes()], now).unwrap();
        self.tell(0, None);
    }

    fn commit(&mut self, index: usize) {
        let ops: BTreeMap<_, _> = (0..=self.random(3))
            .map(|_| {
                let id = self.random(6).to_string();
                let (field, value) = (self.random(3).to_string(), i64::from(self.rng.next_u32()));
                let op = match self.random(6) {
                    0 => delete(&id),
                    1 => remove(&id, &[&field]),
                    _ => set(&id, &[(&field, value)]),
                };
                (id, op)
            })
            .collect();
        let (group, now) = (self.group, self.now);
        match self.nodes[index].try_commit(group, ops.into_values().collect(), now) {
            Ok(_) => self.tell(index, None),
            Err(StoreError::NotAccepted) => self.accept(index),
            Err(StoreError::UnknownGroup(_) | StoreError::NotAMember | StoreError::NotPermitted { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// The group has come by a peer that had not been given it when it was announced, so it counts as an invitation.
    fn accept(&mut self, index: usize) {
        self.nodes[index].store.accept(self.group).unwrap();
        self.tell(index, None);
    }

    /// Lets the sessions of a node know that it has something new.
    fn tell(&mut self, index: usize, from: Option<usize>) {
        for (wire, side) in [(index, 0), ((index + NODES - 1) % NODES, 1)] {
            if from != Some(wire)
                && let Some(wire) = &mut self.wires[wire]
            {
                wire.committed(side, &mut self.nodes[index], self.group);
            }
        }
    }

    fn deliver(&mut self, wire: usize, side: usize) -> bool {
        let now = self.now;
        let Some(mut open) = self.wires[wire].take() else { return false };
        let before = open.events[side].len();
        let moved = open.deliver(side, self.ends(wire)[side], now).unwrap();
        let news = open.events[side].len() > before;
        self.wires[wire] = Some(open);
        if news {
            self.tell((wire + side) % NODES, Some(wire));
        }
        moved
    }

    /// Connects everybody and delivers until all are silent.
    fn settle(&mut self) {
        for wire in 0..NODES {
            self.connect(wire);
        }
        for _ in 0..10_000 {
            let moved =
                (0..NODES).fold(false, |moved, wire| self.deliver(wire, 0) | self.deliver(wire, 1) | moved);
            let judged = (0..NODES).fold(false, |judged, index| self.judge(index) | judged);
            if !moved && !judged {
                return;
            }
        }
        panic!("the sessions never fall silent");
    }
}

fn run(seed: u64) {
    let mut world = World::new(seed);
    for _ in 0..300 {
        world.step();
    }
    // In the end all are members again, so that all may see the same.
    let keys: Vec<_> = world.nodes.iter().map(|node| node.key.clone()).collect();
    for key in &keys[1..] {
        world.now += SECOND;
        let (group, now) = (world.group, world.now);
        world.nodes[0].add(group, key, Role::Writer, now);
    }
    world.tell(0, None);
    world.settle();
    (0..NODES).for_each(|index| world.accept(index));
    world.settle();
    let dumps: Vec<_> = world.nodes.iter().map(|node| dump(&node.store).visible()).collect();
    assert!(!dumps[0].live.is_empty());
    for other in &dumps[1..] {
        assert_eq!(dumps[0], *other, "seed {seed}");
    }
    for wire in world.wires.iter().flatten() {
        assert!(wire.sessions.iter().all(|session| session.is_synced(world.group)), "seed {seed}");
    }
}

#[test]
fn stores_converge_whatever_happens() {
    let number =
        |name, default| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default);
    let first: u64 = number("CONNECTOID_SEED", 0);
    for seed in first..first + number("CONNECTOID_SEEDS", 12) {
        run(seed);
    }
}
