//! One HTTP request to a mailbox service: bounded in time and size, over HTTP/1.1 or HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use connectoid_protocol::mailbox::{
    Done, MAX_REPLY_LEN, Refusal, Reply, ReplyError, Request, ServiceInfo, parse_reply,
};
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, StatusCode, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use crate::engine::ServiceFailure;

/// How long a service may take to answer, beyond the time that it was asked to wait: a slow mobile
/// network, twice over.
const TIMEOUT: Duration = Duration::from_secs(15);

/// How long reaching a service may take, so that the next one of the link is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// How long an unused connection is kept: a background pace of 60 s finds it closed, a foreground one
/// open.
const KEEP: Duration = Duration::from_secs(40);

/// What came back, and how far the service's clock is ahead, in s, if it told.
pub(super) struct Answer<T> {
    pub(super) reply: T,
    pub(super) date: Option<u64>,
}

/// A reply whose body was not read yet for what it says.
struct Raw {
    status: StatusCode,
    retry_after: u64,
    date: Option<u64>,
    body: Bytes,
}

/// The HTTP client, with its pool of connections, which clones share.
#[derive(Clone)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Http {
    pub(super) fn new() -> Self {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_webpki_roots()
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP)
            .pool_timer(TokioTimer::new())
            .build(https);
        Self { client }
    }

    /// Makes a request; `wait` is what the service was asked to hold it for.
    pub(super) async fn call<T: Reply>(
        &self,
        service: &str,
        request: &Request,
        wait: u64,
    ) -> Result<Answer<T>, ServiceFailure> {
        let limit = TIMEOUT + Duration::from_secs(wait);
        let raw = self.exchange(Method::POST, service, request.to_json().into(), limit).await?;
        match parse_reply(&raw.body) {
            Ok(reply) => Ok(Answer { reply, date: raw.date }),
            Err(error) => Err(failure(raw.status, &error, raw.retry_after)),
        }
    }

    /// Asks a service what it is.
    pub(super) async fn describe(&self, service: &str) -> Result<Answer<ServiceInfo>, ServiceFailure> {
        let raw = self.exchange(Method::GET, service, Bytes::new(), TIMEOUT).await?;
        if raw.status == StatusCode::OK {
            let info = ServiceInfo::parse(&raw.body).ok_or(ServiceFailure::Malformed)?;
            return Ok(Answer { reply: info, date: raw.date });
        }
        let error = parse_reply::<Done>(&raw.body).err().unwrap_or(ReplyError::Malformed);
        Err(failure(raw.status, &error, raw.retry_after))
    }

    async fn exchange(
        &self,
        method: Method,
        service: &str,
        body: Bytes,
        limit: Duration,
    ) -> Result<Raw, ServiceFailure> {
        let request = hyper::Request::builder()
            .method(method)
            .uri(service)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|_| ServiceFailure::Unreachable)?;
        let exchange = async {
            let response = self.client.request(request).await.map_err(|_| ServiceFailure::Unreachable)?;
            let (head, body) = response.into_parts();
            let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
            let retry_after = text(header::RETRY_AFTER).and_then(|text| text.parse().ok()).unwrap_or(0);
            let date = text(header::DATE).and_then(parse_date);
            let body = Limited::new(body, MAX_REPLY_LEN).collect().await;
            let body = body.map_err(|_| ServiceFailure::Malformed)?.to_bytes();
            Ok(Raw { status: head.status, retry_after, date, body })
        };
        tokio::time::timeout(limit, exchange).await.unwrap_or(Err(ServiceFailure::Unreachable))
    }
}

fn failure(status: StatusCode, error: &ReplyError, retry_after: u64) -> ServiceFailure {
    let retry_after = retry_after.saturating_mul(1_000_000);
    match error {
        ReplyError::Refused(refusal) => ServiceFailure::Refused(*refusal, retry_after),
        _ => Refusal::from_status(status.as_u16())
            .map_or(ServiceFailure::Malformed, |refusal| ServiceFailure::Refused(refusal, retry_after)),
    }
}

/// Reads an HTTP date (RFC 9110 §5.6.7, the preferred form) as seconds since the epoch.
fn parse_date(text: &str) -> Option<u64> {
    let mut parts = text.split([' ', ':']).skip(1);
    let number = |part: Option<&str>| part?.parse::<u64>().ok();
    let day = number(parts.next())?;
    let month = parts.next()?;
    let month = 1 + MONTHS.iter().position(|name| *name == month)? as u64;
    let (year, hour, minute, second) =
        (number(parts.next())?, number(parts.next())?, number(parts.next())?, number(parts.next())?);
    // Days from the civil calendar, with the year starting in March (Hinnant, chrono-compatible dates).
    let (year, shifted) = if month > 2 { (year, month - 3) } else { (year.checked_sub(1)?, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * shifted + 2) / 5 + day;
    Some(days.checked_sub(719_469)? * 86_400 + hour * 3600 + minute * 60 + second)
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn http_dates_are_read() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(parse_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777));
        assert_eq!(parse_date("Thu, 29 Feb 2024 23:59:59 GMT"), Some(1_709_251_199));
        assert_eq!(parse_date("yesterday"), None);
    }
}
