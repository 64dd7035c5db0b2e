//! What an installation of `libconnectoid` consists of: library, header, and what pkg-config and CMake look for. The tests
//! of the C ABI install it the same way.

use std::{fs, io, path::Path};

/// What goes where as it stands.
const FILES: [(&str, &str); 9] = [
    ("bindings/c/include/connectoid.h", "include/connectoid.h"),
    ("bindings/c/cmake/connectoid-config.cmake", "lib/cmake/connectoid/connectoid-config.cmake"),
    ("LICENSE-APACHE", "share/doc/connectoid/LICENSE-APACHE"),
    ("LICENSE-MIT", "share/doc/connectoid/LICENSE-MIT"),
    ("bindings/c/README.md", "share/doc/connectoid/README.md"),
    ("bindings/c/METHODS.md", "share/doc/connectoid/METHODS.md"),
    ("bindings/c/schema.json", "share/doc/connectoid/schema.json"),
    ("bindings/c/examples/share.c", "share/doc/connectoid/examples/share.c"),
    ("bindings/c/examples/CMakeLists.txt", "share/doc/connectoid/examples/CMakeLists.txt"),
];

/// What goes where with the version put in.
const TEMPLATES: [(&str, &str); 2] = [
    ("bindings/c/connectoid.pc.in", "lib/pkgconfig/connectoid.pc"),
    (
        "bindings/c/cmake/connectoid-config-version.cmake.in",
        "lib/cmake/connectoid/connectoid-config-version.cmake",
    ),
];

/// Installs into a prefix, such as `/usr/local`: the library, and what else belongs to it from the project's root.
pub(crate) fn install(library: &Path, version: &str, root: &Path, prefix: &Path) -> io::Result<()> {
    let name = library.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    copy(library, &prefix.join("lib").join(name))?;
    for (from, to) in FILES {
        copy(&root.join(from), &prefix.join(to))?;
    }
    for (from, to) in TEMPLATES {
        let text = fs::read_to_string(root.join(from))?;
        let to = prefix.join(to);
        make_folder(&to)?;
        fs::write(to, text.replace("@VERSION@", version))?;
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    fs::copy(from, to).map(|_| ())
}

fn make_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}
