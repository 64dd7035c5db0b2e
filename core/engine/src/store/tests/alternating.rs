//! Devices that write in turns while they are connected: whenever nothing is under way, what each has acknowledged
//! is all that there is.

use rand_chacha::rand_core::Rng;

use super::*;

/// Some nodes, each connected to each.
struct Company {
    nodes: Vec<Node>,
    wires: Vec<(usize, usize, Wire)>,
    group: GroupId,
    rng: ChaCha20Rng,
    now: u64,
}

impl Company {
    fn new(size: u8, seed: u64) -> Self {
        let mut nodes: Vec<_> = (1..=size).map(Node::new).collect();
        let group = nodes[0].create_group();
        let keys: Vec<_> = nodes.iter().map(|node| node.key.clone()).collect();
        for key in &keys[1..] {
            nodes[0].add(group, key, Role::Writer, NOW);
        }
        let mut wires = Vec::new();
        for other in 0..nodes.len() {
            for one in 0..other {
                let [a, b] = nodes.get_disjoint_mut([one, other]).unwrap();
                wires.push((one, other, Wire::connect(a, b, NOW)));
            }
        }
        Self { nodes, wires, group, rng: ChaCha20Rng::seed_from_u64(seed), now: NOW }
    }

    fn random(&mut self, below: usize) -> usize {
        usize::try_from(self.rng.next_u32()).unwrap() % below
    }

    /// Somebody writes, and everybody connected hears of it.
    fn write(&mut self, node: usize) {
        self.now += SECOND;
        let (id, value) = (self.random(4).to_string(), i64::from(self.rng.next_u32()));
        self.nodes[node].commit(self.group, vec![set(&id, &[("x", value)])], self.now);
        self.tell(node, None);
    }

    fn tell(&mut self, node: usize, from: Option<usize>) {
        for (number, (one, other, wire)) in self.wires.iter_mut().enumerate() {
            let side = usize::from(*one != node);
            if Some(number) != from && (*one == node || *other == node) {
                wire.committed(side, &mut self.nodes[node], self.group);
            }
        }
    }

    fn deliver(&mut self, number: usize, side: usize) -> bool {
        let (one, other, wire) = &mut self.wires[number];
        let node = [*one, *other][side];
        let before = wire.events[side].len();
        let moved = wire.deliver(side, &mut self.nodes[node], self.now).unwrap();
        if wire.events[side].len() > before {
            self.tell(node, Some(number));
        }
        moved
    }

    fn settle(&mut self) {
        while (0..self.wires.len()).any(|wire| self.deliver(wire, 0) | self.deliver(wire, 1)) {}
    }

    /// Each holds all that the others have, says so, and is known to.
    fn check(&self) {
        for (one, other, wire) in &self.wires {
            assert!(wire.sessions.iter().all(|session| session.is_synced(self.group)));
            for (sender, reader) in [(*one, *other), (*other, *one)] {
                let (sender, reader) = (&self.nodes[sender], &self.nodes[reader]);
                assert_eq!(sender.store.lacks(self.group, reader.device).unwrap(), 0);
                let mark = reader.store.mark(self.group, sender.device).unwrap().unwrap();
                assert_eq!(mark.epoch, sender.store.epoch());
                assert_eq!(mark.seq, sender.acked(self.group, reader.device));
                assert!(
                    mark.seq >= sender.last_for(self.group, reader.device),
                    "all that is not the reader's own"
                );
            }
        }
    }
}

impl Node {
    fn acked(&self, group: GroupId, device: DeviceId) -> u64 {
        self.ask("SELECT seq FROM acked WHERE grp = ?1 AND device = ?2", group, device)
    }

    /// The last arrival that a device has to be told of.
    fn last_for(&self, group: GroupId, device: DeviceId) -> u64 {
        let sql = "SELECT coalesce(max(seq), 0) FROM changes WHERE grp = ?1 AND source <> ?2 AND state = 0";
        self.ask(sql, group, device)
    }

    fn ask(&self, sql: &str, group: GroupId, device: DeviceId) -> u64 {
        let of = [self.store.known_group_no(group).unwrap(), self.store.device_no(device).unwrap()];
        let found: i64 = self.store.connection().query_row(sql, of, |row| row.get(0)).unwrap();
        found.cast_unsigned()
    }
}

#[test]
fn two_who_write_in_turns_are_known_to_have_all() {
    let mut company = Company::new(2, 0);
    company.settle();
    for turn in 0..7 {
        company.write(turn % 2);
        company.settle();
        company.check();
    }
}

#[test]
fn any_order_of_writing_leaves_exact_marks() {
    for (size, seed) in (2..=5).flat_map(|size| (0..6).map(move |seed| (size, seed))) {
        let mut company = Company::new(size, seed);
        for _ in 0..5 {
            for _ in 0..company.random(30) {
                let (node, wire, side) =
                    (company.random(size.into()), company.random(company.wires.len()), company.random(2));
                if company.random(4) == 0 && company.nodes[node].store.has_group(company.group).unwrap() {
                    company.write(node);
                } else {
                    company.deliver(wire, side);
                }
            }
            company.settle();
            company.check();
        }
    }
}
