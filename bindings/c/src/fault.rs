//! What a function of the C ABI fails with at once, and the last such failure of each thread.

use std::{
    cell::RefCell,
    panic::{AssertUnwindSafe, catch_unwind},
};

use connectoid_session::Refused;

use crate::ffi::Status;

/// Why a function did not do what it was told.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("{0} is NULL, but its length is not 0")]
    Null(&'static str),
    #[error("{0} is not aligned as its type demands")]
    Misaligned(&'static str),
    #[error("{0} is not UTF-8")]
    NotUtf8(&'static str),
    #[error("{0} is longer than {1} bytes")]
    TooLarge(&'static str, usize),
    #[error("there is no such node: it was never opened, or it was released")]
    NoSuchNode,
    #[error("this is no node but a log: it takes no calls; receive and release are for both")]
    IsLog,
    #[error("there is no such level of the log: 1 (error) to 5 (trace)")]
    NoSuchLevel,
    #[error("{0}")]
    NoLog(String),
    #[error("messages of this node go to its callback; receive is for nodes that were opened without one")]
    HasCallback,
    #[error("{0}")]
    Refused(#[from] Refused),
    #[error("a defect of the SDK; please report it")]
    Panic,
}

thread_local! {
    static LAST: RefCell<Option<Fault>> = const { RefCell::new(None) };
}

impl Fault {
    pub(crate) fn status(&self) -> Status {
        match self {
            Self::Null(_)
            | Self::Misaligned(_)
            | Self::NotUtf8(_)
            | Self::HasCallback
            | Self::IsLog
            | Self::NoSuchLevel => Status::InvalidArgument,
            Self::TooLarge(..) => Status::TooLarge,
            Self::NoSuchNode | Self::Refused(Refused::Released) => Status::NoSuchNode,
            Self::Refused(Refused::IdInUse) => Status::IdInUse,
            Self::Refused(Refused::NoSuchId) => Status::NoSuchId,
            Self::Refused(Refused::TooManyCalls) => Status::Busy,
            Self::Refused(_) | Self::NoLog(_) | Self::Panic => Status::Internal,
        }
    }
}

/// Runs what a function does. A panic ends here, and a failure is kept for [`take_last`].
pub(crate) fn guarded<T>(otherwise: impl FnOnce(Status) -> T, work: impl FnOnce() -> Result<T, Fault>) -> T {
    // What a panic leaves behind is behind locks that are used all the same: a node may be lost, memory is not.
    let result = catch_unwind(AssertUnwindSafe(work)).unwrap_or(Err(Fault::Panic));
    result.unwrap_or_else(|fault| {
        let status = fault.status();
        // A thread that is ending remembers nothing.
        let _ = LAST.try_with(|last| last.replace(Some(fault)));
        otherwise(status)
    })
}

/// The last failure of the calling thread; afterwards there is none.
pub(crate) fn take_last() -> Option<Fault> {
    LAST.try_with(RefCell::take).ok().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error() {
        let status = guarded(|status| status, || panic!("on purpose"));
        assert_eq!(status, Status::Internal);
        assert!(matches!(take_last(), Some(Fault::Panic)));
        assert!(take_last().is_none());
    }
}
