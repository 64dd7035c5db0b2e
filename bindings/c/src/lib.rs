//! The C ABI.
//!
//! This crate holds the `unsafe` code of the SDK (but for one `unsafe impl`, in `bindings/uniffi/src/bytes.rs`), and
//! nothing else: it turns pointers into slices and back ([`input`], [`message`]), keeps a table of nodes so that a wrong
//! handle is an error and not a crash ([`table`]), hands messages to the app ([`delivery`]) and catches panics
//! ([`fault`]). What the functions do is in `connectoid-session`; what C sees is in [`ffi`], from which
//! `include/connectoid.h` is generated; what Dart needs besides is in [`dart`].

pub mod dart;
mod delivery;
mod fault;
pub mod ffi;
mod input;
mod message;
mod table;
