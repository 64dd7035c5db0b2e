//! Replies as HTTP responses.

use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::Bytes;

use crate::rules::Refused;

/// A successful reply.
pub(super) fn json(body: Bytes) -> Response {
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
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
