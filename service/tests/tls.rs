//! TLS without a proxy: HTTP/2 and HTTP/1.1 by ALPN, and the origin is https.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::{net::SocketAddr, sync::Arc};

use axum::{body::Body, http::Request as HttpRequest};
use common::{check, config, key, open, send};
use connectoid_protocol::mailbox::{Checked, Done, Reply, Request, parse_reply};
use connectoid_service::{Service, StartError, TlsFiles};
use http_body_util::BodyExt as _;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
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
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![alpn.to_vec()];
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(alpn));
    stream
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

#[tokio::test]
async fn a_missing_certificate_is_a_clear_error() {
    let mut config = config();
    config.tls = Some(TlsFiles { certificate: "missing.pem".into(), key: "missing.pem".into() });
    assert!(matches!(Service::start(config).await, Err(StartError::Tls(_))));
}
