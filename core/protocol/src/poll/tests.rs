use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::boxes::BoxKey;

const SECOND: u64 = 1_000_000;

fn address(number: u64, services: &[&str]) -> Address {
    let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(number));
    let services: Vec<String> = services.iter().map(|name| (*name).to_owned()).collect();
    Address::new(&key, &services, None).unwrap()
}

fn poller(pace: Pace, boxes: u64, services: &[&str]) -> Poller {
    let mut poller = Poller::new(pace, DEFAULT_INTERVAL);
    for number in 0..boxes {
        poller.watch(&address(number, services), BTreeMap::new());
    }
    poller
}

fn checks(poller: &mut Poller) -> Vec<(CheckId, String, usize, u64)> {
    std::iter::from_fn(|| poller.poll_output())
        .filter_map(|output| match output {
            Output::Check { id, endpoint, boxes, wait } => Some((id, endpoint.service, boxes.len(), wait)),
            Output::Abort(_) => None,
        })
        .collect()
}

/// Answers every check with "nothing" and returns how many there were until `end`.
fn idle_until(poller: &mut Poller, end: u64, rng: &mut ChaCha20Rng) -> usize {
    let mut count = 0;
    while let Some(now) = poller.poll_timeout().filter(|now| *now < end) {
        poller.on_timeout(now);
        for (id, ..) in checks(poller) {
            count += 1;
            poller.on_checked(id, Outcome::Answered { found: false }, now, rng);
        }
    }
    count
}

#[test]
fn twenty_boxes_in_the_background_cost_few_requests() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Background, 20, &["http://a"]);
    let first_hour = idle_until(&mut poller, 3600 * SECOND, &mut rng);
    let next_hour = idle_until(&mut poller, 7200 * SECOND, &mut rng);
    assert!(first_hour <= 60, "{first_hour}");
    assert!((4..=10).contains(&next_hour), "{next_hour}");
}

#[test]
fn the_foreground_holds_one_check_and_starts_over_for_a_new_box() {
    let mut poller = poller(Pace::Foreground, 1, &["http://a"]);
    poller.on_timeout(1);
    let started = checks(&mut poller);
    assert_eq!(started.len(), 1);
    assert_eq!((started[0].2, started[0].3), (1, WAIT));
    assert_eq!(poller.poll_timeout(), None);
    poller.watch(&address(9, &["http://a"]), BTreeMap::new());
    assert!(poller.poll_timeout().unwrap() <= 2, "at once");
    poller.on_timeout(2);
    assert_eq!(poller.poll_output(), Some(Output::Abort(started[0].0)));
    assert_eq!(checks(&mut poller)[0].2, 2);
    for number in 10..20 {
        poller.watch(&address(number, &["http://a"]), BTreeMap::new());
        poller.on_timeout(3);
        assert_eq!(checks(&mut poller).len(), 0, "many in a row are asked together");
    }
    poller.on_timeout(poller.poll_timeout().unwrap());
    assert_eq!(checks(&mut poller)[0].2, 12);
}

#[test]
fn who_wants_to_know_at_once_is_answered_at_once_and_then_held_again() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Foreground, 1, &["http://a"]);
    for quiet in [0, 5] {
        let mut now = (1 + quiet) * 1000 * SECOND;
        for _ in 0..quiet {
            poller.on_timeout(now);
            now += WAIT * SECOND;
            let held = checks(&mut poller)[0].0;
            poller.on_checked(held, Outcome::Answered { found: false }, now, &mut rng);
        }
        poller.look_now(now);
        poller.on_timeout(now);
        let (hurried, _, _, wait) = checks(&mut poller).remove(0);
        assert_eq!(wait, 0);
        poller.on_checked(hurried, Outcome::Answered { found: false }, now + 1000, &mut rng);
        assert_eq!(poller.poll_timeout(), Some(now + 1000), "nobody has to wait for the next one");
        poller.on_timeout(now + 1000);
        let (held, _, _, wait) = checks(&mut poller).remove(0);
        assert_eq!(wait, WAIT);
        poller.on_checked(held, Outcome::Answered { found: false }, now + WAIT * SECOND, &mut rng);
    }
}

