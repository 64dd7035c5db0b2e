//! Very many boxes at one service, which keeps to the limits that ours has by default.

use std::sync::LazyLock;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boxes::BoxKey;

const SECOND: u64 = 1_000_000;
const SERVICE: &str = "http://a";
const BOXES: usize = 1000;
/// The way to the service and back.
const WAY: u64 = SECOND / 10;

/// Made once: keys take their time.
static ADDRESSES: LazyLock<Vec<Address>> = LazyLock::new(|| {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let addresses = (0..BOXES).map(|_| {
        let key = BoxKey::generate(&mut rng);
        Address::new(&key, &[SERVICE.to_owned()], None).unwrap()
    });
    addresses.collect()
});

/// A limit as the service has it: so many µs for each, and so many at once.
#[derive(Clone, Copy)]
struct Rate {
    each: u64,
    burst: u64,
}

const REQUESTS: Rate = Rate { each: SECOND / 50, burst: 500 };
const BOX_REQUESTS: Rate = Rate { each: SECOND / 2, burst: 60 };

impl Rate {
    fn admits(self, paid: &mut u64, now: u64) -> bool {
        let after = (*paid).max(now) + self.each;
        let fits = after - now <= self.each * self.burst;
        if fits {
            *paid = after;
        }
        fits
    }
}

/// A service, and a node that asks it.
struct World {
    poller: Poller,
    rng: ChaCha20Rng,
    now: u64,
    addresses: &'static [Address],
    paid: u64,
    paid_by_box: BTreeMap<BoxId, u64>,
    /// What lies in boxes, or will.
    mail: BTreeMap<BoxId, u64>,
    under_way: BTreeMap<CheckId, Held>,
    requests: usize,
    refusals: usize,
}

struct Held {
    boxes: Vec<BoxId>,
    ends: u64,
    refused: bool,
}

impl World {
    fn new() -> Self {
        Self {
            poller: Poller::new(Pace::Foreground, DEFAULT_INTERVAL),
            rng: ChaCha20Rng::seed_from_u64(1),
            now: 1_700_000_000 * SECOND,
            addresses: &ADDRESSES,
            paid: 0,
            paid_by_box: BTreeMap::new(),
            mail: BTreeMap::new(),
            under_way: BTreeMap::new(),
            requests: 0,
            refusals: 0,
        }
    }

    /// A node that knows all boxes, the last of which is the newest.
    fn started() -> Self {
        let mut world = Self::new();
        for number in 0..BOXES {
            world.watch(number);
        }
        world
    }

    fn watch(&mut self, number: usize) {
        self.poller.watch(&self.addresses[number], BTreeMap::new());
    }

    fn id(&self, number: usize) -> BoxId {
        self.addresses[number].box_id()
    }

    fn on_request(&mut self, boxes: &[(BoxId, u64)], wait: u64) -> Held {
        self.requests += 1;
        let boxes: Vec<BoxId> = boxes.iter().map(|(id, _)| *id).collect();
        let admitted = REQUESTS.admits(&mut self.paid, self.now)
            && boxes.iter().all(|id| BOX_REQUESTS.admits(self.paid_by_box.entry(*id).or_default(), self.now));
        self.refusals += usize::from(!admitted);
        let first = boxes.iter().filter_map(|id| self.mail.get(id)).min();
        let latest = self.now + if admitted { wait * SECOND } else { 0 };
        let ends = first.map_or(latest, |first| latest.min((*first).max(self.now)));
        Held { boxes, ends: ends + WAY, refused: !admitted }
    }

    /// Goes on until something is found in the box, or until `end`; says when that was.
    fn run(&mut self, end: u64, wanted: Option<BoxId>) -> u64 {
        while self.now < end && wanted.is_none_or(|wanted| self.mail.contains_key(&wanted)) {
            self.poller.on_timeout(self.now);
            while let Some(output) = self.poller.poll_output() {
                match output {
                    Output::Abort(id) => drop(self.under_way.remove(&id)),
                    Output::Check { id, boxes, wait, .. } => {
                        let held = self.on_request(&boxes, wait);
                        self.under_way.insert(id, held);
                    }
                }
            }
            let ends = self.under_way.iter().map(|(id, held)| (held.ends, *id)).min();
            let planned = self.poller.poll_timeout().unwrap_or(u64::MAX).max(self.now);
            match ends {
                Some((at, id)) if at <= planned && at <= end => {
                    self.now = at;
                    self.on_reply(id);
                }
                _ => self.now = planned.min(end),
            }
        }
        self.now
    }

