//! Links: an [`Address`] inside a URL that opens the app.
//!
//! The address is the parameter `connectoid` of the URL's fragment, which neither the preview of a
//! messenger nor the log of a web server ever sees. An app whose link handling loses fragments may ask
//! for the query instead; such a link is remembered as [`Placement::Query`], because its web host may
//! have read it.
//!
//! Before the address stands a short *check*, computed from it. So a link that was cut off, changed or
//! grew on its way is told from a whole one by its text alone, and nobody is contacted because of it.
//!
//! People paste links with whatever stood around them, and programs on the way write them in their own
//! manner. [`parse`] finds the parameter anywhere in a text and takes those manners back, layer by layer;
//! what it then takes for the link is nothing but what the check confirms, so that it never guesses.

mod layers;
mod search;

use sha2::{Digest, Sha256};

use crate::{
    address::{Address, AddressError, MAX_ADDRESS_LEN},
    encoding::{base64url, join},
};

/// The greatest length of a text in which a link is looked for, in bytes.
pub const MAX_TEXT_LEN: usize = 16 << 10;

const PARAMETER: &str = "connectoid=";

/// How many bytes of a hash the check has: damage by accident is missed once in 2^48 times.
const CHECK_BYTES: usize = 6;

/// How many characters the check has.
const CHECK_LEN: usize = CHECK_BYTES * 4 / 3;

/// The greatest length of what stands behind `connectoid=`.
const MAX_VALUE_LEN: usize = CHECK_LEN + 1 + MAX_ADDRESS_LEN;

/// Where in the URL the address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Placement {
    /// Behind `#`: no server sees it.
    #[default]
    Fragment,
    /// Behind `?`: the web host of the link may have logged it.
    Query,
}

/// The text holds no link that can be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Longer than [`MAX_TEXT_LEN`].
    #[error("the text is too long to look for a link in it; copy the link alone")]
    TooLong,
    /// Nothing in the text looks like a link of this SDK.
    #[error("there is no link in the text; copy the whole message, or ask for the link again")]
    NotFound,
    /// There is one, but something is missing, changed, or was added to it.
    #[error("this link is damaged or incomplete; ask for it again")]
    Damaged,
    /// It is whole, but what it holds cannot be used.
    #[error("this link was made by a version that this one does not understand; update, or ask for another")]
    Unusable(#[source] AddressError),
}

/// What stands behind `connectoid=`: the check, a full stop, and the address.
pub fn to_value(address: &Address) -> String {
    format!("{}.{}", check(address.as_text()), address.as_text())
}

/// Writes the link by which `address` is given away.
///
/// `base` is the URL that opens the app, such as `https://app.example/open` or `myapp://open`; what it
/// already has of a query or fragment is kept.
///
/// ```
/// use connectoid_protocol::{address::Address, boxes::BoxKey, link};
/// use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
///
/// let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
/// let address = Address::new(&key, &["https://mail.example".to_owned()], None)?;
/// let url = link::to_url("https://app.example/open", &address, link::Placement::Fragment);
/// assert_eq!(url, format!("https://app.example/open#connectoid={}", link::to_value(&address)));
/// # Ok::<(), connectoid_protocol::address::AddressError>(())
/// ```
pub fn to_url(base: &str, address: &Address, placement: Placement) -> String {
    let (before, fragment) = match base.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (base, None),
    };
    let parameter = format!("{PARAMETER}{}", to_value(address));
    match (placement, fragment) {
        (Placement::Fragment, None | Some("")) => format!("{before}#{parameter}"),
        (Placement::Fragment, Some(fragment)) => format!("{before}#{fragment}&{parameter}"),
        (Placement::Query, fragment) => {
            let joint = if before.contains('?') { '&' } else { '?' };
            let tail = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
            format!("{before}{joint}{parameter}{tail}")
        }
    }
}

/// Finds a link in a text, or what stands behind `connectoid=` by itself.
///
/// # Errors
/// [`LinkError`]; of several whole links, the first is taken.
pub fn parse(text: &str) -> Result<(Address, Placement), LinkError> {
    if text.len() > MAX_TEXT_LEN {
        return Err(LinkError::TooLong);
    }
    let mut search = search::Search::default();
    let mut found = layers::first_reading(text, |reading| search.parameter(reading));
    if found.is_none() && !search.has_seen_one() {
        found = layers::first_reading(text, |reading| search.value(reading));
    }
    let missing = if search.has_seen_one() { LinkError::Damaged } else { LinkError::NotFound };
    let (address, placement) = found.ok_or(missing)?;
    Ok((Address::parse(&address).map_err(LinkError::Unusable)?, placement))
}

/// The start of SHA-256(`connectoid/1 link` ‖ address), as base64url.
fn check(address: &str) -> String {
    let hash = Sha256::digest(join(&[b"connectoid/1 link", address.as_bytes()]));
    base64url(&hash[..CHECK_BYTES])
}

#[cfg(test)]
mod tests;