#[test]
fn services_that_do_not_hold_are_asked_every_two_seconds_even_beside_one_that_does() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = Poller::new(Pace::Foreground, DEFAULT_INTERVAL);
    poller.watch(&address(0, &["http://holds"]), BTreeMap::new());
    poller.watch(&address(1, &["http://hasty"]), BTreeMap::new());
    let (mut now, mut asked) = (1, BTreeMap::<String, usize>::new());
    while now < 61 * SECOND {
        poller.on_timeout(now);
        for (id, service, _, wait) in checks(&mut poller) {
            *asked.entry(service.clone()).or_default() += 1;
            now += if service == "http://holds" { wait * SECOND } else { 1000 };
            poller.on_checked(id, Outcome::Answered { found: false }, now, &mut rng);
        }
        now = now.max(poller.poll_timeout().unwrap());
    }
    // The first round, before it is known, is held for as long as usual.
    assert!((15..=20).contains(&asked["http://hasty"]), "{asked:?}");
    let mut alone = self::poller(Pace::Foreground, 3, &["http://hasty"]);
    let spun = idle_until(&mut alone, 60 * SECOND, &mut rng);
    assert!((25..=32).contains(&spun), "{spun}");
}

#[test]
fn an_unreachable_service_is_replaced_by_the_next_and_tried_again_later() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Background, 1, &["http://a", "http://b"]);
    poller.on_timeout(1);
    let mut asked = BTreeSet::new();
    for now in 1..600 {
        for (id, service, ..) in checks(&mut poller) {
            let down = service == "http://a";
            asked.insert(service);
            let outcome = if down {
                Outcome::Unreachable { retry_after: 0 }
            } else {
                Outcome::Answered { found: false }
            };
            poller.on_checked(id, outcome, now * SECOND, &mut rng);
        }
        poller.on_timeout(now * SECOND);
    }
    assert_eq!(asked.len(), 2);
    assert!(poller.services["http://a"].failures > 1);
    assert_eq!(poller.services["http://b"].failures, 0);
}

#[test]
fn whoever_comes_to_the_front_is_not_kept_waiting_by_an_outage() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Background, 1, &["http://a"]);
    let mut now = 1;
    let mut fail = |poller: &mut Poller, now: u64| {
        poller.on_timeout(now);
        let (check, ..) = checks(poller)[0];
        poller.on_checked(check, Outcome::Unreachable { retry_after: 0 }, now, &mut rng);
        poller.poll_timeout().unwrap()
    };
    for _ in 0..20 {
        now = fail(&mut poller, now);
    }
    assert!(fail(&mut poller, now) >= now + MAX_INTERVAL);
    poller.set_pace(Pace::Foreground, now);
    poller.on_timeout(now);
    assert_eq!(checks(&mut poller).len(), 1, "it is asked at once");
    for _ in 0..20 {
        poller.look_now(now);
        let next = fail(&mut poller, now);
        assert!(next <= now + MAX_FOREGROUND_BACKOFF + MAX_FOREGROUND_BACKOFF / 5);
        now = next;
    }
}

#[test]
fn a_sent_message_quickens_the_pace_for_a_minute() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Background, 1, &["http://a"]);
    idle_until(&mut poller, 3600 * SECOND, &mut rng);
    let now = 3600 * SECOND;
    poller.on_sent(now);
    let hot = idle_until(&mut poller, now + HOT_TIME, &mut rng);
    assert!((25..=31).contains(&hot), "{hot}");
}

#[test]
fn retry_after_is_honoured() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Foreground, 1, &["http://a"]);
    poller.on_timeout(1);
    let (check, ..) = checks(&mut poller)[0];
    poller.on_checked(check, Outcome::Unreachable { retry_after: 50 * SECOND }, 1, &mut rng);
    assert!(poller.poll_timeout().unwrap() >= 50 * SECOND);
}

