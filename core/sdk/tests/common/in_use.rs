//! What this process takes of the machine.

use std::fs;

use super::PATIENCE;

/// Files, threads and KiB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InUse {
    pub files: usize,
    pub threads: usize,
    pub memory: usize,
}

impl InUse {
    /// At this moment.
    pub fn now() -> Self {
        let count = |folder| fs::read_dir(folder).unwrap().count();
        let status = fs::read_to_string("/proc/self/status").unwrap();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let memory = resident.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        Self { files: count("/proc/self/fd"), threads: count("/proc/self/task"), memory }
    }

    /// Waits until no more is in use than `bound`: connections and threads end a little after it is said.
    pub async fn falls_to(bound: Self) -> Self {
        let search = async {
            loop {
                let now = Self::now();
                if now.files <= bound.files && now.threads <= bound.threads && now.memory <= bound.memory {
                    return now;
                }
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(PATIENCE, search)
            .await
            .unwrap_or_else(|_| panic!("{:?} are in use, which never fell to {bound:?}", Self::now()))
    }
}
