//! What an operator can set.

use std::{fmt, net::SocketAddr, path::PathBuf, time::Duration};

use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    rules::{quota::BOX_LIFETIME, throttle::Rate},
    store::Capacity,
};

/// How a service runs.
#[derive(Debug)]
pub struct Config {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the boxes are.
    pub storage: Storage,
    /// The URLs under which clients reach it. Without any, each request's `Host` is believed, which lets
    /// a malicious service pass questions on: see [`crate::rules::origin`].
    pub public_urls: Vec<String>,
    /// Whether a proxy in front sets `X-Forwarded-For` and `X-Forwarded-Proto`.
    pub trust_proxy: bool,
    /// The certificate, if the service itself speaks TLS. The files are read anew when they have changed.
    pub tls: Option<TlsFiles>,
    /// If there are any, a request needs one of them as its `ext`.
    pub api_keys: ApiKeys,
    /// How many bits of [`connectoid_protocol::work`] a message without an API key needs, at most
    /// [`connectoid_protocol::work::MAX_WORK_BITS`]; 0 for none.
    pub pow_bits: u32,
    /// The limits.
    pub limits: Limits,
    /// What tells the time.
    pub clock: Clock,
}

impl Config {
    /// A service on the given address, with everything else at its default.
    pub fn new(listen: SocketAddr, storage: Storage) -> Self {
        Self {
            listen,
            storage,
            public_urls: Vec::new(),
            trust_proxy: false,
            tls: None,
            api_keys: ApiKeys::default(),
            pow_bits: 0,
            limits: Limits::default(),
            clock: Clock::system(),
        }
    }
}

/// Where the boxes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In memory: gone with the process.
    Memory,
    /// In SQLite, in this directory, which is made if there is none.
    Directory(PathBuf),
}

/// Files in PEM.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate, followed by its chain.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Keys that admit to the service. `Debug` is redacted.
#[derive(Default, Clone)]
pub struct ApiKeys(Vec<Zeroizing<String>>);

impl ApiKeys {
    /// Takes the keys; empty ones are left out.
    pub fn new(keys: impl IntoIterator<Item = String>) -> Self {
        Self(keys.into_iter().filter(|key| !key.is_empty()).map(Zeroizing::new).collect())
    }

    /// Whether requests need no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a request with this `ext` is admitted. Compares in constant time.
    pub fn admit(&self, ext: Option<&str>) -> bool {
        let ext = ext.unwrap_or_default().as_bytes();
        let fits = |key: &Zeroizing<String>| bool::from(key.as_bytes().ct_eq(ext));
        self.is_empty() || self.0.iter().fold(false, |found, key| fits(key) | found)
    }
}

impl fmt::Debug for ApiKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKeys({} redacted)", self.0.len())
    }
}

/// How much clients may ask for. A client is a network: an IPv4 address or an IPv6 /56. Those of one IPv4 /24 or IPv6 /48
/// together may ask for eight times as much.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Requests per second and client; a `check` counts once, however many boxes it is about. Many users can share an
    /// IPv4 address, and each makes few requests.
    pub requests_per_second: u32,
    /// Requests per second, client and box. Apps in a hurry check a box every 2 s.
    pub box_requests_per_second: u32,
    /// New boxes per hour and client. An app makes one per person and week.
    pub new_boxes_per_hour: u32,
    /// New boxes in 30 days and client, which is also about how many it can hold: a box stays that long.
    pub boxes_held_per_client: u32,
    /// New questions per second and client. Each costs about 2 ms of CPU.
    pub questions_per_second: u32,
    /// New questions per second in all: the default takes some 40 % of one core.
    pub questions_per_second_in_all: u32,
    /// Connections in all.
    pub connections: usize,
    /// Connections per client, unless a proxy is in front.
    pub connections_per_client: usize,
    /// Checks that wait, in all.
    pub waits: usize,
    /// Checks that wait, per client.
    pub waits_per_client: usize,
    /// Boxes and characters of `data` in the store.
    pub capacity: Capacity,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            requests_per_second: 50,
            box_requests_per_second: 2,
            new_boxes_per_hour: 500,
            boxes_held_per_client: 20_000,
            questions_per_second: 5,
            questions_per_second_in_all: 200,
            connections: 10_000,
            connections_per_client: 256,
            waits: 10_000,
            waits_per_client: 200,
            capacity: Capacity { boxes: 1_000_000, length: 1 << 30 },
        }
    }
}

impl Limits {
    /// Ten seconds' worth at once.
    pub(crate) fn requests(&self) -> Rate {
        Rate::per_second(self.requests_per_second, self.requests_per_second.saturating_mul(10))
    }

    /// Half a minute's worth at once: connecting is a flurry of checks and messages.
    pub(crate) fn box_requests(&self) -> Rate {
        Rate::per_second(self.box_requests_per_second, self.box_requests_per_second.saturating_mul(30))
    }

    /// Four hours' worth at once: a restored device makes all its boxes at a time, and may have a thousand and more.
    pub(crate) fn new_boxes(&self) -> Rate {
        let burst = self.new_boxes_per_hour.saturating_mul(4);
        Rate::new(self.new_boxes_per_hour, Duration::from_hours(1), burst)
    }

    /// All of them at once, as far as the hour allows.
    pub(crate) fn boxes_held(&self) -> Rate {
        Rate::new(self.boxes_held_per_client, Duration::from_micros(BOX_LIFETIME), self.boxes_held_per_client)
    }

    /// Ten seconds' worth at once.
    pub(crate) fn questions(&self) -> Rate {
        Rate::per_second(self.questions_per_second, self.questions_per_second.saturating_mul(10))
    }

    /// Two seconds' worth at once, which is also about how long the last in the queue waits.
    pub(crate) fn questions_in_all(&self) -> Rate {
        Rate::per_second(self.questions_per_second_in_all, self.questions_per_second_in_all.saturating_mul(2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_admit_only_their_holders() {
        let keys = ApiKeys::new(["alpha".into(), String::new(), "beta".into()]);
        assert!(keys.admit(Some("alpha")) && keys.admit(Some("beta")));
        assert!(!keys.admit(None) && !keys.admit(Some("")) && !keys.admit(Some("alph")));
        assert!(ApiKeys::new([String::new()]).admit(None), "no keys, no lock");
        assert_eq!(format!("{keys:?}"), "ApiKeys(2 redacted)");
    }
}
