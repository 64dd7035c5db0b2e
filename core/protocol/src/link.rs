//! Links: an [`Address`] inside a URL that opens the app.
//!
//! The address is the parameter `connectoid` of the URL's fragment, which neither the preview of a
//! messenger nor the log of a web server ever sees. An app whose link handling loses fragments may ask
//! for the query instead; such a link is remembered as [`Placement::Query`], because its web host may
//! have read it.
//!
//! People paste links with whatever stood around them, so [`parse`] finds the parameter anywhere in a
//! text.

use crate::address::{Address, AddressError};

/// The greatest length of a text in which a link is looked for, in bytes.
pub const MAX_TEXT_LEN: usize = 16 << 10;

const PARAMETER: &str = "connectoid=";

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
    #[error("the text is longer than {MAX_TEXT_LEN} bytes")]
    TooLong,
    /// No `connectoid=` in the text, and the text is not an address by itself.
    #[error("there is no connectoid link in the text")]
    NotFound,
    /// There is one, but it is damaged.
    #[error("the link is damaged: {0}")]
    Address(#[from] AddressError),
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
/// assert!(url.starts_with("https://app.example/open#connectoid=A"));
/// # Ok::<(), connectoid_protocol::address::AddressError>(())
/// ```
pub fn to_url(base: &str, address: &Address, placement: Placement) -> String {
    let (before, fragment) = match base.split_once('#') {
        Some((before, fragment)) => (before, Some(fragment)),
        None => (base, None),
    };
    let parameter = format!("{PARAMETER}{}", address.as_text());
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

/// Finds a link in a text, or reads the text as a bare address.
///
/// # Errors
/// [`LinkError`]; if there are several links, the first decides.
pub fn parse(text: &str) -> Result<(Address, Placement), LinkError> {
    if text.len() > MAX_TEXT_LEN {
        return Err(LinkError::TooLong);
    }
    let Some((value, placement)) = find(text) else {
        let bare = text.trim();
        let looks_bare = bare.len() > 66 && bare.bytes().all(is_address_byte);
        return if looks_bare {
            Ok((Address::parse(bare)?, Placement::Fragment))
        } else {
            Err(LinkError::NotFound)
        };
    };
    Ok((Address::parse(value)?, placement))
}

fn find(text: &str) -> Option<(&str, Placement)> {
    let (start, placement) = text.match_indices(PARAMETER).find_map(|(position, _)| {
        let before = &text[..position];
        let url = &before[before.rfind(char::is_whitespace).map_or(0, |space| space + 1)..];
        let placement = if url.contains('#') { Placement::Fragment } else { Placement::Query };
        before.ends_with(['#', '?', '&']).then_some((position + PARAMETER.len(), placement))
    })?;
    let value = &text[start..];
    let end = value.bytes().position(|byte| !is_address_byte(byte)).unwrap_or(value.len());
    // A link at the end of a sentence is followed by the sentence's full stop.
    Some((value[..end].trim_end_matches('.'), placement))
}

fn is_address_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::boxes::BoxKey;

    fn address() -> Address {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(1));
        Address::new(&key, &["https://mail.example".to_owned()], Some("key")).unwrap()
    }

    #[test]
    fn links_come_back_from_every_base_and_placement() {
        let address = address();
        for base in
            ["https://app.example", "https://a.example/x?y=1", "https://a.example/#/route", "myapp://open?z#"]
        {
            for placement in [Placement::Fragment, Placement::Query] {
                let url = to_url(base, &address, placement);
                let (read, found) = parse(&url).unwrap();
                assert_eq!((read.as_text(), found), (address.as_text(), placement), "{base}");
            }
        }
    }

    #[test]
    fn junk_around_a_link_does_not_matter() {
        let address = address();
        let url = to_url("https://app.example/open", &address, Placement::Fragment);
        for text in [
            format!("Hi # Bob,\nopen {url}. See you!"),
            format!("<{url}>"),
            format!("{url}&utm_source=mail"),
            format!("connectoid=no {url}"),
            format!("  {}\n", address.as_text()),
        ] {
            assert_eq!(parse(&text).unwrap().0.as_text(), address.as_text(), "{text}");
        }
    }

    #[test]
    fn what_is_no_link_says_why() {
        assert_eq!(parse("hello").err(), Some(LinkError::NotFound));
        assert_eq!(parse(&"x".repeat(MAX_TEXT_LEN + 1)).err(), Some(LinkError::TooLong));
        assert_eq!(
            parse("https://a/#connectoid=abc").err(),
            Some(LinkError::Address(AddressError::Malformed))
        );
    }
}
