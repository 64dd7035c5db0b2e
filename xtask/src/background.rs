//! What computes and never waits: builds for other processors, and the simulation with many seeds. The tests mostly
//! wait, so it runs beside them, and gives way to them.

use std::{
    fs::{self, File},
    process::{Child, Command, Stdio},
};

use crate::{
    command::{self, Result, exists, output, root},
    dart, phases, targets,
};

/// With how many seeds each plan is told, beyond those of a plain `cargo test`.
const SEEDS: &str = "280";

/// The first of them.
const FIRST_SEED: &str = "21";

/// What it prints.
const PRINTED: &str = "target/background.log";

/// Where files are memory: how the stories end does not depend on the disk, but other tests wait for it.
const MEMORY: &str = "/dev/shm";

/// Does all of it; the tests have been built.
pub(crate) fn run() -> Result {
    phases::run("the library for Dart", dart::build)?;
    phases::run("phones and the web", targets::check)?;
    phases::run("simulation", simulate)
}

fn simulate() -> Result {
    let built = output("cargo", &["test", "--quiet", "--workspace", "--no-run", "--message-format", "json"])?;
    let messages = built.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let mut tests = messages.filter(|message| {
        let target = &message["target"];
        target["name"] == "seeds" && target["kind"][0] == "test"
    });
    let program = tests.find_map(|message| message["executable"].as_str().map(str::to_owned));
    let program = program.ok_or("Cargo built no test `seeds`")?;
    let mut variables = vec![("CONNECTOID_SEED", FIRST_SEED), ("CONNECTOID_SEEDS", SEEDS)];
    if fs::metadata(MEMORY).is_ok() {
        variables.push(("TMPDIR", MEMORY));
    }
    // The one of them that takes no seeds was told by `cargo test`.
    command::run_with(&program, &["--skip", "a_crash_at_each_step"], ".", &variables)
}

/// All of it under way. What has not ended when this is dropped is given up.
pub(crate) struct Background(Child);

impl Background {
    pub(crate) fn start() -> Result<Self> {
        let failed = |error| format!("what runs beside the tests could not be started: {error}");
        let log = File::create(root().join(PRINTED)).map_err(failed)?;
        let errors = log.try_clone().map_err(failed)?;
        // By the name that it was started by: the file may have been built anew since.
        let this = std::env::args_os().next().unwrap_or_default();
        let mut command = if exists("nice") { Command::new("nice") } else { Command::new(&this) };
        if exists("nice") {
            command.args(["-n", "19"]).arg(&this);
        }
        command.arg("background").stdin(Stdio::null()).stdout(log).stderr(errors);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        Ok(Self(command.spawn().map_err(failed)?))
    }

    /// Waits until all is done.
    pub(crate) fn finish(mut self) -> Result {
        eprintln!("── what runs beside the tests, to its end");
        let status = self.0.wait().map_err(|error| format!("what runs beside the tests: {error}"))?;
        if status.success() {
            return Ok(());
        }
        eprintln!("{}", fs::read_to_string(root().join(PRINTED)).unwrap_or_default());
        Err("what runs beside the tests failed: see above".into())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        // With all that it has started. If it is gone by now, so much the better.
        if cfg!(unix) {
            let _ = Command::new("kill").args(["-TERM", "--", &format!("-{}", self.0.id())]).status();
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
