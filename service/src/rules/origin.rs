//! Origins: under which name a client reached the service.
//!
//! Questions are sealed for an origin (`scheme://host[:port]`, as in RFC 6454 §6.2: lower case, without
//! the scheme's default port), and clients answer only for the origin that they dialled. That keeps a
//! malicious service from passing this service's question on to its own clients and collecting their
//! answers, *provided that this service knows its own names*. Without public URLs the origin follows
//! the request's `Host`, which the malicious service would set to its own name: good enough at home,
//! not on the open net.

use std::sync::Arc;

use connectoid_protocol::{
    mailbox::Refusal,
    origin::{of_authority, of_url},
};

use super::Refused;

/// The text is not the URL of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an http(s) URL of a host: expected scheme://host[:port]")]
pub struct NotAnOrigin;

/// The names of this service.
#[derive(Debug, Clone, Default)]
pub struct Origins(Vec<Arc<str>>);

impl Origins {
    /// The origins of the URLs under which clients reach the service.
    ///
    /// # Errors
    /// [`NotAnOrigin`] if one is not an http(s) URL.
    pub fn new<'a>(urls: impl IntoIterator<Item = &'a str>) -> Result<Self, NotAnOrigin> {
        let origins = urls.into_iter().map(|url| of_url(url).map(Arc::from));
        origins.collect::<Option<_>>().map(Self).ok_or(NotAnOrigin)
    }

    /// Whether the service knows no name of its own.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The origin for a request with this `Host`: the public URL with that host, else the first one; without
    /// public URLs whatever the client dialled.
    ///
    /// # Errors
    /// `Malformed` if there is no public URL and no usable `Host`.
    pub fn dialled(&self, scheme: &str, authority: Option<&str>) -> Result<Arc<str>, Refused> {
        let dialled = authority.and_then(|authority| of_authority(scheme, authority));
        let Some(first) = self.0.first() else {
            return dialled.map(Arc::from).ok_or(Refused::finally(Refusal::Malformed));
        };
        let host = authority.map(str::to_ascii_lowercase);
        let known = self.0.iter().find(|origin| host.as_deref() == authority_of(origin));
        Ok(known.unwrap_or(first).clone())
    }
}

fn authority_of(origin: &str) -> Option<&str> {
    origin.split_once("://").map(|(_, authority)| authority)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialled(urls: &[&str], scheme: &str, authority: Option<&str>) -> Option<String> {
        let origins = Origins::new(urls.iter().copied()).unwrap();
        origins.dialled(scheme, authority).ok().map(|origin| origin.to_string())
    }

    #[test]
    fn without_public_urls_the_request_decides() {
        let at = |scheme, authority| dialled(&[], scheme, authority);
        assert_eq!(at("http", Some("Mail.Example:80")).as_deref(), Some("http://mail.example"));
        assert_eq!(at("https", Some("mail.example:443")).as_deref(), Some("https://mail.example"));
        assert_eq!(at("https", Some("mail.example:80")).as_deref(), Some("https://mail.example:80"));
        assert_eq!(at("http", Some("[::1]:7000")).as_deref(), Some("http://[::1]:7000"));
        assert_eq!(at("http", Some("[2001:db8::80]")).as_deref(), Some("http://[2001:db8::80]"));
        for wrong in [None, Some(""), Some("a b"), Some("user@host"), Some(&"a".repeat(262)[..])] {
            assert_eq!(at("http", wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn with_public_urls_nobody_else_decides() {
        let urls = ["https://mail.example/", "HTTPS://Other.example:8443/path?x"];
        assert_eq!(
            dialled(&urls, "http", Some("OTHER.example:8443")).as_deref(),
            Some("https://other.example:8443")
        );
        assert_eq!(dialled(&urls, "http", Some("mail.example")).as_deref(), Some("https://mail.example"));
        for other in [None, Some("evil.example"), Some("a b")] {
            assert_eq!(dialled(&urls, "http", other).as_deref(), Some("https://mail.example"));
        }
    }

    #[test]
    fn public_urls_are_checked() {
        for wrong in ["mail.example", "ftp://mail.example", "https://", "https://user@mail.example"] {
            assert_eq!(Origins::new([wrong]).err(), Some(NotAnOrigin), "{wrong}");
        }
    }
}
