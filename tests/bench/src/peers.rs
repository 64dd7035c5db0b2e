//! What others have built for the same purpose, at the same work on the same machine.

pub(crate) mod honest;
mod install;
pub(crate) mod service;
mod side;
pub(crate) mod webrtc;
