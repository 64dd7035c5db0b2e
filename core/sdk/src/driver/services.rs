//! The mailbox services that this node talks to, and what each of them offers.
//!
//! What goes beyond sending, checking one box and receiving is an extension, which a service lists under
//! `GET /` and a client must not use unlisted. The list is asked for once per service, by whoever first
//! needs an extension there: a check, which follows anyhow. Sending needs none and does not wait for it, so
//! opening a link costs no request more.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use connectoid_protocol::mailbox::{Extension, Refusal, Reply, Request, ServiceInfo};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

use super::{
    hands::lock,
    http::{Answer, Http},
};
use crate::engine::ServiceFailure;

/// How long what a service said of itself is believed: an operator who changes something restarts it, and
/// whatever the service then takes ill makes the client ask again at once.
const BELIEVED: Duration = Duration::from_hours(1);

/// The version of the mailbox protocol that this client speaks.
const PROTOCOL: u32 = 1;

/// What a service offers beyond the three operations of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    /// Several boxes in one check.
    pub(super) boxes: bool,
    /// Holding a check.
    pub(super) wait: bool,
    /// Closing boxes.
    pub(super) drop: bool,
}

impl From<&ServiceInfo> for Offer {
    fn from(info: &ServiceInfo) -> Self {
        Self {
            boxes: info.offers(Extension::Boxes),
            wait: info.offers(Extension::Wait),
            drop: info.offers(Extension::Drop),
        }
    }
}

/// Asking a service what it offers. Whoever waits for it moves it on, so a check that is given up in
/// between leaves the request to the next one.
type Asking = Shared<BoxFuture<'static, Result<Offer, ServiceFailure>>>;

struct Known {
    since: Instant,
    asking: Asking,
}

/// The services.
pub(super) struct Services {
    http: Http,
    known: Mutex<HashMap<String, Known>>,
}

impl Services {
    pub(super) fn new() -> Self {
        Self { http: Http::new(), known: Mutex::default() }
    }

    /// What a service offers, which is asked for if it is not known.
    pub(super) async fn offer(&self, service: &str) -> Result<Offer, ServiceFailure> {
        let asking = self.asking(service);
        let offer = asking.clone().await;
        if offer.is_err() {
            let mut known = lock(&self.known);
            if known.get(service).is_some_and(|known| known.asking.ptr_eq(&asking)) {
                known.remove(service);
            }
        }
        offer
    }

    /// Makes a request; `wait` is what the service was asked to hold it for.
    pub(super) async fn call<T: Reply>(
        &self,
        service: &str,
        request: &Request,
        wait: u64,
    ) -> Result<Answer<T>, ServiceFailure> {
        let result = self.http.call(service, request, wait).await;
        if let Err(ServiceFailure::Refused(Refusal::Malformed | Refusal::UnknownType, _)) = result {
            lock(&self.known).remove(service);
        }
        result
    }

    fn asking(&self, service: &str) -> Asking {
        let mut known = lock(&self.known);
        known.retain(|_, known| known.since.elapsed() < BELIEVED);
        if let Some(known) = known.get(service) {
            return known.asking.clone();
        }
        let (http, url) = (self.http.clone(), service.to_owned());
        let asking = async move { http.describe(&url).await.and_then(|info| judge(&info)) }.boxed().shared();
        known.insert(service.to_owned(), Known { since: Instant::now(), asking: asking.clone() });
        asking
    }
}

/// Another version of the protocol is nothing that this client could talk to.
fn judge(info: &ServiceInfo) -> Result<Offer, ServiceFailure> {
    if info.protocol == PROTOCOL { Ok(Offer::from(info)) } else { Err(ServiceFailure::Malformed) }
}

#[cfg(test)]
mod tests {
    use connectoid_protocol::mailbox::ServiceLimits;

    use super::*;

    #[test]
    fn only_what_is_listed_is_offered_and_only_by_the_known_protocol() {
        let mut info = ServiceInfo {
            service: "connectoid".into(),
            version: "1".into(),
            protocol: PROTOCOL,
            extensions: vec!["wait".into(), "telepathy".into()],
            key_required: false,
            limits: ServiceLimits::with_rates(50, 2),
        };
        assert_eq!(judge(&info), Ok(Offer { boxes: false, wait: true, drop: false }));
        info.protocol += 1;
        assert_eq!(judge(&info), Err(ServiceFailure::Malformed));
    }
}
