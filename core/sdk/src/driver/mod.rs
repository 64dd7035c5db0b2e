//! Drivers: the hands of the engine. They do what it asks and report what happened.
//!
//! | file | room |
//! |---|---|
//! | `engine_thread` | the thread on which the engine lives, and its queue |
//! | `hands` | which output goes to which driver |
//! | `clock` | time in µs, which never runs backwards |
//! | `http` | one HTTP request to a mailbox service |
//! | `roots` | which authorities may have signed a service's certificate |
//! | `unreached` | why a service was not reached |
//! | `platform` | what the mailbox client needs of a native system |
//! | `connections` | WebRTC connections, and frames over them |

mod clock;
mod connections;
mod engine_thread;
mod hands;
mod http;
mod platform;
mod roots;
mod tasks;
mod unreached;

pub(crate) use self::{
    engine_thread::{EngineHandle, start},
    hands::Hands,
    platform::Native,
    roots::Roots,
};
