//! The XCFramework: the libraries are built here, and `swift/scripts/xcframework.sh` packs them with Apple's tools.

use super::{FFI, notices, platforms::PLATFORMS};
use crate::{
    command::{Result, run_with},
    natives::{self, Profile},
};

pub(super) fn package() -> Result {
    // What is generated for Swift, from a library of this machine.
    natives::run(Profile::Debug)?;
    notices::write()?;
    for platform in PLATFORMS.iter().filter(|platform| platform.is_apple()) {
        let missing = || format!("the XCFramework needs the library for {}", platform.target);
        platform.library(&FFI)?.ok_or_else(missing)?;
    }
    run_with("sh", &["swift/scripts/xcframework.sh"], ".", &FFI.apple())
}
