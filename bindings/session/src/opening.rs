//! The settings of a session.

use connectoid::Settings;
use serde::Deserialize;

/// Settings as JSON. Only `storage` is required.
#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opening {
    /// Those of the node.
    #[serde(flatten)]
    pub settings: Settings,
    /// Whether the app keeps the master secret: then it is asked by requests ([`crate::HostRequest`]). By default the
    /// secret is kept in a file of the data folder, under `passphrase` if there is one.
    #[serde(default)]
    pub host_key_store: bool,
}
