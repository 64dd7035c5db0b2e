//! The session descriptions, theirs and ours.
//!
//! An SDP is lines of `key=value` (RFC 8866). The peer's is untrusted and will be read by a large parser that
//! was made for video calls, so it is narrowed first: bounded in size, one data-channel section and nothing
//! else, a SHA-256 fingerprint. Candidates that this driver could not use, or should not (an SDP can name any
//! address and so have us knock there), are left out.

use std::net::IpAddr;

use super::{DescriptionFault, MAX_MESSAGE, RtcError};

/// The largest SDP accepted, in bytes. Ours are about 1 KiB, plus 100 bytes per address.
pub(super) const MAX_SDP: usize = 12 * 1024;

/// Candidate lines accepted. A device with several networks, STUN and TURN has about twenty, and the library names each
/// once more for RTCP.
const MAX_CANDIDATES: usize = 64;

/// Candidates that are tried: at each of them we knock because a peer says so, whoever lives there.
const MAX_TRIED: usize = 20;

/// A peer's SDP that may be given to the library.
#[derive(Debug)]
pub(super) struct Checked {
    /// The SDP without unusable candidates.
    pub(super) text: String,
    /// How many candidates are left.
    pub(super) candidates: usize,
}

/// Checks and narrows the peer's SDP. `loopback` says whether loopback addresses may be tried.
pub(super) fn check(sdp: &str, loopback: bool) -> Result<Checked, RtcError> {
    inspect(sdp).map_err(RtcError::Description)?;
    let mut candidates = 0;
    let text = keep_lines(sdp, |line| match line.strip_prefix("a=candidate:") {
        None => true,
        Some(candidate) => {
            let usable = candidates < MAX_TRIED && is_usable(candidate, loopback);
            candidates += usize::from(usable);
            usable
        }
    });
    Ok(Checked { text, candidates })
}

/// Our own SDP as sent: without the candidates of component 2 (RTCP), which the library adds to each and
/// nobody uses with data channels.
pub(super) fn trim(sdp: &str) -> String {
    keep_lines(sdp, |line| match line.strip_prefix("a=candidate:") {
        None => true,
        Some(candidate) => candidate.split(' ').nth(1) == Some("1"),
    })
}

fn inspect(sdp: &str) -> Result<(), DescriptionFault> {
    if sdp.len() > MAX_SDP {
        return Err(DescriptionFault::TooLarge);
    }
    let is_text = sdp.bytes().all(|byte| matches!(byte, b'\r' | b'\n' | b' '..=b'~'));
    if !is_text || !sdp.starts_with("v=0") {
        return Err(DescriptionFault::NotSdp);
    }
    let mut sections = sdp.lines().filter(|line| line.starts_with("m="));
    let is_data = sections.next().is_some_and(|line| line.starts_with("m=application "));
    if !is_data || sections.next().is_some() {
        return Err(DescriptionFault::NotDataChannels);
    }
    let mut prints = sdp.lines().filter_map(|line| line.strip_prefix("a=fingerprint:")).peekable();
    if prints.peek().is_none() || !prints.all(|print| print.starts_with("sha-256 ")) {
        return Err(DescriptionFault::NoFingerprint);
    }
    let limits = sdp.lines().filter_map(|line| line.strip_prefix("a=max-message-size:"));
    if !limits.map(str::parse::<u64>).all(|limit| limit.is_ok_and(takes_our_messages)) {
        return Err(DescriptionFault::SmallMessages);
    }
    if sdp.lines().filter(|line| line.starts_with("a=candidate:")).count() > MAX_CANDIDATES {
        return Err(DescriptionFault::TooManyCandidates);
    }
    Ok(())
}

/// Zero means any size (RFC 8841 §6.1).
fn takes_our_messages(limit: u64) -> bool {
    limit == 0 || limit >= MAX_MESSAGE as u64
}

/// Reads `foundation component transport priority address port …` (RFC 8839 §5.1).
fn is_usable(candidate: &str, loopback: bool) -> bool {
    let fields: Vec<&str> = candidate.split(' ').take(6).collect();
    let [_, component, transport, _, address, port] = fields[..] else {
        return false;
    };
    // A name instead of an address is an mDNS one (`….local`), which would need multicast to resolve.
    let (Ok(address), Ok(port)) = (address.parse::<IpAddr>(), port.parse::<u16>()) else {
        return false;
    };
    component == "1" && transport.eq_ignore_ascii_case("udp") && port != 0 && is_reachable(address, loopback)
}

