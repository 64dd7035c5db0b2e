//! HTTP: from requests to operations and back. Nothing is decided here but the form.
//!
//! `POST /` takes an operation, `GET /` describes the service or becomes a WebSocket, `GET /health` says whether it works and
//! `GET /openapi.json` describes this API to tools.

mod caller;
mod connection;
mod operation;
mod reply;
mod server;
mod socket;
mod tls;
mod unread;

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::Method,
    response::Response,
    routing::{get, post},
};
use bytes::Bytes;
use connectoid_protocol::mailbox::{Extension, Refusal, ServiceInfo, ServiceLimits};

pub use server::Server;
pub use tls::{Certificate, TlsError};

use crate::{
    config::Config,
    mailbox::Mailbox,
    rules::{Refused, headcount::Headcount},
    stop::Stopping,
};
use caller::{Peer, caller};
use reply::{json, preflight, refusal};

/// The API as OpenAPI 3.1.
const OPENAPI: &str = include_str!("openapi.json");

/// What all requests share.
pub struct App {
    mailbox: Arc<Mailbox>,
    info: Bytes,
    slow_bodies: Arc<Headcount>,
    trust_proxy: bool,
    scheme: &'static str,
    stopping: Stopping,
}

impl App {
    /// The API over a mailbox, whose WebSockets end when it is to stop.
    pub fn new(mailbox: Arc<Mailbox>, config: &Config, stopping: Stopping) -> Self {
        let scheme = if config.tls.is_some() { "https" } else { "http" };
        let slow_bodies = Headcount::new(operation::SLOW_BODIES, operation::SLOW_BODIES_PER_CLIENT);
        let info = info(config).to_json().into();
        Self { mailbox, info, slow_bodies, trust_proxy: config.trust_proxy, scheme, stopping }
    }

    /// Counts a request that is no operation to its client.
    fn admit(&self, peer: &Peer, request: Request) -> Result<(), Refused> {
        let (parts, _) = request.into_parts();
        self.mailbox.admit(caller(&parts, peer.network, self.scheme, self.trust_proxy).network)
    }

    /// Answers such a request with what is always the same.
    fn tell(&self, peer: &Peer, request: Request, text: Bytes) -> Response {
        match self.admit(peer, request) {
            Ok(()) => json(text),
            Err(refused) => refusal(&refused),
        }
    }

    /// The API as a router.
    pub fn into_router(self) -> Router {
        Router::new()
            .route("/", post(operation::operate).get(describe).options(preflight))
            .route("/health", get(health))
            .route("/openapi.json", get(openapi))
            .fallback(async || refusal(&Refused::finally(Refusal::NotFound)))
            .method_not_allowed_fallback(wrong_method)
            .with_state(Arc::new(self))
    }
}

fn info(config: &Config) -> ServiceInfo {
    let asked_for = |extension: &Extension| *extension != Extension::Pow || config.pow_bits > 0;
    let extensions = Extension::ALL.into_iter().filter(asked_for);
    ServiceInfo {
        service: "connectoid".into(),
        version: env!("CARGO_PKG_VERSION").into(),
        protocol: 1,
        extensions: extensions.map(|extension| extension.as_str().to_owned()).collect(),
        key_required: !config.api_keys.is_empty(),
        pow_bits: config.pow_bits,
        limits: ServiceLimits::with_rates(
            config.limits.requests_per_second,
            config.limits.box_requests_per_second,
        ),
    }
}

async fn describe(
    State(app): State<Arc<App>>,
    axum::Extension(peer): axum::Extension<Peer>,
    request: Request,
) -> Response {
    if socket::is_asked_for(request.headers()) {
        return socket::upgrade(app, peer, request.into_parts().0).await;
    }
    app.tell(&peer, request, app.info.clone())
}

/// Works as far as the store does.
async fn health(
    State(app): State<Arc<App>>,
    axum::Extension(peer): axum::Extension<Peer>,
    request: Request,
) -> Response {
    if let Err(refused) = app.admit(&peer, request) {
        return refusal(&refused);
    }
    match app.mailbox.totals().await {
        Ok(_) => json(Bytes::from_static(br#"{"ok":true}"#)),
        Err(error) => refusal(&error.into()),
    }
}

async fn openapi(
    State(app): State<Arc<App>>,
    axum::Extension(peer): axum::Extension<Peer>,
    request: Request,
) -> Response {
    app.tell(&peer, request, Bytes::from_static(OPENAPI.as_bytes()))
}

async fn wrong_method(_: Method) -> Response {
    refusal(&Refused::finally(Refusal::WrongMethod))
}
