//! What C sees. The documentation of these items is that of `connectoid.h`.

#![allow(unsafe_code, reason = "functions with C names take pointers from C")]

use std::{
    ffi::{c_char, c_void},
    time::Duration,
};

use connectoid_session::Level;
use zeroize::Zeroizing;

use crate::{
    delivery::Way,
    fault::{self, Fault, guarded},
    input::{self, MAX_BYTES, MAX_JSON},
    message, table,
};

/// A node. 0 is none. Numbers are not used again, so a wrong one is an error and never a crash.
pub type NodeHandle = usize;

/// How a function went. What went wrong in words: `connectoid_last_error`.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is done, or on its way.
    Ok = 0,
    /// A pointer is NULL or misaligned, or a text is not UTF-8.
    InvalidArgument = 1,
    /// JSON of more than 4 MiB, or more than 1 MiB of bytes.
    TooLarge = 2,
    /// There is no node of this number: it was never opened, or it was released.
    NoSuchNode = 3,
    /// There is no call or request of this id that waits for an answer.
    NoSuchId = 4,
    /// A call with this id is running.
    IdInUse = 5,
    /// 16,384 calls are running or have answers that were not freed.
    Busy = 6,
    /// A defect of the SDK, or the operating system gives no threads.
    Internal = 7,
}

/// What a message is. Ignore kinds that you do not know: free them.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call succeeded. JSON: `Reply`. Id: the call's.
    Reply = 1,
    /// A call failed. JSON: `Error`. Id: the call's.
    Failure = 2,
    /// Something happened by itself. JSON: `Event`. Id: 0.
    Event = 3,
    /// Records of a collection that is followed. JSON: `Page`. Id: that of the call `changes`.
    Page = 4,
    /// The app is asked for something. JSON: `HostRequest`. Id: to be given to `connectoid_complete`.
    Request = 5,
    /// A line of the log. JSON: `LogLine`. Id: 0.
    Log = 6,
}

/// How much a line of the log matters; each level includes those before. What each is for: `LogLevel` in schema.json.
#[repr(u32)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogLevel {
    /// Something failed that should not.
    Error = 1,
    /// Something is wrong, and the node goes on.
    Warn = 2,
    /// What happens seldom.
    Info = 3,
    /// What a node does: for bug reports.
    Debug = 4,
    /// Everything.
    Trace = 5,
}

/// What a node says. It belongs to whoever gets it, on whatever thread, until `connectoid_free`.
#[repr(C)]
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The node that says it.
    pub node: NodeHandle,
    /// Which call it answers.
    pub id: u64,
    /// UTF-8, with a NUL behind it.
    pub json: *const c_char,
    /// Without the NUL.
    pub json_length: usize,
    /// The bytes beside the JSON; NULL if there are none.
    pub bytes: *const u8,
    /// How many.
    pub bytes_length: usize,
}

/// Takes the messages of a node, one at a time, on a thread of the node, never on that of a caller. It may call every
/// function of this header. While it runs, other messages of the node wait; it must not wait for one of them, and no
/// C++ exception may leave it.
pub type Callback = Option<unsafe extern "C" fn(user_data: *mut c_void, message: *mut Message)>;

/// The version of the library, such as "0.1.0"; valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    VERSION.as_ptr().cast()
}

/// Opens a node. Its messages go to `callback`, with `user_data`, until `connectoid_release`; without a callback they
/// wait for `connectoid_receive`.
///
/// `settings` is JSON: `Opening` in schema.json; only `storage` is required. The node is opened in the background:
/// `{"reply":"user","id":…}` or a failure with `id` says how it went. Calls may follow at once: they wait.
///
/// Returns 0 if the arguments are wrong.
///
/// # Safety
/// `settings` is NULL or points to `settings_length` bytes; `callback` can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_open(
    id: u64,
    settings: *const c_char,
    settings_length: usize,
    callback: Callback,
    user_data: *mut c_void,
) -> NodeHandle {
    guarded(
        |_| 0,
        || {
            // SAFETY: as the caller says.
            let settings = unsafe { input::text("settings", settings, settings_length, MAX_JSON) }?;
            table::open(id, Zeroizing::new(settings.to_owned()), Way::callback(callback, user_data))
        },
    )
}

/// Makes a call: a `Call` of schema.json, such as `{"method":"peers"}`, with bytes beside it where METHODS.md says so.
/// Both are copied. There will be exactly one message with this id that is a reply or a failure, also if the node is
/// closed; what is wrong with the content is a failure. Calls begin in the order in which they are made.
///
/// `id` is the app's choice; it may be used again when the call is answered.
///
/// # Safety
/// `json` is NULL or points to `json_length` bytes, `bytes` likewise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_call(
    node: NodeHandle,
    id: u64,
    json: *const c_char,
    json_length: usize,
    bytes: *const u8,
    bytes_length: usize,
) -> Status {
    done(|| {
        // SAFETY: as the caller says.
        let json = unsafe { input::text("json", json, json_length, MAX_JSON) }?;
        // SAFETY: as the caller says.
        let bytes = unsafe { input::bytes("bytes", bytes, bytes_length, MAX_BYTES) }?;
        Ok(table::find(node)?.session()?.call(id, json.to_owned(), bytes.to_vec())?)
    })
}

