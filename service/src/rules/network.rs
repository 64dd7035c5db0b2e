//! Client networks: what counts as one client for rate limits.

use std::{fmt, net::IpAddr};

/// An IPv4 address, or the /56 of an IPv6 address: what providers give to one customer.
///
/// `Debug` is redacted, since addresses belong in no log.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(u64);

/// Sets IPv4 apart from the 56 bits of IPv6.
const IPV4: u64 = 1 << 63;

impl Network {
    /// The network of an address. An IPv4 address in IPv6 form counts as IPv4.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(v4) => Self(IPV4 | u64::from(v4.to_bits())),
            IpAddr::V6(v6) => Self((v6.to_bits() >> 72) as u64),
        }
    }

    /// What it belongs to: the /24 of an IPv4 address, the /48 of an IPv6 network. Whoever rents such a one is as many
    /// clients as it has addresses.
    #[must_use]
    pub const fn neighbourhood(self) -> Self {
        Self(self.0 & !0xff)
    }

    /// The network of a client that came through proxies: the last address in `X-Forwarded-For`, which
    /// is the one that the nearest proxy saw.
    pub fn forwarded(header: &str) -> Option<Self> {
        let last = header.rsplit(',').next()?.trim();
        last.parse().ok().map(Self::of)
    }
}

impl fmt::Debug for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Network(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn one_customer_is_one_network() {
        assert_eq!(of("192.0.2.1"), of("::ffff:192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
        assert_eq!(of("2001:db8:0:ff00::1"), of("2001:db8:0:ffff:1::2"));
        assert_ne!(of("2001:db8:0:ff00::1"), of("2001:db8:0:fe00::1"));
        assert_ne!(of("0.0.0.0"), of("::"));
    }

    #[test]
    fn neighbours_share_what_one_can_rent() {
        assert_eq!(of("192.0.2.1").neighbourhood(), of("192.0.2.200").neighbourhood());
        assert_ne!(of("192.0.2.1").neighbourhood(), of("192.0.3.1").neighbourhood());
        assert_eq!(of("2001:db8:0:100::1").neighbourhood(), of("2001:db8:0:ff00::1").neighbourhood());
        assert_ne!(of("2001:db8:0:100::1").neighbourhood(), of("2001:db8:1:100::1").neighbourhood());
        assert_ne!(of("0.0.0.0").neighbourhood(), of("::").neighbourhood());
    }

    #[test]
    fn behind_a_proxy_the_nearest_hop_counts() {
        assert_eq!(Network::forwarded("10.0.0.1, 192.0.2.1"), Some(of("192.0.2.1")));
        assert_eq!(Network::forwarded("unknown"), None);
        assert_eq!(Network::forwarded(""), None);
    }

    #[test]
    fn debug_says_nothing() {
        assert_eq!(format!("{:?}", of("192.0.2.1")), "Network(redacted)");
    }
}
