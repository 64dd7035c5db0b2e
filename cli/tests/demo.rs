//! The whole story, with real processes, as a newcomer sees it.

use std::process::Command;

use serde_json::Value;

#[test]
fn the_demo_tells_its_story_to_the_end() {
    let output = Command::new(env!("CARGO_BIN_EXE_connectoid")).args(["demo", "--json"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let steps: Vec<String> = text
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["step"].as_str().unwrap().to_owned())
        .collect();
    let expected =
        ["service", "share", "open", "live", "merge", "rest", "return", "eve", "verify", "unshare", "end"];
    assert_eq!(steps, expected);
}
