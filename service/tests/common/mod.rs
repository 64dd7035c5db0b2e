//! A client for tests, over real sockets and with real keys.

#![allow(dead_code, reason = "each test binary uses a part of this")]
#![allow(missing_docs, clippy::missing_panics_doc)]

use axum::{
    body::Body,
    http::{HeaderMap, Method, Request as HttpRequest, StatusCode, header},
};
use bytes::Bytes;
use connectoid_protocol::{
    boxes::BoxKey,
    encoding::parse_base64url,
    mailbox::{
        Check, CheckMany, Checked, CheckedMany, Cursor, Done, Drop, Receive, Received, Reply, ReplyError,
        Request, Send, parse_reply,
    },
    question,
};
use connectoid_service::{Config, RunningService, Service, Storage};
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

pub(crate) const LOCALHOST: std::net::SocketAddr =
    std::net::SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

pub(crate) fn key(seed: u64) -> BoxKey {
    BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed))
}

/// In memory, with limits that no test reaches unless it sets them.
pub(crate) fn config() -> Config {
    let mut config = Config::new(LOCALHOST, Storage::Memory);
    config.limits.requests_per_second = 100_000;
    config.limits.box_requests_per_second = 10_000;
    config.limits.new_boxes_per_hour = 100_000;
    config.limits.questions_per_second = 10_000;
    config.limits.questions_per_second_in_all = 10_000;
    config
}

pub(crate) async fn start(config: Config) -> (RunningService, Client) {
    let service = Service::start(config).await.unwrap();
    let client = Client::http1(&service.url());
    (service, client)
}

#[derive(Clone)]
pub(crate) struct Client {
    http: HttpClient<HttpConnector, Body>,
    pub(crate) url: String,
    pub(crate) headers: HeaderMap,
}

pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Response {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn retry_after(&self) -> Option<u64> {
        self.headers.get(header::RETRY_AFTER).map(|value| value.to_str().unwrap().parse().unwrap())
    }
}

impl Client {
    pub(crate) fn http1(url: &str) -> Self {
        Self::new(url, false)
    }

    pub(crate) fn http2(url: &str) -> Self {
        Self::new(url, true)
    }

    fn new(url: &str, http2: bool) -> Self {
        let mut http = HttpClient::builder(TokioExecutor::new());
        http.timer(TokioTimer::new()).http2_only(http2);
        Self { http: http.build_http(), url: url.to_owned(), headers: HeaderMap::new() }
    }

    /// The same client, seen from elsewhere by a service that trusts its proxy.
    pub(crate) fn from(&self, address: &str) -> Self {
        let mut client = self.clone();
        client.headers.insert("x-forwarded-for", address.parse().unwrap());
        client
    }

    pub(crate) async fn call(&self, method: Method, path: &str, body: impl Into<Body>) -> Response {
        let mut request = HttpRequest::new(body.into());
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.url).parse().unwrap();
        *request.headers_mut() = self.headers.clone();
        let (parts, body) = self.http.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Response { status: parts.status, headers: parts.headers, body }
    }

    pub(crate) async fn post(&self, body: impl Into<Body>) -> Response {
        self.call(Method::POST, "/", body).await
    }

    pub(crate) async fn ask<T: Reply>(&self, request: Request) -> Result<T, ReplyError> {
        parse_reply(&self.post(request.to_json()).await.body)
    }

    pub(crate) async fn send(&self, key: &BoxKey, data: &str) -> Result<Done, ReplyError> {
        self.ask(send(key, data)).await
    }

    pub(crate) async fn check(&self, key: &BoxKey, at: u64) -> Result<Checked, ReplyError> {
        self.ask(check(key, at, 0)).await
    }

    pub(crate) async fn check_many(&self, keys: &[&BoxKey], wait: u64) -> Result<CheckedMany, ReplyError> {
        let cursors = keys.iter().map(|key| Cursor { id: key.id(), at: 0 }).collect();
        self.ask(Request::CheckMany(CheckMany { cursors, ext: None, wait })).await
    }

    pub(crate) async fn receive(
        &self,
        key: &BoxKey,
        answer: [u8; 32],
        at: u64,
        limit: usize,
    ) -> Result<Received, ReplyError> {
        let cursor = Cursor { id: key.id(), at };
        self.ask(Request::Receive(Receive { cursor, ext: None, answer, limit })).await
    }

    pub(crate) async fn drop_box(&self, key: &BoxKey, answer: [u8; 32]) -> Result<Done, ReplyError> {
        self.ask(Request::Drop(Drop { id: key.id(), ext: None, answer })).await
    }

    /// Asks for the question whatever is in the box, and answers it as the owner who dialled `self.url`.
    pub(crate) async fn answer(&self, key: &BoxKey) -> [u8; 32] {
        let cursor = Cursor { id: key.id(), at: 0 };
        let check = Request::Check(Check { cursor, ext: None, wait: 0, ask: true });
        let checked: Checked = self.ask(check).await.unwrap();
        open(key, &self.url, &checked.question.unwrap())
    }
}

pub(crate) fn open(key: &BoxKey, origin: &str, question: &str) -> [u8; 32] {
    *question::open(key, origin, &parse_base64url(question).unwrap()).unwrap()
}

pub(crate) fn send(key: &BoxKey, data: &str) -> Request {
    Request::Send(Send { id: key.id(), ext: None, data: data.to_owned(), pow: None })
}

pub(crate) fn check(key: &BoxKey, at: u64, wait: u64) -> Request {
    Request::Check(Check { cursor: Cursor { id: key.id(), at }, ext: None, wait, ask: false })
}

pub(crate) fn texts(received: &Received) -> Vec<&str> {
    received.messages.iter().map(|message| message.data.as_str()).collect()
}
