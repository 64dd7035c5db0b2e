//! Bytes, which cross as a whole.
//!
//! UniFFI hands a `Vec<u8>` over item by item, as it does any list: milliseconds for each mebibyte. [`Bytes`] looks the
//! same to the other languages and is copied at once.

#![allow(unsafe_code, reason = "what UniFFI derives for its own types can only be written as unsafe")]

use std::fmt;

use uniffi::{FfiConverter, MetadataBuffer, check_remaining, metadata::codes};

/// Bytes: an app message, a picture. `ByteArray` in Kotlin, `Data` in Swift.
#[derive(Clone, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0.len())
    }
}

// SAFETY: the layout and the metadata are those of UniFFI's own list of `u8`: the length as a big-endian `i32`, then
// so many bytes.
unsafe impl FfiConverter<crate::UniFfiTag> for Bytes {
    uniffi::ffi_converter_rust_buffer_lift_and_lower!(crate::UniFfiTag);

    const TYPE_ID_META: MetadataBuffer =
        MetadataBuffer::from_code(codes::TYPE_VEC).concat(MetadataBuffer::from_code(codes::TYPE_U8));

    fn write(bytes: Self, buffer: &mut Vec<u8>) {
        // More is never made here; cut off, it is at least as long as it says.
        let length = i32::try_from(bytes.0.len()).unwrap_or(i32::MAX);
        buffer.extend_from_slice(&length.to_be_bytes());
        buffer.extend_from_slice(&bytes.0[..length.unsigned_abs() as usize]);
    }

    fn try_read(buffer: &mut &[u8]) -> uniffi::Result<Self> {
        check_remaining(buffer, 4)?;
        let (length, rest) = buffer.split_at(4);
        let length = usize::try_from(i32::from_be_bytes(length.try_into()?))?;
        check_remaining(rest, length)?;
        let (bytes, rest) = rest.split_at(length);
        *buffer = rest;
        Ok(Self(bytes.to_vec()))
    }
}

uniffi::derive_ffi_traits!(local Bytes);

#[cfg(test)]
mod tests {
    use uniffi::{Lift, Lower, RustBuffer};

    use super::*;
    use crate::UniFfiTag;

    #[test]
    fn bytes_cross_as_a_list_of_them_would() {
        for bytes in [vec![], vec![7], (0..=255).collect()] {
            let alone = <Bytes as Lower<UniFfiTag>>::lower(Bytes(bytes.clone())).destroy_into_vec();
            assert_eq!(alone, <Vec<u8> as Lower<UniFfiTag>>::lower(bytes.clone()).destroy_into_vec());
            let back = <Bytes as Lift<UniFfiTag>>::try_lift(RustBuffer::from_vec(alone)).unwrap();
            assert_eq!(back.0, bytes);
        }
        assert_eq!(
            Bytes::TYPE_ID_META.as_ref(),
            <Vec<u8> as uniffi::TypeId<UniFfiTag>>::TYPE_ID_META.as_ref()
        );
    }

    #[test]
    fn what_is_cut_off_is_an_error() {
        for wrong in [
            &[][..],
            &[0, 0, 0],
            &[0, 0, 0, 2, 1],
            &[0x7f, 0xff, 0xff, 0xff, 1],
            &[0xff; 8],
            &[0, 0, 0, 0, 1],
        ] {
            let buffer = RustBuffer::from_vec(wrong.to_vec());
            assert!(<Bytes as Lift<UniFfiTag>>::try_lift(buffer).is_err(), "{wrong:?}");
        }
    }
}
