//! What a session says.

use connectoid::{Result, log::Line};
use connectoid_engine::calls::{Encoded, to_json};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroize;

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A call succeeded.
    Reply,
    /// A call failed.
    Failure,
    /// Something happened by itself.
    Event,
    /// Records of an observer.
    Page,
    /// The app is asked for something.
    Request,
    /// A line of the log.
    Log,
}

/// One thing that is said. Until it is dropped, it counts against what a session holds in flight.
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The call's id; of a request, the id to answer with; of an event or a line of the log, 0.
    pub id: u64,
    /// The JSON.
    pub json: String,
    /// The bytes beside it.
    pub bytes: Vec<u8>,
    /// Whether the bytes are wiped when they are not needed any more.
    secret: bool,
    _permit: Option<OwnedSemaphorePermit>,
}

/// Where all messages of a session go.
pub trait Outlet: Send + Sync {
    /// Takes a message; called by the session's thread, one message at a time. Calls into the session are welcome.
    fn deliver(&self, message: Message);
}

impl Message {
    pub(crate) fn new(kind: Kind, id: u64, content: Encoded, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { kind, id, json: content.json, bytes: content.bytes, secret: false, _permit: permit }
    }

    /// A request whose bytes are wiped.
    pub(crate) fn secret(id: u64, request: &impl Serialize, bytes: Vec<u8>) -> Result<Self> {
        Ok(Self { kind: Kind::Request, id, json: to_json(request)?, bytes, secret: true, _permit: None })
    }

    /// A line of the log, if it can be written.
    pub(crate) fn line(line: &Line, permit: OwnedSemaphorePermit) -> Option<Self> {
        let content = Encoded { json: to_json(line).ok()?, bytes: Vec::new() };
        Some(Self::new(Kind::Log, 0, content, Some(permit)))
    }

    /// The answer to a call.
    pub(crate) fn answer(id: u64, result: Result<Encoded>, permit: Option<OwnedSemaphorePermit>) -> Self {
        match result {
            Ok(content) => Self::new(Kind::Reply, id, content, permit),
            Err(error) => {
                let json =
                    to_json(&error).unwrap_or_else(|_| r#"{"kind":"internal","message":""}"#.to_owned());
                Self::new(Kind::Failure, id, Encoded { json, bytes: Vec::new() }, permit)
            }
        }
    }
}

impl Drop for Message {
    fn drop(&mut self) {
        if self.secret {
            self.bytes.zeroize();
        }
    }
}
