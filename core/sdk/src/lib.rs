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
//! | [`api`] | commands, replies and events: the one definition under all languages |
//! | [`engine`] | the brain: decides everything, does nothing; a step is a transaction |
//! | `driver` | the hands: HTTP, WebRTC, the clock |
//! | `store` | SQLite |
//! | [`keystore`] | where the master secret is kept |
//!
//! The rules themselves are pure and live in the crate `connectoid-protocol`.
//!
//! # Threads
//!
//! A node has a thread of its own and a small Tokio runtime. Its methods may be awaited on any executor;
//! dropping a future that waits for a peer cancels the command. Events come in order; see
//! [`Node::events`].

pub mod api;
mod driver;
pub mod engine;
mod entropy;
mod error;
mod events;
pub mod keystore;
mod node;
mod observe;
mod opening;
pub mod qr;
mod reads;
mod rtc;
pub mod settings;
pub mod store;
mod threads;
mod vault;

pub use connectoid_protocol::{connect::Side, link::Placement, membership::Role, poll::Pace};

pub use self::{
    api::{Event, EventKind},
    entropy::OsRandom,
    error::{Blame, Error, ErrorKind, Result},
    events::{EventHandler, EventStream, Subscription},
    node::{Node, Share},
    observe::{Observed, Observer},
    settings::{IceServer, Settings, Storage},
    vault::{MasterSecret, Vault, VaultError},
};
