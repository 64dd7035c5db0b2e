//! The facade of the SDK for Kotlin and Swift, by UniFFI.
//!
//! Nothing is decided here: each function converts what came in, calls the SDK, and converts what comes out. The
//! languages' packages (`kotlin/`, `swift/`) put an idiomatic layer over the code that is generated from this.
//!
//! | rule | how |
//! |---|---|
//! | sizes | what an app hands in is bounded by `limits` before the SDK sees it |
//! | threads | every method may be called from any thread; the SDK has its own. Records are read on the caller's |
//! | cancelling | dropping a future cancels the command in the engine; dropping a [`Subscription`] ends it |
//! | callbacks | are asynchronous and batched: the SDK waits for one batch to be taken before it hands over the next, and what does not fit its queue becomes a `resync` |
//! | panics | become an internal error of the call; none unwinds into the other language. Whatever can be called says so by a `Result`, without which what is generated for Swift would end the app |
//! | errors | [`NodeError`]: a stable kind, a text for people, a text for bug reports |

mod bytes;
mod doctor;
mod error;
mod event;
mod group;
mod key_store;
mod limits;
mod link;
mod log;
mod node;
mod observer;
mod peer;
mod qr;
mod record;
mod settings;

pub use self::{
    bytes::Bytes,
    doctor::{Diagnosis, Finding},
    error::{Blame, ErrorKind, HostError, NodeError, Problem},
    event::{Event, EventKind, EventListener, RecordKey, Subscription},
    group::{Group, Member, Role},
    key_store::KeyStore,
    link::{Placement, Share, SharedLink},
    log::{LogLevel, LogLine, LogListener, LogSubscription, follow_log},
    node::Node,
    observer::{Observation, Observed, RecordListener},
    peer::{ConnectionState, GroupSync, PairState, Peer, Side, Verified},
    qr::Qr,
    record::{Record, Version, Write},
    settings::{IceServer, Pace, Settings},
};

uniffi::setup_scaffolding!("connectoid");