/// Takes a call back: it is answered with the failure `cancelled`, unless its answer is on the way. A message that
/// waits for a peer is not sent any more, an observer ends; what was done stays done.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_cancel(node: NodeHandle, id: u64) -> Status {
    done(|| Ok(table::find(node)?.session()?.cancel(id)?))
}

/// Answers a message of the kind `CONNECTOID_KIND_REQUEST`, within two minutes: with bytes, or with none. If `error`
/// is not NULL, it says why the request failed, and `bytes` do not count.
///
/// # Safety
/// `bytes` is NULL or points to `bytes_length` bytes, `error` likewise.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_complete(
    node: NodeHandle,
    id: u64,
    bytes: *const u8,
    bytes_length: usize,
    error: *const c_char,
    error_length: usize,
) -> Status {
    done(|| {
        let answer = if error.is_null() {
            // SAFETY: as the caller says.
            Ok(Zeroizing::new(unsafe { input::bytes("bytes", bytes, bytes_length, MAX_BYTES) }?.to_vec()))
        } else {
            // SAFETY: as the caller says.
            Err(unsafe { input::text("error", error, error_length, MAX_JSON) }?.to_owned())
        };
        Ok(table::find(node)?.session()?.complete(id, answer)?)
    })
}

/// Waits for the next message of a node that was opened without a callback. NULL if none came within the time, or the
/// node was released; also if there is no such node, which `connectoid_last_error` then tells.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_receive(node: NodeHandle, timeout_ms: u32) -> *mut Message {
    guarded(
        |_| std::ptr::null_mut(),
        || table::find(node)?.delivery.receive(Duration::from_millis(timeout_ms.into())),
    )
}

/// Closes a node: connections are closed, its data folder is free. All other calls are answered first, then this one,
/// with `{"reply":"done"}`. Later calls are answered with the failure `closed`.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_close(node: NodeHandle, id: u64) -> Status {
    done(|| Ok(table::find(node)?.session()?.close(id)?))
}

/// Gives a node back. When this returns, its callback does not run and will not be called again, except if the caller
/// is the callback itself; so the callbacks of two nodes must not release each other's node. Messages that were delivered
/// stay valid. If the node was not closed before, that is done in the background, and nobody is told.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_release(node: NodeHandle) -> Status {
    done(|| {
        let entry = table::remove(node)?;
        entry.delivery.end(entry.is_own_thread());
        entry.release();
        Ok(())
    })
}

/// Frees a message. NULL is fine.
///
/// # Safety
/// `message` is NULL, or comes from this library and was not freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_free(message: *mut Message) {
    // SAFETY: as the caller says.
    guarded(|_| (), || unsafe { message::take(message) });
}

/// What went wrong when a function last failed on this thread: a message of the kind `CONNECTOID_KIND_FAILURE`, to be
/// freed, with JSON such as `{"status":1,"message":"json is not UTF-8"}`; NULL if nothing did since the last question.
#[unsafe(no_mangle)]
pub extern "C" fn connectoid_last_error() -> *mut Message {
    fault::take_last().map_or_else(std::ptr::null_mut, |fault| {
        // The texts of faults have nothing that JSON would escape.
        message::give_failure(format!(r#"{{"status":{},"message":"{fault}"}}"#, fault.status() as u32))
    })
}

/// Follows what the library does in this process, up to a level of `connectoid_log_level`: messages of the kind
/// `CONNECTOID_KIND_LOG`, with no link, key or address in them. They go to `callback`, on a thread of the log, or without
/// one wait for `connectoid_receive`, until the handle that is returned is given to `connectoid_release`. If 1,024 lines
/// are not freed, further ones are lost, and a line says how many. Nothing else can be done with the handle.
///
/// Returns 0 if there is no such level, or no thread.
///
/// # Safety
/// `callback` can be called from any thread.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn connectoid_follow_log(
    level: u32,
    callback: Callback,
    user_data: *mut c_void,
) -> NodeHandle {
    guarded(|_| 0, || table::follow_log(log_level(level)?, Way::callback(callback, user_data)))
}

/// A number of C as a level.
pub(crate) fn log_level(level: u32) -> Result<Level, Fault> {
    const LEVELS: [(LogLevel, Level); 5] = [
        (LogLevel::Error, Level::Error),
        (LogLevel::Warn, Level::Warn),
        (LogLevel::Info, Level::Info),
        (LogLevel::Debug, Level::Debug),
        (LogLevel::Trace, Level::Trace),
    ];
    let known = LEVELS.iter().find(|(number, _)| *number as u32 == level);
    known.map(|(_, level)| *level).ok_or(Fault::NoSuchLevel)
}

fn done(work: impl FnOnce() -> Result<(), Fault>) -> Status {
    guarded(|status| status, || work().map(|()| Status::Ok))
}
