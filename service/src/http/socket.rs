//! `GET /` with `Upgrade: websocket`: requests as text frames, and reports of what arrives (RFC 6455).

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{
        FromRequestParts as _,
        ws::{CloseCode, CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code},
    },
    http::{HeaderMap, header, request::Parts},
    response::Response,
};
use connectoid_protocol::mailbox::{MAX_REPLY_LEN, MAX_REQUEST_LEN, Refusal, Request};
use tokio::time::{Instant, MissedTickBehavior};

use super::{
    App,
    caller::{Client, Peer, caller},
    connection::IDLE_TIMEOUT,
    reply::refusal,
};
use crate::{
    mailbox::{Answer, Session},
    rules::Refused,
    stop::Stopping,
};

/// How often a ping is sent: below the minute after which proxies and routers like to forget a connection.
const PING_INTERVAL: Duration = Duration::from_secs(30);

/// How long a client may stay silent; one that lives answers two pings in that time.
const SILENCE: Duration = IDLE_TIMEOUT;

/// How long a frame to the client may take to leave: a reply at a crawling 160 kbit/s.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a client may take to agree to the end. Shorter than what the service waits when it stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// What is read at once, in bytes. It is taken for every connection, and most frames are short.
const READ_LEN: usize = 4 * 1024;

/// What may wait to be written, in bytes: a reply and the frames that go between.
const WRITE_LEN: usize = MAX_REPLY_LEN + 1024;

/// Whether a request wants to become a WebSocket.
pub(super) fn is_asked_for(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

/// Makes a request a WebSocket, if the client may have one more.
pub(super) async fn upgrade(app: Arc<App>, peer: Peer, mut parts: Parts) -> Response {
    let client = Client::from(caller(&parts, peer.network, app.scheme, app.trust_proxy));
    let Ok(upgrade) = WebSocketUpgrade::from_request_parts(&mut parts, &()).await else {
        return refusal(&Refused::finally(Refusal::Malformed));
    };
    let session = match app.mailbox.open_session(client.network) {
        Ok(session) => session,
        Err(refused) => return refusal(&refused),
    };
    let stopping = app.stopping.clone();
    upgrade
        .read_buffer_size(READ_LEN)
        .write_buffer_size(0)
        .max_write_buffer_size(WRITE_LEN)
        .max_frame_size(MAX_REQUEST_LEN)
        .max_message_size(MAX_REQUEST_LEN)
        .on_upgrade(async move |socket| {
            Line { socket, session, client, stopping }.serve().await;
            drop(peer);
        })
}

/// One client on the line.
struct Line {
    socket: WebSocket,
    session: Session,
    client: Client,
    stopping: Stopping,
}

/// What is to be done next.
enum Next {
    Say(Message),
    Listen,
    Close(CloseCode),
    End,
}

impl Line {
    async fn serve(mut self) {
        let mut pings = tokio::time::interval_at(Instant::now() + PING_INTERVAL, PING_INTERVAL);
        pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut heard = Instant::now();
        loop {
            let next = tokio::select! {
                received = self.socket.recv() => {
                    heard = Instant::now();
                    self.on_received(received).await
                }
                () = self.session.rung() => match self.session.report(self.client.caller()).await {
                    Some(report) => say(&report),
                    None => Next::Listen,
                },
                _ = pings.tick() => {
                    let alive = heard.elapsed() < SILENCE;
                    if alive { Next::Say(Message::Ping(bytes::Bytes::new())) } else { Next::End }
                }
                () = self.stopping.stopped() => Next::Close(close_code::AWAY),
            };
            match next {
                Next::Say(message) => {
                    if !self.send(message).await {
                        return;
                    }
                }
                Next::Listen => {}
                Next::Close(code) => return self.close(code).await,
                Next::End => return,
            }
        }
    }

    async fn on_received(&mut self, received: Option<Result<Message, axum::Error>>) -> Next {
        match received {
            Some(Ok(Message::Text(text))) => self.on_request(&text).await,
            // To a ping and to the end, the library answers when it is read on.
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Close(_))) => Next::Listen,
            Some(Ok(Message::Binary(_))) => Next::Close(close_code::UNSUPPORTED),
            // Too long, or against RFC 6455.
            Some(Err(_)) => Next::Close(close_code::PROTOCOL),
            None => Next::End,
        }
    }

    async fn on_request(&mut self, text: &Utf8Bytes) -> Next {
        let result = match Request::parse(text.as_bytes()) {
            Ok(request) => {
                tracing::debug!(kind = request.kind(), bytes = text.len(), "request");
                self.session.handle(request, self.client.caller()).await
            }
            Err(error) => Err(error.into()),
        };
        match result {
            Ok(answer) => say(&answer),
            Err(refused) => {
                tracing::debug!(reason = refused.reason.as_str(), "refused");
                text_frame(refused.reason.to_frame(refused.detail, refused.retry_after_secs()).into())
            }
        }
    }

    /// Sends a frame; `false` if the client does not take it.
    async fn send(&mut self, message: Message) -> bool {
        matches!(tokio::time::timeout(SEND_TIMEOUT, self.socket.send(message)).await, Ok(Ok(())))
    }

    /// Says why it ends, and waits for the client to agree.
    async fn close(mut self, code: CloseCode) {
        let reason = Utf8Bytes::from_static("");
        if self.send(Message::Close(Some(CloseFrame { code, reason }))).await {
            let agreed = async { while let Some(Ok(_)) = self.socket.recv().await {} };
            // Whoever does not agree is left.
            let _ = tokio::time::timeout(CLOSE_TIMEOUT, agreed).await;
        }
    }
}

fn say(answer: &Answer) -> Next {
    text_frame(answer.to_json())
}

/// JSON is always UTF-8.
fn text_frame(json: bytes::Bytes) -> Next {
    Utf8Bytes::try_from(json).map_or(Next::End, |text| Next::Say(Message::Text(text)))
}
