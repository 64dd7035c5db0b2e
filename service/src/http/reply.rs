//! Replies as HTTP responses.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;

use crate::rules::Refused;

/// What pages may read of a reply beyond its body: when to come back, and what time it is.
const EXPOSED: HeaderValue = HeaderValue::from_static("date, retry-after");

/// How long a browser may remember that it can ask, in seconds: the longest that browsers do.
const PREFLIGHT_LIFETIME: u32 = 24 * 60 * 60;

/// A successful reply. Pages of any origin may read it: it says nothing that depends on who the browser's
/// user is, since the service knows no cookies, no logins and no private networks.
pub(super) fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
    response
}

/// What a browser asks before a page of another origin may `POST` JSON (Fetch standard, CORS-preflight).
pub(super) async fn preflight() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("content-type"));
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from(PREFLIGHT_LIFETIME));
    response
}

/// A refusal.
pub(super) fn refusal(refused: &Refused) -> Response {
    let mut response = json(refused.reason.to_json(refused.detail).into());
    *response.status_mut() =
        StatusCode::from_u16(refused.reason.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    if let Some(secs) = refused.retry_after_secs() {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(secs));
    }
    response
}
