//! What a data folder remembers of the command line, so that it need not be repeated.

use std::{
    fs,
    io::ErrorKind as ErrorKindOfFile,
    path::{Path, PathBuf},
};

use connectoid::{Error, ErrorKind, Result, files};
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
    /// Certificates in PEM: what was in the file, which may be elsewhere next time.
    pub(crate) service_roots: Option<String>,
}

/// What a command goes by: what the folder remembers, and what was typed.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    path: PathBuf,
    is_new: bool,
}

/// Reads what the folder remembers and adds what was typed.
pub(crate) fn load(common: &Common, data: &Path) -> Result<Loaded> {
    let path = data.join(FILE);
    let known: Config = match fs::read(&path) {
        Ok(text) => serde_json::from_slice(&text).map_err(|error| damaged(&path, &error))?,
        Err(error) if error.kind() == ErrorKindOfFile::NotFound => Config::default(),
        Err(error) => return Err(unusable(&path, &error)),
    };
    let roots = common.service_roots.as_deref().map(read_roots).transpose()?;
    let config = Config {
        service_roots: roots.or_else(|| known.service_roots.clone()),
        services: if common.services.is_empty() { known.services.clone() } else { common.services.clone() },
        ice_servers: if common.ice_servers.is_empty() {
            known.ice_servers.clone()
        } else {
            common.ice_servers.clone()
        },
        loopback: common.loopback || known.loopback,
    };
    let is_new = config != known;
    Ok(Loaded { config, path, is_new })
}

fn read_roots(file: &Path) -> Result<String> {
    fs::read_to_string(file).map_err(|error| {
        Error::new(ErrorKind::Usage, format!("{}: {}", file.display(), files::reason(&error)))
    })
}

impl Loaded {
    /// Remembers it, once it has proven to be of use: what no node can be opened with would spoil every later command.
    pub(crate) fn remember(&self) -> Result<()> {
        if !self.is_new {
            return Ok(());
        }
        let text = serde_json::to_vec_pretty(&self.config).unwrap_or_default();
        files::write(&self.path, &text).map_err(|error| unusable(&self.path, &error))
    }
}

fn unusable(path: &Path, error: &std::io::Error) -> Error {
    let message = format!("{}: {}", path.display(), files::reason(error));
    Error::new(ErrorKind::StorageUnavailable, message)
}

fn damaged(path: &Path, error: &serde_json::Error) -> Error {
    Error::new(ErrorKind::StorageCorrupt, format!("{} is damaged ({error}); delete it", path.display()))
}
