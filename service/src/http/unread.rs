//! Whether a request's body was read to its end.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    task::{Context, Poll, ready},
};

use axum::{
    http::{HeaderValue, StatusCode, Version, header},
    response::Response,
};
use hyper::body::{Body, Frame, SizeHint};

/// Knows what is left of a request's body when the reply is there.
pub(super) struct Unread {
    read: Arc<AtomicBool>,
    version: Version,
}

/// A body that takes note of its end.
pub(super) struct Watched<B> {
    body: B,
    read: Arc<AtomicBool>,
}

impl Unread {
    /// Watches the body of a request.
    pub(super) fn watch<B: Body>(request: hyper::Request<B>) -> (hyper::Request<Watched<B>>, Self) {
        let read = Arc::new(AtomicBool::new(request.body().is_end_stream()));
        let unread = Self { read: read.clone(), version: request.version() };
        (request.map(|body| Watched { body, read }), unread)
    }

    /// Has the reply say that the connection ends with it, if it does. Over HTTP/2 a request ends alone.
    pub(super) fn announce(self, mut response: Response) -> Response {
        let over = !self.read.load(Relaxed) || response.status() == StatusCode::PAYLOAD_TOO_LARGE;
        if over && self.version < Version::HTTP_2 && response.status() != StatusCode::SWITCHING_PROTOCOLS {
            response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}

impl<B: Body + Unpin> Body for Watched<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if frame.is_none() || self.body.is_end_stream() {
            self.read.store(true, Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
