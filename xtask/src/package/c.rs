//! The tarball for C.

use super::{FOLDER, VERSION, build_c, copy, notices, prefix, remove};
use crate::{
    command::{self, Result, root},
    natives,
};

/// To be unpacked into a prefix, such as `/usr/local`.
pub(super) fn package() -> Result {
    let (name, stage) = (name(), stage());
    remove(&stage)?;
    let library = root().join(build_c()?);
    prefix::install(&library, VERSION, &root(), &root().join(&stage))
        .map_err(|error| format!("{stage}: {error}"))?;
    notices::write()?;
    copy(notices::FILE, &format!("{stage}/share/doc/connectoid/THIRD-PARTY.txt"))?;
    let tarball = format!("{FOLDER}/{name}.tar.gz");
    command::run("tar", &["--create", "--gzip", "--file", &tarball, "--directory", FOLDER, &name], ".")
}

/// Where the installation is, once it was made.
pub(super) fn stage() -> String {
    format!("{FOLDER}/{}", name())
}

fn name() -> String {
    format!("connectoid-{VERSION}-{}", natives::platform())
}
