//! Tasks that nobody waits for, but whoever closes the node.

use std::sync::Mutex;

use tokio::{runtime::Handle, task::JoinSet};

use super::hands::lock;

/// See the [module](self).
#[derive(Default)]
pub(super) struct Tasks(Mutex<JoinSet<()>>);

impl Tasks {
    /// Starts one, and forgets those that have ended.
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static, runtime: &Handle) {
        let mut tasks = lock(&self.0);
        while tasks.try_join_next().is_some() {}
        tasks.spawn_on(task, runtime);
    }

    /// Waits until all have ended; those that have not when this is given up are aborted.
    pub(super) async fn end(&self) {
        let mut tasks = std::mem::take(&mut *lock(&self.0));
        while tasks.join_next().await.is_some() {}
    }
}
