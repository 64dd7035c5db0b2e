//! The libraries that the Flutter package bundles, where its build hook looks for them.

use super::{C, build_c, copy, platforms::PLATFORMS};
use crate::command::Result;

const FOLDER: &str = "flutter/native";

/// That of this machine, and those that were built elsewhere.
pub(super) fn package() -> Result {
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
