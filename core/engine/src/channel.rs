//! The channels of a connection.

/// The channels of a connection: ordered and reliable each, independent of one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u16)]
pub enum Channel {
    /// The session's own messages: handshake, keep-alive, goodbye.
    Control = 0,
    /// Replication of records.
    Sync = 1,
    /// Messages of the application.
    App = 2,
    /// Large values, in chunks.
    Blob = 3,
}

impl Channel {
    /// Every channel, in the order of their numbers.
    pub const ALL: [Channel; 4] = [Channel::Control, Channel::Sync, Channel::App, Channel::Blob];

    /// Its place in [`Channel::ALL`], and its number on the wire.
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The label, for people who look at a connection with a browser's tools.
    pub const fn label(self) -> &'static str {
        match self {
            Channel::Control => "control",
            Channel::Sync => "sync",
            Channel::App => "app",
            Channel::Blob => "blob",
        }
    }
}
