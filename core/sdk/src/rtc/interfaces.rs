//! Which of this device's addresses a connection uses.

use std::net::{IpAddr, Ipv4Addr};

use if_addrs::{IfOperStatus, Interface};

use super::RtcConfig;

/// Addresses used at most; each costs a socket and appears in the SDP. Devices with virtual networks have
/// dozens.
const MAX_ADDRESSES: usize = 12;

/// The addresses to bind, at least one.
///
/// Configured ones are taken as they are. Otherwise: every address of an interface that is up, except IPv6
/// link-local ones (they mean nothing without an interface name, which an SDP cannot carry) and loopback
/// (unless wanted). A device without any other address uses loopback.
pub(super) fn addresses(config: &RtcConfig) -> Vec<IpAddr> {
    if !config.bind.is_empty() {
        return config.bind.iter().copied().take(MAX_ADDRESSES).collect();
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_else(|error| {
        tracing::warn!(%error, "the network interfaces could not be listed, only loopback is used");
        Vec::new()
    });
    select(interfaces.iter().filter(|interface| is_up(interface)).map(Interface::ip), config.loopback)
}

fn is_up(interface: &Interface) -> bool {
    // Many drivers report "unknown", loopback's among them; only what is known to be down is left out.
    matches!(interface.oper_status, IfOperStatus::Up | IfOperStatus::Unknown) || interface.is_loopback()
}

fn select(all: impl Iterator<Item = IpAddr>, loopback: bool) -> Vec<IpAddr> {
    let mut chosen: Vec<IpAddr> = Vec::new();
    for address in all {
        if is_usable(address, loopback) && !chosen.contains(&address) && chosen.len() < MAX_ADDRESSES {
            chosen.push(address);
        }
    }
    if chosen.is_empty() {
        chosen.push(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    chosen
}

fn is_usable(address: IpAddr, loopback: bool) -> bool {
    if address.is_loopback() {
        // One loopback address is enough to reach oneself.
        return loopback && address == IpAddr::V4(Ipv4Addr::LOCALHOST);
    }
    let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
    !address.is_unspecified() && !address.is_multicast() && !link_local
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(all: &[&str], loopback: bool) -> Vec<String> {
        let all = all.iter().map(|text| text.parse().unwrap());
        select(all, loopback).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn leaves_out_what_a_peer_cannot_reach() {
        let all = ["127.0.0.1", "::1", "fe80::1", "192.168.1.7", "fd00::2", "0.0.0.0", "192.168.1.7"];
        assert_eq!(pick(&all, false), ["192.168.1.7", "fd00::2"]);
        assert_eq!(pick(&all, true), ["127.0.0.1", "192.168.1.7", "fd00::2"]);
    }

    #[test]
    fn falls_back_to_loopback() {
        assert_eq!(pick(&["127.0.0.1", "fe80::1"], false), ["127.0.0.1"]);
        assert_eq!(pick(&[], false), ["127.0.0.1"]);
    }

    #[test]
    fn is_bounded() {
        let many: Vec<String> = (1..=40).map(|host| format!("10.0.0.{host}")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(pick(&many, false).len(), MAX_ADDRESSES);
    }

    #[test]
    fn configured_addresses_are_taken_as_they_are() {
        let bind = vec!["127.0.0.1".parse().unwrap(), "10.9.8.7".parse().unwrap()];
        let config = RtcConfig { bind: bind.clone(), ..RtcConfig::default() };
        assert_eq!(addresses(&config), bind);
    }
}
