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

/// The origin of a scheme (`http` or `https`) and a host with or without a port.
pub fn of_authority(scheme: &str, authority: &str) -> Option<String> {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_' | b':' | b'[' | b']');
    let default_port = match scheme {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    if authority.is_empty() || authority.len() > MAX_AUTHORITY_LEN || !authority.bytes().all(allowed) {
        return None;
    }
    let authority = authority.to_ascii_lowercase();
    let host = authority.strip_suffix(default_port).unwrap_or(&authority);
    Some(format!("{scheme}://{host}"))
}
