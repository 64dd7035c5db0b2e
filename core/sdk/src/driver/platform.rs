//! What the mailbox client needs of a native system.

use connectoid_protocol::work::Challenge;

use super::{clock::now_seconds, http::Http, roots::Roots};
use crate::{
    Result as NodeResult,
    engine::ServiceFailure,
    mailbox::{HttpReply, HttpRequest, Platform},
};

/// A native system. Clones share its connections.
#[derive(Clone)]
pub(crate) struct Native {
    http: Http,
}

impl Native {
    /// Reaches services whose certificates these authorities may have signed.
    pub(crate) fn new(roots: Roots) -> NodeResult<Self> {
        Ok(Self { http: Http::new(roots)? })
    }
}

impl Platform for Native {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpReply, ServiceFailure> {
        self.http.exchange(request).await
    }

    async fn work(&self, challenge: Challenge, bits: u32) -> Option<u64> {
        tokio::task::spawn_blocking(move || challenge.work(bits)).await.ok()?
    }

    fn now_seconds(&self) -> u64 {
        now_seconds()
    }
}
