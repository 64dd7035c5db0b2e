//! Which authorities may have signed the certificate of a mailbox service.

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use crate::{Error, Result};

/// How TLS is spoken with services: with those that browsers trust, and those of the settings.
pub(crate) struct Roots(RootCertStore);

impl Roots {
    /// Adds the certificates of a text in PEM.
    ///
    /// # Errors
    /// `usage` if there is none in it, or one is of no use.
    pub(crate) fn new(pem: Option<&str>) -> Result<Self> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let Some(pem) = pem else { return Ok(Self(roots)) };
        let known = roots.len();
        for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
            let unusable = || Error::usage("service_roots: one of the certificates cannot be used");
            roots.add(certificate.map_err(|_| unusable())?).map_err(|_| unusable())?;
        }
        if roots.len() == known {
            return Err(Error::usage("service_roots: no certificate in PEM (-----BEGIN CERTIFICATE-----)"));
        }
        Ok(Self(roots))
    }

    /// TLS 1.2 and 1.3 with them.
    pub(super) fn into_config(self) -> Result<ClientConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.map_err(|_| Error::internal("TLS cannot be set up"))?;
        Ok(builder.with_root_certificates(self.0).with_no_client_auth())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn only_certificates_are_taken() {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let browsers = webpki_roots::TLS_SERVER_ROOTS.len();
        let count = |pem| Roots::new(pem).map(|roots| roots.0.len());
        assert_eq!(count(None).unwrap(), browsers);
        let two = [made.cert.pem(), "and the same:\n".to_owned(), made.cert.pem()].concat();
        assert_eq!(count(Some(&two)).unwrap(), browsers + 2);
        let key = made.signing_key.serialize_pem();
        let broken = made.cert.pem().replace("MII", "AII");
        for bad in ["", "/etc/ssl/ca.pem", &key, &broken] {
            assert_eq!(count(Some(bad)).unwrap_err().kind, ErrorKind::Usage, "{bad}");
        }
    }
}
