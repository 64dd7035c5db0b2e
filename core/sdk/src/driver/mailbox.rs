//! Checking, fetching, sending and closing boxes at a service.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{SystemTime, UNIX_EPOCH},
};

use connectoid_protocol::{
    boxes::{BoxId, BoxKey},
    encoding::parse_base64url,
    mailbox::{
        Check, CheckMany, Checked as CheckedOne, CheckedMany, Cursor, Done, Drop, MAX_BOX_MESSAGES, Receive,
        Received, Refusal, Request, Send,
    },
    origin,
    poll::Endpoint,
    question::{self, NONCE_LEN},
};
use futures_util::future::join_all;
use zeroize::Zeroizing;

use super::{hands::lock, http::Http};
use crate::engine::{Checked, Destination, Fetched, ServiceFailure};

/// So many messages at once say that a box was filling up while nobody read it.
const MANY: usize = 8;

/// The boxes that were read a lot of at once, each with its service and the cursor behind it.
///
/// A service forgets messages when a `receive` shows a cursor beyond them. A box that became full while its
/// owner was away takes no new message that would make the owner come back, so the cursor is shown once
/// more as soon as it is durable, which is when the engine checks with it.
#[derive(Default)]
pub(super) struct Unconfirmed(Mutex<HashMap<(BoxId, String), u64>>);

impl Unconfirmed {
    fn note(&self, fetched: &Fetched) {
        let Ok(messages) = &fetched.messages else { return };
        if let Some((newest, _)) = messages.last().filter(|_| messages.len() >= MANY) {
            lock(&self.0).insert((fetched.key.id(), fetched.service.clone()), *newest);
        }
    }

    fn take_durable(&self, service: &str, key: &BoxKey, cursor: u64) -> bool {
        let mut all = lock(&self.0);
        let entry = (key.id(), service.to_owned());
        let durable = all.get(&entry).is_some_and(|newest| cursor >= *newest);
        durable && all.remove(&entry).is_some()
    }
}

/// Checks boxes, and fetches what is in those where something was found.
pub(super) async fn check(
    http: &Http,
    unconfirmed: &Unconfirmed,
    endpoint: &Endpoint,
    boxes: Vec<(BoxKey, u64)>,
    wait: u64,
) -> Result<Checked, ServiceFailure> {
    for (key, at) in &boxes {
        if unconfirmed.take_durable(&endpoint.service, key, *at) {
            let question = ask(http, endpoint, key).await?;
            receive(http, endpoint, key, *at, &question).await?;
        }
    }
    let cursors = boxes.iter().map(|(key, at)| Cursor { id: key.id(), at: *at }).collect();
    let request = Request::CheckMany(CheckMany { cursors, ext: endpoint.ext.clone(), wait });
    let answer = http.call::<CheckedMany>(&endpoint.service, &request, wait).await?;
    let mut fetched = Vec::new();
    for report in answer.reply.boxes {
        let Some((key, at)) = boxes.iter().find(|(key, _)| key.id().to_base64() == report.id) else {
            return Err(ServiceFailure::Malformed);
        };
        let refusal = report.error.as_deref().and_then(Refusal::parse);
        let messages = match (refusal, report.question) {
            (Some(refusal), _) => Err(ServiceFailure::Refused(refusal, 0)),
            (None, Some(question)) if report.found => receive(http, endpoint, key, *at, &question).await,
            // The service asks no more questions just now: what was found is fetched next time.
            (None, _) => continue,
        };
        let found = Fetched { key: key.clone(), service: endpoint.service.clone(), messages };
        unconfirmed.note(&found);
        fetched.push(found);
    }
    Ok(Checked { fetched, clock_ahead: answer.date.map(ahead) })
}

/// Has the service ask its question, whether or not there is anything in the box.
async fn ask(http: &Http, endpoint: &Endpoint, key: &BoxKey) -> Result<String, ServiceFailure> {
    let cursor = Cursor { id: key.id(), at: 0 };
    let check = Request::Check(Check { cursor, ext: endpoint.ext.clone(), wait: 0, ask: true });
    let asked = http.call::<CheckedOne>(&endpoint.service, &check, 0).await?.reply;
    asked.question.ok_or(ServiceFailure::Malformed)
}

