//! TLS without a proxy: HTTP/2 and HTTP/1.1 by ALPN, and the origin is https.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{net::SocketAddr, process::Stdio, sync::Arc};

use axum::{body::Body, http::Request as HttpRequest};
use common::{check, config, key, open, send};
use connectoid_protocol::mailbox::{Checked, Done, Reply, Request, parse_reply};
use connectoid_service::{Config, Service, StartError, TlsFiles};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::Command,
};
use tokio_rustls::TlsConnector;

type Tls = tokio_rustls::client::TlsStream<tokio::net::TcpStream>;

fn files(directory: &std::path::Path) -> (TlsFiles, RootCertStore) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let files = TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
    std::fs::write(&files.certificate, made.cert.pem()).unwrap();
    std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(made.cert.der().clone()).unwrap();
    (files, roots)
}

async fn connect(address: SocketAddr, roots: RootCertStore, alpn: &[u8]) -> Tls {
    let stream = try_connect(address, roots, alpn).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    stream
}

async fn try_connect(address: SocketAddr, roots: RootCertStore, alpn: &[u8]) -> std::io::Result<Tls> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, stream).await
}

async fn ask<T: Reply>(stream: Tls, request: &Request, origin: &str) -> T {
    let http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let uri = if http2 { format!("{origin}/") } else { "/".to_owned() };
    let host = origin.strip_prefix("https://").unwrap();
    let request = HttpRequest::post(uri).header("host", host).body(Body::from(request.to_json())).unwrap();
    let io = TokioIo::new(stream);
    let response = if http2 {
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), io);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    } else {
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        sender.send_request(request).await.unwrap()
    };
    parse_reply(&response.into_body().collect().await.unwrap().to_bytes()).unwrap()
}

#[tokio::test]
async fn both_versions_of_http_over_tls() {
    let directory = tempfile::tempdir().unwrap();
    let (files, roots) = files(directory.path());
    let mut config = config();
    config.tls = Some(files);
    let service = Service::start(config).await.unwrap();
    let (address, key) = (service.address(), key(1));
    assert!(service.url().starts_with("https://"));
    let origin = format!("https://localhost:{}", address.port());
    let stream = connect(address, roots.clone(), b"h2").await;
    let _done: Done = ask(stream, &send(&key, "AAAA"), &origin).await;
    for alpn in [&b"h2"[..], b"http/1.1"] {
        let stream = connect(address, roots.clone(), alpn).await;
        let checked: Checked = ask(stream, &check(&key, 0, 0), &origin).await;
        open(&key, &origin, &checked.question.unwrap());
    }
    service.shutdown().await;
}

/// Whether a client that trusts `roots` alone gets through.
async fn is_trusted(address: SocketAddr, roots: &RootCertStore) -> bool {
    try_connect(address, roots.clone(), b"h2").await.is_ok()
}

#[tokio::test]
async fn a_renewed_certificate_is_taken_without_a_restart_and_a_broken_one_is_not() {
    let directory = tempfile::tempdir().unwrap();
    let (old, old_roots) = files(directory.path());
    let service = Service::start(Config { tls: Some(old.clone()), ..config() }).await.unwrap();
    let (address, key) = (service.address(), key(1));
    let before = connect(address, old_roots.clone(), b"h2").await;
    let (_, new_roots) = files(directory.path());
    service.renew_certificate().await;
    assert!(!is_trusted(address, &old_roots).await && is_trusted(address, &new_roots).await);
    std::fs::write(&old.key, "no key").unwrap();
    service.renew_certificate().await;
    assert!(is_trusted(address, &new_roots).await);
    let origin = format!("https://localhost:{}", address.port());
    let _done: Done = ask(before, &send(&key, "AAAA"), &origin).await;
    service.shutdown().await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_signal_makes_the_program_take_a_renewed_certificate() {
    let directory = tempfile::tempdir().unwrap();
    let (old, old_roots) = files(directory.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_connectoid-service"))
        .args(["--listen", "127.0.0.1:0", "--memory", "--tls-cert"])
        .arg(&old.certificate)
        .arg("--tls-key")
        .arg(&old.key)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut says = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let line = says.next_line().await.unwrap().unwrap();
    let address = line.strip_prefix("listening on https://").unwrap().parse().unwrap();
    assert!(is_trusted(address, &old_roots).await);
    let (_, new_roots) = files(directory.path());
    let pid = child.id().unwrap().to_string();
    assert!(Command::new("kill").args(["-HUP", &pid]).status().await.unwrap().success());
    while !log.next_line().await.unwrap().expect("it ended").contains("the certificate was renewed") {}
    assert!(is_trusted(address, &new_roots).await && !is_trusted(address, &old_roots).await);
    assert!(Command::new("kill").arg(&pid).status().await.unwrap().success());
    assert!(child.wait().await.unwrap().success());
}

#[tokio::test]
async fn a_missing_certificate_is_a_clear_error() {
    let mut config = config();
    config.tls = Some(TlsFiles { certificate: "missing.pem".into(), key: "missing.pem".into() });
    assert!(matches!(Service::start(config).await, Err(StartError::Tls(_))));
}
