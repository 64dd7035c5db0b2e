//! Why a service refuses: the `error` of a reply and its HTTP status.

use core::fmt;

/// A reason to refuse a request. Its text on the wire is [`Refusal::as_str`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// The request is not what the specification describes. The client is at fault.
    Malformed,
    /// The `type` is none that this service knows.
    UnknownType,
    /// The answer is not to a question of this or the previous minute, asked for this origin.
    WrongAnswer,
    /// The operator asks for an API key as `ext`, and this is none.
    WrongKey,
    /// The operator asks for proof of work ([`crate::work`]), and the message carries none or too little.
    WorkNeeded,
    /// There is nothing at this path.
    NotFound,
    /// This path takes another HTTP method.
    WrongMethod,
    /// The request's body did not arrive in time.
    TooSlow,
    /// The box was closed by its owner.
    Closed,
    /// The body, the message or the batch is longer than allowed.
    TooBig,
    /// A rate limit was reached or the box is full; `Retry-After` says when to come back.
    TooOften,
    /// The service has no room for another box or message.
    Full,
    /// The service cannot do it now.
    Unavailable,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::Malformed,
        Self::UnknownType,
        Self::WrongAnswer,
        Self::WrongKey,
        Self::WorkNeeded,
        Self::NotFound,
        Self::WrongMethod,
        Self::TooSlow,
        Self::Closed,
        Self::TooBig,
        Self::TooOften,
        Self::Full,
        Self::Unavailable,
    ];

    /// The `error` of the reply.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "Malformed",
            Self::UnknownType => "Unknown type",
            Self::WrongAnswer => "Wrong answer",
            Self::WrongKey => "Wrong key",
            Self::WorkNeeded => "Work needed",
            Self::NotFound => "Not found",
            Self::WrongMethod => "Wrong method",
            Self::TooSlow => "Too slow",
            Self::Closed => "Closed",
            Self::TooBig => "Too big",
            Self::TooOften => "Too often",
            Self::Full => "Full",
            Self::Unavailable => "Unavailable",
        }
    }

    /// The HTTP status of the reply (RFC 9110; 429 is RFC 6585).
    pub const fn status(self) -> u16 {
        match self {
            Self::Malformed | Self::UnknownType => 400,
            Self::WrongAnswer | Self::WrongKey => 401,
            Self::WorkNeeded => 402,
            Self::NotFound => 404,
            Self::WrongMethod => 405,
            Self::TooSlow => 408,
            Self::Closed => 410,
            Self::TooBig => 413,
            Self::TooOften => 429,
            Self::Full | Self::Unavailable => 503,
        }
    }

    /// Reads the `error` of a reply; `None` for one that this version does not know.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|refusal| refusal.as_str() == text)
    }

    /// Reads a reply by its HTTP status alone, for what a proxy in between made up.
    pub fn from_status(status: u16) -> Option<Self> {
        match status {
            401 => Some(Self::WrongKey),
            503 | 500 | 502 | 504 => Some(Self::Unavailable),
            _ => Self::ALL.into_iter().find(|refusal| refusal.status() == status),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_distinct_and_come_back() {
        for refusal in Refusal::ALL {
            assert_eq!(Refusal::parse(refusal.as_str()), Some(refusal));
            assert!((400..600).contains(&refusal.status()));
            assert!(Refusal::from_status(refusal.status()).is_some());
        }
        assert_eq!(Refusal::parse("Something newer"), None);
        assert_eq!(Refusal::from_status(418), None);
    }
}
