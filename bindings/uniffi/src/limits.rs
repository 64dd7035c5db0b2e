//! How much an app may hand in at once.
//!
//! These bounds are wide: the SDK judges what is right, and says so better. They see to it that a mistake of an app
//! costs an error, not memory.

use connectoid::{Error, ErrorKind};

use crate::error::NodeError;

/// Nicknames, names of groups and collections, ids of records, in bytes.
pub(crate) const MAX_NAME: usize = 4 << 10;

/// A link with the message around it, a URL, or another text of the settings, in bytes.
pub(crate) const MAX_TEXT: usize = 64 << 10;

/// The fields of one record as JSON, in bytes: four times what a commit may hold, since JSON can be that much longer
/// than what is stored.
pub(crate) const MAX_FIELDS: usize = 1 << 20;

/// An app message, in bytes: what the protocol carries.
pub(crate) const MAX_MESSAGE: usize = 256 << 10;

/// Writes of one commit: what the protocol carries.
pub(crate) const MAX_WRITES: usize = 1000;

/// Services, servers or addresses of the settings.
pub(crate) const MAX_LIST: usize = 64;

/// Events that are handed over at once: many share the cost of a call, few enough to be taken soon.
pub(crate) const MAX_BATCH: usize = 256;

/// Bytes of the messages and the ids in such a batch, which its last event may exceed: they are held several times
/// over, in the language's objects too.
pub(crate) const MAX_BATCH_BYTES: usize = 1 << 20;

/// The fields of all writes of a commit as JSON, in bytes: what [`MAX_FIELDS`] is for one.
pub(crate) const MAX_COMMIT: usize = 4 << 20;

/// Refuses what is longer than allowed; `what` names it for people.
pub(crate) fn within(what: &str, length: usize, limit: usize) -> Result<(), NodeError> {
    if length <= limit {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Usage, format!("{what}: {length} are more than {limit}")).into())
}

/// Refuses names that are too long.
pub(crate) fn names(names: &[&str]) -> Result<(), NodeError> {
    names.iter().try_for_each(|name| within("bytes of a name", name.len(), MAX_NAME))
}

/// Refuses texts that are too long, or too many.
pub(crate) fn texts<'a>(texts: impl ExactSizeIterator<Item = &'a String>) -> Result<(), NodeError> {
    within("entries of a list", texts.len(), MAX_LIST)?;
    for text in texts {
        within("bytes of a text", text.len(), MAX_TEXT)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much_is_refused_and_named() {
        assert!(names(&["ok", &"x".repeat(MAX_NAME)]).is_ok());
        let NodeError::Failed { problem } = names(&[&"x".repeat(MAX_NAME + 1)]).unwrap_err();
        assert_eq!(problem.kind, crate::ErrorKind::Usage);
        assert_eq!(problem.text, "bytes of a name: 4097 are more than 4096");
        assert!(texts(vec![String::new(); MAX_LIST + 1].iter()).is_err());
    }
}
