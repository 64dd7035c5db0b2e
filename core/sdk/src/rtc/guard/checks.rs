//! How often an address is checked that does not answer: by one socket, for one attempt to connect. What a TURN server
//! relays is not looked into.
//!
//! The first checks open the way through the NATs on this side; the later ones are for a peer that is not ready yet. Once
//! its own check has come, nothing is left out any more.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How many checks go to an address in any case, as fast as they come.
const FIRST: u32 = 10;

/// How far the next ones are apart: often enough to meet a peer a moment after it is ready, before it turns to a relay
/// ([`PREFER_DIRECT`](crate::rtc::ice)).
const THEN_EVERY: Duration = Duration::from_millis(500);

/// Addresses that are checked at all: more than a description and this device's servers have.
const MAX_ADDRESSES: usize = 64;

/// The first four bytes after type and length of everything that is STUN (RFC 8489 §5).
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// The checks without an answer.
#[derive(Debug, Default)]
pub(super) struct Checks(HashMap<SocketAddr, Sent>);

#[derive(Debug)]
struct Sent {
    count: u32,
    last: Instant,
}

impl Checks {
    /// Whether one more may go to an address that has not answered; then it counts.
    pub(super) fn may_go(&mut self, to: SocketAddr, now: Instant) -> bool {
        if !self.0.contains_key(&to) && self.0.len() >= MAX_ADDRESSES {
            return false;
        }
        let sent = self.0.entry(to).or_insert(Sent { count: 0, last: now });
        let may = sent.count < FIRST || now.duration_since(sent.last) >= THEN_EVERY;
        if may {
            (sent.count, sent.last) = (sent.count.saturating_add(1), now);
        }
        may
    }
}

/// Whether a datagram is a request to answer from there (a Binding request, RFC 8489 §3).
pub(super) fn is_check(datagram: &[u8]) -> bool {
    datagram.starts_with(&[0, 1]) && datagram.get(4..8) == Some(&COOKIE)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn who_does_not_answer_is_checked_seldom() {
        let (mut checks, start) = (Checks::default(), Instant::now());
        let to = |port| SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port);
        // As the library checks: every 50 ms for 20 s.
        let times = (0..400).map(|step| start + Duration::from_millis(50) * step);
        let gone = times.filter(|now| checks.may_go(to(1), *now)).count();
        assert_eq!(gone, 10 + 39);
        assert!(checks.may_go(to(2), start), "each address for itself");
        let addresses = (1..1000).filter(|port| checks.may_go(to(*port), start + 60 * THEN_EVERY)).count();
        assert_eq!(addresses, MAX_ADDRESSES);
    }

    #[test]
    fn only_requests_are_checks() {
        let request = [&[0, 1, 0, 0][..], &COOKIE, &[7; 12]].concat();
        assert!(is_check(&request));
        let answer = [&[1, 1, 0, 0][..], &COOKIE, &[7; 12]].concat();
        assert!(!is_check(&answer));
        for len in 0..8 {
            assert!(!is_check(&request[..len]));
        }
        assert!(!is_check(&[0, 1, 0, 0, 0, 0, 0, 0, 0]), "not STUN");
    }
}
