//! What the system tells of a process. Linux only: others do not tell so easily.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::process::Child;

use crate::Outcome;

/// A process with a folder, which ends with this.
pub(crate) struct Process {
    child: Child,
    folder: PathBuf,
}

impl Process {
    pub(crate) fn new(child: Child, folder: &Path) -> Self {
        Self { child, folder: folder.to_owned() }
    }

    /// Bytes that the process holds.
    pub(crate) fn memory(&self) -> Outcome<usize> {
        self.status("VmRSS")
    }

    /// The most that it has held since [`Process::forget_peak`].
    pub(crate) fn peak(&self) -> Outcome<usize> {
        self.status("VmHWM")
    }

    pub(crate) fn forget_peak(&self) -> Outcome {
        Ok(fs::write(self.proc("clear_refs")?, "5")?)
    }

    /// Time that its threads have spent on the processors, those that have ended not counted.
    pub(crate) fn processor(&self) -> Outcome<Duration> {
        let mut nanos = 0;
        for task in fs::read_dir(self.proc("task")?)? {
            // A thread may end meanwhile.
            let Ok(text) = fs::read_to_string(task?.path().join("schedstat")) else { continue };
            nanos += text.split(' ').next().unwrap_or_default().parse::<u64>()?;
        }
        Ok(Duration::from_nanos(nanos))
    }

    /// Bytes in its folder.
    pub(crate) fn disk(&self) -> Outcome<u64> {
        let length = |entry: io::Result<fs::DirEntry>| entry?.metadata().map(|metadata| metadata.len());
        Ok(fs::read_dir(&self.folder)?.map(length).sum::<io::Result<u64>>()?)
    }

    fn status(&self, field: &str) -> Outcome<usize> {
        let status = fs::read_to_string(self.proc("status")?)?;
        let line = status.lines().find_map(|line| line.strip_prefix(field)).ok_or("no status")?;
        Ok(line.trim_matches([':', '\t', ' ', 'k', 'B']).parse::<usize>()? * 1024)
    }

    fn proc(&self, file: &str) -> Outcome<PathBuf> {
        let id = self.child.id().ok_or("the process has crashed")?;
        Ok(PathBuf::from(format!("/proc/{id}/{file}")))
    }
}