#[test]
fn no_service_silences_a_device_for_long_whatever_it_says() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    for (pace, most) in [(Pace::Foreground, MAX_FOREGROUND_RETRY_AFTER), (Pace::Background, MAX_RETRY_AFTER)]
    {
        for retry_after in [most + 1, 86_400 * SECOND, u64::MAX / 2, u64::MAX] {
            let mut poller = poller(pace, 1, &["http://a"]);
            poller.on_timeout(SECOND);
            let (check, ..) = checks(&mut poller)[0];
            poller.on_checked(check, Outcome::Unreachable { retry_after }, SECOND, &mut rng);
            let next = poller.poll_timeout().unwrap();
            assert!((SECOND + most..=2 * SECOND + most).contains(&next), "{pace:?} {retry_after}: {next}");
        }
    }
}

#[test]
fn cursors_follow_what_was_processed() {
    let mut poller = poller(Pace::Background, 1, &["http://a"]);
    let id = address(0, &["http://a"]).box_id();
    poller.on_processed(&id, "http://a", 1 << 52);
    poller.on_processed(&id, "http://a", 7);
    poller.on_timeout(1);
    let Some(Output::Check { boxes, .. }) = poller.poll_output() else { panic!("no check") };
    assert_eq!(boxes, [(id, 7)]);
}

/// A check as a service saw it.
#[derive(Debug)]
struct Seen {
    service: String,
    began: u64,
    ended: u64,
    wait: u64,
}

/// Lets each check take its time, until `end`; `answer` says how long and how it goes.
fn play(poller: &mut Poller, end: u64, answer: impl Fn(&str, u64, u64) -> (u64, Outcome)) -> Vec<Seen> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let (mut now, mut seen) = (1, Vec::new());
    let mut under_way = BTreeMap::new();
    while now < end {
        if poller.poll_timeout().is_some_and(|at| at <= now) {
            poller.on_timeout(now);
        }
        while let Some(output) = poller.poll_output() {
            match output {
                Output::Abort(id) => drop(under_way.remove(&id)),
                Output::Check { id, endpoint, wait, .. } => {
                    let (takes, outcome) = answer(&endpoint.service, wait, now);
                    let check = Seen { service: endpoint.service, began: now, ended: now + takes, wait };
                    under_way.insert(id, (check, outcome));
                }
            }
        }
        let first = under_way.iter().min_by_key(|(_, (check, _))| check.ended);
        let first = first.map(|(id, (check, _))| (*id, check.ended));
        let round = poller.poll_timeout().unwrap_or(u64::MAX).max(now);
        match first {
            Some((id, ended)) if ended <= round => {
                now = ended;
                let (check, outcome) = under_way.remove(&id).unwrap();
                seen.push(check);
                poller.on_checked(id, outcome, now, &mut rng);
            }
            _ => now = round,
        }
    }
    seen
}

const NOTHING: Outcome = Outcome::Answered { found: false };
const FAILED: Outcome = Outcome::Unreachable { retry_after: 0 };
/// For how long a driver waits for an answer, beside what the service may hold it for.
const PATIENCE: u64 = 15 * SECOND;

/// Two boxes, each at a service of its own: one works, and holds checks or not; the other does what `answer` says.
fn play_beside(end: u64, holds: bool, answer: impl Fn(u64, u64) -> (u64, Outcome)) -> (Vec<Seen>, Vec<Seen>) {
    let mut poller = Poller::new(Pace::Foreground, DEFAULT_INTERVAL);
    poller.watch(&address(0, &["http://works"]), BTreeMap::new());
    poller.watch(&address(1, &["http://other"]), BTreeMap::new());
    play(&mut poller, end, |service, wait, now| match service {
        "http://works" => (if holds { wait.max(1) * SECOND } else { 1000 }, NOTHING),
        _ => answer(wait, now),
    })
    .into_iter()
    .partition(|check| check.service == "http://works")
}

/// The longest time without a check at a service, in µs.
fn longest_gap(checks: &[Seen]) -> u64 {
    checks.windows(2).map(|two| two[1].began.saturating_sub(two[0].ended)).max().unwrap()
}

