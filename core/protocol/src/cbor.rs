//! Deterministic CBOR (RFC 8949 §4.2), the one encoding of everything that is signed or synced.
//!
//! Encoders write shortest heads, definite lengths and map keys in bytewise order of their encodings;
//! floats are always eight bytes long (a number that fits an integer is written as one). A decoder
//! accepts exactly what an encoder writes: it decodes, encodes again and compares, so that each
//! value has one byte string and no second spelling can carry the same signature.

use minicbor::{Decoder, Encoder};

/// Bytes that are not what an encoder of this protocol would write.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not deterministic CBOR of the expected shape")]
pub struct NotCanonical;

impl From<minicbor::decode::Error> for NotCanonical {
    fn from(_: minicbor::decode::Error) -> Self {
        Self
    }
}

/// Decodes `bytes` with `read`, and refuses them unless `write` gives the same bytes again.
pub(crate) fn strict<'b, T, E: From<NotCanonical>>(
    bytes: &'b [u8],
    read: impl FnOnce(&mut Decoder<'b>) -> Result<T, E>,
    write: impl FnOnce(&T, &mut Writer),
) -> Result<T, E> {
    let value = read(&mut Decoder::new(bytes))?;
    let mut writer = Writer::with_capacity(bytes.len());
    write(&value, &mut writer);
    if writer.finish() == bytes { Ok(value) } else { Err(NotCanonical.into()) }
}

/// Reads the head of an array, which must have a definite length.
pub(crate) fn array(decoder: &mut Decoder<'_>) -> Result<u64, NotCanonical> {
    decoder.array()?.ok_or(NotCanonical)
}

/// Reads the head of an array of exactly `length` items.
pub(crate) fn array_of(decoder: &mut Decoder<'_>, length: u64) -> Result<(), NotCanonical> {
    if array(decoder)? == length { Ok(()) } else { Err(NotCanonical) }
}

/// Reads the head of a map, which must have a definite length.
pub(crate) fn map(decoder: &mut Decoder<'_>) -> Result<u64, NotCanonical> {
    decoder.map()?.ok_or(NotCanonical)
}

/// Reads a byte string of exactly `N` bytes.
pub(crate) fn fixed<const N: usize>(decoder: &mut Decoder<'_>) -> Result<[u8; N], NotCanonical> {
    decoder.bytes()?.try_into().map_err(|_| NotCanonical)
}

/// Writes CBOR into memory, which cannot fail: so none of its methods can.
pub(crate) struct Writer(Encoder<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self::with_capacity(0)
    }

    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Encoder::new(Vec::with_capacity(capacity)))
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0.into_writer()
    }

    pub(crate) fn array(&mut self, length: usize) -> &mut Self {
        let _ = self.0.array(length as u64);
        self
    }

    pub(crate) fn map(&mut self, length: usize) -> &mut Self {
        let _ = self.0.map(length as u64);
        self
    }

    pub(crate) fn uint(&mut self, number: u64) -> &mut Self {
        let _ = self.0.u64(number);
        self
    }

    pub(crate) fn int(&mut self, number: i64) -> &mut Self {
        let _ = self.0.i64(number);
        self
    }

    pub(crate) fn float(&mut self, number: f64) -> &mut Self {
        let _ = self.0.f64(number);
        self
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        let _ = self.0.bool(value);
        self
    }

    pub(crate) fn null(&mut self) -> &mut Self {
        let _ = self.0.null();
        self
    }

    pub(crate) fn undefined(&mut self) -> &mut Self {
        let _ = self.0.undefined();
        self
    }

    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        let _ = self.0.str(text);
        self
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        let _ = self.0.bytes(bytes);
        self
    }
}
