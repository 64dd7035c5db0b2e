//! Settings of a node.

use std::{net::IpAddr, time::Duration};

use connectoid::{Error, ErrorKind, Storage};
use zeroize::Zeroizing;

use crate::{error::NodeError, limits};

/// Everything about a node that an app may decide. What is not given is as the SDK has it by default.
#[derive(Clone, uniffi::Record)]
pub struct Settings {
    /// Where the data is kept; one node at a time uses a folder. Without one, the node forgets everything when it is
    /// closed.
    #[uniffi(default = None)]
    pub folder: Option<String>,
    /// One to three mailbox services, in order of preference.
    #[uniffi(default = [])]
    pub services: Vec<String>,
    /// The app's static data for these services, such as an API key.
    #[uniffi(default = None)]
    pub service_ext: Option<String>,
    /// Certificates in PEM of authorities that may have signed the certificates of services, beside those that browsers
    /// trust.
    #[uniffi(default = None)]
    pub service_roots: Option<String>,
    /// The URL that opens the app, to which links are appended.
    #[uniffi(default = None)]
    pub link_base: Option<String>,
    /// The pace of looking into the mailboxes in the background, at least a second.
    #[uniffi(default = None)]
    pub poll_interval: Option<Duration>,
    /// Whether the app starts in the foreground.
    #[uniffi(default = None)]
    pub pace: Option<Pace>,
    /// How long a connection with nothing to do stays open.
    #[uniffi(default = None)]
    pub idle_timeout: Option<Duration>,
    /// About how many bytes each group may take on this device; beyond it, new records of others are not received.
    #[uniffi(default = None)]
    pub group_quota: Option<u64>,
    /// STUN and TURN servers; without any, two nodes meet only within one network.
    #[uniffi(default = [])]
    pub ice_servers: Vec<IceServer>,
    /// Local addresses to connect from; empty for all usable ones.
    #[uniffi(default = [])]
    pub bind: Vec<String>,
    /// Whether to offer loopback addresses too, for apps on one machine.
    #[uniffi(default = false)]
    pub loopback: bool,
    /// The passphrase of the default key store.
    #[uniffi(default = None)]
    pub passphrase: Option<String>,
}

/// A STUN or TURN server.
#[derive(Clone, uniffi::Record)]
pub struct IceServer {
    /// `stun:host[:port]` or `turn:host[:port][?transport=udp]`.
    pub urls: Vec<String>,
    /// For TURN.
    #[uniffi(default = "")]
    pub username: String,
    /// For TURN: the password.
    #[uniffi(default = "")]
    pub credential: String,
}

/// How eagerly a node looks for news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Pace {
    /// In front of its user: latency matters.
    Foreground,
    /// Out of sight: battery matters.
    Background,
}

impl From<Pace> for connectoid::Pace {
    fn from(pace: Pace) -> Self {
        match pace {
            Pace::Foreground => Self::Foreground,
            Pace::Background => Self::Background,
        }
    }
}

impl TryFrom<Settings> for connectoid::Settings {
    type Error = NodeError;

    fn try_from(settings: Settings) -> Result<Self, NodeError> {
        settings.check()?;
        let mut result = match settings.folder {
            Some(folder) => Self::in_folder(folder),
            None => Self { storage: Storage::Memory, ..Self::in_memory() },
        };
        result.bind = settings.bind.iter().map(|text| address(text)).collect::<Result<_, _>>()?;
        result.ice_servers = settings.ice_servers.into_iter().map(Into::into).collect();
        result.services = settings.services;
        result.service_ext = settings.service_ext;
        result.service_roots = settings.service_roots;
        result.link_base = settings.link_base.unwrap_or(result.link_base);
        result.poll_interval = settings.poll_interval.unwrap_or(result.poll_interval);
        result.pace = settings.pace.map_or(result.pace, Into::into);
        result.idle_timeout = settings.idle_timeout.unwrap_or(result.idle_timeout);
        result.group_quota = settings.group_quota.unwrap_or(result.group_quota);
        result.loopback = settings.loopback;
        result.passphrase = settings.passphrase;
        Ok(result)
    }
}

impl Settings {
    fn check(&self) -> Result<(), NodeError> {
        limits::texts(self.services.iter())?;
        limits::texts(self.bind.iter())?;
        limits::within("ICE servers", self.ice_servers.len(), limits::MAX_LIST)?;
        for server in &self.ice_servers {
            limits::texts(server.urls.iter())?;
            limits::texts([&server.username, &server.credential].into_iter())?;
        }
        let texts = [&self.folder, &self.service_ext, &self.service_roots, &self.link_base, &self.passphrase];
        limits::texts(texts.into_iter().flatten().collect::<Vec<_>>().into_iter())
    }
}

impl From<IceServer> for connectoid::IceServer {
    fn from(server: IceServer) -> Self {
        let credential = Zeroizing::new(server.credential);
        Self { urls: server.urls, username: server.username, credential }
    }
}

fn address(text: &str) -> Result<IpAddr, NodeError> {
    let malformed = |_| Error::new(ErrorKind::Usage, "an entry of `bind` is no IP address");
    Ok(text.parse().map_err(malformed)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            folder: None,
            services: Vec::new(),
            service_ext: None,
            service_roots: None,
            link_base: None,
            poll_interval: None,
            pace: None,
            idle_timeout: None,
            group_quota: None,
            ice_servers: Vec::new(),
            bind: Vec::new(),
            loopback: false,
            passphrase: None,
        }
    }

    #[test]
    fn what_is_not_given_is_as_the_sdk_has_it() {
        let (given, default) =
            (connectoid::Settings::try_from(settings()).unwrap(), connectoid::Settings::in_memory());
        assert_eq!(
            (given.storage, given.link_base, given.poll_interval, given.pace, given.idle_timeout),
            (default.storage, default.link_base, default.poll_interval, default.pace, default.idle_timeout)
        );
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let bind = Settings { bind: vec!["localhost".to_owned()], ..settings() };
        let long = Settings { passphrase: Some("x".repeat(limits::MAX_TEXT + 1)), ..settings() };
        for wrong in [bind, long] {
            let Err(NodeError::Failed { problem }) = connectoid::Settings::try_from(wrong) else {
                unreachable!("it was taken")
            };
            assert_eq!(problem.kind, crate::ErrorKind::Usage);
        }
    }
}