#[test]
fn a_service_that_never_answers_keeps_others_waiting_only_once() {
    for (holds, pause) in [(true, 0), (false, HOT_INTERVAL)] {
        let stall = |wait, _| (wait * SECOND + PATIENCE, FAILED);
        let (works, stalls) = play_beside(600 * SECOND, holds, stall);
        assert!(stalls.len() > 5, "it is tried again: {stalls:?}");
        assert!(stalls[1..].iter().all(|check| check.wait == 0), "{stalls:?}");
        assert!(longest_gap(&works[..2]) >= PATIENCE, "nothing is known of it at first: {works:?}");
        assert!(longest_gap(&works[1..]) <= pause, "{works:?}");
    }
}

#[test]
fn a_service_that_is_back_holds_checks_again_at_once() {
    let back = 100 * SECOND;
    let (works, other) = play_beside(300 * SECOND, true, |wait, now| {
        if now < back { (1000, FAILED) } else { (wait * SECOND + 1000, NOTHING) }
    });
    let found = other.iter().position(|check| check.began >= back).unwrap();
    assert!(other[found].began < back + (WAIT + 1) * SECOND, "{other:?}");
    assert_eq!(other[found].wait, 0);
    assert_eq!((other[found + 1].began, other[found + 1].wait), (other[found].ended, WAIT), "{other:?}");
    assert!(longest_gap(&other[found..]) < SECOND, "{other:?}");
    assert!(works.len() < 20, "one round is begun anew: {works:?}");
}

#[test]
fn a_doubted_first_choice_is_asked_beside_the_next() {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut poller = poller(Pace::Background, 1, &["http://a", "http://b", "http://c"]);
    let mut asked = Vec::new();
    for _ in 0..4 {
        poller.on_timeout(poller.poll_timeout().unwrap());
        let round = checks(&mut poller);
        for (id, service, ..) in &round {
            let outcome = if service == "http://a" { FAILED } else { NOTHING };
            let now = poller.next_round;
            poller.on_checked(*id, outcome, now, &mut rng);
        }
        asked.push(round.into_iter().map(|(_, service, ..)| service).collect::<Vec<_>>());
    }
    assert_eq!(asked[0], ["http://a", "http://b", "http://c"], "the first round asks all");
    assert!(asked[1..].iter().all(|round| *round == ["http://a", "http://b"]), "{asked:?}");
}

#[test]
fn an_outage_of_all_services_costs_no_more_rounds_in_the_background() {
    let mut poller = poller(Pace::Background, 2, &["http://a", "http://b"]);
    let seen = play(&mut poller, 3600 * SECOND, |service, _, _| match service {
        "http://a" => (PATIENCE, FAILED),
        _ => (1000, FAILED),
    });
    let mut rounds: Vec<u64> = seen.iter().map(|check| check.began).collect();
    rounds.dedup();
    assert!((4..=24).contains(&rounds.len()), "{seen:?}");
}

#[test]
fn a_service_that_stalls_does_not_keep_one_waiting_that_failed_itself() {
    let mut poller = Poller::new(Pace::Foreground, DEFAULT_INTERVAL);
    poller.watch(&address(0, &["http://works"]), BTreeMap::new());
    poller.watch(&address(1, &["http://stalls"]), BTreeMap::new());
    let seen = play(&mut poller, 600 * SECOND, |service, wait, now| match service {
        // While the other is asked aside.
        "http://works" if wait > 0 && (100..130).contains(&(now / SECOND)) => (1000, FAILED),
        "http://works" => (wait.max(1) * SECOND, NOTHING),
        _ => (60 * SECOND, FAILED),
    });
    let (works, _): (Vec<Seen>, Vec<Seen>) =
        seen.into_iter().partition(|check| check.service == "http://works");
    assert!(works.iter().any(|check| check.wait == 0), "it was doubted: {works:?}");
    // Its own pause, which doubles as long as it fails.
    assert!(longest_gap(&works[1..]) < 12 * SECOND, "{works:?}");
}

#[test]
fn a_service_that_fails_held_checks_alone_is_asked_ever_less() {
    let mut poller = poller(Pace::Foreground, 1, &["http://a"]);
    let seen = play(&mut poller, 600 * SECOND, |_, wait, _| (1000, if wait > 0 { FAILED } else { NOTHING }));
    assert!((30..=80).contains(&seen.len()), "{seen:?}");
}
