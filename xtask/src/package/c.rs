//! The tarball for C: library, header, and what pkg-config and CMake look for.

use std::fs;

use super::{FOLDER, VERSION, build_c, copy, remove};
use crate::{
    command::{self, Result, root},
    natives,
};

/// What goes where as it stands.
const FILES: [(&str, &str); 8] = [
    ("bindings/c/include/connectoid.h", "include/connectoid.h"),
    ("bindings/c/cmake/connectoid-config.cmake", "lib/cmake/connectoid/connectoid-config.cmake"),
    ("LICENSE-APACHE", "share/doc/connectoid/LICENSE-APACHE"),
    ("LICENSE-MIT", "share/doc/connectoid/LICENSE-MIT"),
    ("bindings/c/README.md", "share/doc/connectoid/README.md"),
    ("bindings/c/METHODS.md", "share/doc/connectoid/METHODS.md"),
    ("bindings/c/schema.json", "share/doc/connectoid/schema.json"),
    ("bindings/c/examples/share.c", "share/doc/connectoid/examples/share.c"),
];

/// What goes where with the version put in.
const TEMPLATES: [(&str, &str); 2] = [
    ("bindings/c/connectoid.pc.in", "lib/pkgconfig/connectoid.pc"),
    (
        "bindings/c/cmake/connectoid-config-version.cmake.in",
        "lib/cmake/connectoid/connectoid-config-version.cmake",
    ),
];

/// To be unpacked into a prefix, such as `/usr/local`.
pub(super) fn package() -> Result {
    let name = format!("connectoid-{VERSION}-{}", natives::platform());
    let stage = format!("{FOLDER}/{name}");
    remove(&stage)?;
    let library = build_c()?;
    let file = library.rsplit('/').next().unwrap_or(&library);
    copy(&library, &format!("{stage}/lib/{file}"))?;
    for (from, to) in FILES {
        copy(from, &format!("{stage}/{to}"))?;
    }
    for (from, to) in TEMPLATES {
        let to = format!("{stage}/{to}");
        copy(from, &to)?;
        let path = root().join(&to);
        let failed = |error| format!("{to}: {error}");
        let text = fs::read_to_string(&path).map_err(failed)?;
        fs::write(&path, text.replace("@VERSION@", VERSION)).map_err(failed)?;
    }
    let tarball = format!("{FOLDER}/{name}.tar.gz");
    command::run("tar", &["--create", "--gzip", "--file", &tarball, "--directory", FOLDER, &name], ".")
}
