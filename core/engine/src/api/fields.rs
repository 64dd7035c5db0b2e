//! Fields from JSON texts, without a number that a reader of JSON would round.

use connectoid_protocol::value::{self, ValueError};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// Reads the fields of a record from a JSON text. Readers of JSON round what they cannot hold, and tell nobody: whoever
/// has a text and not a value begins here.
///
/// # Errors
/// [`crate::ErrorKind::Usage`] for what is no JSON object, an integer of 2^53 or more, a number that no 64-bit float
/// keeps, and −0.
pub fn parse_fields(json: &str) -> Result<Map<String, Value>> {
    let malformed = |_| Error::usage("a record's fields are a JSON object, such as {\"count\": 2}");
    check_numbers(json)?;
    serde_json::from_str(json).map_err(malformed)
}

/// Looks at the numbers of a JSON text as [`parse_fields`] does, for who reads it in a way of its own.
///
/// # Errors
/// As [`parse_fields`], but for what is no JSON.
pub fn check_numbers(json: &str) -> Result<()> {
    value::check_numbers(json).map_err(bad_value)
}

pub(crate) fn bad_value(error: ValueError) -> Error {
    Error::usage(format!("a field's value cannot be stored: {error}"))
}
