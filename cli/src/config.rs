//! What a data folder remembers of the command line, so that it need not be repeated.

use std::{fs, path::Path};

use connectoid::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};

use crate::args::Common;

const FILE: &str = "cli.json";

/// The remembered options.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Config {
    pub(crate) services: Vec<String>,
    pub(crate) ice_servers: Vec<String>,
    pub(crate) loopback: bool,
}

/// Reads what the folder remembers and adds what was typed.
pub(crate) fn load(common: &Common) -> Result<Config> {
    let path = common.data.join(FILE);
    let known: Config = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(&path, &error))?,
        Err(_) => Config::default(),
    };
    let config = Config {
        services: if common.services.is_empty() { known.services.clone() } else { common.services.clone() },
        ice_servers: if common.ice_servers.is_empty() {
            known.ice_servers.clone()
        } else {
            common.ice_servers.clone()
        },
        loopback: common.loopback || known.loopback,
    };
    if config != known {
        save(&path, &config)?;
    }
    Ok(config)
}

fn save(path: &Path, config: &Config) -> Result<()> {
    let text = serde_json::to_vec_pretty(config).unwrap_or_default();
    let unusable = |error| {
        Error::new(ErrorKind::StorageUnavailable, format!("the data folder cannot be written to: {error}"))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(unusable)?;
    }
    control_file(path, &text).map_err(unusable)
}

/// Writes a file that only its owner can read: ICE servers have passwords, control files have tokens.
pub(crate) fn control_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    use std::io::Write;
    let temporary = path.with_extension("new");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&temporary)?.write_all(content)?;
    fs::rename(temporary, path)
}

fn damaged(path: &Path, error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::StorageCorrupt, format!("{} is damaged ({error}); delete it", path.display()))
}
