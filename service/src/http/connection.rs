//! One connection: TLS if wanted, HTTP/1.1 or HTTP/2, and an end to both idleness and dawdling.
//!
//! What stays unread of a request's body would be taken for the next request, so over HTTP/1.1 the connection ends with
//! the reply then. The reply says so, or the client would send the next request into nothing.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use axum::Router;
use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;
use tower::Service;

use super::{caller::Peer, unread::Unread};
use crate::stop::Stopping;

/// How long a TLS handshake may take.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may lie idle, and how long a request's head may take. Longer than the usual
/// minute between two checks of an app in the foreground.
pub(super) const IDLE_TIMEOUT: Duration = Duration::from_secs(75);

/// How long a connection that was asked to end may take.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest head of a request over HTTP/1.1, in bytes, which is also hyper's read buffer. The body
/// goes through it, too, without being bounded by it.
const HEAD_LEN: usize = 16 * 1024;

/// The most headers of a request.
const MAX_HEADERS: usize = 64;

/// The longest list of headers over HTTP/2, in bytes.
const HEADER_LIST_LEN: u32 = 16 * 1024;

/// The most requests at once on one HTTP/2 connection: an app has one check and a message or two on
/// their way. It bounds what replies that nobody reads can take up.
const STREAMS: u32 = 8;

/// What a client may send ahead per request and per connection over HTTP/2, in bytes: the default.
const WINDOW: u32 = 64 * 1024 - 1;

/// Speaks HTTP/1.1 and HTTP/2, whichever the client starts with.
pub(super) struct Protocols(auto::Builder<TokioExecutor>);

impl Protocols {
    pub(super) fn new() -> Self {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder
            .http1()
            .timer(TokioTimer::new())
            .header_read_timeout(IDLE_TIMEOUT)
            .max_buf_size(HEAD_LEN)
            .max_headers(MAX_HEADERS);
        builder
            .http2()
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .max_header_list_size(HEADER_LIST_LEN)
            .initial_stream_window_size(WINDOW)
            .initial_connection_window_size(WINDOW);
        Self(builder)
    }
}

/// Serves a connection until it ends, becomes a WebSocket, lies idle, or the service stops.
pub(super) async fn serve(
    stream: TcpStream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    router: Router,
    protocols: &Protocols,
    stopping: Stopping,
) {
    // Replies are single small writes, which Nagle's algorithm would only delay.
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let Some(tls) = tls else {
        return serve_http(stream, peer, router, protocols, stopping).await;
    };
    if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
        serve_http(stream, peer, router, protocols, stopping).await;
    } else {
        tracing::debug!("TLS handshake failed");
    }
}

async fn serve_http(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    peer: Peer,
    router: Router,
    protocols: &Protocols,
    mut stopping: Stopping,
) {
    let activity = Arc::new(Activity::default());
    let service = service_fn(|mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(peer.clone());
        let (request, unread) = Unread::watch(request);
        let response = router.clone().call(request);
        let busy = Busy::start(activity.clone());
        async move {
            let response = response.await;
            drop(busy);
            response.map(|response| unread.announce(response))
        }
    });
    let mut connection = pin!(protocols.0.serve_connection_with_upgrades(TokioIo::new(stream), service));
    let stop = async {
        tokio::select! {
            () = stopping.stopped() => {}
            () = activity.idle() => {}
        }
    };
    let ended = tokio::select! {
        ended = connection.as_mut() => Some(ended),
        () = stop => None,
    };
    let ended = if let Some(ended) = ended {
        Ok(ended)
    } else {
        connection.as_mut().graceful_shutdown();
        tokio::time::timeout(END_TIMEOUT, connection).await
    };
    if !matches!(ended, Ok(Ok(()))) {
        tracing::debug!("a connection ended early");
    }
}

/// What happens on a connection.
#[derive(Default)]
struct Activity {
    open: AtomicUsize,
    served: AtomicUsize,
}

/// A request in progress.
struct Busy(Arc<Activity>);

impl Busy {
    fn start(activity: Arc<Activity>) -> Self {
        activity.open.fetch_add(1, Relaxed);
        activity.served.fetch_add(1, Relaxed);
        Self(activity)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Relaxed);
    }
}

impl Activity {
    /// Waits for a period without any request. HTTP/2 has no such limit of its own, nor has a client
    /// that never says which protocol it speaks.
    async fn idle(&self) {
        loop {
            let served = self.served.load(Relaxed);
            tokio::time::sleep(IDLE_TIMEOUT).await;
            if self.open.load(Relaxed) == 0 && self.served.load(Relaxed) == served {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_only_without_requests() {
        let activity = Arc::new(Activity::default());
        let busy = Busy::start(activity.clone());
        let mut idle = pin!(activity.idle());
        assert!(tokio::time::timeout(IDLE_TIMEOUT * 5, idle.as_mut()).await.is_err());
        drop(busy);
        assert!(tokio::time::timeout(IDLE_TIMEOUT * 2, idle).await.is_ok());
    }
}
