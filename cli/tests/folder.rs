//! The data folder: whose it is, who uses it, and that nobody waits for the dead.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]
#![cfg(unix)]

mod common;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use common::{bare, end_of, output, program, start, text};

fn files_in(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        found.push(path.clone());
        if path.is_dir() {
            files_in(&path, found);
        }
    }
}

fn assert_private(folder: &Path) {
    let mut found = vec![folder.to_owned()];
    files_in(folder, &mut found);
    for path in found {
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, if path.is_dir() { 0o700 } else { 0o600 }, "{}", path.display());
    }
}

/// As a shell with this umask would start it.
fn with_umask(command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", "umask 022; exec \"$@\"", "sh"]).arg(command.get_program()).args(command.get_args());
    shell.stdin(Stdio::null());
    shell
}

#[test]
fn whatever_the_umask_nobody_else_reads_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let (data, picture) = (folder.path().join("data"), folder.path().join("link.svg"));
    let (mut service, address, _lines) =
        start(with_umask(&bare(&data, &["serve", "--listen", "127.0.0.1:0"])));
    let url = address.strip_prefix("listening on ").unwrap().to_owned();
    let share = ["--service", &url, "share", "bob", "--group", "g", "--qr-file", picture.to_str().unwrap()];
    let shared = output(with_umask(&bare(&data, &share)));
    assert!(shared.status.success(), "a user and a mailbox share a folder: {}", text(&shared.stderr));
    assert_eq!(text(&shared.stderr), "", "the service answers, so there is nothing to warn of");
    // Its lines are read on: a node whose reader goes away ends.
    let (mut run, _, _lines) = start(with_umask(&bare(&data, &["run"])));
    assert!(data.join("control.json").exists() && data.join("connectoid.db-wal").exists());
    assert!(data.join("mailbox").join("mailbox.sqlite").exists());
    assert_private(&data);
    assert_eq!(fs::metadata(picture).unwrap().permissions().mode() & 0o777, 0o600);
    for process in [&mut run, &mut service] {
        process.kill().unwrap();
        process.wait().unwrap();
    }
}

#[test]
fn a_folder_of_somebody_else_has_private_files_and_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    let shared = output(with_umask(&program(&data, &["share", "bob", "--group", "g"])));
    assert!(
        text(&shared.stderr).contains("other users of this machine can look into"),
        "{}",
        text(&shared.stderr)
    );
    let mut found = Vec::new();
    files_in(&data, &mut found);
    assert!(!found.is_empty());
    for path in found {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{}", path.display());
    }
    let doctor = output(program(&data, &["doctor", "--wait", "0s"]));
    assert!(text(&doctor.stdout).contains("storage: other users"), "{}", text(&doctor.stdout));
}

/// Kills a node, and gives its port to somebody who takes connections and says nothing.
fn left_behind(data: &Path) -> TcpListener {
    // Its lines are read on: a node whose reader goes away ends.
    let (mut run, _, _lines) = start(program(data, &["run"]));
    run.kill().unwrap();
    run.wait().unwrap();
    let path = data.join("control.json");
    let mut control: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    let stranger = TcpListener::bind("127.0.0.1:0").unwrap();
    control["port"] = stranger.local_addr().unwrap().port().into();
    fs::write(&path, control.to_string()).unwrap();
    stranger
}

#[test]
fn a_port_that_is_somebody_elses_by_now_keeps_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _stranger = left_behind(&data);
    let peers = program(&data, &["peers"]).stdout(Stdio::null()).spawn().unwrap();
    assert!(end_of(peers, "a command beside a leftover").success());
    let _stranger = left_behind(&data);
    let run = program(&data, &["run", "--for", "1s"]).stdout(Stdio::null()).spawn().unwrap();
    assert!(end_of(run, "`run` beside a leftover").success());
}

#[test]
fn a_holder_that_does_not_speak_is_waited_for_and_then_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let _stranger = left_behind(&data);
    let lock = fs::File::options().write(true).open(data.join("lock")).unwrap();
    lock.lock().unwrap();
    let waiting = program(&data, &["peers"]).stderr(Stdio::piped()).spawn().unwrap();
    let ended = waiting.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(5));
    assert!(text(&ended.stderr).contains("another program has held this folder"), "{}", text(&ended.stderr));
}

