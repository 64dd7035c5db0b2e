//! What an installation of `libconnectoid` consists of: library, header, and what pkg-config and CMake look for. The tests
//! of the C ABI install it the same way.

use std::{fs, io, path::Path};

/// What goes where as it stands.
const FILES: [(&str, &str); 8] = [
    ("bindings/c/include/connectoid.h", "include/connectoid.h"),
    ("bindings/c/cmake/connectoid-config.cmake", "lib/cmake/connectoid/connectoid-config.cmake"),
    ("LICENSE-APACHE", "share/doc/connectoid/LICENSE-APACHE"),
    ("LICENSE-MIT", "share/doc/connectoid/LICENSE-MIT"),
    ("bindings/c/METHODS.md", "share/doc/connectoid/METHODS.md"),
    ("bindings/c/schema.json", "share/doc/connectoid/schema.json"),
    ("bindings/c/examples/share.c", "share/doc/connectoid/examples/share.c"),
    ("bindings/c/examples/CMakeLists.txt", "share/doc/connectoid/examples/CMakeLists.txt"),
];

/// The README, and where its links lead in an installation; the others lead to files beside it.
const README: (&str, &str) = ("bindings/c/README.md", "share/doc/connectoid/README.md");
const LINKS: [(&str, &str); 3] = [
    ("include/connectoid.h", "../../../include/connectoid.h"),
    ("../../docs/guides/", "https://github.com/connectoid/connectoid/blob/main/docs/guides/"),
    ("tests", "https://github.com/connectoid/connectoid/tree/main/bindings/c/tests"),
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
    install_library(library, version, &prefix.join("lib"))?;
    for (from, to) in FILES {
        copy(&root.join(from), &prefix.join(to))?;
    }
    let mut readme = fs::read_to_string(root.join(README.0))?;
    for (here, there) in LINKS {
        let end = if here.ends_with('/') { "" } else { ")" };
        readme = readme.replace(&format!("]({here}{end}"), &format!("]({there}{end}"));
    }
    fs::write(prefix.join(README.1), readme)?;
    for (from, to) in TEMPLATES {
        let text = fs::read_to_string(root.join(from))?;
        let to = prefix.join(to);
        make_folder(&to)?;
        fs::write(to, text.replace("@VERSION@", version))?;
    }
    Ok(())
}

/// On Linux, the file has the whole version in its name; what programs look for when they start, and the linker when they
/// are made, are links to it.
fn install_library(library: &Path, version: &str, folder: &Path) -> io::Result<()> {
    let name = library.file_name().and_then(|name| name.to_str()).ok_or(io::ErrorKind::InvalidInput)?;
    if library.extension().is_none_or(|extension| extension != "so") {
        return copy(library, &folder.join(name));
    }
    let file = format!("{name}.{version}");
    copy(library, &folder.join(&file))?;
    link(&file, &folder.join(format!("{name}.{}", series(version))))?;
    link(&file, &folder.join(name))
}

/// What goes together: equal minor versions, and from 1.0 on equal major ones. The library's build script says the same.
fn series(version: &str) -> String {
    let parts = version.split('.').take(if version.starts_with("0.") { 2 } else { 1 });
    parts.collect::<Vec<_>>().join(".")
}

#[cfg(unix)]
fn link(to: &str, name: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(to, name)
}

#[cfg(not(unix))]
fn link(_: &str, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    make_folder(to)?;
    fs::copy(from, to).map(|_| ())
}

fn make_folder(file: &Path) -> io::Result<()> {
    file.parent().map_or(Ok(()), fs::create_dir_all)
}
