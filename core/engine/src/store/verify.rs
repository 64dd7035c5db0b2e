//! Verifying many signatures, which is most of the work of a first sync, on several cores.
//!
//! Each signature is checked by itself. Checking a batch in one equation would be faster, but accepts
//! signatures that checking one by one refuses, and devices must agree.

use std::{num::NonZero, thread};

use connectoid_protocol::{change::Change, user::UserPublic};

/// A thread costs about as much as checking one signature; so each gets many more.
const PER_THREAD: usize = 16;

/// More threads would take the machine from the app.
const MAX_THREADS: usize = 4;

/// Whether each change is signed by its author; `None` where the author's key is not known.
pub(super) fn verify_all(
    changes: &[Change],
    key: impl Fn(&Change) -> Option<UserPublic> + Sync,
) -> Vec<Option<bool>> {
    let verify = |change: &Change| key(change).map(|key| change.verify(&key).is_ok());
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = cores.min(MAX_THREADS).min(changes.len() / PER_THREAD);
    if threads < 2 {
        return changes.iter().map(verify).collect();
    }
    let share = changes.len().div_ceil(threads);
    let mut genuine = vec![None; changes.len()];
    thread::scope(|scope| {
        for (changes, genuine) in changes.chunks(share).zip(genuine.chunks_mut(share)) {
            scope.spawn(move || {
                for (change, genuine) in changes.iter().zip(genuine) {
                    *genuine = verify(change);
                }
            });
        }
    });
    genuine
}