/// Stops a process, and returns when all of its threads have stopped: the signal alone stops them one by one.
#[cfg(target_os = "linux")]
fn stop(id: u32) {
    assert!(Command::new("kill").args(["-STOP", &id.to_string()]).status().unwrap().success());
    let is_stopped = |task: fs::DirEntry| {
        // The name of a thread may have anything in it but is in parentheses; its state is behind them.
        let stat = fs::read_to_string(task.path().join("stat")).unwrap();
        let state = stat.rsplit(") ").next().unwrap().chars().next();
        assert_ne!(state, Some('Z'), "it has ended by itself");
        state == Some('T')
    };
    let tasks = || fs::read_dir(format!("/proc/{id}/task")).unwrap();
    while !tasks().all(|task| is_stopped(task.unwrap())) {
        std::thread::yield_now();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn a_running_node_that_hangs_is_not_waited_for_without_end() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    // Its lines are read on: a node whose reader goes away ends.
    let (mut run, _, _lines) = start(program(&data, &["run"]));
    stop(run.id());
    let peers = program(&data, &["peers"]).stdout(Stdio::null()).spawn().unwrap();
    assert!(!end_of(peers, "a command beside a stopped node").success());
    run.kill().unwrap();
    run.wait().unwrap();
}

#[test]
fn eight_at_once_all_succeed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    assert!(output(program(&data, &["share", "bob", "--group", "g"])).status.success());
    let puts = (0..8).map(|number| {
        let mut command = bare(&data, &["put", "g", "c", &number.to_string(), r#"{"x": 1}"#]);
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    });
    let puts: Vec<_> = puts.collect();
    for put in puts {
        let ended = put.wait_with_output().unwrap();
        assert!(ended.status.success(), "{}", text(&ended.stderr));
    }
    let listed = output(bare(&data, &["list", "g", "c"]));
    assert_eq!(text(&listed.stdout).lines().count(), 8);
}

#[test]
fn a_slip_in_the_name_of_the_folder_makes_nobody_new() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("slip");
    let commands: [&[&str]; 12] = [
        &["peers"],
        &["groups"],
        &["get", "g", "c", "a"],
        &["list", "g", "c"],
        &["history", "g", "c", "a"],
        &["put", "g", "c", "a", "{}"],
        &["delete", "g", "c", "a"],
        &["doctor"],
        &["send", "bob", "x"],
        &["verify", "bob"],
        &["unshare", "bob"],
        &["add-member", "bob", "--group", "g"],
    ];
    for command in commands {
        let ended = output(program(&data, command));
        assert_eq!(ended.status.code(), Some(2), "{command:?}");
        assert!(text(&ended.stderr).contains("there is no data in"), "{}", text(&ended.stderr));
        assert!(!data.exists(), "{command:?}");
    }
}

#[test]
fn what_no_node_can_use_is_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for bad in [
        ["--service", "http://127.0.0.1:99999"],
        ["--service", "https://u:secret@mail.example"],
        ["--ice-server", "turn:nonsense"],
    ] {
        let ended = output(bare(&data, &[&bad[..], &["share", "bob", "--group", "g"]].concat()));
        assert_eq!(ended.status.code(), Some(2), "{}", text(&ended.stderr));
        assert!(ended.stdout.is_empty() && !text(&ended.stderr).contains("secret"));
    }
    assert!(!data.join("cli.json").exists());
    let shared = output(program(&data, &["share", "bob", "--group", "g"]));
    assert!(shared.status.success() && data.join("cli.json").exists(), "{}", text(&shared.stderr));
    assert!(text(&shared.stderr).contains("warning: http://127.0.0.1:9"), "{}", text(&shared.stderr));
}

#[test]
fn a_lost_database_and_a_missing_service_come_with_the_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let shared = output(bare(&data, &["share", "bob", "--group", "g"]));
    assert!(shared.status.code() == Some(2) && text(&shared.stderr).contains("hint: `--service URL`"));
    assert!(output(bare(&data, &["peers"])).status.success());
    for lose in [
        |database: &Path| fs::write(database, "").unwrap(),
        |database: &Path| fs::remove_file(database).unwrap(),
    ] {
        lose(&data.join("connectoid.db"));
        for command in [&["peers"][..], &["run", "--for", "1s"], &["share", "bob", "--group", "g"]] {
            let ended = output(bare(&data, command));
            assert_eq!(ended.status.code(), Some(5), "{command:?}");
            assert!(text(&ended.stderr).contains("from a backup"), "{}", text(&ended.stderr));
        }
    }
}
