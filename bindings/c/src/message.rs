//! Messages as C sees them: a struct whose buffers belong to a value behind it.

#![allow(unsafe_code, reason = "a box goes to C and comes back")]

use std::ffi::c_char;

use connectoid_session as session;

use crate::{
    fault::Fault,
    ffi::{Kind, Message},
};

/// What a pointer to a [`Message`] really points to.
#[repr(C)]
struct Owned {
    seen: Message,
    json: Vec<u8>,
    /// Its bytes, and its place among what is in flight.
    content: Option<session::Message>,
}

/// Gives a message to C.
pub(crate) fn give(node: usize, mut message: session::Message) -> *mut Message {
    let kind = match message.kind {
        session::Kind::Reply => Kind::Reply,
        session::Kind::Failure => Kind::Failure,
        session::Kind::Event => Kind::Event,
        session::Kind::Page => Kind::Page,
        session::Kind::Request => Kind::Request,
        session::Kind::Log => Kind::Log,
    };
    let json = std::mem::take(&mut message.json);
    give_parts(kind, node, message.id, json, Some(message))
}

/// Gives a text to C, as a message that no node sent.
pub(crate) fn give_failure(json: String) -> *mut Message {
    give_parts(Kind::Failure, 0, 0, json, None)
}

fn give_parts(
    kind: Kind,
    node: usize,
    id: u64,
    json: String,
    content: Option<session::Message>,
) -> *mut Message {
    let mut json = json.into_bytes();
    json.push(0);
    let bytes = content.as_ref().map(|content| content.bytes.as_slice()).unwrap_or_default();
    let seen = Message {
        kind,
        node,
        id,
        json: json.as_ptr().cast::<c_char>(),
        json_length: json.len() - 1,
        bytes: if bytes.is_empty() { std::ptr::null() } else { bytes.as_ptr() },
        bytes_length: bytes.len(),
    };
    Box::into_raw(Box::new(Owned { seen, json, content })).cast()
}

/// Takes a message back and frees it.
///
/// # Safety
/// `message` is NULL, misaligned, or was given by this module and not taken back.
pub(crate) unsafe fn take(message: *mut Message) -> Result<(), Fault> {
    let owned = message.cast::<Owned>();
    if owned.is_null() {
        return Ok(());
    }
    if !owned.is_aligned() {
        return Err(Fault::Misaligned("the message"));
    }
    // SAFETY: given by `give_parts` as a box of `Owned`, and not taken back, says the caller.
    let owned = unsafe { Box::from_raw(owned) };
    debug_assert!(owned.json.last() == Some(&0), "not a message");
    drop(owned.content);
    Ok(())
}
