//! All attacks in small, in CI: what they may take of memory and disk, and that they end as they should.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use std::process::Command;

#[test]
fn nothing_that_a_peer_sends_costs_more_than_promised() {
    // Built with the program, which starts it.
    assert!(std::path::Path::new(env!("CARGO_BIN_EXE_victim")).exists());
    let output = Command::new(env!("CARGO_BIN_EXE_attack")).arg("--short").output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    println!("{told}");
    assert!(output.status.success(), "{told}{}", String::from_utf8_lossy(&output.stderr));
}
