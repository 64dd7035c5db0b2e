//! History: what was written to a record, by whom, and what it lost to.

use std::collections::HashMap;

use connectoid_protocol::{
    change::{ChangeHash, Op},
    record::encode_field,
    stamp::{Position, Stamp},
    user::{GroupId, UserId},
    value::Value,
};
use rusqlite::{Connection, params};

use super::{
    error::{Result, damaged},
    prune::KEPT_FOR,
    read,
    rows::{self, State},
};

/// The greatest number of versions that are shown of one record.
pub const MAX_VERSIONS: usize = 1000;

/// How many bytes of values are shown of one record at once: a thousand versions of the largest values would fill the
/// memory of a small device.
pub const MAX_HISTORY: usize = 4 << 20;

/// One write to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The field, or `None` for a delete.
    pub field: Option<String>,
    /// What it was set to; `None` for a delete, where the field was removed, and if it is left out.
    pub value: Option<Value>,
    /// Whether the value is not shown, as the others are [`MAX_HISTORY`] already.
    pub left_out: bool,
    /// Who wrote it.
    pub author: UserId,
    /// When, by the author's clock.
    pub stamp: Stamp,
    /// In which change.
    pub change: ChangeHash,
    /// Whether it counts.
    pub outcome: Outcome,
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is what the record shows, or the delete that hides everything before it.
    Winning,
    /// It lost.
    Lost {
        /// To this change, which stands later.
        to: ChangeHash,
        /// The later change deleted the record, rather than setting the field.
        by_delete: bool,
        /// Until when it can be seen here, in microseconds since the Unix epoch; `None` as long as something
        /// else in its change counts.
        kept_until: Option<u64>,
    },
}

/// A write as the view has it.
struct Row {
    field: String,
    no: i64,
    wins: bool,
    position: Position,
    /// Until when the change is kept for history's sake alone.
    kept_until: Option<u64>,
}

pub(super) fn history(
    connection: &Connection,
    group: GroupId,
    collection: &str,
    id: &str,
) -> Result<Vec<Version>> {
    let group_no = read::known_group_no(connection, group)?;
    let Some(collection_no) = read::collection_no(connection, group_no, collection)? else {
        return Ok(Vec::new());
    };
    let mut rows = rows_of(connection, collection_no, id)?;
    let mut values = values(connection, collection, id, &rows)?;
    let winner = |field: &str| rows.iter().find(|row| row.wins && row.field == field);
    let outcome = |row: &Row| {
        let by_field = winner(&row.field);
        let winner = by_field.or_else(|| winner("")).ok_or_else(|| damaged("history"))?;
        Ok(if row.wins {
            Outcome::Winning
        } else {
            let by_delete = by_field.is_none() || row.field.is_empty();
            Outcome::Lost { to: winner.position.hash, by_delete, kept_until: row.kept_until }
        })
    };
    let outcomes = rows.iter().map(outcome).collect::<Result<Vec<_>>>()?;
    let mut versions: Vec<_> = rows.drain(..).zip(outcomes).collect();
    versions.sort_by(|(one, _), (other, _)| (other.position, &one.field).cmp(&(one.position, &other.field)));
    let version = |(row, outcome): (Row, Outcome)| {
        let is_delete = row.field.is_empty();
        let value = values.remove(&(row.no, row.field.clone()));
        Version {
            left_out: value.is_none() && !is_delete,
            value: value.flatten(),
            field: (!is_delete).then_some(row.field),
            author: row.position.author,
            stamp: row.position.stamp,
            change: row.position.hash,
            outcome,
        }
    };
    Ok(versions.into_iter().map(version).collect())
}

fn rows_of(connection: &Connection, collection: i64, id: &str) -> Result<Vec<Row>> {
    let sql = "SELECT field, changes.no, wins_it, stamp, users.id, hash, state, since FROM (
                   SELECT field, change, 1 AS wins_it FROM fields WHERE collection = ?1 AND id = ?2
                   UNION ALL SELECT '', change, 1 FROM deletes WHERE collection = ?1 AND id = ?2
                   UNION ALL SELECT field, change, 0 FROM lost WHERE collection = ?1 AND id = ?2
                   ORDER BY wins_it DESC, change DESC LIMIT ?3)
               JOIN changes ON changes.no = change JOIN users ON users.no = author
               ORDER BY wins_it DESC, changes.no DESC";
    let mut query = connection.prepare_cached(sql)?;
    let limit = i64::try_from(MAX_VERSIONS).unwrap_or(i64::MAX);
    let mut found = query.query(params![collection, id, limit])?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let (state, since): (i64, i64) = (row.get(6)?, row.get(7)?);
        rows.push(Row {
            field: row.get(0)?,
            no: row.get(1)?,
            wins: row.get(2)?,
            position: rows::position_of((row.get(3)?, row.get(4)?, row.get(5)?))?,
            kept_until: (state == State::History as i64).then(|| since.cast_unsigned() + KEPT_FOR),
        });
    }
    Ok(rows)
}

/// What was written, by change and field, up to [`MAX_HISTORY`]: one change after the other, the winning ones first.
fn values(
    connection: &Connection,
    collection: &str,
    id: &str,
    rows: &[Row],
) -> Result<HashMap<(i64, String), Option<Value>>> {
    let (mut values, mut left) = (HashMap::new(), MAX_HISTORY);
    for rows in rows.chunk_by(|one, other| (one.wins, one.no) == (other.wins, other.no)) {
        if left == 0 {
            break;
        }
        let change = rows::load(connection, rows[0].no)?;
        let set = change.ops().find_map(|op| match op {
            Op::Set { collection: other, id: of, fields } if other == collection && of == id => Some(fields),
            _ => None,
        });
        for row in rows.iter().filter(|row| !row.field.is_empty()) {
            let value = set.and_then(|fields| fields.get(&row.field)).ok_or_else(|| damaged("history"))?;
            left = left.saturating_sub(encode_field(value.as_ref()).len());
            values.insert((row.no, row.field.clone()), value.clone());
        }
    }
    Ok(values)
}
