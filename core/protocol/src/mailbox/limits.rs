//! What a service may be asked for, in numbers. A client can rely on these of every service; what a
//! particular service adds is in its [`super::ServiceInfo`].

/// The longest `data` of a message, in characters of base64url: 24 KiB, enough for the largest padded
/// message (16 KiB) with its key, its tag and the expansion by a third.
pub const MAX_DATA_LEN: usize = 24 * 1024;

/// The longest `ext`, in bytes: what an address can carry.
pub const MAX_EXT_LEN: usize = crate::address::MAX_EXT_LEN;

/// The longest request body, in bytes: the longest `data`, or a full batch, with room for fields to come.
pub const MAX_REQUEST_LEN: usize = 32 * 1024;

/// The longest reply body, in bytes: a full box, its newest message repeated, and the JSON around it.
pub const MAX_REPLY_LEN: usize = 192 * 1024;

/// The most boxes in one `check`.
pub const MAX_BATCH: usize = 64;

/// The longest `wait` of a `check`, in seconds: below the 30 s after which proxies like to hang up.
pub const MAX_WAIT_SECS: u64 = 25;

/// The most messages in a box, and so the most that one `receive` returns.
pub const MAX_BOX_MESSAGES: usize = 32;

/// The most characters of `data` in a box.
pub const MAX_BOX_LEN: usize = 128 * 1024;

/// The most messages in a box that nobody has ever checked.
pub const MAX_UNCHECKED_MESSAGES: usize = 4;

/// How long a message stays at most, in seconds; one that a reader's cursor has passed goes before.
pub const MESSAGE_LIFETIME_SECS: u64 = 60 * 60;

/// How long a box stays after the last `check`, and the marker of a closed one after its `drop`, in seconds.
pub const BOX_LIFETIME_SECS: u64 = 30 * 24 * 60 * 60;

/// The greatest `at`: 2^53 − 1, the greatest integer that every JSON reader gets right.
pub const MAX_AT: u64 = (1 << 53) - 1;

/// The length of an answer as text: 32 bytes.
pub const ANSWER_TEXT_LEN: usize = 43;
