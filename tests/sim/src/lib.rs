//! A simulator for whole nodes.
//!
//! What runs here is the real engine on the real store, with every decision that a shipped node takes.
//! Only its hands are replaced: the network, the service, WebRTC and the clock are simulated, all drawn
//! from one seed, so that a run which fails can be repeated.
//!
//! | file | room |
//! |---|---|
//! | [`world`] | the queue of things to come, and the clock |
//! | [`mailbox`] | a service, honest or malicious |
//! | [`host`] | a node with its disk, which can crash and start again |
//! | [`wire`] | connections between nodes |
//! | [`story`] | what users do, and what must hold in the end |
//! | [`two`] | two people who share, for stories about what happens between them |

pub mod host;
pub mod mailbox;
pub mod story;
pub mod two;
pub mod wire;
pub mod world;
