//! Drivers: the hands of the engine. They do what it asks and report what happened.
//!
//! | file | room |
//! |---|---|
//! | `engine_thread` | the thread on which the engine lives, and its queue |
//! | `hands` | which output goes to which driver |
//! | `clock` | time in µs, which never runs backwards |
//! | `http` | one HTTP request to a mailbox service |
//! | `services` | what each service offers, asked once |
//! | `work` | proof of work, for services that ask for it |
//! | `mailbox` | checking, fetching, sending and closing boxes |
//! | `connections` | WebRTC connections, and frames over them |

mod clock;
mod connections;
mod engine_thread;
mod hands;
mod http;
mod mailbox;
mod services;
mod tasks;
mod work;

pub(crate) use self::{
    engine_thread::{EngineHandle, start},
    hands::Hands,
};
