//! TLS, for a service without a proxy in front.

use std::sync::Arc;

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
};
use tokio_rustls::TlsAcceptor;

use crate::config::TlsFiles;

/// The certificate cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// The certificate's file cannot be read.
    #[error("cannot read the certificate: {0}")]
    Certificate(#[source] pem::Error),
    /// The key's file cannot be read.
    #[error("cannot read the private key: {0}")]
    Key(#[source] pem::Error),
    /// They are of no use together.
    #[error("cannot use the certificate: {0}")]
    Rustls(#[from] rustls::Error),
}

/// Accepts TLS 1.2 and 1.3, and HTTP/2 before HTTP/1.1.
///
/// # Errors
/// [`TlsError`] if the files are missing or do not match.
pub fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, TlsError> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(TlsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(TlsError::Key)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(certificates, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
