//! `cargo xtask package c|jvm|android|apple|flutter`: what is published, in `target/packages`; or `notices`, the licences
//! that are passed on with it.
//!
//! The library for this machine is built here, stripped, and held against the budget of its size and against what it may
//! export. So are those for other platforms, with their vendors' tools; what is missing is named.

mod apple;
mod c;
mod flutter;
mod kotlin;
mod notices;
mod platforms;
mod prefix;

use std::{fs, path::Path};

use crate::{
    command::{self, Result, output, root},
    natives::{self, NATIVES, Profile},
};

const FOLDER: &str = "target/packages";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The library is no larger than this, in bytes.
const MAX_LIBRARY: u64 = 8 << 20;

/// A library that apps are shipped with.
struct Library {
    package: &'static str,
    name: &'static str,
    /// How what it shows begins. Anything else could clash with what an app brings: its own SQLite, say.
    exports: &'static [&'static str],
    /// The oldest iOS and macOS that it runs on.
    oldest_apple: [&'static str; 2],
}

impl Library {
    /// The variables that tell compilers of the oldest systems of Apple's.
    fn apple(&self) -> [(&'static str, &'static str); 2] {
        let [ios, macos] = self.oldest_apple;
        [("IPHONEOS_DEPLOYMENT_TARGET", ios), ("MACOSX_DEPLOYMENT_TARGET", macos)]
    }
}

/// For Kotlin and Swift.
const FFI: Library = Library {
    package: "connectoid-ffi",
    name: "connectoid_ffi",
    exports: &["ffi_connectoid_ffi_", "uniffi_", "UNIFFI_META_"],
    // As in Package.swift.
    oldest_apple: ["16.0", "13.0"],
};

/// For C and Dart.
const C: Library = Library {
    package: "connectoid-c",
    name: "connectoid",
    exports: &["connectoid_"],
    // Flutter makes a framework of it that says 12.0, and the App Store takes none whose library says more:
    // <https://github.com/dart-lang/native/issues/3594>.
    oldest_apple: ["12.0", "11.0"],
};

/// Makes a package.
pub(crate) fn run(what: Option<&str>) -> Result {
    make(FOLDER)?;
    match what {
        Some("c") => c::package(),
        Some("jvm") => kotlin::jvm(),
        Some("android") => kotlin::android(),
        Some("flutter") => flutter::package(),
        Some("notices") => notices::write(),
        Some("apple") => apple::package(),
        _ => Err("cargo xtask package c|jvm|android|apple|flutter|notices".into()),
    }
}

/// Builds the library for Kotlin and Swift, as it is shipped, and generates what belongs to it.
fn build_natives() -> Result {
    // A library of an earlier build does not slip in.
    remove(NATIVES)?;
    natives::run(Profile::Embedded)?;
    notices::write()?;
    copy(notices::FILE, &format!("{NATIVES}/META-INF/connectoid/THIRD-PARTY.txt"))?;
    let library = format!("{NATIVES}/{}/{}", natives::platform(), natives::library_name());
    exports_only(&library, &FFI)?;
    eprintln!("{library}: {} KiB", fits(&library)? >> 10);
    Ok(())
}

/// Where `libconnectoid` for this machine is, stripped, once there is the package for C.
pub(crate) fn c_library() -> String {
    format!("{FOLDER}/{}", c_library_name())
}

/// Where the installation for C is, once there is the package.
pub(crate) fn c_installation() -> String {
    c::stage()
}

fn c_library_name() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}connectoid{DLL_SUFFIX}")
}

/// Builds `libconnectoid` for this machine, as it is shipped, and strips it; returns where it is.
fn build_c() -> Result<String> {
    eprintln!("building the library as it is shipped, as small as it gets: this takes some minutes");
    command::run("cargo", &natives::shipped(C.package), ".")?;
    let stripped = c_library();
    command::run("strip", &["-o", &stripped, "-x", &format!("target/embedded/{}", c_library_name())], ".")?;
    let length = fits(&stripped)?;
    exports_only(&stripped, &C)?;
    eprintln!("{stripped}: {} KiB", length >> 10);
    Ok(stripped)
}

fn exports_only(file: &str, library: &Library) -> Result {
    // In Apple's format, names have an underscore more.
    let (arguments, before): (&[&str], _) =
        if Path::new(file).extension().is_some_and(|ending| ending == "dylib") {
            (&["-gUj"], "_")
        } else {
            (&["-D", "--defined-only", "--format=just-symbols"], "")
        };
    let symbols = output("nm", &[arguments, &[file]].concat())?;
    let is_ours = |name: &&str| {
        let name = name.strip_prefix(before).unwrap_or(name);
        library.exports.iter().any(|prefix| name.starts_with(prefix))
    };
    match symbols.lines().find(|name| !is_ours(name)) {
        Some(name) => Err(format!("{file} exports {name}")),
        None => Ok(()),
    }
}

/// The size of a library, in bytes, if it is within the budget.
fn fits(library: &str) -> Result<u64> {
    let length = fs::metadata(root().join(library)).map_err(|error| format!("{library}: {error}"))?.len();
    if length > MAX_LIBRARY {
        return Err(format!("{library} has {length} bytes, more than {MAX_LIBRARY}"));
    }
    Ok(length)
}

fn copy(from: &str, to: &str) -> Result {
    let to = root().join(to);
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    fs::copy(root().join(from), to).map(|_| ()).map_err(|error| format!("{from}: {error}"))
}

fn make(folder: &str) -> Result {
    fs::create_dir_all(root().join(folder)).map_err(|error| format!("{folder}: {error}"))
}

fn remove(folder: &str) -> Result {
    let path = root().join(folder);
    if !path.exists() {
        return Ok(());
    }
    fs::remove_dir_all(path).map_err(|error| format!("{folder}: {error}"))
}
