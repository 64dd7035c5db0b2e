//! The mailbox services that this node talks to, and what each of them offers.
//!
//! What goes beyond sending, checking one box and receiving is an extension, which a service lists under
//! `GET /` and a client must not use unlisted. The list is asked for once per service, by whoever first
//! needs an extension there: a check, which follows anyhow. Sending needs none and does not wait for it, so
//! opening a link costs no request more.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{Done, Extension, Refusal, Reply, Request, Send, ServiceInfo},
    poll::Endpoint,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
};
use tokio::time::Instant;

use super::{
    clock::ahead,
    hands::lock,
    http::{Answer, Http},
    work::Worker,
};
use crate::engine::ServiceFailure;

/// How long what a service said of itself is believed: an operator who changes something restarts it, and
/// whatever the service then takes ill makes the client ask again at once.
const BELIEVED: Duration = Duration::from_hours(1);

/// The version of the mailbox protocol that this client speaks.
const PROTOCOL: u32 = 1;

const WORK_NEEDED: ServiceFailure = ServiceFailure::Refused(Refusal::WorkNeeded, 0);

/// What a service offers beyond the three operations of every service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Offer {
    /// Several boxes in one check.
    pub(super) boxes: bool,
    /// Holding a check.
    pub(super) wait: bool,
    /// Closing boxes.
    pub(super) drop: bool,
    /// How many bits of work a message needs, unless its `ext` is an API key.
    pow_bits: u32,
    /// Whether an API key is needed, which exempts from work.
    key_required: bool,
    /// How far the service's clock is ahead, in s, if it told.
    ahead: i64,
}

impl Offer {
    fn new(info: &ServiceInfo, date: Option<u64>) -> Self {
        Self {
            boxes: info.offers(Extension::Boxes),
            wait: info.offers(Extension::Wait),
            drop: info.offers(Extension::Drop),
            pow_bits: info.pow_bits,
            key_required: info.key_required,
            ahead: date.map_or(0, ahead),
        }
    }

    /// Whether a message needs work. An `ext` is taken for the API key where there is such a thing.
    fn needs_work(&self, endpoint: &Endpoint) -> bool {
        self.pow_bits > 0 && !(self.key_required && endpoint.ext.is_some())
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
    worker: Worker,
    known: Mutex<HashMap<String, Known>>,
}

impl Services {
    pub(super) fn new() -> Self {
        Self { http: Http::new(), worker: Worker::new(), known: Mutex::default() }
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
        if let Err(ServiceFailure::Refused(reason, _)) = result
            && matches!(reason, Refusal::Malformed | Refusal::UnknownType | Refusal::WorkNeeded)
        {
            lock(&self.known).remove(service);
        }
        result
    }

    /// Leaves a message in a box. What the service asks for is found out by trying, unless it is known: most
    /// ask for nothing.
    pub(super) async fn send(
        &self,
        endpoint: &Endpoint,
        id: BoxId,
        data: &str,
    ) -> Result<(), ServiceFailure> {
        let known = self.known_offer(&endpoint.service).filter(|offer| offer.needs_work(endpoint));
        let sent = self.send_with_work(endpoint, id, data, known).await;
        if sent != Err(WORK_NEEDED) {
            return sent;
        }
        let offer = self.offer(&endpoint.service).await?;
        self.send_with_work(endpoint, id, data, Some(offer)).await
    }

    async fn send_with_work(
        &self,
        endpoint: &Endpoint,
        id: BoxId,
        data: &str,
        offer: Option<Offer>,
    ) -> Result<(), ServiceFailure> {
        let pow = match offer {
            Some(offer) => {
                let found = self.worker.work(id, data, offer.pow_bits, offer.ahead).await;
                Some(found.ok_or(WORK_NEEDED)?)
            }
            None => None,
        };
        let request = Request::Send(Send { id, ext: endpoint.ext.clone(), data: data.to_owned(), pow });
        self.call::<Done>(&endpoint.service, &request, 0).await.map(|_| ())
    }

    /// What a service offers, if it has told already.
    fn known_offer(&self, service: &str) -> Option<Offer> {
        lock(&self.known).get(service)?.asking.peek()?.ok()
    }

    fn asking(&self, service: &str) -> Asking {
        let mut known = lock(&self.known);
        known.retain(|_, known| known.since.elapsed() < BELIEVED);
        if let Some(known) = known.get(service) {
            return known.asking.clone();
        }
        let (http, url) = (self.http.clone(), service.to_owned());
        let asking = async move { judge(&http.describe(&url).await?) }.boxed().shared();
        known.insert(service.to_owned(), Known { since: Instant::now(), asking: asking.clone() });
        asking
    }
}

/// Another version of the protocol is nothing that this client could talk to.
fn judge(described: &Answer<ServiceInfo>) -> Result<Offer, ServiceFailure> {
    let Answer { reply: info, date } = described;
    if info.protocol == PROTOCOL { Ok(Offer::new(info, *date)) } else { Err(ServiceFailure::Malformed) }
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
            key_required: true,
            pow_bits: 7,
            limits: ServiceLimits::with_rates(50, 2),
        };
        let offer = judge(&Answer { reply: info.clone(), date: None }).unwrap();
        assert_eq!((offer.boxes, offer.wait, offer.drop), (false, true, false));
        let endpoint =
            |ext: Option<&str>| Endpoint { service: "http://a".into(), ext: ext.map(str::to_owned) };
        assert!(offer.needs_work(&endpoint(None)) && !offer.needs_work(&endpoint(Some("key"))));
        info.protocol += 1;
        assert_eq!(judge(&Answer { reply: info, date: None }), Err(ServiceFailure::Malformed));
    }
}
