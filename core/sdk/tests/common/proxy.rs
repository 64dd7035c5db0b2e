//! What stands between the nodes and a real service, and makes it a poorer one.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering::Relaxed},
};

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{HeaderMap, Method, Request, StatusCode, header::HOST},
    response::{IntoResponse, Response},
    routing::any,
};
use connectoid_protocol::mailbox::{MAX_REPLY_LEN, Refusal};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;

/// A service without extensions: `send`, `check` and `receive`, and nothing else.
pub struct Plain {
    pub url: String,
    seen: Arc<Seen>,
}

struct Seen {
    upstream: String,
    client: Client<HttpConnector, Body>,
    descriptions: AtomicUsize,
    extensions: Mutex<Vec<String>>,
}

impl Plain {
    /// In front of the service at `upstream`.
    pub async fn before(upstream: String) -> Self {
        let client = Client::builder(TokioExecutor::new()).build_http();
        let (descriptions, extensions) = Default::default();
        let seen = Arc::new(Seen { upstream, client, descriptions, extensions });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().route("/", any(handle)).with_state(seen.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, seen }
    }

    /// How often it was asked what it offers.
    pub fn descriptions(&self) -> usize {
        self.seen.descriptions.load(Relaxed)
    }

    /// What of the extensions it was asked for nevertheless.
    pub fn extensions(&self) -> Vec<String> {
        self.seen.extensions.lock().unwrap().clone()
    }
}

async fn handle(State(seen): State<Arc<Seen>>, method: Method, headers: HeaderMap, body: Bytes) -> Response {
    if method == Method::GET {
        seen.descriptions.fetch_add(1, Relaxed);
        let (_, text) = seen.pass(method, &headers, body).await;
        let mut info: Value = serde_json::from_slice(&text).unwrap();
        info["extensions"] = Value::Array(Vec::new());
        return info.to_string().into_response();
    }
    let request: Value = serde_json::from_slice(&body).unwrap();
    let mut used: Vec<_> =
        ["boxes", "wait", "ask", "pow"].into_iter().filter(|field| !request[field].is_null()).collect();
    used.extend((request["type"] == "drop").then_some("drop"));
    if !used.is_empty() {
        seen.extensions.lock().unwrap().extend(used.into_iter().map(str::to_owned));
        return (StatusCode::BAD_REQUEST, Refusal::Malformed.to_json(None)).into_response();
    }
    seen.pass(method, &headers, body).await.into_response()
}

impl Seen {
    async fn pass(&self, method: Method, headers: &HeaderMap, body: Bytes) -> (StatusCode, Bytes) {
        let request = Request::builder().method(method).uri(&self.upstream).header(HOST, &headers[HOST]);
        let response = self.client.request(request.body(Body::from(body)).unwrap()).await.unwrap();
        let status = response.status();
        (status, to_bytes(Body::new(response.into_body()), MAX_REPLY_LEN).await.unwrap())
    }
}
