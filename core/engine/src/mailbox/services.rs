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
    work::Challenge,
};
use futures_util::{
    FutureExt,
    future::{BoxFuture, Shared},
    lock::Mutex as Turn,
};

use super::{
    HttpRequest, Platform, lock,
    reply::{Answer, answer, description},
};
use crate::engine::ServiceFailure;

/// How long a service may take to answer, beyond the time that it was asked to wait: a slow mobile
/// network, twice over.
const TIMEOUT: Duration = Duration::from_secs(15);

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
    fn new(info: &ServiceInfo, ahead: i64) -> Self {
        Self {
            boxes: info.offers(Extension::Boxes),
            wait: info.offers(Extension::Wait),
            drop: info.offers(Extension::Drop),
            pow_bits: info.pow_bits,
            key_required: info.key_required,
            ahead,
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
    /// When it was asked, in s since the epoch.
    since: u64,
    asking: Asking,
}

/// The services.
pub(super) struct Services<P> {
    platform: P,
    /// Work is done for one message at a time: whatever services ask for, it takes one core.
    turn: Turn<()>,
    known: Mutex<HashMap<String, Known>>,
}

impl<P: Platform> Services<P> {
    pub(super) fn new(platform: P) -> Self {
        Self { platform, turn: Turn::default(), known: Mutex::default() }
    }

    /// What the device's own clock says, in s since the epoch: for comparing it with others.
    pub(super) fn now_seconds(&self) -> u64 {
        self.platform.now_seconds()
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
        let within = TIMEOUT + Duration::from_secs(wait);
        let request = HttpRequest { url: service.to_owned(), body: Some(request.to_json()), within };
        let result = self.platform.exchange(request).await.and_then(|reply| answer(&reply));
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
            Some(offer) => Some(self.work(id, data, offer).await.ok_or(WORK_NEEDED)?),
            None => None,
        };
        let request = Request::Send(Send { id, ext: endpoint.ext.clone(), data: data.to_owned(), pow });
        self.call::<Done>(&endpoint.service, &request, 0).await.map(|_| ())
    }

    /// Looks for the nonce of a message. `None` if that is more work than
    /// [`connectoid_protocol::work::MAX_WORK_BITS`].
    async fn work(&self, id: BoxId, data: &str, offer: Offer) -> Option<u64> {
        let _turn = self.turn.lock().await;
        let minute = self.now_seconds().saturating_add_signed(offer.ahead) / 60;
        self.platform.work(Challenge::new(&id, minute, data), offer.pow_bits).await
    }

    /// What a service offers, if it has told already.
    fn known_offer(&self, service: &str) -> Option<Offer> {
        lock(&self.known).get(service)?.asking.peek()?.ok()
    }

    fn asking(&self, service: &str) -> Asking {
        let (mut known, now) = (lock(&self.known), self.now_seconds());
        // A clock that was set leads to a request more.
        known.retain(|_, known| now.abs_diff(known.since) < BELIEVED.as_secs());
        if let Some(known) = known.get(service) {
            return known.asking.clone();
        }
        let asking = describe(self.platform.clone(), service.to_owned()).boxed().shared();
        known.insert(service.to_owned(), Known { since: now, asking: asking.clone() });
        asking
    }
}

async fn describe(platform: impl Platform, url: String) -> Result<Offer, ServiceFailure> {
    let reply = platform.exchange(HttpRequest { url, body: None, within: TIMEOUT }).await?;
    let Answer { reply: info, date } = description(&reply)?;
    judge(&info, date.map_or(0, |date| ahead(date, platform.now_seconds())))
}

/// How far a service's clock is ahead of the device's, in s.
fn ahead(date: u64, now: u64) -> i64 {
    let difference = i64::try_from(date.abs_diff(now)).unwrap_or(i64::MAX);
    if date < now { -difference } else { difference }
}

/// Another version of the protocol is nothing that this client could talk to.
fn judge(info: &ServiceInfo, ahead: i64) -> Result<Offer, ServiceFailure> {
    if info.protocol == PROTOCOL { Ok(Offer::new(info, ahead)) } else { Err(ServiceFailure::Malformed) }
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
        let offer = judge(&info, 0).unwrap();
        assert_eq!((offer.boxes, offer.wait, offer.drop), (false, true, false));
        let endpoint =
            |ext: Option<&str>| Endpoint { service: "http://a".into(), ext: ext.map(str::to_owned) };
        assert!(offer.needs_work(&endpoint(None)) && !offer.needs_work(&endpoint(Some("key"))));
        info.protocol += 1;
        assert_eq!(judge(&info, 0), Err(ServiceFailure::Malformed));
    }
}
