//! What a service says about itself: the reply to `GET /`.

use serde::{Deserialize, Serialize};

use super::limits::{
    BOX_LIFETIME_SECS, MAX_BATCH, MAX_BOX_LEN, MAX_BOX_MESSAGES, MAX_DATA_LEN, MAX_REQUEST_LEN,
    MAX_UNCHECKED_MESSAGES, MAX_WAIT_SECS, MESSAGE_LIFETIME_SECS,
};
use crate::strict_json;

/// A service's description of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceInfo {
    /// Always `connectoid`.
    pub service: String,
    /// The version of the software.
    pub version: String,
    /// The version of the mailbox protocol: 1.
    pub protocol: u32,
    /// What the service offers beyond `send`, `check` and `receive`. Clients skip what they do not know.
    #[serde(default, deserialize_with = "strict_json::or_default")]
    pub extensions: Vec<String>,
    /// Whether requests need an API key as `ext`.
    #[serde(default, deserialize_with = "strict_json::or_default")]
    pub key_required: bool,
    /// How many bits of [`crate::work`] a `send` needs; 0 for none.
    #[serde(default, deserialize_with = "strict_json::or_default")]
    pub pow_bits: u32,
    /// The limits.
    pub limits: ServiceLimits,
}

/// An optional part of the mailbox protocol, named in [`ServiceInfo::extensions`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extension {
    /// Several boxes in one `check`.
    Boxes,
    /// `wait` in a `check`.
    Wait,
    /// `ask` in a `check`, and `drop`.
    Drop,
    /// `pow` in a `send`, without which the service takes no message.
    Pow,
    /// All of this over a WebSocket, on which the service tells what arrives.
    Ws,
}

impl Extension {
    /// Every extension that this version knows.
    pub const ALL: [Self; 5] = [Self::Boxes, Self::Wait, Self::Drop, Self::Ws, Self::Pow];

    /// Its name on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Boxes => "boxes",
            Self::Wait => "wait",
            Self::Drop => "drop",
            Self::Pow => "pow",
            Self::Ws => "ws",
        }
    }
}

/// A service's limits. Sizes are in bytes or, for `data`, in characters of base64url.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceLimits {
    /// The longest request body.
    pub request: usize,
    /// The longest `data`.
    pub data: usize,
    /// The most messages in a box.
    pub messages: usize,
    /// The most `data` in a box.
    pub box_data: usize,
    /// The most messages in a box that was never checked.
    pub unchecked_messages: usize,
    /// The most boxes in one `check`.
    pub boxes: usize,
    /// The longest `wait`, in seconds.
    pub wait: u64,
    /// How long a message stays, in seconds.
    pub message_lifetime: u64,
    /// How long an unchecked box and the marker of a closed one stay, in seconds.
    pub box_lifetime: u64,
    /// Requests per second that one client network may make in the long run; a `check` counts once.
    pub requests_per_second: u32,
    /// Requests per second that one client network may make to one box in the long run.
    pub box_requests_per_second: u32,
}

impl ServiceLimits {
    /// The limits that every service has, with the given rates.
    pub const fn with_rates(requests_per_second: u32, box_requests_per_second: u32) -> Self {
        Self {
            request: MAX_REQUEST_LEN,
            data: MAX_DATA_LEN,
            messages: MAX_BOX_MESSAGES,
            box_data: MAX_BOX_LEN,
            unchecked_messages: MAX_UNCHECKED_MESSAGES,
            boxes: MAX_BATCH,
            wait: MAX_WAIT_SECS,
            message_lifetime: MESSAGE_LIFETIME_SECS,
            box_lifetime: BOX_LIFETIME_SECS,
            requests_per_second,
            box_requests_per_second,
        }
    }
}

impl ServiceInfo {
    /// Whether the service offers an extension.
    pub fn offers(&self, extension: Extension) -> bool {
        self.extensions.iter().any(|offered| offered == extension.as_str())
    }

    /// Writes the description.
    pub fn to_json(&self) -> Vec<u8> {
        super::reply::json(self)
    }

    /// Reads a description; `None` if it is not one of a Connectoid mailbox service.
    pub fn parse(json: &[u8]) -> Option<Self> {
        strict_json::read::<Self>(json).ok().filter(|info| info.service == "connectoid")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_comes_back_whatever_else_it_says() {
        let info = ServiceInfo {
            service: "connectoid".into(),
            version: "1".into(),
            protocol: 1,
            extensions: vec!["wait".into(), "telepathy".into()],
            key_required: false,
            pow_bits: 0,
            limits: ServiceLimits::with_rates(50, 2),
        };
        let text = String::from_utf8(info.to_json()).unwrap().replacen('{', r#"{"motd":"hi","#, 1);
        let read = ServiceInfo::parse(text.as_bytes()).unwrap();
        assert_eq!(read, info);
        assert!(read.offers(Extension::Wait) && !read.offers(Extension::Drop));
        assert_eq!(ServiceInfo::parse(text.replace("connectoid", "nginx").as_bytes()), None);
        let nulls = text.replace(r#""pow_bits":0"#, r#""pow_bits":null"#);
        assert_eq!(ServiceInfo::parse(nulls.as_bytes()), Some(info));
        assert_eq!(ServiceInfo::parse(text.replacen('{', r#"{"a":1,"a":1,"#, 1).as_bytes()), None);
    }
}
