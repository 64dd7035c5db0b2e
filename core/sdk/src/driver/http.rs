//! One HTTP request to a mailbox service: bounded in time and size, over HTTP/1.1 or HTTP/2.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Method, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};

use super::{roots::Roots, unreached::reason};
use crate::{
    Result as NodeResult,
    engine::{ServiceFailure, Unreached},
    mailbox::{HttpReply, HttpRequest, MAX_BODY_LEN},
};

/// How long reaching a service may take, so that the next one of the link is tried.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(8);

/// The longest head of a reply, in bytes: several times what proxies add to it.
const HEAD_LEN: usize = 64 * 1024;

/// The longest list of headers over HTTP/2, in bytes.
const HEADER_LIST_LEN: u32 = 64 * 1024;

/// What a service may send ahead for one request over HTTP/2, in bytes: a whole reply.
#[allow(clippy::cast_possible_truncation, reason = "192 KiB")]
const WINDOW: u32 = MAX_BODY_LEN as u32;

/// The same on one connection, in bytes: some replies at once.
const CONNECTION_WINDOW: u32 = 4 * WINDOW;

/// How long an unused connection is kept: a background pace of 60 s finds it closed, a foreground one
/// open.
const KEEP: Duration = Duration::from_secs(40);

/// The HTTP client, with its pool of connections, which clones share.
#[derive(Clone)]
pub(super) struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Http {
    /// A client that trusts these authorities.
    pub(super) fn new(roots: Roots) -> NodeResult<Self> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_tls_config(roots.into_config()?)
            .https_or_http()
            .enable_http1()
            .enable_http2()
            .wrap_connector(tcp);
        let client = Client::builder(TokioExecutor::new())
            .pool_idle_timeout(KEEP)
            .pool_timer(TokioTimer::new())
            .http1_max_buf_size(HEAD_LEN)
            .http2_max_header_list_size(HEADER_LIST_LEN)
            .http2_initial_stream_window_size(WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .build(https);
        Ok(Self { client })
    }

    /// Makes a request and reads its reply.
    pub(super) async fn exchange(&self, request: HttpRequest) -> Result<HttpReply, ServiceFailure> {
        let (method, body) = match request.body {
            Some(body) => (Method::POST, body),
            None => (Method::GET, Vec::new()),
        };
        let built = hyper::Request::builder()
            .method(method)
            .uri(request.url)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .map_err(|_| ServiceFailure::Unreachable(Unreached::Url))?;
        tokio::time::timeout(request.within, self.read(built))
            .await
            .unwrap_or(Err(ServiceFailure::Unreachable(Unreached::Silent)))
    }

    async fn read(&self, request: hyper::Request<Full<Bytes>>) -> Result<HttpReply, ServiceFailure> {
        let response = self.client.request(request).await;
        let response = response.map_err(|error| ServiceFailure::Unreachable(reason(&error)))?;
        let (head, body) = response.into_parts();
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let body = Limited::new(body, MAX_BODY_LEN).collect().await.map_err(|error| {
            let is_too_long = error.is::<LengthLimitError>();
            if is_too_long {
                ServiceFailure::Malformed
            } else {
                ServiceFailure::Unreachable(Unreached::Broken)
            }
        });
        Ok(HttpReply {
            status: head.status.as_u16(),
            retry_after: text(header::RETRY_AFTER),
            date: text(header::DATE),
            body: body?.to_bytes().into(),
        })
    }
}
