//! Addresses: where to write to somebody, and the secret that allows it.
//!
//! An address is what a link brings ([`crate::link`]): `P.services[.ext]`, each part base64url.
//!
//! - `P` is the box's secret ([`crate::boxes`]), 66 characters.
//! - `services` are one to three mailbox service URLs, separated by one space, in order of preference.
//! - `ext` is data of the app that is the same for many users, such as a shared API key. It must not
//!   be derived from P nor be unique to a user: services see it.
//!
//! Whoever holds an address can write to its box, so it is treated as a secret: no `Debug`, no
//! `Display`. [`Address::as_text`] is the one way out, and its exact bytes are bound into every sealed
//! message.

use crate::{
    boxes::{BoxError, BoxId, BoxKey, BoxSecret, POINT_LEN},
    encoding::{base64url, parse_base64url, parse_base64url_array},
    origin,
};

/// The greatest number of services in an address.
pub const MAX_SERVICES: usize = 3;

/// The greatest length of one service URL, in bytes.
pub const MAX_SERVICE_LEN: usize = 256;

/// The greatest length of `ext`, in bytes.
pub const MAX_EXT_LEN: usize = 256;

/// The greatest length of an address as text, in bytes.
pub const MAX_ADDRESS_LEN: usize =
    66 + 1 + (MAX_SERVICES * (MAX_SERVICE_LEN + 1)) * 4 / 3 + 2 + MAX_EXT_LEN * 4 / 3 + 2;

/// The text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AddressError {
    /// Not two or three parts of base64url, or too long.
    #[error("it is not an address")]
    Malformed,
    /// The first part is not a usable P-384 point.
    #[error("the box in the address is damaged: {0}")]
    Box(#[from] BoxError),
    /// Not one to three http(s) URLs of at most 256 bytes, separated by single spaces.
    #[error("not one to three http(s) service URLs")]
    Services,
    /// `ext` is not text or too long.
    #[error("ext is not text of at most 256 bytes")]
    Ext,
}

/// Where to write to somebody.
#[derive(Clone)]
pub struct Address {
    text: zeroize::Zeroizing<String>,
    secret: BoxSecret,
    id: BoxId,
    services: Vec<String>,
    ext: Option<String>,
}

impl Address {
    /// The address of a box that is reached through `services`.
    ///
    /// # Errors
    /// [`AddressError::Services`] or [`AddressError::Ext`] if they do not fit an address.
    pub fn new(key: &BoxKey, services: &[String], ext: Option<&str>) -> Result<Self, AddressError> {
        check_services(services)?;
        check_ext(ext)?;
        let mut text = zeroize::Zeroizing::new(base64url(key.secret().as_bytes()));
        text.push('.');
        text.push_str(&base64url(services.join(" ").as_bytes()));
        if let Some(ext) = ext {
            text.push('.');
            text.push_str(&base64url(ext.as_bytes()));
        }
        Ok(Self {
            text,
            secret: key.secret().clone(),
            id: key.id(),
            services: services.to_vec(),
            ext: ext.map(str::to_owned),
        })
    }

    /// Reads an address. Costs about a millisecond: the box's id is computed on the way.
    ///
    /// # Errors
    /// Says which part is wrong; never repeats it.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        Self::read(text, BoxSecret::parse)
    }

    /// Restores an address from the device's own authenticated storage, without computing its id again.
    ///
    /// # Errors
    /// As for [`Address::parse`].
    pub fn restore(text: &str, id: BoxId) -> Result<Self, AddressError> {
        Self::read(text, |bytes| Ok((BoxSecret::restore(*bytes), id)))
    }

    fn read(
        text: &str,
        point: impl FnOnce(&[u8; POINT_LEN]) -> Result<(BoxSecret, BoxId), BoxError>,
    ) -> Result<Self, AddressError> {
        if text.len() > MAX_ADDRESS_LEN {
            return Err(AddressError::Malformed);
        }
        let mut parts = text.split('.');
        let (secret, services, ext) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        let services = services.filter(|_| parts.next().is_none()).ok_or(AddressError::Malformed)?;
        let services: Vec<String> =
            parse_text(services).ok_or(AddressError::Services)?.split(' ').map(str::to_owned).collect();
        check_services(&services)?;
        let ext = ext.map(|ext| parse_text(ext).ok_or(AddressError::Ext)).transpose()?;
        check_ext(ext.as_deref())?;
        let secret = parse_base64url_array(secret).map_err(|_| AddressError::Malformed)?;
        let (secret, id) = point(&secret)?;
        Ok(Self { text: zeroize::Zeroizing::new(text.to_owned()), secret, id, services, ext })
    }

    /// The exact text, which is secret.
    pub fn as_text(&self) -> &str {
        &self.text
    }

    /// Q: the box's name at its services.
    pub fn box_id(&self) -> BoxId {
        self.id
    }

    /// The mailbox services, the preferred one first.
    pub fn services(&self) -> &[String] {
        &self.services
    }

    /// The app's own static data, passed to the services with every request.
    pub fn ext(&self) -> Option<&str> {
        self.ext.as_deref()
    }

    pub(crate) fn secret(&self) -> &BoxSecret {
        &self.secret
    }
}

fn parse_text(part: &str) -> Option<String> {
    String::from_utf8(parse_base64url(part).ok()?).ok()
}

fn check_services(services: &[String]) -> Result<(), AddressError> {
    let in_bounds = (1..=MAX_SERVICES).contains(&services.len());
    if in_bounds && services.iter().all(|url| check_service(url).is_ok()) {
        Ok(())
    } else {
        Err(AddressError::Services)
    }
}

