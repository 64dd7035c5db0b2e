//! Requests to a mailbox service on this machine, as plain as HTTP can be.

use std::time::{SystemTime, UNIX_EPOCH};

use connectoid_engine::{
    engine::{ServiceFailure, Unreached},
    mailbox::{HttpReply, HttpRequest, Platform},
};
use connectoid_protocol::work::Challenge;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A client without state.
#[derive(Clone)]
pub(crate) struct Plain;

impl Platform for Plain {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpReply, ServiceFailure> {
        let silent = ServiceFailure::Unreachable(Unreached::Silent);
        timeout(request.within, exchange(&request)).await.map_err(|_| silent)?
    }

    async fn work(&self, challenge: Challenge, bits: u32) -> Option<u64> {
        challenge.work(bits)
    }

    fn now_seconds(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
    }
}

async fn exchange(request: &HttpRequest) -> Result<HttpReply, ServiceFailure> {
    let broken = |_| ServiceFailure::Unreachable(Unreached::Broken);
    let address = request.url.strip_prefix("http://").ok_or(ServiceFailure::Malformed)?;
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut connection = TcpStream::connect(host).await.map_err(broken)?;
    let body = request.body.as_deref().unwrap_or_default();
    let method = if request.body.is_some() { "POST" } else { "GET" };
    let head = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(&[head.as_bytes(), body].concat()).await.map_err(broken)?;
    let mut reply = Vec::new();
    connection.read_to_end(&mut reply).await.map_err(broken)?;
    parse(&reply).ok_or(ServiceFailure::Malformed)
}

fn parse(reply: &[u8]) -> Option<HttpReply> {
    let end = reply.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&reply[..end]).ok()?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let header = |name: &str| {
        let mut headers = head.lines().filter_map(|line| line.split_once(": "));
        headers.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
    };
    let body = reply[end + 4..].to_vec();
    Some(HttpReply { status, retry_after: header("retry-after"), date: header("date"), body })
}
