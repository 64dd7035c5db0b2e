//! `cargo xtask targets`: the library type-checked for phones, so that a mistake for one of them is found without its
//! vendor's tools; and protocol and engine for the web, where they run as they are.

use std::{fs, path::Path};

use crate::{
    command::{Result, root},
    std_source,
};

/// One for each system: what differs from it in the processor alone is written for none. The one for Android has 32 bits;
/// 64 are tested here.
const PHONES: [&str; 2] = ["armv7-linux-androideabi", "aarch64-apple-ios"];

const WEB: &str = "wasm32-unknown-unknown";

const FOLDER: &str = "target/targets";

/// Stands in for the C compilers of the platforms. SQLite and the cryptography in C are not ours to check, and nothing is
/// linked: their objects may be empty. What they ask of the compiler itself is answered by this machine's.
const COMPILER: &str = r#"#!/bin/sh
for argument; do
    case $argument in -E | -\?) exec cc "$@" ;; esac
    [ "$before" = -o ] && : > "$argument"
    before=$argument
done
"#;

/// Checks for all targets. In CI that must be possible; elsewhere what is missing is named.
pub(crate) fn check() -> Result {
    if !std_source::is_installed() && std::env::var_os("CI").is_none() {
        eprintln!("skipped: checking for phones needs, on Debian, the packages {}", std_source::PACKAGES);
        return Ok(());
    }
    let folder = root().join(FOLDER);
    let compiler = folder.join("cc");
    let failed = |error| format!("{}: {error}", compiler.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::write(&compiler, COMPILER).map_err(failed)?;
    executable(&compiler).map_err(failed)?;
    let (compiler, sdk) = (compiler.display().to_string(), folder.display().to_string());
    let tools =
        PHONES.into_iter().chain([WEB]).map(|target| [format!("CC_{target}"), format!("AR_{target}")]);
    let tools: Vec<_> = tools.collect();
    let mut variables = vec![("SDKROOT", &*sdk)];
    for [cc, ar] in &tools {
        variables.extend([(&**cc, &*compiler), (ar, "ar")]);
    }
    let libraries = ["check", "--package", "connectoid-c", "--package", "connectoid-ffi"];
    std_source::cargo(&libraries, &PHONES, &variables)?;
    std_source::cargo(&["check", "--package", "connectoid-engine"], &[WEB], &variables)
}

fn executable(file: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let _ = file;
    Ok(())
}
