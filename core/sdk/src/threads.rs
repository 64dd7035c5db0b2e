//! The threads that serve a node's network, and its listeners.

use std::sync::Arc;

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::AbortHandle,
};

use crate::{Error, Result};

/// One for the network, one so that TLS and WebRTC do not wait for each other.
const THREADS: usize = 2;

/// They end when the node is gone and so is every task of [`Threads::spawn`]: whoever follows a node is still told
/// that it was closed.
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start() -> Result<Arc<Self>> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(THREADS)
            .thread_name("connectoid-io")
            .enable_all()
            .build()
            .map_err(|_| Error::internal("threads could not be started"))?;
        Ok(Arc::new(Self(Some(runtime))))
    }

    #[allow(clippy::expect_used, reason = "the runtime is taken only when this is dropped")]
    pub(crate) fn handle(&self) -> &Handle {
        self.0.as_ref().expect("a runtime").handle()
    }

    pub(crate) fn spawn(self: &Arc<Self>, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let threads = self.clone();
        let kept = async move {
            task.await;
            drop(threads);
        };
        self.handle().spawn(kept).abort_handle()
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Dropping a runtime waits, which no thread that serves tasks may; the last task of this one is on its own.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
