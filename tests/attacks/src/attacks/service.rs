//! What one network can do to a mailbox service with TLS, while somebody in another network asks it for something.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    process::Command,
    time::{sleep, timeout},
};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, RootCertStore, pki_types::ServerName},
};

use super::Extent;
use crate::{
    Outcome,
    meter::{Cost, Friend, Meter},
    process::Process,
};

/// The attacker's network, and that of the one who is honest: not neighbours.
const ATTACKER: Ipv4Addr = Ipv4Addr::new(127, 7, 7, 7);
const HONEST: Ipv4Addr = Ipv4Addr::new(127, 1, 1, 1);

/// More connections than a network may have.
const CONNECTIONS: usize = 400;

/// How long one of them is waited for: those beyond the bound are not taken at all.
const REFUSED: Duration = Duration::from_millis(500);

/// What a TLS handshake takes on the line, about, in bytes.
const HANDSHAKE: u64 = 2_500;

struct Scene {
    process: Process,
    port: u16,
    tls: TlsConnector,
    _folder: TempDir,
}

/// An honest client, on a connection of its own each time, as a phone that was away.
#[derive(Clone)]
struct Client {
    port: u16,
    tls: TlsConnector,
}

impl Friend for Client {
    async fn is_served(&self) -> bool {
        matches!(health(self).await, Ok(true))
    }
}

async fn health(client: &Client) -> Outcome<bool> {
    let mut connection = connect(&client.tls, HONEST, client.port).await?;
    connection.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
    let mut reply = Vec::new();
    // The end of TCP alone is an end, too.
    let _ = connection.read_to_end(&mut reply).await;
    Ok(reply.starts_with(b"HTTP/1.1 200"))
}

impl Scene {
    async fn new() -> Outcome<Self> {
        let folder = TempDir::new()?;
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
        let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
        fs::write(&certificate, made.cert.pem())?;
        fs::write(&key, made.signing_key.serialize_pem())?;
        let boxes = folder.path().join("boxes");
        let (process, port) = start(&boxes, &certificate, &key).await?;
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone())?;
        let config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let tls = TlsConnector::from(Arc::new(config));
        Ok(Self { process, port, tls, _folder: folder })
    }

    async fn meter(&self) -> Outcome<Meter<'_>> {
        let client = Client { port: self.port, tls: self.tls.clone() };
        Meter::start(&self.process, client, 0).await
    }

    /// A connection of the attacker's that has got through TLS, if it is taken.
    async fn through(&self) -> Option<TlsStream<TcpStream>> {
        timeout(REFUSED, connect(&self.tls, ATTACKER, self.port)).await.ok()?.ok()
    }
}

async fn start(boxes: &Path, certificate: &Path, key: &Path) -> Outcome<(Process, u16)> {
    let mut child = Command::new(std::env::current_exe()?.with_file_name("mailbox"))
        .args([boxes, certificate, key])
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let output = child.stdout.take().ok_or("no output")?;
    let port = BufReader::new(output).lines().next_line().await?.ok_or("the service does not start")?;
    Ok((Process::new(child, boxes), port.parse()?))
}

async fn plain(from: Ipv4Addr, port: u16) -> Outcome<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
    Ok(socket.connect(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await?)
}

async fn connect(tls: &TlsConnector, from: Ipv4Addr, port: u16) -> Outcome<TlsStream<TcpStream>> {
    Ok(tls.connect(ServerName::try_from("localhost")?, plain(from, port).await?).await?)
}

/// Connections that begin a TLS handshake and do not go on.
pub(super) async fn half(extent: Extent) -> Outcome<Cost> {
    let scene = Scene::new().await?;
    let meter = scene.meter().await?;
    // The head of a ClientHello of 16,000 bytes, and some of it.
    let beginning = [&[22, 3, 1, 0x3e, 0x80, 1, 0, 0x3e, 0x7c][..], &[3; 9_000]].concat();
    let mut held = Vec::new();
    for _ in 0..extent.of(CONNECTIONS, 3 * CONNECTIONS) {
        let mut connection = plain(ATTACKER, scene.port).await?;
        // Beyond the bound it is closed at once.
        let _ = connection.write_all(&beginning).await;
        held.push(connection);
    }
    sleep(Duration::from_secs(1)).await;
    meter.stop((held.len() * beginning.len()) as u64).await
}

/// Requests whose bodies do not end.
pub(super) async fn slow(extent: Extent) -> Outcome<Cost> {
    let scene = Scene::new().await?;
    let meter = scene.meter().await?;
    let head = b"POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: 30000\r\n\r\n";
    let body = vec![b' '; 20_000];
    let (mut held, mut sent) = (Vec::new(), 0);
    for _ in 0..extent.of(300, CONNECTIONS) {
        let Some(mut connection) = scene.through().await else { continue };
        sent += HANDSHAKE;
        let request = async {
            connection.write_all(head).await?;
            connection.write_all(&body).await
        };
        if matches!(timeout(REFUSED, request).await, Ok(Ok(()))) {
            sent += (head.len() + body.len()) as u64;
        }
        held.push(connection);
    }
    meter.stop(sent).await
}

/// Connections that have got through TLS and say nothing.
pub(super) async fn idle(extent: Extent) -> Outcome<Cost> {
    let scene = Scene::new().await?;
    let meter = scene.meter().await?;
    let mut held = Vec::new();
    for _ in 0..extent.of(270, CONNECTIONS) {
        held.extend(scene.through().await);
    }
    let cost = meter.stop(held.len() as u64 * HANDSHAKE).await?;
    Ok(cost.promise("a network has 256 connections", held.len() == 256))
}

/// One TLS handshake after the other, and nothing else.
pub(super) async fn handshakes(extent: Extent) -> Outcome<Cost> {
    let scene = Scene::new().await?;
    let meter = scene.meter().await?;
    let mut sent = 0;
    for _ in 0..extent.of(100, 2_000) {
        if scene.through().await.is_some() {
            sent += HANDSHAKE;
        }
    }
    meter.stop(sent).await
}

/// More requests than a network may make.
pub(super) async fn requests(extent: Extent) -> Outcome<Cost> {
    let scene = Scene::new().await?;
    let meter = scene.meter().await?;
    let body = r#"{"type":"check","box":"AAAA"}"#;
    let request = format!(
        "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut connection = scene.through().await.ok_or("no connection")?;
    let mut sent = HANDSHAKE;
    let mut reply = vec![0; 64 << 10];
    for _ in 0..extent.of(1_000, 20_000) {
        if connection.write_all(request.as_bytes()).await.is_err() {
            connection = scene.through().await.ok_or("no connection")?;
            sent += HANDSHAKE;
            continue;
        }
        sent += request.len() as u64;
        if !matches!(timeout(REFUSED, connection.read(&mut reply)).await, Ok(Ok(1..))) {
            connection = scene.through().await.ok_or("no connection")?;
            sent += HANDSHAKE;
        }
    }
    meter.stop(sent).await
}