    fn on_reply(&mut self, id: CheckId) {
        let Some(held) = self.under_way.remove(&id) else { return };
        if held.refused {
            let outcome = Outcome::Unreachable { retry_after: SECOND };
            return self.poller.on_checked(id, outcome, self.now, &mut self.rng);
        }
        let there = |world: &Self, id: &BoxId| world.mail.get(id).is_some_and(|at| *at <= world.now - WAY);
        let found: Vec<BoxId> = held.boxes.iter().filter(|id| there(self, id)).copied().collect();
        for id in &found {
            self.mail.remove(id);
            self.poller.on_processed(id, SERVICE, self.now);
        }
        let outcome = Outcome::Answered { found: !found.is_empty() };
        self.poller.on_checked(id, outcome, self.now, &mut self.rng);
    }

    /// How long it takes until what comes to a box at a time is found, in µs.
    fn delay(&mut self, number: usize, at: u64) -> u64 {
        let id = self.id(number);
        self.run(at, None);
        self.mail.insert(id, at);
        // Checks that are held already hear of it, too.
        for held in self.under_way.values_mut().filter(|held| held.boxes.contains(&id)) {
            held.ends = held.ends.min(at.max(held.ends.saturating_sub(WAIT * SECOND)) + WAY);
        }
        self.run(at + 600 * SECOND, Some(id)) - at
    }
}

#[test]
fn the_newest_of_a_thousand_links_is_found_at_once_after_a_start_and_the_oldest_soon() {
    for (number, most) in [(BOXES - 1, 3 * WAY), (BOXES - 200, 3 * WAY), (0, (CROWDED_WAIT + 1) * SECOND)] {
        for after in [0, 1, 7, 100] {
            let mut world = World::started();
            let at = world.now + after * SECOND;
            let delay = world.delay(number, at);
            assert!(delay <= most, "{number} after {after} s: {delay} µs");
            assert_eq!(world.refusals, 0);
        }
    }
}

#[test]
fn a_thousand_boxes_do_not_flood_their_service() {
    let mut world = World::started();
    let end = world.now + 600 * SECOND;
    world.run(end, None);
    assert_eq!(world.refusals, 0);
    assert!((1000..3000).contains(&world.requests), "{} in ten minutes", world.requests);
}

#[test]
fn many_links_in_a_row_are_no_flood_and_the_last_is_found_at_once() {
    let mut world = World::new();
    for number in 0..BOXES {
        world.watch(number);
        let next = world.now + SECOND / 20;
        world.run(next, None);
    }
    assert_eq!(world.refusals, 0);
    let at = world.now;
    let delay = world.delay(BOXES - 1, at);
    assert!(delay <= RESTART_PAUSE + 3 * WAY, "{delay} µs");
}

#[test]
fn a_box_in_which_mail_is_expected_is_asked_like_a_new_one() {
    let mut world = World::started();
    let at = world.now + 10 * SECOND;
    world.run(at, None);
    let id = world.id(0);
    world.poller.expect_mail(&id);
    let delay = world.delay(0, at + SECOND);
    assert!(delay <= 3 * WAY, "{delay} µs");
}

#[test]
fn what_comes_to_a_box_does_not_wait_for_checks_of_others() {
    let mut world = World::started();
    let at = world.now + 10 * SECOND;
    world.delay(BOXES - 1, at);
    // The checks of the other new boxes are still held.
    let again = world.now + SECOND / 2;
    let delay = world.delay(BOXES - 1, again);
    assert!(delay <= 3 * WAY, "{delay} µs");
}
