//! Checking, fetching, sending and closing boxes at a service.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Mutex,
};

use connectoid_protocol::{
    boxes::{BoxId, BoxKey},
    encoding::parse_base64url,
    mailbox::{
        Check, CheckMany, Checked as CheckedOne, CheckedMany, Cursor, Done, Drop, MAX_AT, MAX_BOX_MESSAGES,
        Receive, Received, Refusal, Request,
    },
    origin,
    poll::Endpoint,
    question::{self, NONCE_LEN},
};
use futures_util::future::join_all;
use zeroize::Zeroizing;

use super::{Platform, lock, reply::Answer, services::Services};
use crate::engine::{Checked, Destination, Fetched, ServiceFailure, Unreached};

/// So many messages at once say that a box was filling up while nobody read it.
const MANY: usize = 8;

/// How many boxes are checked at once where each needs a request of its own: as many as a service may be
/// expected to serve on one connection.
const AT_ONCE: usize = 8;

/// A cursor is treated as 0 by a service if it is so far ahead of its clock, in s: its numbers may be lower then.
const AHEAD: u64 = 3600;

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

/// What a service says of one box: its question if there is something in it and the service asks.
type Report<'a> = (&'a (BoxKey, u64), Result<Option<String>, ServiceFailure>);

/// Checks boxes, and fetches what is in those where something was found.
pub(super) async fn check(
    services: &Services<impl Platform>,
    unconfirmed: &Unconfirmed,
    endpoint: &Endpoint,
    boxes: &[(BoxKey, u64)],
    wait: u64,
) -> Result<Checked, ServiceFailure> {
    let offer = services.offer(&endpoint.service).await?;
    for (key, at) in boxes {
        if unconfirmed.take_durable(&endpoint.service, key, *at) {
            confirm(services, endpoint, key, *at).await?;
        }
    }
    let wait = if offer.wait { wait } else { 0 };
    let (reports, date) = if offer.boxes {
        check_together(services, endpoint, boxes, wait).await?
    } else {
        check_singly(services, endpoint, boxes, wait).await?
    };
    let mut fetched = Vec::new();
    for ((key, at), report) in reports {
        let messages = match report {
            Ok(Some(question)) => receive(services, endpoint, key, *at, &question).await,
            // The service asks no more questions just now: what was found is fetched next time.
            Ok(None) => continue,
            Err(failure) => Err(failure),
        };
        let found = Fetched { key: key.clone(), service: endpoint.service.clone(), messages };
        unconfirmed.note(&found);
        fetched.push(found);
    }
    Ok(Checked { fetched, date })
}

/// All boxes in one request.
async fn check_together<'a>(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    boxes: &'a [(BoxKey, u64)],
    wait: u64,
) -> Result<(Vec<Report<'a>>, Option<u64>), ServiceFailure> {
    let cursors = boxes.iter().map(|(key, at)| Cursor { id: key.id(), at: *at }).collect();
    let request = Request::CheckMany(CheckMany { cursors, ext: endpoint.ext.clone(), wait });
    let answer = services.call::<CheckedMany>(&endpoint.service, &request, wait).await?;
    // Each report leads to a request: a service gets no more of them than it was asked for.
    let mut unreported: BTreeMap<String, &(BoxKey, u64)> =
        boxes.iter().map(|asked| (asked.0.id().to_base64(), asked)).collect();
    let reports = answer.reply.boxes.into_iter().map(|report| {
        let asked = unreported.remove(&report.id).ok_or(ServiceFailure::Malformed)?;
        let refusal = report.error.as_deref().and_then(Refusal::parse);
        Ok((asked, refusal.map_or(Ok(report.question), |refusal| Err(ServiceFailure::Refused(refusal, 0)))))
    });
    Ok((reports.collect::<Result<_, _>>()?, answer.date))
}

/// One request for each box. The service can hold a check only if that keeps no other box waiting.
async fn check_singly<'a>(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    boxes: &'a [(BoxKey, u64)],
    wait: u64,
) -> Result<(Vec<Report<'a>>, Option<u64>), ServiceFailure> {
    let wait = if boxes.len() == 1 { wait } else { 0 };
    let (mut reports, mut date) = (Vec::new(), None);
    for some in boxes.chunks(AT_ONCE) {
        let checks = some.iter().map(|(key, at)| check_one(services, endpoint, key, *at, wait));
        for (asked, answer) in some.iter().zip(join_all(checks).await) {
            let report = match answer {
                Ok(answer) => {
                    date = answer.date.or(date);
                    Ok(answer.reply.question.filter(|_| answer.reply.found))
                }
                Err(failure @ ServiceFailure::Refused(..)) => Err(failure),
                Err(failure) => return Err(failure),
            };
            reports.push((asked, report));
        }
    }
    Ok((reports, date))
}

async fn check_one(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    key: &BoxKey,
    at: u64,
    wait: u64,
) -> Result<Answer<CheckedOne>, ServiceFailure> {
    let cursor = Cursor { id: key.id(), at };
    let check = Request::Check(Check { cursor, ext: endpoint.ext.clone(), wait, ask: false });
    services.call(&endpoint.service, &check, wait).await
}

/// Says that everything up to `at` was processed. A check from the beginning makes the service ask, unless
/// it has forgotten all of it already.
async fn confirm(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    key: &BoxKey,
    at: u64,
) -> Result<(), ServiceFailure> {
    if let Some(question) = check_one(services, endpoint, key, 0, 0).await?.reply.question {
        receive(services, endpoint, key, at, &question).await?;
    }
    Ok(())
}

