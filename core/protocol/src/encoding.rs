//! How bytes become text, and how several byte strings become one.
//!
//! Text is base64url without padding (RFC 4648 §5), decoded strictly: no padding, no white space, and
//! no stray bits in the last character, so that each byte string has exactly one text.
//!
//! Several byte strings become one by [`join`], which prefixes each part with its length. Without the
//! lengths, `("ab", "c")` and `("a", "bc")` would hash alike.

use base64::{
    Engine as _,
    alphabet::URL_SAFE,
    engine::{GeneralPurpose, GeneralPurposeConfig, general_purpose::NO_PAD},
};

const STRICT: GeneralPurpose = GeneralPurpose::new(&URL_SAFE, CONFIG);
const CONFIG: GeneralPurposeConfig = NO_PAD.with_decode_allow_trailing_bits(false);

/// The text is not base64url as this protocol writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not unpadded base64url")]
pub struct NotBase64Url;

/// Writes bytes as unpadded base64url.
pub fn base64url(bytes: &[u8]) -> String {
    STRICT.encode(bytes)
}

/// Reads unpadded base64url.
///
/// The result is three quarters as long as `text`, so whoever bounds the text bounds the allocation.
///
/// # Errors
/// [`NotBase64Url`] for any other alphabet, padding, white space or non-zero trailing bits.
pub fn parse_base64url(text: &str) -> Result<Vec<u8>, NotBase64Url> {
    STRICT.decode(text).map_err(|_| NotBase64Url)
}

/// Reads unpadded base64url of exactly `N` bytes.
///
/// # Errors
/// [`NotBase64Url`] as for [`parse_base64url`], and for any other length.
pub fn parse_base64url_array<const N: usize>(text: &str) -> Result<[u8; N], NotBase64Url> {
    if text.len() != N.div_ceil(3) * 4 - (3 - N % 3) % 3 {
        return Err(NotBase64Url);
    }
    parse_base64url(text)?.try_into().map_err(|_| NotBase64Url)
}

/// Joins byte strings into one, each prefixed with its length as a big-endian `u32`: the "‖" of the
/// specification.
pub fn join(parts: &[&[u8]]) -> Vec<u8> {
    let mut joined = Vec::with_capacity(parts.iter().map(|part| part.len() + 4).sum());
    for part in parts {
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        joined.extend_from_slice(&length.to_be_bytes());
        joined.extend_from_slice(part);
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_string_has_one_text() {
        assert_eq!(base64url(&[0xfb, 0xff]), "-_8");
        assert_eq!(parse_base64url("-_8"), Ok(vec![0xfb, 0xff]));
        for wrong in ["-_8=", "-_9", "+/8", "-_8 ", "-", "-_8\n"] {
            assert_eq!(parse_base64url(wrong), Err(NotBase64Url), "{wrong:?}");
        }
    }

    #[test]
    fn arrays_have_one_length() {
        for length in 0..=50 {
            let text = base64url(&vec![7; length]);
            assert_eq!(parse_base64url_array::<49>(&text).is_ok(), length == 49, "{length}");
            assert_eq!(parse_base64url_array::<16>(&text).is_ok(), length == 16, "{length}");
            assert_eq!(parse_base64url_array::<48>(&text).is_ok(), length == 48, "{length}");
        }
    }

    #[test]
    fn joining_keeps_the_borders() {
        assert_ne!(join(&[b"ab", b"c"]), join(&[b"a", b"bc"]));
        assert_eq!(join(&[b"ab", b""]), [0, 0, 0, 2, b'a', b'b', 0, 0, 0, 0]);
    }
}
