//! What is said, as JSON and the bytes beside it.

use serde::Serialize;

use super::attach;
use crate::{
    api::{Event, EventKind, Observed, Reply},
    error::{Error, Result},
};

/// Records of an observer: first all that there are, in pages, then those that have changed. An empty page says
/// that the first reading is complete.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Page {
    /// The records as they are now.
    pub records: Vec<Observed>,
}

/// JSON and the bytes beside it.
pub struct Encoded {
    /// The JSON.
    pub json: String,
    /// What lies beside it.
    pub bytes: Vec<u8>,
}

impl Encoded {
    /// What a call is answered with.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal).
    pub fn reply(mut reply: Reply) -> Result<Self> {
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

    /// Something that happened.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal).
    pub fn event(mut event: Event) -> Result<Self> {
        let bytes = match &mut event.kind {
            EventKind::Message { data, .. } => std::mem::take(data),
            _ => Vec::new(),
        };
        Ok(Self { json: to_json(&event)?, bytes })
    }

    /// Records of an observer.
    ///
    /// # Errors
    /// [`ErrorKind::Internal`](crate::ErrorKind::Internal).
    pub fn page(mut records: Vec<Observed>) -> Result<Self> {
        let mut bytes = Vec::new();
        for record in records.iter_mut().filter_map(|observed| observed.record.as_mut()) {
            attach::detach_fields(&mut record.fields, &mut bytes);
        }
        Ok(Self { json: to_json(&Page { records })?, bytes })
    }
}

/// Writes JSON.
///
/// # Errors
/// [`ErrorKind::Internal`](crate::ErrorKind::Internal).
pub fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|_| Error::internal("a message could not be written as JSON"))
}
