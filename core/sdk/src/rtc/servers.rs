//! STUN and TURN servers: checked when configured, resolved before they are used.
//!
//! A STUN server tells a device under which address it appears to the world; a TURN server relays where no
//! direct path exists. Their names are resolved here, in parallel and with a limit, because the library would
//! do so one after the other on the task that must keep the connection alive. Servers that cannot be resolved
//! are left out: a connection may well do without.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::time::timeout;
use webrtc::peer_connection::RTCIceServer;
use zeroize::Zeroizing;

use super::{RtcError, ServerFault};

/// URLs asked at most; each is asked from every local address.
const MAX_SERVERS: usize = 8;

/// The port of both protocols (RFC 8489 §18.6, RFC 8656 §3).
const DEFAULT_PORT: u16 = 3478;

/// How long resolving a name may delay an offer. A resolver that takes longer has usually failed.
const RESOLVE_LIMIT: Duration = Duration::from_secs(1);

/// A STUN or TURN server. Neither its address nor its credential appears in `Debug`.
#[derive(Clone, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IceServer {
    /// `stun:host[:port]` or `turn:host[:port][?transport=udp]`. TURN over TCP or TLS is not supported.
    pub urls: Vec<String>,
    /// For TURN.
    #[serde(default)]
    pub username: String,
    /// For TURN: the password.
    #[serde(default)]
    #[cfg_attr(feature = "schema", schemars(with = "String"))]
    pub credential: Zeroizing<String>,
}

impl fmt::Debug for IceServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceServer").field("urls", &self.urls.len()).finish_non_exhaustive()
    }
}

/// The servers in the library's form, their names resolved.
pub(super) async fn resolve(servers: &[IceServer]) -> Result<Vec<RTCIceServer>, RtcError> {
    let mut targets = Vec::new();
    for server in servers {
        for url in &server.urls {
            let target = Target::parse(url).map_err(RtcError::Server)?;
            if target.relay && (server.username.is_empty() || server.credential.is_empty()) {
                return Err(RtcError::Server(ServerFault::NoCredential));
            }
            targets.push((target, server));
        }
    }
    if targets.len() > MAX_SERVERS {
        return Err(RtcError::Server(ServerFault::TooMany));
    }
    let resolved = join_all(targets.iter().map(|(target, server)| async move {
        RTCIceServer {
            urls: target.resolve().await,
            username: server.username.clone(),
            credential: server.credential.to_string(),
        }
    }));
    Ok(resolved.await.into_iter().filter(|server| !server.urls.is_empty()).collect())
}

/// A server URL in its parts.
#[derive(Debug, PartialEq, Eq)]
struct Target<'a> {
    relay: bool,
    host: &'a str,
    port: u16,
}

impl Target<'_> {
    fn parse(url: &str) -> Result<Target<'_>, ServerFault> {
        let (scheme, rest) = url.split_once(':').ok_or(ServerFault::Malformed)?;
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let relay = match scheme {
            "stun" => false,
            "turn" => true,
            "stuns" | "turns" => return Err(ServerFault::NotUdp),
            _ => return Err(ServerFault::Malformed),
        };
        match query {
            "" => {}
            "transport=udp" if relay => {}
            "transport=tcp" if relay => return Err(ServerFault::NotUdp),
            _ => return Err(ServerFault::Malformed),
        }
        let (host, port) = split_place(place).ok_or(ServerFault::Malformed)?;
        Ok(Target { relay, host, port })
    }

    /// The URLs of its first address of each family, none if it has none.
    async fn resolve(&self) -> Vec<String> {
        let lookup = timeout(RESOLVE_LIMIT, tokio::net::lookup_host((self.host, self.port)));
        let Ok(Ok(addresses)) = lookup.await else {
            tracing::warn!("the name of a STUN or TURN server could not be resolved; it is left out");
            return Vec::new();
        };
        let addresses: Vec<SocketAddr> = addresses.collect();
        let v4 = addresses.iter().find(|address| address.is_ipv4());
        let v6 = addresses.iter().find(|address| address.is_ipv6());
        v4.into_iter().chain(v6).map(|address| self.url(*address)).collect()
    }

    fn url(&self, address: SocketAddr) -> String {
        if self.relay { format!("turn:{address}?transport=udp") } else { format!("stun:{address}") }
    }
}

/// Splits `host`, `host:port`, `[v6]` or `[v6]:port`.
fn split_place(place: &str) -> Option<(&str, u16)> {
    let (host, port) = match place.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            let port = if port.is_empty() { None } else { Some(port.strip_prefix(':')?) };
            (host, port)
        }
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(DEFAULT_PORT), |port| port.parse().ok().filter(|port| *port != 0))?;
    let is_name = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':'));
    (!host.is_empty() && is_name).then_some((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<(bool, &str, u16), ServerFault> {
        Target::parse(url).map(|target| (target.relay, target.host, target.port))
    }

    #[test]
    fn reads_urls() {
        assert_eq!(parse("stun:stun.example.org"), Ok((false, "stun.example.org", 3478)));
        assert_eq!(parse("stun:10.0.0.1:5000"), Ok((false, "10.0.0.1", 5000)));
        assert_eq!(parse("turn:[2001:db8::1]:99?transport=udp"), Ok((true, "2001:db8::1", 99)));
        assert_eq!(parse("turn:[2001:db8::1]"), Ok((true, "2001:db8::1", 3478)));
    }

    #[test]
    fn names_what_it_cannot_do() {
        assert_eq!(parse("turns:example.org"), Err(ServerFault::NotUdp));
        assert_eq!(parse("stuns:example.org"), Err(ServerFault::NotUdp));
        assert_eq!(parse("turn:example.org?transport=tcp"), Err(ServerFault::NotUdp));
        for url in [
            "",
            "stun:",
            "https://example.org",
            "stun:a b",
            "stun:a:0",
            "stun:a:x",
            "turn:[::1",
            "stun:a?x=1",
        ] {
            assert_eq!(parse(url), Err(ServerFault::Malformed), "{url}");
        }
    }

    #[tokio::test]
    async fn checks_credentials_and_number() {
        let server = |url: &str| IceServer { urls: vec![url.to_owned()], ..IceServer::default() };
        let error = resolve(&[server("turn:127.0.0.1")]).await.unwrap_err();
        assert!(matches!(error, RtcError::Server(ServerFault::NoCredential)), "{error}");
        let error = resolve(&vec![server("stun:127.0.0.1"); MAX_SERVERS + 1]).await.unwrap_err();
        assert!(matches!(error, RtcError::Server(ServerFault::TooMany)), "{error}");
    }

    #[tokio::test]
    async fn resolves_to_addresses() {
        let server = IceServer {
            urls: vec!["turn:127.0.0.1:99".to_owned(), "stun:[::1]".to_owned()],
            username: "user".to_owned(),
            credential: Zeroizing::new("secret".to_owned()),
        };
        let urls: Vec<_> =
            resolve(&[server]).await.unwrap().into_iter().flat_map(|server| server.urls).collect();
        assert_eq!(urls, ["turn:127.0.0.1:99?transport=udp", "stun:[::1]:3478"]);
    }

    #[test]
    fn debug_shows_neither_address_nor_credential() {
        let server = IceServer {
            urls: vec!["turn:10.1.2.3".to_owned()],
            username: "someone".to_owned(),
            credential: Zeroizing::new("hunter2".to_owned()),
        };
        assert_eq!(format!("{server:?}"), "IceServer { urls: 1, .. }");
    }
}
