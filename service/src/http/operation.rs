//! `POST /`: one operation.

use std::{pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::{Extension, Request as HttpRequest, State},
    response::Response,
};
use bytes::Bytes;
use connectoid_protocol::mailbox::{MAX_REQUEST_LEN, Refusal, Request, RequestError};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use super::{
    App,
    caller::{Peer, caller},
    reply::{json, refusal},
};
use crate::{
    mailbox::Answer,
    rules::{Network, Refused},
};

/// How long a request's body may take: 32 KiB at a crawling 26 kbit/s.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// How much of a body that is too long is read and thrown away before the refusal: most clients first send and then
/// listen, and one whose connection ends while it sends never hears why.
const DISCARDED_LEN: usize = 256 * 1024;

/// How many bodies may be on their way at once: together at most 64 MiB.
pub(super) const SLOW_BODIES: usize = 2048;

/// How many of them from one client.
pub(super) const SLOW_BODIES_PER_CLIENT: usize = 128;

pub(super) async fn operate(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: HttpRequest,
) -> Response {
    match perform(&app, peer.network, request).await {
        Ok(answer) => {
            tracing::debug!("done");
            json(answer.to_json())
        }
        Err(refused) => {
            tracing::debug!(reason = refused.reason.as_str(), "refused");
            refusal(&refused)
        }
    }
}

async fn perform(app: &App, peer: Network, request: HttpRequest) -> Result<Answer, Refused> {
    let (parts, body) = request.into_parts();
    let caller = caller(&parts, peer, app.scheme, app.trust_proxy);
    let body = receive(app, caller.network, body).await?;
    let request = Request::parse(&body)?;
    tracing::debug!(kind = request.kind(), bytes = body.len(), "request");
    drop(body);
    app.mailbox.handle(request, caller).await
}

/// Reads a body. Nearly all arrive together with the request's head; those that do not are limited in
/// number and time, so that slow clients cannot fill the memory.
async fn receive(app: &App, network: Network, body: Body) -> Result<Bytes, Refused> {
    let mut reading = pin!(read(body));
    tokio::select! {
        biased;
        body = &mut reading => return body,
        () = std::future::ready(()) => {}
    }
    let _presence = app.slow_bodies.enter(network).ok_or(Refused::too_often(BODY_TIMEOUT))?;
    tokio::time::timeout(BODY_TIMEOUT, reading).await.map_err(|_| Refused::finally(Refusal::TooSlow))?
}

/// Reads a body, of which nothing is kept if it says that it is too long.
async fn read(mut body: Body) -> Result<Bytes, Refused> {
    let announced = axum::body::HttpBody::size_hint(&body).lower();
    let read = if announced > MAX_REQUEST_LEN as u64 {
        None
    } else {
        match Limited::new(&mut body, MAX_REQUEST_LEN).collect().await {
            Ok(collected) => Some(collected.to_bytes()),
            Err(error) if error.is::<LengthLimitError>() => None,
            Err(_) => return Err(Refused::finally(Refusal::Malformed)),
        }
    };
    if let Some(read) = read {
        return Ok(read);
    }
    discard(body).await;
    Err(RequestError::TooLong.into())
}

/// Reads on without keeping anything. A client that breaks off has nothing more to be told.
async fn discard(mut body: Body) {
    let mut left = DISCARDED_LEN;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}
