//! Records: what an app sees of all the changes.
//!
//! A record `(collection, id)` is a view. For each field, the write with the greatest
//! [`Position`] wins: it gives the field its value, or removes it. A delete is one register per record: the
//! greatest delete hides every write that stands before it. A record exists if it has a field with a value. So
//! edits of different fields both survive, an edit after a delete brings back what it set and nothing else, and
//! the view depends on which changes are held, never on the order of their arrival.
//!
//! [`resolve`] is that rule. The store applies it one write at a time, and whole where a change has
//! become valid or invalid.

use std::collections::BTreeMap;

use crate::{cbor::Writer, stamp::Position, value::Value};

/// The visible fields of a record.
pub type Fields = BTreeMap<String, Value>;

/// What is written to fields of a record: a value, or that there is none any more.
pub type Writes = BTreeMap<String, Option<Value>>;

/// What [`encode_field`] gives for a field that is removed: CBOR's `undefined`, which no value is.
pub const REMOVED: [u8; 1] = [0xf7];

/// A field as a change holds it: the encoding of its value, or [`REMOVED`].
pub fn encode_field(value: Option<&Value>) -> Vec<u8> {
    value.map_or_else(|| REMOVED.to_vec(), Value::encode)
}

pub(crate) fn write_field(value: Option<&Value>, writer: &mut Writer) {
    match value {
        Some(value) => value.write(writer),
        None => drop(writer.undefined()),
    }
}

/// The name of a record.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecordKey {
    /// The collection.
    pub collection: String,
    /// The id in it.
    pub id: String,
}

/// The greatest number of records that [`Touched`] lists.
///
/// Whoever redraws a screen would rather read everything again than look through a longer list.
pub const MAX_TOUCHED: usize = 1000;

/// Which records may look different now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Touched {
    /// These, each once.
    Records(Vec<RecordKey>),
    /// More than [`MAX_TOUCHED`].
    Many,
}

impl Touched {
    /// No record at all.
    pub const NONE: Self = Self::Records(Vec::new());

    /// Whether no record is touched.
    pub fn is_empty(&self) -> bool {
        *self == Self::NONE
    }
}

impl FromIterator<RecordKey> for Touched {
    fn from_iter<I: IntoIterator<Item = RecordKey>>(keys: I) -> Self {
        let mut listed = std::collections::BTreeSet::new();
        for key in keys {
            listed.insert(key);
            if listed.len() > MAX_TOUCHED {
                return Self::Many;
            }
        }
        Self::Records(listed.into_iter().collect())
    }
}

/// Which of several writes to a record count: indices into the list that was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved<'a> {
    /// The delete that hides what stands before it.
    pub delete: Option<usize>,
    /// The write that decides each field.
    pub fields: BTreeMap<&'a str, usize>,
}

/// Finds the winners among all valid writes to one record: each with the place of its change, and the field that it sets
/// or removes, or none where it deletes the record. What is written does not matter.
pub fn resolve<'a>(writes: &[(Position, Option<&'a str>)]) -> Resolved<'a> {
    let position = |index: usize| writes[index].0;
    let mut resolved = Resolved::default();
    for (index, (at, field)) in writes.iter().enumerate() {
        if field.is_none() && resolved.delete.is_none_or(|other| position(other) < *at) {
            resolved.delete = Some(index);
        }
    }
    let delete = resolved.delete.map(position);
    for (index, (at, field)) in writes.iter().enumerate() {
        let Some(field) = field.filter(|_| delete.is_none_or(|delete| *at > delete)) else { continue };
        let winner = resolved.fields.entry(field).or_insert(index);
        if position(*winner) < *at {
            *winner = index;
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{change::ChangeHash, stamp::Stamp, user::UserId};

    fn at(stamp: u64) -> Position {
        Position {
            stamp: Stamp::new(stamp).unwrap(),
            author: UserId::from_bytes([0; 32]),
            hash: ChangeHash::from_bytes([0; 32]),
        }
    }

    #[test]
    fn each_field_has_its_own_winner() {
        let writes = [
            (at(2), Some("b")),
            (at(1), Some("a")),
            (at(1), Some("b")),
            (at(0), Some("b")),
            (at(0), Some("c")),
        ];
        let resolved = resolve(&writes);
        assert_eq!(
            resolved,
            Resolved { delete: None, fields: BTreeMap::from([("a", 1), ("b", 0), ("c", 4)]) }
        );
    }

    #[test]
    fn a_delete_hides_what_stands_before_it() {
        let writes =
            [(at(3), Some("b")), (at(1), Some("a")), (at(1), Some("b")), (at(0), None), (at(2), None)];
        let resolved = resolve(&writes);
        assert_eq!(resolved, Resolved { delete: Some(4), fields: BTreeMap::from([("b", 0)]) });
    }

    #[test]
    fn long_lists_become_many() {
        let keys = |count: usize| {
            (0..count).map(|n| RecordKey { collection: "c".into(), id: (n % (MAX_TOUCHED + 1)).to_string() })
        };
        assert!(matches!(keys(MAX_TOUCHED).collect(), Touched::Records(list) if list.len() == MAX_TOUCHED));
        assert_eq!(keys(MAX_TOUCHED + 1).collect::<Touched>(), Touched::Many);
        assert!(keys(0).collect::<Touched>().is_empty());
    }
}
