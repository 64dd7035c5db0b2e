//! Stories of two people, told once and played by actors in every language.
//!
//! An [`actor::Actor`] is a program that does what it is told through one language's public API; the README of this
//! crate says how it is spoken to. A [`cast::Cast`] says who plays whom. A story ([`stories::ALL`]) tells the actors
//! what to do on a [`stage::Stage`], which is a mailbox service and a folder for each person, and looks at what they
//! answer.

pub mod actor;
pub mod cast;
pub mod stage;
pub mod stories;
