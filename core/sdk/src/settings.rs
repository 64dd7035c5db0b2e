//! Settings of a node.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

pub use connectoid_engine::DEFAULT_LINK_LIFETIME;
use connectoid_protocol::poll::Pace;
use serde::{Deserialize, Deserializer};

use crate::keystore::KeyStore;
pub use crate::rtc::IceServer;

/// How long a connection with nothing to do stays open unless set otherwise: long enough for the next
/// keystroke of a person, short enough for the radio.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// How much room a group may take on the disk unless set otherwise, in bytes: 1 GiB, far more than most apps keep of one,
/// and less than the disk of a phone.
pub const DEFAULT_GROUP_QUOTA: u64 = 1 << 30;

/// Where a node keeps its data.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Storage {
    /// In this folder, which is made if need be. One node at a time uses a folder.
    Folder(PathBuf),
    /// Nowhere: gone when the node is closed.
    Memory,
}

/// Everything about a node that an app may decide. Start with [`Settings::in_folder`] or
/// [`Settings::in_memory`] and change what matters.
///
/// As JSON only `storage` is required: `{"storage": {"folder": "/var/lib/my-app"}}` or `{"storage": "memory"}`. A
/// setting that is not one of these is refused: it is misspelt.
#[derive(Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the data is kept.
    pub storage: Storage,
    /// One to three mailbox services for the boxes of this node, in order of preference.
    #[serde(default)]
    pub services: Vec<String>,
    /// The app's static data for these services, such as an API key: see
    /// [`connectoid_protocol::address`].
    pub service_ext: Option<String>,
    /// Certificates in PEM of authorities that may have signed the certificates of mailbox services, beside those that
    /// browsers trust: for a service of one's own with an authority of one's own.
    pub service_roots: Option<String>,
    /// The URL that opens the app, to which links are appended.
    #[serde(default = "default_link_base")]
    pub link_base: String,
    /// The pace of looking into the mailboxes in the background, at least a second; in JSON, whole seconds.
    #[serde(default = "default_poll_interval", deserialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub poll_interval: Duration,
    /// Whether the app starts in the foreground.
    #[serde(default = "default_pace")]
    pub pace: Pace,
    /// How long a connection with nothing to do stays open; in JSON, whole seconds.
    #[serde(default = "default_idle_timeout", deserialize_with = "seconds")]
    #[cfg_attr(feature = "schema", schemars(with = "u64"))]
    pub idle_timeout: Duration,
    /// About how many bytes each group may take on this device: the members of a group can write as much as they like. Near
    /// it and at it the app is told ([`EventKind::GroupRoom`](crate::EventKind::GroupRoom)); beyond it new records of
    /// others are not received.
    #[serde(default = "default_group_quota")]
    pub group_quota: u64,
    /// STUN and TURN servers. Without any, two nodes meet only within one network: a STUN server tells each under which
    /// address it appears outside, and a TURN server relays where that is not enough.
    #[serde(default)]
    pub ice_servers: Vec<IceServer>,
    /// Local addresses to connect from; empty for all usable ones.
    #[serde(default)]
    pub bind: Vec<IpAddr>,
    /// Whether to offer loopback addresses too, for apps on one machine.
    #[serde(default)]
    pub loopback: bool,
    /// Where the master secret is kept; by default a file in the data folder.
    #[serde(skip)]
    pub key_store: Option<Arc<dyn KeyStore>>,
    /// The passphrase of the default key store.
    pub passphrase: Option<String>,
}

impl Settings {
    /// A node with its data in a folder.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self::with(Storage::Folder(folder.into()))
    }

    /// A node that forgets everything when it is closed.
    pub fn in_memory() -> Self {
        Self::with(Storage::Memory)
    }

    fn with(storage: Storage) -> Self {
        Self {
            storage,
            services: Vec::new(),
            service_ext: None,
            service_roots: None,
            link_base: default_link_base(),
            poll_interval: default_poll_interval(),
            pace: default_pace(),
            idle_timeout: default_idle_timeout(),
            group_quota: default_group_quota(),
            ice_servers: Vec::new(),
            bind: Vec::new(),
            loopback: false,
            key_store: None,
            passphrase: None,
        }
    }
}

fn default_link_base() -> String {
    "connectoid://open".to_owned()
}

fn default_poll_interval() -> Duration {
    Duration::from_micros(connectoid_protocol::poll::DEFAULT_INTERVAL)
}

fn default_pace() -> Pace {
    Pace::Foreground
}

fn default_idle_timeout() -> Duration {
    DEFAULT_IDLE_TIMEOUT
}

fn default_group_quota() -> u64 {
    DEFAULT_GROUP_QUOTA
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    u64::deserialize(deserializer).map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_gives_the_same_defaults() {
        let read: Settings = serde_json::from_str(r#"{"storage": {"folder": "/d"}}"#).unwrap();
        let made = Settings::in_folder("/d");
        assert_eq!((read.storage, read.services), (made.storage, made.services));
        assert_eq!((read.link_base, read.pace), (made.link_base, made.pace));
        assert_eq!((read.poll_interval, read.idle_timeout), (made.poll_interval, made.idle_timeout));
        assert_eq!(read.group_quota, made.group_quota);
    }

    #[test]
    fn json_says_where_the_data_is() {
        assert!(serde_json::from_str::<Settings>("{}").is_err(), "forgetting everything is no default");
        let read: Settings = serde_json::from_str(
            r#"{"storage": "memory", "idle_timeout": 5, "ice_servers": [{"urls": ["stun:s"]}]}"#,
        )
        .unwrap();
        assert_eq!((read.storage, read.idle_timeout), (Storage::Memory, Duration::from_secs(5)));
        assert_eq!(read.ice_servers[0].urls, ["stun:s"]);
    }

    #[test]
    fn what_is_misspelt_is_refused() {
        for json in [
            r#"{"storage": "memory", "service": []}"#,
            r#"{"storage": "memory", "ice_servers": [{"urls": [], "user": "u"}]}"#,
        ] {
            let refused = serde_json::from_str::<Settings>(json).err().unwrap().to_string();
            assert!(refused.contains("unknown field"), "{refused}");
        }
    }
}
