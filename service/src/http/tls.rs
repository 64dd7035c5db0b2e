//! TLS, for a service without a proxy in front.
//!
//! Certificates are renewed every few weeks, by programs that write the new one over the old one. It is
//! taken without a restart: when the service is told so, and when it notices that the files have changed.
//! Connections that are open keep what they began with.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use rustls::{
    ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
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

/// The certificate with its key, which can be renewed while it is in use.
#[derive(Debug)]
pub struct Certificate {
    files: TlsFiles,
    provider: Arc<CryptoProvider>,
    loaded: Mutex<Loaded>,
}

#[derive(Debug)]
struct Loaded {
    current: Arc<CertifiedKey>,
    /// The files when they were last read, whether or not they were of use.
    seen: [Option<Stamp>; 2],
}

/// What changes when a file is written: the time, and the length for clocks that tick slowly.
type Stamp = (SystemTime, u64);

impl Certificate {
    /// Reads the files.
    ///
    /// # Errors
    /// [`TlsError`] if they are missing or do not match.
    pub fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let seen = stamps(&files);
        let current = Arc::new(read(&files, &provider)?);
        Ok(Arc::new(Self { files, provider, loaded: Mutex::new(Loaded { current, seen }) }))
    }

    /// Accepts TLS 1.2 and 1.3 with it, and HTTP/2 before HTTP/1.1.
    ///
    /// # Errors
    /// [`TlsError`] if TLS cannot be set up.
    pub fn acceptor(self: &Arc<Self>) -> Result<TlsAcceptor, TlsError> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files anew.
    ///
    /// # Errors
    /// [`TlsError`]; then the old certificate stays in use.
    pub fn renew(&self) -> Result<(), TlsError> {
        let seen = stamps(&self.files);
        let read = read(&self.files, &self.provider);
        let mut loaded = self.lock();
        loaded.seen = seen;
        loaded.current = Arc::new(read?);
        Ok(())
    }

    /// Reads the files anew if they have changed since they were last read; `None` if they have not. A
    /// certificate whose key is written a moment later is of no use at first, and is read again then.
    pub fn renew_if_changed(&self) -> Option<Result<(), TlsError>> {
        let changed = self.lock().seen != stamps(&self.files);
        changed.then(|| self.renew())
    }

    /// A thread that panicked inside leaves a whole certificate.
    fn lock(&self) -> MutexGuard<'_, Loaded> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.lock().current.clone())
    }
}

fn read(files: &TlsFiles, provider: &CryptoProvider) -> Result<CertifiedKey, TlsError> {
    let certificates = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(TlsError::Certificate)?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(TlsError::Key)?;
    Ok(CertifiedKey::from_der(certificates, key, provider)?)
}

fn stamps(files: &TlsFiles) -> [Option<Stamp>; 2] {
    [&files.certificate, &files.key].map(|path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn write(directory: &Path) -> (TlsFiles, CertificateDer<'static>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let files = TlsFiles { certificate: directory.join("cert.pem"), key: directory.join("key.pem") };
        fs::write(&files.certificate, made.cert.pem()).unwrap();
        fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        (files, made.cert.der().clone())
    }

    fn current(certificate: &Certificate) -> CertificateDer<'static> {
        certificate.lock().current.cert[0].clone()
    }

    #[test]
    fn changed_files_are_read_once_and_of_use_only_together() {
        let directory = tempfile::tempdir().unwrap();
        let (files, first) = write(directory.path());
        let certificate = Certificate::load(files.clone()).unwrap();
        assert!(certificate.renew_if_changed().is_none());
        let elsewhere = tempfile::tempdir().unwrap();
        let (new, second) = write(elsewhere.path());

        let (old_key, old_certificate) =
            (fs::read(&files.key).unwrap(), fs::read(&files.certificate).unwrap());
        fs::write(&files.certificate, [fs::read(&new.certificate).unwrap(), b"\n".to_vec()].concat())
            .unwrap();
        assert!(matches!(certificate.renew_if_changed(), Some(Err(TlsError::Rustls(_)))));
        assert!(certificate.renew_if_changed().is_none(), "what is of no use is read once");
        assert_eq!(current(&certificate), first);
        fs::write(&files.key, [fs::read(&new.key).unwrap(), b"\n".to_vec()].concat()).unwrap();
        assert!(matches!(certificate.renew_if_changed(), Some(Ok(()))));
        assert_eq!(current(&certificate), second);

        fs::write(&files.certificate, "no certificate").unwrap();
        assert!(matches!(certificate.renew(), Err(TlsError::Rustls(_) | TlsError::Certificate(_))));
        fs::remove_file(&files.key).unwrap();
        assert!(matches!(certificate.renew_if_changed(), Some(Err(_))));
        assert_eq!(current(&certificate), second);
        fs::write(&files.certificate, old_certificate).unwrap();
        fs::write(&files.key, old_key).unwrap();
        assert!(matches!(certificate.renew_if_changed(), Some(Ok(()))));
        assert_eq!(current(&certificate), first);
    }
}
