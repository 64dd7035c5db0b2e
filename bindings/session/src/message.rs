//! What a session says.

use connectoid::{Error, ErrorKind, Event, EventKind, Observed, Result, api::Reply};
use serde::Serialize;
use tokio::sync::OwnedSemaphorePermit;
use zeroize::Zeroize;

use crate::attach;

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
}

/// One thing that is said. Until it is dropped, it counts against what a session holds in flight.
pub struct Message {
    /// What it is.
    pub kind: Kind,
    /// The call's id; of a request, the id to answer with; of an event, 0.
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

/// Records of an observer: first all that there are, in pages, then those that have changed. An empty page says
/// that the first reading is complete.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// The records as they are now.
    pub records: Vec<Observed>,
}

/// JSON and the bytes beside it.
pub(crate) struct Encoded {
    json: String,
    bytes: Vec<u8>,
}

impl Message {
    pub(crate) fn new(kind: Kind, id: u64, content: Encoded, permit: Option<OwnedSemaphorePermit>) -> Self {
        Self { kind, id, json: content.json, bytes: content.bytes, secret: false, _permit: permit }
    }

    /// A request whose bytes are wiped.
    pub(crate) fn secret(id: u64, request: &impl Serialize, bytes: Vec<u8>) -> Result<Self> {
        Ok(Self { kind: Kind::Request, id, json: to_json(request)?, bytes, secret: true, _permit: None })
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

impl Encoded {
    pub(crate) fn reply(mut reply: Reply) -> Result<Self> {
        let mut bytes = Vec::new();
        match &mut reply {
            Reply::Image { data } => bytes = std::mem::take(data),
            Reply::Record { record: Some(record) } => attach::detach_fields(&mut record.fields, &mut bytes),
            Reply::Records { records } => {
                for record in records {
                    attach::detach_fields(&mut record.fields, &mut bytes);
                }
            }
            Reply::History { versions } => {
                let values = versions.iter_mut().filter_map(|version| version.value.as_mut());
                values.for_each(|value| attach::detach(value, &mut bytes));
            }
            _ => {}
        }
        Ok(Self { json: to_json(&reply)?, bytes })
    }

    pub(crate) fn event(mut event: Event) -> Result<Self> {
        let bytes = match &mut event.kind {
            EventKind::Message { data, .. } => std::mem::take(data),
            _ => Vec::new(),
        };
        Ok(Self { json: to_json(&event)?, bytes })
    }

    pub(crate) fn page(mut records: Vec<Observed>) -> Result<Self> {
        let mut bytes = Vec::new();
        for record in records.iter_mut().filter_map(|observed| observed.record.as_mut()) {
            attach::detach_fields(&mut record.fields, &mut bytes);
        }
        Ok(Self { json: to_json(&Page { records })?, bytes })
    }
}

fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value)
        .map_err(|_| Error::new(ErrorKind::Internal, "a message could not be written as JSON"))
}
