//! The libraries that the Flutter package bundles, where its build hook looks for them.

use std::fs;

use super::{C, build_c, copy, notices, platforms::PLATFORMS};
use crate::command::{Result, root};

const FOLDER: &str = "flutter/native";

/// What Flutter shows among the licences of an app.
const LICENCE: &str = "flutter/LICENSE";

/// That of this machine, and those that were built elsewhere.
pub(super) fn package() -> Result {
    notices::write()?;
    let others = fs::read_to_string(root().join(notices::FILE)).map_err(|error| error.to_string())?;
    fs::write(root().join(LICENCE), notices::own()? + &others)
        .map_err(|error| format!("{LICENCE}: {error}"))?;
    let library = build_c()?;
    let file = library.rsplit('/').next().unwrap_or(&library);
    copy(&library, &format!("{FOLDER}/{}/{file}", here()))?;
    for platform in PLATFORMS.iter().filter(|platform| platform.flutter != here()) {
        if let Some(library) = platform.library(&C)? {
            copy(&library, &format!("{FOLDER}/{}/libconnectoid.{}", platform.flutter, platform.ending))?;
        }
    }
    Ok(())
}

/// This machine, as Dart names it.
fn here() -> String {
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x64",
        "aarch64" => "arm64",
        other => other,
    };
    format!("{}_{architecture}", std::env::consts::OS)
}
