//! What C hands over, checked before it is looked at.

#![allow(unsafe_code, reason = "a pointer and a length become a slice here")]

use std::ffi::c_char;

use crate::fault::Fault;

/// The longest JSON, in bytes. A commit has at most 256 KiB of values, which escapes make six times as long.
pub(crate) const MAX_JSON: usize = 4 << 20;

/// The most bytes beside the JSON. Commits and app messages have at most 256 KiB.
pub(crate) const MAX_BYTES: usize = 1 << 20;

/// The bytes at a place. NULL is fine for none.
///
/// # Safety
/// If `data` is not NULL and `length` is not beyond `max`, `length` bytes at `data` can be read and do not change
/// for `'a`.
pub(crate) unsafe fn bytes<'a>(
    what: &'static str,
    data: *const u8,
    length: usize,
    max: usize,
) -> Result<&'a [u8], Fault> {
    if length == 0 {
        return Ok(&[]);
    }
    if length > max {
        return Err(Fault::TooLarge(what, max));
    }
    if data.is_null() {
        return Err(Fault::Null(what));
    }
    // SAFETY: not NULL, within `max`, which is far below `isize::MAX`; readable and unchanged says the caller.
    Ok(unsafe { std::slice::from_raw_parts(data, length) })
}

/// The text at a place.
///
/// # Safety
/// As for [`bytes`].
pub(crate) unsafe fn text<'a>(
    what: &'static str,
    data: *const c_char,
    length: usize,
    max: usize,
) -> Result<&'a str, Fault> {
    // SAFETY: what this function asks of its caller.
    let bytes = unsafe { bytes(what, data.cast(), length, max) }?;
    std::str::from_utf8(bytes).map_err(|_| Fault::NotUtf8(what))
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;

    #[test]
    fn bad_pointers_are_errors() {
        // SAFETY: nothing is read where the pointer is NULL or the length is 0 or too great.
        unsafe {
            assert!(matches!(bytes("x", ptr::null(), 0, 9), Ok([])));
            assert!(matches!(bytes("x", ptr::null(), 1, 9), Err(Fault::Null("x"))));
            assert!(matches!(bytes("x", ptr::dangling(), 10, 9), Err(Fault::TooLarge("x", 9))));
            assert!(matches!(bytes("x", ptr::dangling(), usize::MAX, 9), Err(Fault::TooLarge(..))));
        }
    }

    #[test]
    fn text_is_utf8() {
        let (right, wrong) = ("ü".as_bytes(), b"\xff");
        // SAFETY: both are slices.
        unsafe {
            assert_eq!(text("x", right.as_ptr().cast(), right.len(), 9).unwrap(), "ü");
            assert!(matches!(text("x", wrong.as_ptr().cast(), 1, 9), Err(Fault::NotUtf8("x"))));
        }
    }
}
