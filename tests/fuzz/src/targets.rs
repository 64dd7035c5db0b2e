//! The targets, by name.

mod change;
mod frame;
mod joiner;
mod link;
mod message;
mod padding;
mod question;
mod reply;
mod request;
mod seal;
mod sync;
mod value;

use arbitrary::{Arbitrary, Unstructured};

/// What is done with the bytes that a stranger may send.
pub type Target = fn(&[u8]);

/// Each parser and what it must hold.
pub const TARGETS: [(&str, Target); 12] = [
    ("change", change::run),
    ("frame", frame::run),
    ("joiner", joiner::run),
    ("link", link::run),
    ("message", message::run),
    ("padding", padding::run),
    ("question", question::run),
    ("reply", reply::run),
    ("request", request::run),
    ("seal", seal::run),
    ("sync", sync::run),
    ("value", value::run),
];

/// Several values in the bytes.
fn arbitrary<'a, T: Arbitrary<'a>>(bytes: &'a [u8]) -> Option<T> {
    T::arbitrary_take_rest(Unstructured::new(bytes)).ok()
}
