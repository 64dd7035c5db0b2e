//! Who asks: the connection's address, or what the proxy in front says.

use std::sync::Arc;

use axum::http::{HeaderMap, header, request::Parts};

use super::server::Place;
use crate::{mailbox::Caller, rules::Network};

/// The other end of the connection.
#[derive(Clone)]
pub(super) struct Peer {
    /// Its network.
    pub(super) network: Network,
    /// Its place among the connections, which is free when nothing of the connection is left.
    pub(super) _place: Arc<Place>,
}

/// A [`Caller`] that outlives its request.
pub(super) struct Client {
    pub(super) network: Network,
    scheme: &'static str,
    authority: Option<String>,
}

impl From<Caller<'_>> for Client {
    fn from(caller: Caller<'_>) -> Self {
        let Caller { network, scheme, authority } = caller;
        Self { network, scheme, authority: authority.map(str::to_owned) }
    }
}

impl Client {
    pub(super) fn caller(&self) -> Caller<'_> {
        Caller { network: self.network, scheme: self.scheme, authority: self.authority.as_deref() }
    }
}

/// The caller of a request.
pub(super) fn caller<'a>(
    parts: &'a Parts,
    peer: Network,
    scheme: &'static str,
    trust_proxy: bool,
) -> Caller<'a> {
    let authority = parts.uri.authority().map(axum::http::uri::Authority::as_str);
    let authority = authority.or_else(|| text(&parts.headers, header::HOST.as_str()));
    let direct = Caller { network: peer, scheme, authority };
    if !trust_proxy {
        return direct;
    }
    let forwarded = parts.headers.get_all("x-forwarded-for").iter().next_back();
    let network = forwarded.and_then(|value| value.to_str().ok()).and_then(Network::forwarded);
    let scheme = match text(&parts.headers, "x-forwarded-proto") {
        Some(proto) if proto.eq_ignore_ascii_case("https") => "https",
        Some(_) => "http",
        None => scheme,
    };
    Caller { network: network.unwrap_or(peer), scheme, authority }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    fn request(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let builder = headers.iter().fold(Request::post(uri), |builder, (k, v)| builder.header(*k, *v));
        builder.body(()).unwrap().into_parts().0
    }

    const FORWARDED: [(&str, &str); 3] = [
        ("host", "mail.example"),
        ("x-forwarded-for", "192.0.2.9, 192.0.2.1"),
        ("x-forwarded-proto", "https"),
    ];

    #[test]
    fn headers_of_a_proxy_are_believed_only_on_request() {
        let parts = request("/", &FORWARDED);
        let peer = network("10.0.0.1");
        let direct = caller(&parts, peer, "http", false);
        assert_eq!((direct.network, direct.scheme), (peer, "http"));
        let proxied = caller(&parts, peer, "http", true);
        assert_eq!((proxied.network, proxied.scheme), (network("192.0.2.1"), "https"));
        let parts = request("/", &[]);
        let bare = caller(&parts, peer, "https", true);
        assert_eq!((bare.network, bare.scheme, bare.authority), (peer, "https", None));
    }

    #[test]
    fn http2_names_the_authority_in_the_uri() {
        let parts = request("https://mail.example:7000/", &FORWARDED[..1]);
        let caller = caller(&parts, network("10.0.0.1"), "https", false);
        assert_eq!(caller.authority, Some("mail.example:7000"));
    }
}
