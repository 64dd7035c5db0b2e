//! The client of mailbox services: what a driver does when the engine asks for a check, a sending or a closing.
//!
//! The order of requests, what each service offers, and how far its replies are believed are the same wherever a node
//! runs. A [`Platform`] adds the three things that are not: one exchange over HTTP, proof of work on a thread of its
//! own, and the device's clock.
//!
//! | file | room |
//! |---|---|
//! | `services` | what each service offers, asked once; a request with the work that it needs |
//! | `boxes` | checking, fetching, sending and closing boxes |
//! | `reply` | what a reply over HTTP says |

mod boxes;
mod reply;
mod services;

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use connectoid_protocol::{boxes::BoxKey, mailbox::MAX_REPLY_LEN, poll::Endpoint, work::Challenge};

use self::{boxes::Unconfirmed, services::Services};
use crate::engine::{Checked, Destination, ServiceFailure};

/// The longest body of a reply, in bytes.
pub const MAX_BODY_LEN: usize = MAX_REPLY_LEN;

/// What the client needs of where it runs.
pub trait Platform: Clone + Send + Sync + 'static {
    /// Makes a request and reads the whole reply; redirects are not followed.
    ///
    /// # Errors
    /// [`ServiceFailure::Unreachable`], with why; [`ServiceFailure::Malformed`] for a body beyond [`MAX_BODY_LEN`], of
    /// which no more is read.
    fn exchange(
        &self,
        request: HttpRequest,
    ) -> impl Future<Output = Result<HttpReply, ServiceFailure>> + Send;

    /// Does [`Challenge::work`] where it holds up nothing.
    fn work(&self, challenge: Challenge, bits: u32) -> impl Future<Output = Option<u64>> + Send;

    /// What the device's own clock says, in s since the epoch.
    fn now_seconds(&self) -> u64;
}

/// A request to a service.
#[derive(Debug)]
pub struct HttpRequest {
    /// The service's URL.
    pub url: String,
    /// JSON to be posted; nothing for `GET`.
    pub body: Option<Vec<u8>>,
    /// How long all of it may take.
    pub within: Duration,
}

/// A service's reply, of whatever status.
#[derive(Debug)]
pub struct HttpReply {
    /// The status.
    pub status: u16,
    /// The header `Retry-After`.
    pub retry_after: Option<String>,
    /// The header `Date`.
    pub date: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// The client.
pub struct Mailbox<P> {
    services: Services<P>,
    unconfirmed: Unconfirmed,
}

impl<P: Platform> Mailbox<P> {
    /// A client that knows nothing of any service yet.
    pub fn new(platform: P) -> Self {
        Self { services: Services::new(platform), unconfirmed: Unconfirmed::default() }
    }

    /// Checks boxes, which a service may hold for `wait` s, and fetches what is in those where something was found:
    /// [`Output::Check`](crate::engine::Output::Check).
    ///
    /// # Errors
    /// If the service could not be asked. What fails for one box is told with that box.
    pub async fn check(
        &self,
        endpoint: &Endpoint,
        boxes: &[(BoxKey, u64)],
        wait: u64,
    ) -> Result<Checked, ServiceFailure> {
        boxes::check(&self.services, &self.unconfirmed, endpoint, boxes, wait).await
    }

    /// Leaves a message with every service of an address; one result for each:
    /// [`Output::Send`](crate::engine::Output::Send).
    pub async fn send(&self, to: &Destination, data: &str) -> Vec<(String, Result<(), ServiceFailure>)> {
        boxes::send(&self.services, to, data).await
    }

    /// Closes a box at every service: [`Output::DropBox`](crate::engine::Output::DropBox). What fails is left to
    /// expire there by itself.
    pub async fn close(&self, key: &BoxKey, endpoints: &[Endpoint]) {
        boxes::close(&self.services, key, endpoints).await;
    }
}

/// Locks; what a panicking thread left is still a map.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
