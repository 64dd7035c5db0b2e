//! The certificate of one connection.
//!
//! DTLS authenticates by certificates that nobody signed: each connection makes one, and what matters is its
//! hash, which the handshake binds to the peer's identity. A fresh key per connection gives forward secrecy
//! and keeps connections unlinkable.

use rtc::crypto::{RTCCryptoProvider, SignatureScheme};
use rtc::peer_connection::certificate::{CertificateParams, RTCCertificate};
use sha2::{Digest, Sha256};
use webrtc::error::Error;

use super::RtcError;

/// The subject of every certificate, the same for all so that it identifies nobody.
const SUBJECT: &str = "connectoid";

/// A fresh certificate and the SHA-256 of its DER form.
pub(super) fn generate(provider: &dyn RTCCryptoProvider) -> Result<(RTCCertificate, [u8; 32]), RtcError> {
    let params = CertificateParams::new(vec![SUBJECT.to_owned()])
        .map_err(|error| RtcError::Setup(Error::Crypto(error.to_string())))?;
    let certificate = RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)
        .map_err(RtcError::Setup)?;
    let der = certificate.dtls_certificate.certificate.first();
    let hash = der.map(|der| hash(der)).ok_or(RtcError::Setup(Error::ErrNonCertificate))?;
    Ok((certificate, hash))
}

/// The SHA-256 of a certificate's DER form.
pub(super) fn hash(der: &[u8]) -> [u8; 32] {
    Sha256::digest(der).into()
}
