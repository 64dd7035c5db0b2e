//! `cargo xtask package c|jvm|android|apple|flutter`: what is published, in `target/packages`.
//!
//! The library for this machine is built here, stripped, and held against the budget of its size and against what it may
//! export. Those for other platforms are built with their vendors' tools, and taken from where Cargo puts them; what is
//! missing is named.

mod c;
mod flutter;
mod kotlin;

use std::{fs, path::Path};

use crate::{
    command::{self, Result, output, root},
    natives::{self, NATIVES, Profile},
};

const FOLDER: &str = "target/packages";

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The library is no larger than this, in bytes.
const MAX_LIBRARY: u64 = 8 << 20;

/// A platform whose library is built with the vendor's tools.
struct Platform {
    /// In Rust.
    target: &'static str,
    /// In an AAR.
    android: Option<&'static str>,
    /// In Flutter's build hook.
    flutter: &'static str,
    /// In a jar, as JNA looks for it.
    jna: Option<&'static str>,
    /// The ending of a library.
    ending: &'static str,
}

const ELSEWHERE: [Platform; 8] = [
    android("aarch64-linux-android", "arm64-v8a", "android_arm64"),
    android("armv7-linux-androideabi", "armeabi-v7a", "android_arm"),
    android("x86_64-linux-android", "x86_64", "android_x64"),
    ios("aarch64-apple-ios", "ios_arm64"),
    ios("aarch64-apple-ios-sim", "ios_arm64_simulator"),
    desktop("aarch64-apple-darwin", "macos_arm64", "darwin-aarch64", "dylib"),
    desktop("x86_64-unknown-linux-gnu", "linux_x64", "linux-x86-64", "so"),
    desktop("aarch64-unknown-linux-gnu", "linux_arm64", "linux-aarch64", "so"),
];

const fn android(target: &'static str, name: &'static str, flutter: &'static str) -> Platform {
    Platform { target, android: Some(name), flutter, jna: None, ending: "so" }
}

const fn ios(target: &'static str, flutter: &'static str) -> Platform {
    Platform { target, android: None, flutter, jna: None, ending: "dylib" }
}

const fn desktop(
    target: &'static str,
    flutter: &'static str,
    jna: &'static str,
    ending: &'static str,
) -> Platform {
    Platform { target, android: None, flutter, jna: Some(jna), ending }
}

/// Makes a package.
pub(crate) fn run(what: Option<&str>) -> Result {
    make(FOLDER)?;
    match what {
        Some("c") => c::package(),
        Some("jvm") => kotlin::jvm(),
        Some("android") => kotlin::android(),
        Some("flutter") => flutter::package(),
        Some("apple") => command::run("sh", &["swift/scripts/xcframework.sh"], "."),
        _ => Err("cargo xtask package c|jvm|android|apple|flutter".into()),
    }
}

/// Builds the library for Kotlin and Swift, as it is shipped, and generates what belongs to it.
fn build_natives() -> Result {
    // A library of an earlier build does not slip in.
    remove(NATIVES)?;
    natives::run(Profile::Embedded)?;
    let library = format!("{NATIVES}/{}/{}", natives::platform(), natives::library_name());
    exports_only(&library, &["ffi_connectoid_ffi_", "uniffi_", "UNIFFI_META_"])?;
    eprintln!("{library}: {} KiB", fits(&library)? >> 10);
    Ok(())
}

/// Where `libconnectoid` for this machine is, stripped, once there is the package for C.
pub(crate) fn c_library() -> String {
    format!("{FOLDER}/{}", c_library_name())
}

fn c_library_name() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}connectoid{DLL_SUFFIX}")
}

/// Builds `libconnectoid` for this machine, as it is shipped, and strips it; returns where it is.
fn build_c() -> Result<String> {
    command::run("cargo", &["build", "--quiet", "--profile", "embedded", "-p", "connectoid-c"], ".")?;
    let stripped = c_library();
    command::run("strip", &["-o", &stripped, "-x", &format!("target/embedded/{}", c_library_name())], ".")?;
    let length = fits(&stripped)?;
    exports_only(&stripped, &["connectoid_"])?;
    eprintln!("{stripped}: {} KiB", length >> 10);
    Ok(stripped)
}

/// What else a library shows could clash with what an app brings: its own SQLite, say.
fn exports_only(library: &str, ours: &[&str]) -> Result {
    let symbols = output("nm", &["-D", "--defined-only", "--format=just-symbols", library])?;
    match symbols.lines().find(|name| !ours.iter().any(|prefix| name.starts_with(prefix))) {
        Some(name) => Err(format!("{library} exports {name}")),
        None => Ok(()),
    }
}

/// A library that was built with a vendor's tools, if it is there; says how to build it if not.
fn built_elsewhere(platform: &Platform, package: &str, name: &str) -> Result<Option<String>> {
    let Platform { target, ending, .. } = platform;
    let library = format!("target/{target}/embedded/lib{name}.{ending}");
    if !root().join(&library).exists() {
        eprintln!(
            "missing: {library}; with the linker of the platform: \
             cargo rustc --profile embedded -p {package} --crate-type cdylib --target {target}"
        );
        return Ok(None);
    }
    eprintln!("{library}: {} KiB", fits(&library)? >> 10);
    Ok(Some(library))
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
    if !Path::exists(&path) {
        return Ok(());
    }
    fs::remove_dir_all(path).map_err(|error| format!("{folder}: {error}"))
}