async fn receive(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    key: &BoxKey,
    at: u64,
    question: &str,
) -> Result<Vec<(u64, Vec<u8>)>, ServiceFailure> {
    let answer = *answer(endpoint, key, question)?;
    let cursor = Cursor { id: key.id(), at };
    let request =
        Request::Receive(Receive { cursor, ext: endpoint.ext.clone(), answer, limit: MAX_BOX_MESSAGES });
    let received = services.call::<Received>(&endpoint.service, &request, 0).await?.reply;
    if received.messages.len() > MAX_BOX_MESSAGES || !ascends(&received, at, services.now_seconds()) {
        return Err(ServiceFailure::Malformed);
    }
    let decoded = received.messages.into_iter().map(|message| {
        // What is no base64url counts as a message that cannot be opened.
        (message.at, parse_base64url(&message.data).unwrap_or_default())
    });
    Ok(decoded.collect())
}

/// A service that numbers messages at or before the cursor, or out of order, would make the reader skip
/// some or loop; and with a number that cannot be a cursor, the reader could not ask again.
fn ascends(received: &Received, at: u64, now: u64) -> bool {
    let numbers = received.messages.iter().map(|message| message.at);
    // A cursor more than an hour ahead of this clock is treated as 0 by the service.
    let restarted = at > now.saturating_add(AHEAD).saturating_mul(1_000_000);
    numbers.clone().is_sorted_by(|one, next| one < next)
        && numbers.clone().all(|at| at <= MAX_AT)
        && (restarted || numbers.min().is_none_or(|first| first > at))
}

fn answer(
    endpoint: &Endpoint,
    key: &BoxKey,
    question: &str,
) -> Result<Zeroizing<[u8; NONCE_LEN]>, ServiceFailure> {
    let origin = origin::of_url(&endpoint.service).ok_or(ServiceFailure::Unreachable(Unreached::Url))?;
    let sealed = parse_base64url(question).map_err(|_| ServiceFailure::Malformed)?;
    question::open(key, &origin, &sealed).map_err(|_| ServiceFailure::Malformed)
}

/// Leaves a message with every service of an address; one result for each.
pub(super) async fn send(
    services: &Services<impl Platform>,
    to: &Destination,
    data: &str,
) -> Vec<(String, Result<(), ServiceFailure>)> {
    let sendings = to
        .endpoints
        .iter()
        .map(|endpoint| async { (endpoint.service.clone(), services.send(endpoint, to.id, data).await) });
    join_all(sendings).await
}

/// Closes a box at every service. What fails is left to expire there by itself.
pub(super) async fn close(services: &Services<impl Platform>, key: &BoxKey, endpoints: &[Endpoint]) {
    for endpoint in endpoints {
        if let Err(failure) = close_at(services, key, endpoint).await {
            tracing::debug!(?failure, "a box could not be closed and is left to expire");
        }
    }
}

/// Closes a box at a service, if that can be done there.
async fn close_at(
    services: &Services<impl Platform>,
    key: &BoxKey,
    endpoint: &Endpoint,
) -> Result<(), ServiceFailure> {
    if !services.offer(&endpoint.service).await?.drop {
        return Ok(());
    }
    let question = ask(services, endpoint, key).await?;
    let answer = *answer(endpoint, key, &question)?;
    let request = Request::Drop(Drop { id: key.id(), ext: endpoint.ext.clone(), answer });
    services.call::<Done>(&endpoint.service, &request, 0).await.map(|_| ())
}

/// Has the service ask its question, whether or not there is anything in the box.
async fn ask(
    services: &Services<impl Platform>,
    endpoint: &Endpoint,
    key: &BoxKey,
) -> Result<String, ServiceFailure> {
    let cursor = Cursor { id: key.id(), at: 0 };
    let check = Request::Check(Check { cursor, ext: endpoint.ext.clone(), wait: 0, ask: true });
    let asked = services.call::<CheckedOne>(&endpoint.service, &check, 0).await?.reply;
    asked.question.ok_or(ServiceFailure::Malformed)
}

#[cfg(test)]
mod tests {
    use connectoid_protocol::{encoding::base64url, mailbox::Message};
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    const NOW: u64 = 1_700_000_000;

    fn received(numbers: &[u64]) -> Received {
        Received::new(numbers.iter().map(|at| Message { at: *at, data: String::new() }).collect())
    }

    #[test]
    fn numbers_ascend_from_the_cursor_on() {
        for (numbers, cursor, fine) in [
            (&[][..], 7, true),
            (&[8, 9, 20], 7, true),
            (&[7], 7, false),
            (&[6, 8], 7, false),
            (&[9, 8], 7, false),
            (&[8, 8], 7, false),
            (&[8, MAX_AT], 7, true),
            (&[8, MAX_AT + 1], 7, false),
            (&[u64::MAX], 7, false),
        ] {
            assert_eq!(ascends(&received(numbers), cursor, NOW), fine, "{numbers:?} after {cursor}");
        }
        let future = (NOW + AHEAD) * 1_000_000 + 1;
        assert!(ascends(&received(&[8]), future, NOW), "a service whose clock was put back starts over");
        assert!(!ascends(&received(&[8]), future - 1, NOW));
        assert!(!ascends(&received(&[9, 8]), future, NOW));
    }

    #[test]
    fn a_question_is_answered_only_to_the_service_that_was_dialled() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = BoxKey::generate(&mut rng);
        let dialled = Endpoint { service: "https://mail.example/box".into(), ext: None };
        for (origin, answered) in [("https://mail.example", true), ("https://relay.example", false)] {
            let asked = question::seal(&key.id(), origin, &[7; NONCE_LEN], &mut rng).unwrap();
            let answer = answer(&dialled, &key, &base64url(&asked));
            assert_eq!(
                answer.map(|answer| *answer),
                if answered { Ok([7; NONCE_LEN]) } else { Err(ServiceFailure::Malformed) }
            );
        }
    }
}
