//! The reference: the rules, as simply as they can be said, over a plain list of changes.

use std::collections::HashMap;

use connectoid_protocol::stamp::{MAX_AHEAD, Position};

use super::*;

/// What a store that holds these changes of one group should look like at `now`.
pub(super) fn expected(changes: &[Change], owner: &UserKey, now: u64) -> Dump {
    let mut dump = Dump::default();
    let due = |change: &&Change| change.stamp().micros() <= now + MAX_AHEAD;
    let entries: Vec<_> = changes.iter().filter(|change| change.is_membership()).filter(due).collect();
    let mut writes: HashMap<FieldName, Vec<(Position, Vec<u8>)>> = HashMap::new();
    let mut deletes: HashMap<(String, String), Position> = HashMap::new();
    let valid: Vec<_> = changes
        .iter()
        .filter(|change| {
            let valid = due(change) && (change.is_membership() || may_write(&entries, owner, change));
            let hash = *change.hash().as_bytes();
            if !valid {
                dump.parked.insert(hash);
            } else if change.is_membership() {
                dump.live.insert(hash);
            } else {
                dump.history.insert(hash);
            }
            valid
        })
        .collect();
    for change in &valid {
        let position = change.position();
        for op in change.ops() {
            match op {
                Op::Set { collection, id, fields } => {
                    for (field, value) in fields {
                        let place = (collection.clone(), id.clone(), field.clone());
                        writes.entry(place).or_default().push((position, encode_field(value.as_ref())));
                    }
                }
                Op::Delete { collection, id } => {
                    let place = (collection.clone(), id.clone());
                    let last = deletes.entry(place).or_insert(position);
                    *last = position.max(*last);
                }
                _ => {}
            }
        }
    }
    for (place, mut writes) in writes {
        writes.sort_by_key(|(position, _)| *position);
        let Some((position, value)) = writes.pop() else { continue };
        let deleted = deletes.get(&(place.0.clone(), place.1.clone()));
        if deleted.is_none_or(|delete| *delete < position) {
            dump.fields.insert(place, (value, *position.hash.as_bytes()));
        }
    }
    dump.deletes = deletes.into_iter().map(|(place, at)| (place, *at.hash.as_bytes())).collect();
    let winners: Vec<_> =
        dump.fields.values().map(|(_, hash)| *hash).chain(dump.deletes.values().copied()).collect();
    for hash in winners {
        dump.history.remove(&hash);
        dump.live.insert(hash);
    }
    dump
}

/// Whether the last entry about the author before the change makes the author a writer.
fn may_write(entries: &[&Change], owner: &UserKey, change: &Change) -> bool {
    if change.author() == owner.id() {
        return true;
    }
    let before = entries.iter().filter(|entry| entry.position() < change.position());
    let about = before.flat_map(|entry| entry.ops().map(|op| (entry.position(), op))).filter_map(
        |(at, op)| match op {
            Op::Member { user, role, .. } if *user == change.author() => Some((at, *role == Role::Writer)),
            Op::Remove { user } if *user == change.author() => Some((at, false)),
            _ => None,
        },
    );
    about.max_by_key(|(at, _)| *at).is_some_and(|(_, writer)| writer)
}
