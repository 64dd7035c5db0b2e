//! The log names no boxes, messages, keys or addresses, whatever happens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{
    io,
    sync::{Arc, Mutex},
};

use common::{Client, check, config, key, send, start};
use connectoid_protocol::{encoding::base64url, mailbox::Request};
use tracing_subscriber::fmt::MakeWriter;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn the_log_tells_nothing_about_anybody() {
    let log = Log::default();
    let filter = tracing_subscriber::EnvFilter::new("connectoid_service=trace");
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(log.clone()).with_ansi(false).init();

    let data = tempfile::tempdir().unwrap();
    let mut config = config();
    config.storage = connectoid_service::Storage::Directory(data.path().to_owned());
    config.trust_proxy = true;
    config.api_keys = connectoid_service::ApiKeys::new(["sesame".into()]);
    config.limits.box_requests_per_second = 1;
    let (service, client) = start(config).await;
    let key = key(1);
    let client = client.from("203.0.113.77");
    let with_key = |mut request: Request| {
        match &mut request {
            Request::Send(send) => send.ext = Some("sesame".into()),
            Request::Check(check) => check.ext = Some("sesame".into()),
            Request::Receive(receive) => receive.ext = Some("sesame".into()),
            Request::Drop(drop) => drop.ext = Some("sesame".into()),
            Request::CheckMany(_) => {}
        }
        request.to_json()
    };
    let mut statuses = std::collections::BTreeSet::new();
    let mut post = async |client: &Client, body: Vec<u8>| {
        let response = client.post(body).await;
        statuses.insert(response.status.as_u16());
        response
    };
    post(&client, send(&key, "SECRETDATA").to_json()).await;
    post(&client, with_key(send(&key, "SECRETDATA"))).await;
    let found = post(&client, with_key(check(&key, 0, 0))).await;
    let found: connectoid_protocol::mailbox::Checked =
        connectoid_protocol::mailbox::parse_reply(&found.body).unwrap();
    let question = found.question.unwrap();
    let answer = common::open(&key, &client.url, &question);
    let cursor = connectoid_protocol::mailbox::Cursor { id: key.id(), at: 0 };
    let receive = |answer| {
        Request::Receive(connectoid_protocol::mailbox::Receive { cursor, ext: None, answer, limit: 1 })
    };
    post(&client, with_key(receive(answer))).await;
    post(&client, with_key(receive([1; 32]))).await;
    post(&client, b"{SECRETDATA".to_vec()).await;
    post(&client, vec![b'A'; 40_000]).await;
    let drop = connectoid_protocol::mailbox::Drop { id: key.id(), ext: None, answer };
    post(&client, with_key(Request::Drop(drop))).await;
    for _ in 0..40 {
        post(&client, with_key(check(&key, 0, 0))).await;
    }
    drop_connection_midway(service.address()).await;
    let address = service.address().to_string();
    service.shutdown().await;
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200, 400, 401, 410, 413, 429]);

    let text = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(text.contains("refused") && text.contains("started") && text.contains("stopped"), "{text}");
    let id = key.id().to_base64();
    for secret in [
        "SECRETDATA",
        "sesame",
        "203.0.113",
        "127.0.0.1",
        &address,
        &id[..8],
        &id[58..],
        &question[..16],
        &base64url(&answer)[..16],
        &data.path().display().to_string(),
    ] {
        assert!(!text.contains(secret), "the log contains {secret:?}:\n{text}");
    }
}

async fn drop_connection_midway(address: std::net::SocketAddr) {
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let head = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{";
    tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
}