/// Why a URL is none of a mailbox service. Its text repeats nothing of the URL, which may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServiceUrlError {
    /// Longer than [`MAX_SERVICE_LEN`].
    #[error("is longer than {MAX_SERVICE_LEN} bytes")]
    TooLong,
    /// Spaces, controls, or letters beyond ASCII.
    #[error("has characters that no URL has; write international names as xn--")]
    Characters,
    /// Neither http nor https.
    #[error("does not begin with https:// or http://")]
    Scheme,
    /// A user or a password in front of the host: it would stand in every link, and be sent to nobody.
    #[error("has a user or a password in it, which everybody with a link would see")]
    Credentials,
    /// No host, or not one that can be; or a port that is none of 1 to 65535.
    #[error("names no host that can be, or a port that is none of 1 to 65535")]
    Host,
}

/// Whether a URL can be that of a mailbox service: `http://` or `https://`, a host, and a port and a path if need be.
///
/// # Errors
/// [`ServiceUrlError`] says what is wrong with it.
pub fn check_service(url: &str) -> Result<(), ServiceUrlError> {
    if url.len() > MAX_SERVICE_LEN {
        return Err(ServiceUrlError::TooLong);
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(ServiceUrlError::Characters);
    }
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let authority = rest.ok_or(ServiceUrlError::Scheme)?.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(ServiceUrlError::Credentials);
    }
    let has_port_0 = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse() == Ok(0u16));
    if has_port_0 || origin::of_url(url).is_none() { Err(ServiceUrlError::Host) } else { Ok(()) }
}

fn check_ext(ext: Option<&str>) -> Result<(), AddressError> {
    let fits = ext.is_none_or(|ext| !ext.is_empty() && ext.len() <= MAX_EXT_LEN);
    if fits { Ok(()) } else { Err(AddressError::Ext) }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn key() -> BoxKey {
        BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(1))
    }

    #[test]
    fn an_address_reads_back_as_it_was_written() {
        let services = ["https://a.example".to_owned(), "http://[::1]:8080/mail".to_owned()];
        for ext in [None, Some("api=ключ")] {
            let address = Address::new(&key(), &services, ext).unwrap();
            let read = Address::parse(address.as_text()).unwrap();
            assert_eq!(read.as_text(), address.as_text());
            assert_eq!(read.box_id(), key().id());
            assert_eq!(read.services(), services);
            assert_eq!(read.ext(), ext);
        }
    }

    #[test]
    fn whatever_is_not_an_address_is_refused_with_the_part_at_fault() {
        let good = Address::new(&key(), &["https://a.example".to_owned()], None).unwrap();
        let point = &good.as_text()[..66];
        let of = |services: &str| format!("{point}.{}", base64url(services.as_bytes()));
        let cases = [
            (String::new(), AddressError::Malformed),
            (point.to_owned(), AddressError::Malformed),
            (format!("{}.a.b.c", good.as_text()), AddressError::Malformed),
            (good.as_text().replace('A', "="), AddressError::Malformed),
            (of("ftp://a.example"), AddressError::Services),
            (of("https://"), AddressError::Services),
            (of("https://a.example  https://b.example"), AddressError::Services),
            (of("https://a https://b https://c https://d"), AddressError::Services),
            (format!("{}.", good.as_text()), AddressError::Ext),
            ("A".repeat(MAX_ADDRESS_LEN + 1), AddressError::Malformed),
            (
                format!("{}.{}", base64url(&[2; 49]), &good.as_text()[67..]),
                AddressError::Box(BoxError::NotOnCurve),
            ),
        ];
        for (text, error) in cases {
            assert_eq!(Address::parse(&text).err(), Some(error), "{text}");
        }
    }

    #[test]
    fn a_service_that_cannot_be_is_refused_with_what_is_wrong() {
        for good in ["https://a.example", "http://[::1]:8080/mail?x=1", "http://127.0.0.1:65535"] {
            assert_eq!(check_service(good), Ok(()), "{good}");
        }
        let cases = [
            ("https://a.example:99999", ServiceUrlError::Host),
            ("https://a.example:0", ServiceUrlError::Host),
            ("https://a.example:", ServiceUrlError::Host),
            ("https://:443", ServiceUrlError::Host),
            ("https:///mail", ServiceUrlError::Host),
            ("http://[::1", ServiceUrlError::Host),
            ("https://user:secret@a.example", ServiceUrlError::Credentials),
            ("https://user@a.example/x", ServiceUrlError::Credentials),
            ("a.example", ServiceUrlError::Scheme),
            ("ftp://a.example", ServiceUrlError::Scheme),
            ("https://a example", ServiceUrlError::Characters),
            ("https://bücher.example", ServiceUrlError::Characters),
        ];
        for (url, error) in cases {
            assert_eq!(check_service(url), Err(error), "{url}");
        }
        assert_eq!(
            check_service(&format!("https://a/{}", "x".repeat(MAX_SERVICE_LEN))),
            Err(ServiceUrlError::TooLong)
        );
    }

    #[test]
    fn the_longest_address_fits_its_bound() {
        let service = format!("https://a/{}", "a".repeat(MAX_SERVICE_LEN - 10));
        let services = [service.clone(), service.clone(), service];
        let address = Address::new(&key(), &services, Some(&"x".repeat(MAX_EXT_LEN))).unwrap();
        assert!(address.as_text().len() <= MAX_ADDRESS_LEN);
        assert!(Address::parse(address.as_text()).is_ok());
    }
}