fn is_reachable(address: IpAddr, loopback: bool) -> bool {
    let address = address.to_canonical();
    let link_only = match address {
        IpAddr::V4(v4) => v4.is_broadcast(),
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    let own = address.is_loopback() && !loopback;
    !link_only && !own && !address.is_unspecified() && !address.is_multicast()
}

fn keep_lines(sdp: &str, mut keep: impl FnMut(&str) -> bool) -> String {
    let mut kept = String::with_capacity(sdp.len());
    for line in sdp.lines().filter(|line| keep(line)) {
        kept.push_str(line);
        kept.push_str("\r\n");
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n";
    const DATA: &str = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=fingerprint:sha-256 AB:CD\r\n";

    fn fault(sdp: &str) -> DescriptionFault {
        match check(sdp, false) {
            Err(RtcError::Description(fault)) => fault,
            other => panic!("expected a fault, got {other:?}"),
        }
    }

    fn with(candidate: &str) -> usize {
        check(&format!("{HEAD}{DATA}a=candidate:{candidate}\r\n"), false).unwrap().candidates
    }

    #[test]
    fn refuses_what_is_not_one_set_of_data_channels() {
        assert_eq!(fault(""), DescriptionFault::NotSdp);
        assert_eq!(fault("v=0\0"), DescriptionFault::NotSdp);
        assert_eq!(fault(HEAD), DescriptionFault::NotDataChannels);
        assert_eq!(fault(&format!("{HEAD}{DATA}{DATA}")), DescriptionFault::NotDataChannels);
        assert_eq!(fault(&format!("{HEAD}m=audio 9 X 0\r\n{DATA}")), DescriptionFault::NotDataChannels);
        assert_eq!(fault(&format!("{HEAD}m=application 9 X y\r\n")), DescriptionFault::NoFingerprint);
        assert_eq!(
            fault(&format!("{HEAD}{DATA}a=fingerprint:sha-1 AB\r\n")),
            DescriptionFault::NoFingerprint
        );
    }

    #[test]
    fn refuses_a_peer_that_takes_only_small_messages() {
        for (limit, accepted) in
            [("0", true), ("65536", true), ("262144", true), ("1024", false), ("x", false)]
        {
            let sdp = format!("{HEAD}{DATA}a=max-message-size:{limit}\r\n");
            assert_eq!(check(&sdp, false).is_ok(), accepted, "{limit}");
        }
    }

    #[test]
    fn refuses_what_is_too_large() {
        let padding = "a=x\r\n".repeat(MAX_SDP / 5 + 1);
        assert_eq!(fault(&format!("{HEAD}{DATA}{padding}")), DescriptionFault::TooLarge);
        let candidates = "a=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\n".repeat(MAX_CANDIDATES + 1);
        assert_eq!(fault(&format!("{HEAD}{DATA}{candidates}")), DescriptionFault::TooManyCandidates);
    }

    #[test]
    fn uses_only_plain_udp_addresses() {
        assert_eq!(with("1 1 udp 1 10.0.0.1 5 typ host"), 1);
        assert_eq!(with("1 1 UDP 1 2001:db8::1 5 typ srflx raddr 10.0.0.1 rport 5"), 1);
        for refused in [
            "1 1 udp 1 1b2c3d4e.local 5 typ host",
            "1 2 udp 1 10.0.0.1 5 typ host",
            "1 1 tcp 1 10.0.0.1 5 typ host tcptype passive",
            "1 1 udp 1 10.0.0.1 0 typ host",
            "1 1 udp 1 10.0.0.1 70000 typ host",
            "1 1 udp 1 224.0.0.1 5 typ host",
            "1 1 udp 1 255.255.255.255 5 typ host",
            "1 1 udp 1 0.0.0.0 5 typ host",
            "1 1 udp 1 fe80::1 5 typ host",
            "1 1 udp 1 127.0.0.1 5 typ host",
            "1 1 udp 1 ::ffff:127.0.0.1 5 typ host",
            "1 1 udp",
        ] {
            assert_eq!(with(refused), 0, "{refused}");
        }
    }

    #[test]
    fn tries_no_more_than_a_few_addresses() {
        let one = "a=candidate:1 1 udp 1 10.0.0.1 5 typ host\r\n";
        let checked = check(&format!("{HEAD}{DATA}{}", one.repeat(MAX_CANDIDATES)), false).unwrap();
        assert_eq!(checked.candidates, MAX_TRIED);
        assert_eq!(checked.text.matches("a=candidate:").count(), MAX_TRIED);
    }

    #[test]
    fn loopback_only_where_wanted() {
        let sdp = format!("{HEAD}{DATA}a=candidate:1 1 udp 1 127.0.0.1 5 typ host\r\n");
        assert_eq!(check(&sdp, true).unwrap().candidates, 1);
        assert_eq!(check(&sdp, false).unwrap().candidates, 0);
    }

    #[test]
    fn trims_the_unused_component() {
        let sdp = format!("{HEAD}a=candidate:1 1 udp 1 10.0.0.1 5\r\na=candidate:1 2 udp 1 10.0.0.1 5\r\n");
        assert_eq!(trim(&sdp), format!("{HEAD}a=candidate:1 1 udp 1 10.0.0.1 5\r\n"));
    }
}
