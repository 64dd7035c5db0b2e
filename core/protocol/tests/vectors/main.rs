//! The test vectors in `tests/vectors/`, checked against this implementation.
//!
//! Each file holds inputs and what follows from them, so that a client in another language can be checked
//! without ours; `tests/vectors/check.mjs` is such a check. Here the files are only *read*: what they say
//! is the protocol, and a change of this crate that no longer agrees with them breaks other clients.
//!
//! `CONNECTOID_WRITE_VECTORS=1 cargo test -p connectoid-protocol --test vectors` writes them anew, for
//! when the protocol itself changes. Keys and randomness come from fixed seeds and stand in the files.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "all of this crate is a test: a vector that cannot be read or made is a failure"
)]
#![allow(clippy::struct_field_names, reason = "fields are named as in the files")]

mod boxes;
mod change;
mod change_refused;
mod encoding;
mod frame;
mod from_js;
mod handshake;
mod link;
mod message;
mod message_refused;
mod question;
mod sas;
mod seal;
mod support;
mod sync;
mod user;
mod value;
mod work;

use support::run;

#[test]
fn encoding() {
    run::<encoding::Encoding>();
}

#[test]
fn boxes() {
    run::<boxes::Boxes>();
}

#[test]
fn links() {
    run::<link::Links>();
}

#[test]
fn sealing() {
    run::<seal::Sealing>();
}

#[test]
fn messages() {
    run::<message::Messages>();
}

#[test]
fn questions() {
    run::<question::Questions>();
}

#[test]
fn proofs_of_work() {
    run::<work::Work>();
}

#[test]
fn users() {
    run::<user::Users>();
}

#[test]
fn handshakes() {
    run::<handshake::Handshake>();
}

#[test]
fn values() {
    run::<value::Values>();
}

#[test]
fn changes() {
    run::<change::Changes>();
}

#[test]
fn frames() {
    run::<frame::Frames>();
}

#[test]
fn sync() {
    run::<sync::Sync>();
}

#[test]
fn what_another_implementation_made_is_accepted() {
    support::load::<from_js::FromJs>("from-js.json").check();
}
