//! A refusal on its way to the client.

use std::time::Duration;

use connectoid_protocol::mailbox::{Refusal, RequestError};

/// Why a request is refused, and when to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// What the client is told.
    pub reason: Refusal,
    /// How long the client should wait: `Retry-After`.
    pub retry_after: Option<Duration>,
    /// A hint for developers, which quotes nothing of the request.
    pub detail: Option<RequestError>,
}

impl Refused {
    /// A refusal that repeating the request will not change.
    pub const fn finally(reason: Refusal) -> Self {
        Self { reason, retry_after: None, detail: None }
    }

    /// A refusal that holds for the given time.
    pub const fn for_now(reason: Refusal, retry_after: Duration) -> Self {
        Self { reason, retry_after: Some(retry_after), detail: None }
    }

    /// `Too often`, for the given time.
    pub const fn too_often(retry_after: Duration) -> Self {
        Self::for_now(Refusal::TooOften, retry_after)
    }

    /// `Retry-After` in whole seconds, at least 1.
    pub fn retry_after_secs(&self) -> Option<u64> {
        self.retry_after.map(|wait| wait.as_secs().saturating_add(u64::from(wait.subsec_nanos() > 0)).max(1))
    }
}

impl From<RequestError> for Refused {
    fn from(error: RequestError) -> Self {
        Self { detail: Some(error), ..Self::finally(error.refusal()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up() {
        let secs = |millis| Refused::too_often(Duration::from_millis(millis)).retry_after_secs();
        assert_eq!((secs(0), secs(1), secs(1000), secs(1001)), (Some(1), Some(1), Some(1), Some(2)));
        assert_eq!(Refused::finally(Refusal::Closed).retry_after_secs(), None);
    }
}
