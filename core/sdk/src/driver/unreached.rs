//! Why a service was not reached, from what the libraries say.

use std::{error::Error, io};

use hyper_util::client::legacy;
use rustls::CertificateError;

use crate::engine::Unreached;

/// How the HTTP library calls a name that it could not resolve; it has no type for that.
const NOT_RESOLVED: &str = "dns error";

/// The reason behind an error of the HTTP client.
pub(super) fn reason(error: &legacy::Error) -> Unreached {
    let known =
        std::iter::successors(Some(error as &(dyn Error + 'static)), |error| cause(*error)).find_map(judge);
    match known {
        Some(Known::Reason(reason)) => reason,
        // A service that ends the connection while TLS is agreed on expects something else.
        Some(Known::Ended) if error.is_connect() => Unreached::Tls,
        _ if error.is_connect() => Unreached::Network,
        _ => Unreached::Broken,
    }
}

enum Known {
    Reason(Unreached),
    Ended,
}

/// What is inside an error. What an I/O error wraps is not its source, but at its side.
fn cause<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    wrapped.map(|wrapped| wrapped as &(dyn Error + 'static)).or_else(|| error.source())
}

fn judge(error: &(dyn Error + 'static)) -> Option<Known> {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return Some(Known::Reason(of_tls(error)));
    }
    if let Some(error) = error.downcast_ref::<io::Error>() {
        return of_io(error.kind());
    }
    (error.to_string() == NOT_RESOLVED).then_some(Known::Reason(Unreached::Name))
}

fn of_io(kind: io::ErrorKind) -> Option<Known> {
    match kind {
        io::ErrorKind::ConnectionRefused => Some(Known::Reason(Unreached::Refused)),
        io::ErrorKind::TimedOut
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown
        | io::ErrorKind::AddrNotAvailable
        | io::ErrorKind::NotConnected => Some(Known::Reason(Unreached::Network)),
        io::ErrorKind::UnexpectedEof | io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
            Some(Known::Ended)
        }
        _ => None,
    }
}

fn of_tls(error: &rustls::Error) -> Unreached {
    let rustls::Error::InvalidCertificate(error) = error else { return Unreached::Tls };
    match error {
        CertificateError::UnknownIssuer => Unreached::Authority,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Unreached::OtherName
        }
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => Unreached::Expired,
        _ => Unreached::Certificate,
    }
}
