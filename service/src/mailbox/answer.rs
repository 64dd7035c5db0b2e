//! What an operation answers.

use bytes::Bytes;
use connectoid_protocol::mailbox::{Checked, CheckedMany, Pushed, Received, Reply};

/// A successful answer.
pub enum Answer {
    /// To `send` and `drop`.
    Done,
    /// To a `check` that found nothing: by far the most frequent one.
    Nothing,
    /// To a `check` of one box.
    Checked(Checked),
    /// To a `check` of several boxes.
    CheckedMany(CheckedMany),
    /// To `receive`.
    Received(Received),
    /// To nothing: something has arrived.
    Pushed(Pushed),
}

impl Answer {
    /// The answer as JSON.
    pub fn to_json(&self) -> Bytes {
        match self {
            Self::Done => Bytes::from_static(br#"{"ok":true}"#),
            Self::Nothing => Bytes::from_static(br#"{"ok":true,"found":false}"#),
            Self::Checked(checked) => checked.to_json().into(),
            Self::CheckedMany(checked) => checked.to_json().into(),
            Self::Received(received) => received.to_json().into(),
            Self::Pushed(pushed) => pushed.to_json().into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use connectoid_protocol::mailbox::Done;

    use super::*;

    #[test]
    fn the_constants_are_what_the_types_would_write() {
        assert_eq!(Answer::Done.to_json(), Done {}.to_json());
        assert_eq!(Answer::Nothing.to_json(), Checked { found: false, question: None }.to_json());
        assert_eq!(Answer::Nothing.to_json(), CheckedMany { found: false, boxes: vec![] }.to_json());
    }
}
