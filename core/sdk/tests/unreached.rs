//! Why a service was not reached is said: each reason with something that really behaves so.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

mod common;

use std::{net::SocketAddr, path::Path};

use common::{NOBODY, pair, service, service_with, wait};
use connectoid::{ErrorKind, EventKind, Node, Settings, Share};
use connectoid_service::{RunningService, TlsFiles};
use rcgen::{CertificateParams, KeyPair};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

fn settings(service: &str, roots: Option<&str>) -> Settings {
    let mut settings = Settings::in_memory();
    settings.services = vec![service.to_owned()];
    settings.service_roots = roots.map(str::to_owned);
    settings.bind = vec!["127.0.0.1".parse().unwrap()];
    settings.loopback = true;
    settings
}

/// What a node says of a service that it cannot reach.
async fn problem(service: &str, roots: Option<&str>) -> String {
    let node = Node::open(settings(service, roots)).await.unwrap();
    let mut events = node.events();
    node.share(Share::new("bob", "g")).await.unwrap();
    let event = wait(&mut events, service, |event| matches!(event, EventKind::ServiceProblem { .. })).await;
    let EventKind::ServiceProblem { problem, .. } = event.kind else { unreachable!() };
    assert_eq!(problem.kind, ErrorKind::ServiceUnreachable, "{problem}");
    let diagnosis = node.diagnose(None).await.unwrap();
    assert!(
        diagnosis.findings.iter().any(|finding| finding.message == problem.message),
        "the doctor says so, too"
    );
    node.close().await;
    problem.message
}

/// Takes connections, and does the same with each.
async fn listener<F: Future<Output = ()> + Send + 'static>(
    serve: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Answers every request with the same text.
async fn answering(reply: &'static str) -> SocketAddr {
    listener(move |mut stream| async move {
        let mut request = [0; 4096];
        // Whatever it was, and whether or not the other side listens.
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(reply.as_bytes()).await;
    })
    .await
}

/// A service that speaks TLS with a certificate of its own for `localhost`, and the certificate.
async fn tls_service(folder: &Path, change: impl FnOnce(&mut CertificateParams)) -> (RunningService, String) {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap().pem();
    let files = TlsFiles { certificate: folder.join("cert.pem"), key: folder.join("key.pem") };
    std::fs::write(&files.certificate, &certificate).unwrap();
    std::fs::write(&files.key, key.serialize_pem()).unwrap();
    (service_with(|config| config.tls = Some(files)).await, certificate)
}

fn says(message: &str, words: &str) {
    assert!(message.contains(words), "{message}");
}

#[tokio::test]
async fn a_name_that_does_not_exist() {
    says(&problem("http://mailbox.invalid", None).await, "its name is not known (DNS)");
}

#[tokio::test]
async fn a_closed_port() {
    says(&problem(NOBODY, None).await, "nothing takes connections there (refused)");
}

#[tokio::test]
async fn a_redirect() {
    let reply = "HTTP/1.1 301 Moved\r\nlocation: https://elsewhere.example/\r\ncontent-length: 0\r\n\r\n";
    let message = problem(&format!("http://{}", answering(reply).await), None).await;
    says(&message, "it answers with a redirect");
    assert!(!message.contains("elsewhere"), "what comes from outside is not repeated: {message}");
}

#[tokio::test]
async fn a_connection_that_ends_without_an_answer() {
    let ends = listener(|stream| async move { drop(stream) }).await;
    says(&problem(&format!("http://{ends}"), None).await, "it ends the connection without an answer");
}

#[tokio::test]
async fn a_service_that_hangs() {
    let hangs = listener(|stream| async move {
        let _kept = stream;
        std::future::pending::<()>().await;
    })
    .await;
    says(&problem(&format!("http://{hangs}"), None).await, "it does not answer in time");
}

#[tokio::test]
async fn http_where_tls_is_expected_and_the_reverse() {
    let plain = service().await;
    says(&problem(&plain.url().replace("http://", "https://"), None).await, "it does not speak TLS");
    let folder = tempfile::tempdir().unwrap();
    let (service, _) = tls_service(folder.path(), |_| {}).await;
    let message = problem(&service.url().replace("https://", "http://"), None).await;
    says(&message, "check whether the URL begins with http or https");
}

#[tokio::test]
async fn an_authority_of_ones_own_is_trusted_once_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let (service, certificate) = tls_service(folder.path(), |_| {}).await;
    let url = format!("https://localhost:{}", service.address().port());
    says(&problem(&url, None).await, "signed by an authority that is not trusted here");
    says(&problem(&service.url(), Some(&certificate)).await, "its certificate is for another name");
    let alice = Node::open(settings(&url, Some(&certificate))).await.unwrap();
    let bob = Node::open(settings(&url, Some(&certificate))).await.unwrap();
    pair(&alice, &bob, Share::new("bob", "g")).await;
}

#[tokio::test]
async fn a_certificate_that_has_expired() {
    let folder = tempfile::tempdir().unwrap();
    let expired = |params: &mut CertificateParams| params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let (service, certificate) = tls_service(folder.path(), expired).await;
    let url = format!("https://localhost:{}", service.address().port());
    says(&problem(&url, Some(&certificate)).await, "its certificate is not valid now");
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_at_the_opening() {
    for roots in ["", "/etc/ssl/ca.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
        let error = Node::open(settings(NOBODY, Some(roots))).await.err().unwrap();
        assert_eq!(error.kind, ErrorKind::Usage, "{error}");
        assert!(error.message.starts_with("service_roots: "), "{error}");
    }
}
