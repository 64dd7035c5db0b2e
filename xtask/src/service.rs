//! The mailbox service, for programs that are run here.

use std::{
    env::consts::EXE_SUFFIX,
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

use crate::command::{self, Result, root};

/// Builds it, with the rest of the workspace, as the tests need it, so that little has to be built twice.
pub(crate) fn build() -> Result {
    command::run("cargo", &["build", "--quiet", "--workspace"], ".")
}

/// A mailbox in memory, on a free port of this machine, until it is dropped.
pub(crate) struct Service {
    process: Child,
    pub(crate) url: String,
}

impl Service {
    /// Starts one, of the debug build, which is made if need be.
    pub(crate) fn start() -> Result<Self> {
        build()?;
        let program = root().join("target/debug").join(format!("connectoid-service{EXE_SUFFIX}"));
        let mut process = Command::new(program)
            .args(["--listen", "127.0.0.1:0", "--memory", "--log", "off"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("the service could not be started: {error}"))?;
        let mut line = String::new();
        if let Some(out) = process.stdout.take() {
            BufReader::new(out).read_line(&mut line).map_err(|error| error.to_string())?;
        }
        let url = line.trim().strip_prefix("listening on ").ok_or("the service does not listen")?.to_owned();
        Ok(Self { process, url })
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // If it is gone already, so much the better.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
