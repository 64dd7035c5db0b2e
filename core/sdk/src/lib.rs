//! Connectoid: two apps find each other by a link sent in any messenger, prove who they are, connect
//! directly and keep their data the same.
//!
//! Between them is only a small mailbox that anyone can host and that can neither read nor forge
//! anything. Once two apps have met through it, they talk over WebRTC.
//!
//! ```no_run
//! # async fn example() -> connectoid::Result<()> {
//! use connectoid::{Node, Settings, Share};
//!
//! let mut settings = Settings::in_folder("/var/lib/my-app/connectoid");
//! settings.services = vec!["https://mailbox.example".to_owned()];
//! let alice = Node::open(settings).await?;
//!
//! // "Who do you share with?" "Bob." Send this link by any messenger.
//! let link = alice.share(Share::new("bob", "shopping")).await?.link;
//!
//! // On Bob's device: bob.open_link(&link, "alice").await?;
//!
//! // Both write, offline or not; both see the same.
//! alice.put("shopping", "items", "milk", serde_json::json!({"count": 2})).await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Rooms of this house
//!
//! | module | what it is |
//! |---|---|
//! | [`Node`] | the facade: one async method for everything |
//! | [`RecordCollection`], [`TypedCollection`] | handles for the records of one collection, also as types of the app |
//! | `driver` | the hands: HTTP, WebRTC, the clock |
//! | [`keystore`] | where the master secret is kept |
//! | [`files`] | files that only their owner can read |
//! | [`log`] | what the SDK says of itself, for languages without `tracing` |
//! | [`api`] | commands, replies and events: the one definition under all languages |
//! | [`engine`] | the brain: decides everything, does nothing; a step is a transaction |
//! | [`store`] | SQLite |
//!
//! The last three are shown again from the crate `connectoid-engine`, which is the same wherever a node runs. The rules
//! themselves are pure and live in `connectoid-protocol`.
//!
//! # Threads
//!
//! A node has a thread of its own and a small Tokio runtime. Its methods may be awaited on any executor;
//! dropping a future that waits for a peer cancels the command. Events come in order; see
//! [`Node::events`].

mod changes;
mod collection;
mod driver;
mod events;
pub mod files;
mod folder;
pub mod keystore;
pub mod log;
mod node;
mod observe;
mod opening;
mod rtc;
pub mod settings;
mod threads;

pub use connectoid_engine::{
    Blame, Error, ErrorKind, Event, EventKind, MasterSecret, OsRandom, Pace, Placement, Result, Role, Side,
    Vault, VaultError,
    api::{self, Observed},
    engine, qr, store,
};
use connectoid_engine::{mailbox, reads};

pub use self::{
    changes::Changes,
    collection::{GroupHandle, RecordCollection, TypedCollection, TypedObserver, TypedRecord},
    events::{EventHandler, EventStream, Subscription},
    folder::FolderLock,
    node::{Node, Share},
    observe::Observer,
    settings::{IceServer, Settings, Storage},
};
