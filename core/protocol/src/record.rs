//! Records: what an app sees of all the changes.
//!
//! A record `(collection, id)` is a view. For each field, the write with the greatest
//! [`Position`] wins. A delete is one register per record: the greatest delete hides every write that
//! stands before it. A record exists if it has a visible field. So edits of different fields both
//! survive, an edit after a delete brings back what it set and nothing else, and the view depends on
//! which changes are held, never on the order of their arrival.
//!
//! [`resolve`] is that rule. The store applies it one write at a time, and whole where a change has
//! become valid or invalid.

use std::collections::BTreeMap;

use crate::{stamp::Position, value::Value};

/// The visible fields of a record.
pub type Fields = BTreeMap<String, Value>;

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

/// What one change does to one record.
#[derive(Debug, Clone, Copy)]
pub enum Write<'a> {
    /// Sets these fields.
    Set(&'a Fields),
    /// Deletes the record.
    Delete,
}

/// Which of several writes to a record count: indices into the list that was given.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resolved<'a> {
    /// The delete that hides what stands before it.
    pub delete: Option<usize>,
    /// The write that gives each visible field.
    pub fields: BTreeMap<&'a str, usize>,
}

/// Finds the winners among all valid writes to one record.
pub fn resolve<'a>(writes: &[(Position, Write<'a>)]) -> Resolved<'a> {
    let position = |index: usize| writes[index].0;
    let mut resolved = Resolved::default();
    for (index, (_, write)) in writes.iter().enumerate() {
        if matches!(write, Write::Delete)
            && resolved.delete.is_none_or(|other| position(other) < position(index))
        {
            resolved.delete = Some(index);
        }
    }
    for (index, (_, write)) in writes.iter().enumerate() {
        let Write::Set(fields) = write else { continue };
        if resolved.delete.is_some_and(|delete| position(index) < position(delete)) {
            continue;
        }
        for field in fields.keys() {
            let winner = resolved.fields.entry(field).or_insert(index);
            if position(*winner) < position(index) {
                *winner = index;
            }
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

    fn fields(names: &[&str]) -> Fields {
        names.iter().map(|name| ((*name).to_owned(), Value::Null)).collect()
    }

    #[test]
    fn each_field_has_its_own_winner() {
        let (ab, b, c) = (fields(&["a", "b"]), fields(&["b"]), fields(&["c"]));
        let writes = [(at(2), Write::Set(&b)), (at(1), Write::Set(&ab)), (at(0), Write::Set(&c))];
        let resolved = resolve(&writes);
        assert_eq!(resolved.fields, BTreeMap::from([("a", 1), ("b", 0), ("c", 2)]));
    }

    #[test]
    fn a_delete_hides_what_stands_before_it() {
        let (ab, b) = (fields(&["a", "b"]), fields(&["b"]));
        let writes = [
            (at(3), Write::Set(&b)),
            (at(1), Write::Set(&ab)),
            (at(0), Write::Delete),
            (at(2), Write::Delete),
        ];
        let resolved = resolve(&writes);
        assert_eq!(resolved, Resolved { delete: Some(3), fields: BTreeMap::from([("b", 0)]) });
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