async fn receive(
    http: &Http,
    endpoint: &Endpoint,
    key: &BoxKey,
    at: u64,
    question: &str,
) -> Result<Vec<(u64, Vec<u8>)>, ServiceFailure> {
    let answer = *answer(endpoint, key, question)?;
    let cursor = Cursor { id: key.id(), at };
    let request =
        Request::Receive(Receive { cursor, ext: endpoint.ext.clone(), answer, limit: MAX_BOX_MESSAGES });
    let received = http.call::<Received>(&endpoint.service, &request, 0).await?.reply;
    if received.messages.len() > MAX_BOX_MESSAGES || !ascends(&received, at) {
        return Err(ServiceFailure::Malformed);
    }
    let decoded = received.messages.into_iter().map(|message| {
        // What is no base64url counts as a message that cannot be opened.
        (message.at, parse_base64url(&message.data).unwrap_or_default())
    });
    Ok(decoded.collect())
}

/// A service that numbers messages at or before the cursor, or out of order, would make the reader skip
/// some or loop.
fn ascends(received: &Received, at: u64) -> bool {
    let numbers = received.messages.iter().map(|message| message.at);
    let beyond = u64::try_from(ahead_limit()).unwrap_or(u64::MAX);
    let restarted = at > beyond;
    numbers.clone().is_sorted_by(|one, next| one < next)
        && (restarted || numbers.min().is_none_or(|first| first > at))
}

/// A cursor more than an hour ahead of this clock is treated as 0 by the service, so its numbers may be lower.
fn ahead_limit() -> i64 {
    i64::try_from(now_seconds())
        .unwrap_or(i64::MAX / 2_000_000)
        .saturating_add(3600)
        .saturating_mul(1_000_000)
}

fn answer(
    endpoint: &Endpoint,
    key: &BoxKey,
    question: &str,
) -> Result<Zeroizing<[u8; NONCE_LEN]>, ServiceFailure> {
    let origin = origin::of_url(&endpoint.service).ok_or(ServiceFailure::Unreachable)?;
    let sealed = parse_base64url(question).map_err(|_| ServiceFailure::Malformed)?;
    question::open(key, &origin, &sealed).map_err(|_| ServiceFailure::Malformed)
}

/// Leaves a message with every service of an address; one result for each.
pub(super) async fn send(
    http: &Http,
    to: &Destination,
    data: &str,
) -> Vec<(String, Result<(), ServiceFailure>)> {
    let sendings = to.endpoints.iter().map(|endpoint| async {
        let request = Request::Send(Send { id: to.id, ext: endpoint.ext.clone(), data: data.to_owned() });
        let sent = http.call::<Done>(&endpoint.service, &request, 0).await.map(|_| ());
        (endpoint.service.clone(), sent)
    });
    join_all(sendings).await
}

/// Closes a box at every service. What fails is left to expire there by itself.
pub(super) async fn close(http: &Http, key: &BoxKey, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        if let Err(failure) = close_at(http, key, endpoint).await {
            tracing::debug!(?failure, "a box could not be closed and is left to expire");
        }
    }
}

async fn close_at(http: &Http, key: &BoxKey, endpoint: &Endpoint) -> Result<(), ServiceFailure> {
    let question = ask(http, endpoint, key).await?;
    let answer = *answer(endpoint, key, &question)?;
    let request = Request::Drop(Drop { id: key.id(), ext: endpoint.ext.clone(), answer });
    http.call::<Done>(&endpoint.service, &request, 0).await.map(|_| ())
}

/// How far a service's clock is ahead of this device's, in µs, by the date of its reply in s.
fn ahead(date: u64) -> i64 {
    let difference =
        i64::try_from(date).unwrap_or(i64::MAX / 2_000_000) - i64::try_from(now_seconds()).unwrap_or(0);
    difference.saturating_mul(1_000_000)
}

#[allow(clippy::disallowed_methods, reason = "the device's own clock is what is compared")]
fn now_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
