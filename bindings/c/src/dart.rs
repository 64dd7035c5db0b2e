//! Messages to an isolate of Dart, which has no function that any thread may call at any time.
//!
//! Dart's own callbacks for threads (`NativeCallable.listener`) die with their isolate, and calling a dead one ends the
//! process: when an isolate is killed, or when Flutter's tools restart an app. A *port* of an isolate may be posted to
//! whenever; a dead one says so, and then the node is released, because nobody hears it any more. The function that
//! posts is Dart's `Dart_PostCObject`, which Dart hands over as `NativeApi.postCObject`, so that nothing of Dart is
//! needed to build this.
//!
//! What is posted is a pointer with a function that frees it. Dart calls that function for messages that were in the
//! port when it died, so none is lost.

#![allow(unsafe_code, reason = "Dart is called here")]

use std::ffi::{c_char, c_int, c_void};

use zeroize::Zeroizing;

use crate::{
    delivery::Way,
    fault::{Fault, guarded},
    ffi::{Message, NodeHandle, log_level},
    input::{self, MAX_JSON},
    message, table,
};

/// `Dart_CObject_kNativePointer`.
const NATIVE_POINTER: c_int = 11;

/// `Dart_CObject`, as far as it is used: `dart_native_api.h`.
#[repr(C)]
pub struct Object {
    kind: c_int,
    value: Value,
}

#[repr(C)]
union Value {
    pointer: NativePointer,
    /// Another member of Dart's union, for its alignment.
    _number: i64,
}

#[derive(Clone, Copy)]
#[repr(C)]
struct NativePointer {
    address: isize,
    size: isize,
    free: unsafe extern "C" fn(isolate: *mut c_void, message: *mut c_void),
}

/// `Dart_PostCObject`: posts to a port; false if it is dead, and then the object is still the caller's.
pub type Post = unsafe extern "C" fn(port: i64, object: *mut Object) -> bool;

/// A port of an isolate.
pub(crate) struct Port {
    post: Post,
    port: i64,
}

impl Port {
    /// Posts a message, which belongs to Dart then. False if nobody will take it; then it was freed.
    pub(crate) fn post(&self, message: *mut Message) -> bool {
        // How much memory there is behind the pointer is for Dart's statistics alone.
        let pointer = NativePointer { address: message as isize, size: 0, free: free_untaken };
        let mut object = Object { kind: NATIVE_POINTER, value: Value { pointer } };
        // SAFETY: `connectoid_open_dart` was given a function that takes this from any thread; Dart copies the object.
        let posted = unsafe { (self.post)(self.port, &raw mut object) };
        if !posted {
            // SAFETY: nobody else has the message.
            guarded(|_| (), || unsafe { message::take(message) });
        }
        posted
    }
}

/// Frees a message that was in a port when that died.
unsafe extern "C" fn free_untaken(_isolate: *mut c_void, message: *mut c_void) {
    // SAFETY: Dart calls this with what was posted, once, and only if it was not received.
    guarded(|_| (), || unsafe { message::take(message.cast()) });
}

/// As `connectoid_open`, for Dart: messages are posted to a port as integers, which are the addresses of messages. Each
/// is freed by `connectoid_free`, as always. When the port is dead, the node is released.
///
/// # Safety
/// `settings` is NULL or points to `settings_length` bytes; `post` is `NativeApi.postCObject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_open_dart(
    id: u64,
    settings: *const c_char,
    settings_length: usize,
    post: Option<Post>,
    port: i64,
) -> NodeHandle {
    guarded(
        |_| 0,
        || {
            // SAFETY: as the caller says.
            let settings = unsafe { input::text("settings", settings, settings_length, MAX_JSON) }?;
            let post = post.ok_or(Fault::Null("post"))?;
            table::open(id, Zeroizing::new(settings.to_owned()), Way::port(Port { post, port }))
        },
    )
}

/// As `connectoid_follow_log`, for Dart.
///
/// # Safety
/// `post` is `NativeApi.postCObject`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_follow_log_dart(level: u32, post: Option<Post>, port: i64) -> NodeHandle {
    guarded(
        |_| 0,
        || {
            let post = post.ok_or(Fault::Null("post"))?;
            table::follow_log(log_level(level)?, Way::port(Port { post, port }))
        },
    )
}

#[cfg(test)]
mod tests {
    use std::{
        sync::mpsc::{self, Sender},
        time::Duration,
    };

    use super::*;

    /// Nothing takes this long unless it hangs.
    const PATIENCE: Duration = Duration::from_mins(1);

    /// Takes the port for a sender of addresses.
    unsafe extern "C" fn post(port: i64, object: *mut Object) -> bool {
        // SAFETY: `open` gives these.
        let (sender, object) = unsafe { (&*(port as *const Sender<usize>), &*object) };
        assert_eq!(object.kind, NATIVE_POINTER);
        // SAFETY: of this kind it is a pointer.
        sender.send(unsafe { object.value.pointer }.address.cast_unsigned()).is_ok()
    }

    unsafe extern "C" fn post_to_nobody(_port: i64, _object: *mut Object) -> bool {
        false
    }

    fn open(post: Post, port: i64) -> NodeHandle {
        let settings = r#"{"storage":"memory"}"#;
        // SAFETY: the settings are a text, the function is one of the above.
        unsafe { connectoid_open_dart(1, settings.as_ptr().cast(), settings.len(), Some(post), port) }
    }

    #[test]
    fn messages_are_posted() {
        let (sender, received) = mpsc::channel::<usize>();
        let node = open(post, (&raw const sender) as i64);
        let message = received.recv_timeout(PATIENCE).unwrap() as *mut Message;
        // SAFETY: it was posted once.
        unsafe {
            assert_eq!(((*message).node, (*message).id), (node, 1));
            free_untaken(std::ptr::null_mut(), message.cast());
        }
        table::remove(node).unwrap().delivery.end(false);
    }

    #[test]
    fn a_node_that_nobody_hears_is_released() {
        let node = open(post_to_nobody, 0);
        let deadline = std::time::Instant::now() + PATIENCE;
        while table::find(node).is_ok() {
            assert!(std::time::Instant::now() < deadline);
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_function_is_needed() {
        // SAFETY: nothing is read.
        assert_eq!(unsafe { connectoid_open_dart(1, std::ptr::null(), 0, None, 0) }, 0);
    }
}
