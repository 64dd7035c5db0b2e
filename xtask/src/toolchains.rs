//! `cargo xtask toolchains`: what the tests of other languages run on, where this machine has none of its own. Installing
//! mostly waits for the network, so `.ci/run` has it done beside the checks.

use crate::{command::Result, dart, swift};

pub(crate) fn install() -> Result {
    dart::install_vm()?;
    swift::run(Some("toolchain"))
}
