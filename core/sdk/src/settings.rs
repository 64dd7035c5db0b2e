//! Settings of a node.

use std::{net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use connectoid_protocol::poll::Pace;

use crate::keystore::KeyStore;
pub use crate::rtc::IceServer;

/// How long a link works unless the call says otherwise.
pub const DEFAULT_LINK_LIFETIME: Duration = Duration::from_hours(24);

/// How long a connection with nothing to do stays open unless set otherwise: long enough for the next
/// keystroke of a person, short enough for the radio.
pub const DEFAULT_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

/// Where a node keeps its data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Storage {
    /// In this folder, which is made if need be. One node at a time uses a folder.
    Folder(PathBuf),
    /// Nowhere: gone when the node is closed.
    Memory,
}

/// Everything about a node that an app may decide. Start with [`Settings::in_folder`] or
/// [`Settings::in_memory`] and change what matters.
#[derive(Clone)]
pub struct Settings {
    /// Where the data is kept.
    pub storage: Storage,
    /// One to three mailbox services for the boxes of this node, in order of preference.
    pub services: Vec<String>,
    /// The app's static data for these services, such as an API key: see
    /// [`connectoid_protocol::address`].
    pub service_ext: Option<String>,
    /// The URL that opens the app, to which links are appended.
    pub link_base: String,
    /// The pace of looking into the mailboxes in the background.
    pub poll_interval: Duration,
    /// Whether the app starts in the foreground.
    pub pace: Pace,
    /// How long a connection with nothing to do stays open.
    pub idle_timeout: Duration,
    /// STUN and TURN servers.
    pub ice_servers: Vec<IceServer>,
    /// Local addresses to connect from; empty for all usable ones.
    pub bind: Vec<IpAddr>,
    /// Whether to offer loopback addresses too, for apps on one machine.
    pub loopback: bool,
    /// Where the master secret is kept; by default a file in the data folder.
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
            link_base: "connectoid://open".to_owned(),
            poll_interval: Duration::from_micros(connectoid_protocol::poll::DEFAULT_INTERVAL),
            pace: Pace::Foreground,
            idle_timeout: DEFAULT_IDLE_TIMEOUT,
            ice_servers: Vec::new(),
            bind: Vec::new(),
            loopback: false,
            key_store: None,
            passphrase: None,
        }
    }
}
