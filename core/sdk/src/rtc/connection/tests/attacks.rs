//! What a stranger can do once it is let in as far as the encryption. Each attack runs in a process of its own,
//! whose memory is looked at. Linux only: others do not tell so easily.

use std::fs;
use std::process::Command;

use super::attacker::{Attacker, chunk};
use super::*;

/// What the process may take more while it is attacked.
const MEMORY: usize = 32 * 1024 * 1024;

/// What an attacker may send before it is thrown out: less than an answer of a web page.
const WIRE: usize = 64 * 1024;

/// A packet's worth of the smallest fragments.
const BUNDLE: usize = 57;

/// Set in the process of an attack.
const ALONE: &str = "CONNECTOID_TEST_ALONE";

/// Runs a test again in a process of its own; true there.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let name = format!("rtc::connection::tests::attacks::{test}");
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &name, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&child.stdout);
    println!("{told}");
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    false
}

/// A figure of this process from the system, in bytes: `VmRSS` is what it holds, `VmHWM` the most it ever held.
fn memory(field: &str) -> usize {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<usize>().unwrap() * 1024
}

/// Sends what `packets` makes until the other side closes, or so many bytes are sent. Returns the reason.
async fn attack(limit: usize, mut packets: impl FnMut(&mut Attacker) -> Vec<u8>) -> Option<CloseReason> {
    let (mut attacker, mut victim) = Box::pin(Attacker::open(&config(1))).await;
    let before = memory("VmRSS");
    let started = std::time::Instant::now();
    let mut closed = tokio::spawn(async move {
        loop {
            match victim.incoming.next().await {
                Some(RtcEvent::Closed { reason }) => return reason,
                Some(_) => {}
                None => unreachable!("Closed comes first"),
            }
        }
    });
    let mut reason = None;
    while reason.is_none() && attacker.wire < limit {
        for _ in 0..8 {
            let chunks = packets(&mut attacker);
            attacker.send(&chunks);
        }
        reason = attacker.looked_at(&mut closed).await;
    }
    let grown = memory("VmHWM").saturating_sub(before);
    println!("{} bytes sent, {grown} bytes taken, {:?}: {reason:?}", attacker.wire, started.elapsed());
    assert!(grown < MEMORY, "{grown} bytes taken");
    if reason.is_some() {
        assert!(attacker.wire < WIRE, "{} bytes sent", attacker.wire);
    }
    reason
}

#[tokio::test]
async fn requests_that_cannot_be_granted_end_the_connection() {
    if !is_alone("requests_that_cannot_be_granted_end_the_connection") {
        return;
    }
    let mut request = 0_u32;
    let reason = attack(1 << 20, |attacker| {
        let mut chunks = Vec::new();
        for _ in 0..BUNDLE {
            request += 1;
            // To reset no stream after a TSN that is far off (RFC 6525 §4.1).
            let after = attacker.tsn.wrapping_add(1 << 30).to_be_bytes();
            let value = [&[0, 13, 0, 16], &request.to_be_bytes()[..], &[0; 4], &after].concat();
            chunks.extend(chunk(130, 0, &value));
        }
        chunks.extend(attacker.data(3, 0, 1, b"x"));
        chunks
    });
    assert_eq!(limited(reason).await, Some(CloseReason::PeerMisbehaved));
}

#[tokio::test]
async fn a_message_without_end_ends_the_connection() {
    if !is_alone("a_message_without_end_ends_the_connection") {
        return;
    }
    let mut flags = 2;
    let reason = attack(4 << 20, |attacker| {
        (0..BUNDLE).flat_map(|_| attacker.data(std::mem::take(&mut flags), 0, 0, b"x")).collect()
    });
    assert_eq!(limited(reason).await, Some(CloseReason::PeerMisbehaved));
}

#[tokio::test]
async fn unordered_fragments_end_the_connection() {
    if !is_alone("unordered_fragments_end_the_connection") {
        return;
    }
    let reason = attack(4 << 20, |attacker| (0..BUNDLE).flat_map(|_| attacker.data(4, 0, 0, b"x")).collect());
    assert_eq!(limited(reason).await, Some(CloseReason::PeerMisbehaved));
}

/// Whole messages of one byte each, all but the first of each channel: none can be delivered.
#[tokio::test]
async fn messages_that_wait_for_one_that_never_comes_are_bounded() {
    if !is_alone("messages_that_wait_for_one_that_never_comes_are_bounded") {
        return;
    }
    let mut sent = 0_u16;
    let reason = attack(4 << 20, |attacker| {
        let messages = (0..BUNDLE).flat_map(|_| {
            sent = sent.wrapping_add(1);
            attacker.data(3, sent % 4, 1 + sent / 4, b"x")
        });
        messages.collect()
    });
    assert_eq!(limited(reason).await, None);
}

/// The same, with every second fragment left out, and each alone in a packet that is held because of it.
#[tokio::test]
async fn fragments_between_gaps_are_bounded() {
    if !is_alone("fragments_between_gaps_are_bounded") {
        return;
    }
    let mut sent = 0_u16;
    let padding = chunk(4, 0, &[&[0, 1, 0x04, 0x4c][..], &[0; 0x448]].concat());
    let reason = attack(24 << 20, |attacker| {
        sent = sent.wrapping_add(1);
        attacker.tsn = attacker.tsn.wrapping_add(1);
        let message = attacker.data(3, sent % 4, 1 + sent / 4, b"x");
        [message, padding.clone()].concat()
    });
    assert_eq!(limited(reason).await, None);
}
