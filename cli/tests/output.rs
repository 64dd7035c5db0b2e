//! Standard output and error: lost readers, full disks, other people's text, and what programs read.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod common;

use std::{
    fs::{self, File},
    io::Read,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use common::{bare, end_of, output, program, rest, start, text};
use serde_json::Value;

/// What a terminal would obey, or would not show.
const HOSTILE: &str = "x\u{1b}[2J\u{1b}]0;y\u{7}\r\n\u{9b}31m\u{202e}z\u{200b}\u{2066}";

fn is_harmless(shown: &str) -> bool {
    let hidden = |character: char| {
        character.is_control() && character != '\n'
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    !shown.contains(hidden)
}

fn shared_folder(folder: &Path) -> std::path::PathBuf {
    let data = folder.join("data");
    assert!(output(program(&data, &["share", "bob", "--group", "g"])).status.success());
    assert!(output(bare(&data, &["put", "g", "c", "a", r#"{"x": 1}"#])).status.success());
    data
}

#[test]
fn a_lost_reader_ends_every_command_quietly() {
    let folder = tempfile::tempdir().unwrap();
    let data = shared_folder(folder.path());
    let commands: [&[&str]; 3] = [&["run"], &["--json", "run"], &["serve", "--listen", "127.0.0.1:0"]];
    for command in commands {
        let mut process = bare(&data, command);
        process.stderr(Stdio::piped());
        // As `head -1` does, while there is nothing more to say.
        let (mut process, _, lines) = start(process);
        drop(lines);
        let complaints = process.stderr.take().unwrap();
        assert!(end_of(process, &format!("{command:?} without a reader")).success(), "{command:?}");
        assert_eq!(rest(complaints), "", "{command:?}");
    }
    let commands: [&[&str]; 5] =
        [&["list", "g", "c"], &["peers"], &["--help"], &["run"], &["serve", "--listen", "127.0.0.1:0"]];
    for command in commands {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut process = bare(&data, command);
        let mut process = process.stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let complaints = process.stderr.take().unwrap();
        let status = end_of(process, &format!("{command:?} without a reader"));
        assert_eq!((status.code(), rest(complaints).as_str()), (Some(0), ""), "{command:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let data = shared_folder(folder.path());
    let commands: [&[&str]; 6] = [
        &["list", "g", "c"],
        &["--json", "list", "g", "c"],
        &["put", "g", "c", "b", r#"{"x": 2}"#],
        &["run"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["--help"],
    ];
    for command in commands {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut process = bare(&data, command);
        let mut process = process.stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        let complaints = process.stderr.take().unwrap();
        let status = end_of(process, &format!("{command:?} on a full disk"));
        assert_eq!(status.code(), Some(5), "{command:?}");
        assert!(rest(complaints).contains("could not be written: no room is left"), "{command:?}");
        let full = File::options().write(true).open("/dev/full").unwrap();
        let mut process = bare(&data, &["get", "nowhere", "c", "a"]);
        let process = process.stdout(Stdio::null()).stderr(full).spawn().unwrap();
        assert_eq!(end_of(process, "an error that cannot be told").code(), Some(2));
    }
}

#[test]
fn wrong_arguments_under_json_are_json() {
    let folder = tempfile::tempdir().unwrap();
    let cases: [&[&str]; 5] = [
        &["--json", "no-such-command"],
        &["share", "--json"],
        &["--json"],
        &["list", "g", "c", "--limit", "many", "--json"],
        &["--json", "run", "--for", "\u{1b}[2J"],
    ];
    for arguments in cases {
        let ended = output(bare(folder.path(), arguments));
        let said: Value = serde_json::from_slice(&ended.stderr).unwrap();
        assert_eq!(
            (ended.status.code(), &said["error"]["kind"]),
            (Some(2), &"usage".into()),
            "{arguments:?}"
        );
        assert!(!said["error"]["message"].as_str().unwrap().is_empty());
        assert!(ended.stdout.is_empty() && is_harmless(&text(&ended.stderr)));
    }
    let ended = output(bare(folder.path(), &["run", "--for", "\u{1b}[2J"]));
    assert!(ended.status.code() == Some(2) && is_harmless(&text(&ended.stderr)), "{:?}", text(&ended.stderr));
}

#[test]
fn a_port_in_use_is_no_fault_of_the_storage() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let ended = output(bare(&folder.path().join("data"), &["serve", "--listen", &address]));
    assert_eq!(ended.status.code(), Some(2));
    assert!(text(&ended.stderr).contains("--listen"), "{}", text(&ended.stderr));
}

#[test]
fn waiting_for_nobody_ends_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let process = program(&folder.path().join("data"), &["run", "--until", "synced"]);
    let mut process = { process }.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let complaints = process.stderr.take().unwrap();
    assert_eq!(end_of(process, "waiting for nobody").code(), Some(2));
    assert!(rest(complaints).contains("you share with nobody"));
}

#[test]
fn text_of_others_reaches_no_terminal_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let data = shared_folder(folder.path());
    let fields = serde_json::json!({ HOSTILE: [HOSTILE] }).to_string();
    assert!(output(bare(&data, &["put", "g", HOSTILE, HOSTILE, &fields])).status.success());
    // Names of peers have no controls, but other marks.
    assert!(
        output(bare(&data, &["share", "b\u{202e}ob\u{200b}", "--group", "g\u{2066}\u{202e}h"]))
            .status
            .success()
    );
    let commands: [&[&str]; 9] = [
        &["list", "g", HOSTILE],
        &["get", "g", HOSTILE, HOSTILE],
        &["history", "g", HOSTILE, HOSTILE],
        &["peers"],
        &["groups"],
        &["get", HOSTILE, "c", "a"],
        &["unshare", HOSTILE],
        &["doctor", "--wait", "0s"],
        &["open", HOSTILE, "--as", HOSTILE],
    ];
    for command in commands {
        for json in [false, true] {
            let ended = output(bare(&data, &[if json { &["--json"][..] } else { &[] }, command].concat()));
            let (out, err) = (text(&ended.stdout), text(&ended.stderr));
            assert!(is_harmless(&out) && is_harmless(&err), "{command:?}: {out:?} {err:?}");
            if json {
                let lines = out.lines().chain(err.lines());
                let values: Vec<Value> = lines.map(|line| serde_json::from_str(line).unwrap()).collect();
                assert!(!values.is_empty(), "{command:?}");
            }
        }
    }
    let got = output(bare(&data, &["--json", "get", "g", HOSTILE, HOSTILE]));
    let got: Value = serde_json::from_slice(&got.stdout).unwrap();
    assert_eq!((&got["id"], &got["fields"][HOSTILE][0]), (&HOSTILE.into(), &HOSTILE.into()));
}

#[test]
fn a_damaged_file_is_named_and_says_which() {
    let folder = tempfile::tempdir().unwrap();
    let data = shared_folder(folder.path());
    fs::remove_file(data.join("cli.json")).unwrap();
    fs::create_dir(data.join("cli.json")).unwrap();
    let ended = output(bare(&data, &["peers"]));
    assert_eq!(ended.status.code(), Some(5));
    let said = text(&ended.stderr);
    assert!(said.contains("cli.json") && said.contains("there is a folder"), "{said}");
}

#[test]
fn logs_are_harmless_and_without_colour() {
    let folder = tempfile::tempdir().unwrap();
    let data = shared_folder(folder.path());
    let mut process =
        bare(&data, &["-vv", "peers"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    process.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert!(end_of(process, "a command that logs").success());
    assert!(is_harmless(&said), "{said:?}");
}

/// On a terminal of its own, which the program `script` makes.
#[cfg(target_os = "linux")]
#[test]
fn colour_is_for_terminals_that_have_and_want_it() {
    let folder = tempfile::tempdir().unwrap();
    let nothing = folder.path().join("nothing");
    let shown = |variables: &[(&str, &str)]| {
        let line = format!("{} --data {} peers", env!("CARGO_BIN_EXE_connectoid"), nothing.display());
        let mut script = Command::new("script");
        script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).stdin(Stdio::null());
        script.env_remove("NO_COLOR").env("TERM", "xterm").envs(variables.iter().copied());
        let said = text(&output(script).stdout);
        assert!(said.contains("there is no data"), "{said:?}");
        said
    };
    assert!(shown(&[]).contains("\u{1b}["));
    for declined in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let said = shown(&[declined]);
        assert!(!said.contains('\u{1b}'), "{declined:?}: {said:?}");
    }
    assert!(shown(&[("NO_COLOR", "")]).contains("\u{1b}["), "an empty variable declines nothing");
}
