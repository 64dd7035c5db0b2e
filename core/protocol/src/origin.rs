//! Origins: the name under which a client reaches a mailbox service.
//!
//! A [`crate::question`] is sealed for an origin, `scheme://host[:port]` as in RFC 6454 §6.2: lower case
//! and without the scheme's default port. Client and service must come to the same text.

/// The longest host with port, in bytes: a DNS name (RFC 1035: 255) and `:65535`.
const MAX_AUTHORITY_LEN: usize = 261;

/// The origin of a service's URL; `None` if that is no http(s) URL of a host.
///
/// ```
/// use connectoid_protocol::origin;
///
/// assert_eq!(origin::of_url("HTTPS://Mail.example:443/box").as_deref(), Some("https://mail.example"));
/// assert_eq!(origin::of_url("http://[::1]:8080").as_deref(), Some("http://[::1]:8080"));
/// assert_eq!(origin::of_url("ftp://mail.example"), None);
/// ```
pub fn of_url(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    of_authority(&scheme, authority)
}

/// The origin of a scheme (`http` or `https`) and a host with or without a port; `None` if it is anything else.
pub fn of_authority(scheme: &str, authority: &str) -> Option<String> {
    let default_port = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    if authority.len() > MAX_AUTHORITY_LEN {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let (host, port) = split_port(&authority)?;
    if !is_host(host) {
        return None;
    }
    match port {
        Some(port) if port != default_port => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// The port is behind the last colon, unless that is one of an IPv6 address.
fn split_port(authority: &str) -> Option<(&str, Option<u16>)> {
    match authority.rsplit_once(':').filter(|(_, end)| !end.ends_with(']')) {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some((host, Some(port.parse().ok().filter(|port| *port != 0)?)))
        }
        Some(_) => None,
        None => Some((authority, None)),
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<core::net::Ipv6Addr>().is_ok();
    }
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    !host.is_empty() && host.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_host_with_a_port_has_no_origin() {
        for bad in [
            "http://ma:80:80",
            "http://ma:",
            "http://:80",
            "http://[::1",
            "http://[x]:80",
            "http://ma:65536",
            "http://ma:0",
            "http://[::1]x",
        ] {
            assert_eq!(of_url(bad), None, "{bad}");
        }
        assert_eq!(of_url("http://ma:0080").as_deref(), Some("http://ma"), "a port is a number");
        assert_eq!(of_url("https://[2001:DB8::1]:443").as_deref(), Some("https://[2001:db8::1]"));
    }
}
