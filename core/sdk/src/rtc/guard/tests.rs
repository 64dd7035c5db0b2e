use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const FIRST: u32 = u32::MAX - 10;

/// A packet for the association 9 of chunks, each a type, flags and a value.
fn packet(tag: u32, chunks: &[(u8, u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = [&[0x13, 0x88, 0x13, 0x88], &tag.to_be_bytes()[..], &[0; 4]].concat();
    for (kind, flags, value) in chunks {
        bytes.extend([*kind, *flags]);
        bytes.extend(u16::try_from(4 + value.len()).unwrap().to_be_bytes());
        bytes.extend(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
    }
    bytes
}

fn init(kind: u8, to: u32, from: u32) -> Vec<u8> {
    packet(to, &[(kind, 0, [&from.to_be_bytes()[..], &[0; 8], &FIRST.to_be_bytes()].concat())])
}

/// A fragment, the so-manieth that was ever sent.
fn fragment(number: u32, flags: u8, stream: u16, ssn: u16, len: usize) -> (u8, u8, Vec<u8>) {
    let tsn = FIRST.wrapping_add(number).to_be_bytes();
    let head = [&tsn[..], &stream.to_be_bytes(), &ssn.to_be_bytes(), &[0, 0, 0, 53]].concat();
    (0, flags, [head, vec![7; len]].concat())
}

fn data(number: u32, flags: u8, stream: u16, ssn: u16, len: usize) -> Vec<u8> {
    packet(9, &[fragment(number, flags, stream, ssn, len)])
}

/// Our acknowledgement of the first so many fragments.
fn acknowledge(guard: &mut Guard, count: u32) {
    let cumulative = FIRST.wrapping_add(count).wrapping_sub(1);
    guard.leaves(&packet(5, &[(3, 0, [&cumulative.to_be_bytes()[..], &[0; 8]].concat())]));
}

/// A guard whose peer has begun an association.
fn begun() -> Guard {
    let mut guard = Guard::new();
    assert_eq!(guard.arrives(&init(1, 0, 77)), Verdict::Pass);
    guard
}

#[test]
fn messages_are_held_until_they_are_delivered() {
    let mut guard = begun();
    for number in 0..100_000 {
        let (stream, ssn) = (number % 4, number / 4);
        let ssn = u16::try_from(ssn % (1 << 16)).unwrap();
        assert_eq!(guard.arrives(&data(number, 3, u16::try_from(stream).unwrap(), ssn, 100)), Verdict::Pass);
        assert!(guard.held > 100);
        acknowledge(&mut guard, number + 1);
        guard.delivered(Channel::ALL[stream as usize]);
        assert_eq!(guard.held, 0);
    }
}

#[test]
fn what_nobody_reads_is_lost_in_the_end_and_taken_when_there_is_room() {
    let mut guard = begun();
    guard.opened();
    let mut sent = 0;
    while guard.arrives(&data(sent, 3, 0, u16::try_from(sent).unwrap(), 60_000)) == Verdict::Pass {
        sent += 1;
        acknowledge(&mut guard, sent);
    }
    assert!(guard.held > BUDGET && guard.held < BUDGET + 70_000, "{}", guard.held);
    guard.delivered(Channel::Control);
    assert_eq!(guard.arrives(&data(sent, 3, 0, u16::try_from(sent).unwrap(), 60_000)), Verdict::Pass);
}

#[test]
fn less_is_held_before_the_connection_is_open() {
    let mut guard = begun();
    let sent = (0..2000).find(|number| {
        guard.arrives(&data(*number, 3, 0, u16::try_from(*number).unwrap(), 60_000)) == Verdict::Lose
    });
    assert_eq!(sent, Some(18));
}

#[test]
fn what_fills_a_gap_has_a_reserve() {
    let mut guard = begun();
    guard.opened();
    let large = |guard: &mut Guard, number: u32| {
        guard.arrives(&data(number, 3, 1, u16::try_from(number).unwrap(), 60_000))
    };
    // Of 400, the first 200 are on another way.
    let arrived = (200..400).take_while(|number| large(&mut guard, *number) == Verdict::Pass).count();
    assert_eq!(arrived, 200);
    assert_eq!((400..500).find(|number| large(&mut guard, *number) == Verdict::Lose), Some(475));
    assert_eq!((0..200).find(|number| large(&mut guard, *number) == Verdict::Lose), Some(69));
}

#[test]
fn a_message_without_end_ends_the_connection() {
    let mut guard = begun();
    guard.opened();
    let end = (0..2000).find(|number| {
        acknowledge(&mut guard, *number);
        guard.arrives(&data(*number, 0, 2, 0, 1)) == Verdict::End
    });
    assert_eq!(end, Some(u32::from(MAX_FRAGMENTS)));
    let mut guard = begun();
    guard.opened();
    let end = (0..2000).find(|number| {
        acknowledge(&mut guard, *number);
        guard.arrives(&data(*number, 0, 2, 0, 1000)) == Verdict::End
    });
    assert_eq!(end.map(|sent| sent as usize), Some(MAX_BYTES / 1000));
}

#[test]
fn a_message_that_arrives_over_and_over_ends_the_connection() {
    let mut guard = begun();
    guard.opened();
    let end = (0..2000).find(|_| guard.arrives(&data(3, 0, 2, 0, 1)) == Verdict::End);
    assert_eq!(end, Some(i32::from(MAX_FRAGMENTS)));
}

#[test]
fn what_was_acknowledged_costs_nothing() {
    let mut guard = begun();
    assert_eq!(guard.arrives(&data(0, 3, 0, 0, 10)), Verdict::Pass);
    acknowledge(&mut guard, 1);
    let held = guard.held;
    for _ in 0..2000 {
        assert_eq!(guard.arrives(&data(0, 3, 0, 0, 10)), Verdict::Pass);
    }
    assert_eq!(guard.held, held);
}

#[test]
fn neither_messages_nor_fragments_are_too_far_ahead() {
    let mut guard = begun();
    guard.opened();
    assert_eq!(guard.arrives(&data(0, 3, 3, MAX_WAITING - 1, 1)), Verdict::Pass);
    assert_eq!(guard.arrives(&data(1, 3, 3, MAX_WAITING, 1)), Verdict::Lose);
    assert_eq!(guard.arrives(&data(MAX_AHEAD - 1, 3, 0, 0, 1)), Verdict::Pass);
    assert_eq!(guard.arrives(&data(MAX_AHEAD, 3, 0, 1, 1)), Verdict::Lose);
    acknowledge(&mut guard, 1);
    assert_eq!(guard.arrives(&data(MAX_AHEAD, 3, 0, 1, 1)), Verdict::Pass);
}

#[test]
fn what_no_honest_peer_sends_ends_the_connection() {
    let text = |protocol: u8| {
        let (kind, flags, mut value) = fragment(0, 3, 0, 0, 1);
        value[11] = protocol;
        packet(9, &[(kind, flags, value)])
    };
    for (bytes, verdict) in [
        (data(0, 3, 3, 0, 1), Verdict::Pass),
        (data(0, 3, 4, 0, 1), Verdict::End),
        (data(0, 7, 0, 0, 1), Verdict::End),
        (data(0, 3, 0, 0, 0), Verdict::End),
        (text(51), Verdict::Pass),
        (text(56), Verdict::Pass),
        (text(57), Verdict::Pass),
        (text(50), Verdict::End),
        (text(0), Verdict::End),
        (packet(9, &[(130, 0, vec![0, 13, 0, 4])]), Verdict::End),
        (packet(9, &[(192, 0, vec![0; 4])]), Verdict::End),
        (packet(9, &[(64, 0, vec![0; 16])]), Verdict::Lose),
        (packet(9, &vec![(11, 0, vec![]); MAX_CONTROL]), Verdict::Pass),
        (packet(9, &vec![(11, 0, vec![]); MAX_CONTROL + 1]), Verdict::Lose),
        (Vec::new(), Verdict::Lose),
    ] {
        assert_eq!(begun().arrives(&bytes), verdict, "{bytes:?}");
    }
}

#[test]
fn there_is_one_association() {
    let mut guard = Guard::new();
    assert_eq!(guard.arrives(&data(0, 3, 0, 0, 1)), Verdict::Lose, "before any");
    assert_eq!(guard.arrives(&init(1, 1, 77)), Verdict::Lose, "an INIT has no receiver");
    let mut guard = begun();
    assert_eq!(guard.arrives(&init(1, 0, 78)), Verdict::Lose, "another");
    let mut other = init(1, 0, 77);
    *other.last_mut().unwrap() ^= 1;
    assert_eq!(guard.arrives(&other), Verdict::Lose, "another by its first number");
    let repeated = (0..100).filter(|_| guard.arrives(&init(1, 0, 77)) == Verdict::Pass).count();
    assert_eq!(repeated + 1, MAX_INITS as usize);
    assert_eq!(guard.arrives(&data(0, 3, 0, 0, 1)), Verdict::Pass);
    assert_eq!(guard.arrives(&packet(8, &[fragment(1, 3, 0, 1, 1)])), Verdict::Lose);
    let mut guard = Guard::new();
    assert_eq!(guard.arrives(&init(2, 9, 77)), Verdict::Pass, "an answer to ours");
    assert_eq!(guard.arrives(&data(0, 3, 0, 0, 1)), Verdict::Pass);
}

proptest! {
    #[test]
    fn any_bytes_get_a_verdict(
        chunks in vec((prop_oneof![0_u8..16, any::<u8>()], any::<u8>(), vec(any::<u8>(), 0..64)), 0..8),
        cut in 0_usize..300,
    ) {
        let mut guard = begun();
        let bytes = packet(9, &chunks);
        guard.arrives(&bytes[..cut.min(bytes.len())]);
        guard.arrives(&bytes);
        guard.leaves(&bytes);
        guard.delivered(Channel::Control);
    }
}
