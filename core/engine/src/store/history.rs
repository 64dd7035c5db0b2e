//! History: what was written to a record, by whom, and what it lost to.

use std::collections::HashMap;

use connectoid_protocol::{
    change::{Change, ChangeHash, Op},
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

/// One write to a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Version {
    /// The field, or `None` for a delete.
    pub field: Option<String>,
    /// What it was set to; `None` for a delete, and where the field was removed.
    pub value: Option<Value>,
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
    let rows = rows_of(connection, collection_no, id)?;
    let mut changes = HashMap::new();
    for row in &rows {
        if let std::collections::hash_map::Entry::Vacant(entry) = changes.entry(row.no) {
            entry.insert(rows::load(connection, row.no)?);
        }
    }
    let winner = |field: &str| rows.iter().find(|row| row.wins && row.field == field).map(|row| row.no);
    let mut versions = Vec::with_capacity(rows.len());
    for row in &rows {
        let change = changes.get(&row.no).ok_or_else(|| damaged("history"))?;
        let by_field = winner(&row.field);
        let outcome = match (row.wins, by_field.or_else(|| winner(""))) {
            (true, _) => Outcome::Winning,
            (false, Some(no)) => {
                let to = changes.get(&no).ok_or_else(|| damaged("history"))?.hash();
                let by_delete = by_field.is_none() || row.field.is_empty();
                Outcome::Lost { to, by_delete, kept_until: kept_until(connection, row.no)? }
            }
            (false, None) => return Err(damaged("history")),
        };
        versions.push((change.position(), version(change, row, collection, id, outcome)?));
    }
    versions.sort_by(|(one, a), (other, b)| (other, &a.field).cmp(&(one, &b.field)));
    Ok(versions.into_iter().map(|(_, version): (Position, _)| version).collect())
}

fn rows_of(connection: &Connection, collection: i64, id: &str) -> Result<Vec<Row>> {
    let sql = "SELECT field, change, 1 AS wins FROM fields WHERE collection = ?1 AND id = ?2
               UNION ALL SELECT '', change, 1 FROM deletes WHERE collection = ?1 AND id = ?2
               UNION ALL SELECT field, change, 0 FROM lost WHERE collection = ?1 AND id = ?2
               ORDER BY wins DESC, change DESC LIMIT ?3";
    let mut query = connection.prepare_cached(sql)?;
    let limit = i64::try_from(MAX_VERSIONS).unwrap_or(i64::MAX);
    let rows = query.query_map(params![collection, id, limit], |row| {
        Ok(Row { field: row.get(0)?, no: row.get(1)?, wins: row.get(2)? })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Until when a change is kept for history's sake alone.
fn kept_until(connection: &Connection, no: i64) -> Result<Option<u64>> {
    let mut query = connection.prepare_cached("SELECT state, since FROM changes WHERE no = ?1")?;
    let (state, since): (i64, i64) = query.query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((state == State::History as i64).then(|| since.cast_unsigned() + KEPT_FOR))
}

fn version(change: &Change, row: &Row, collection: &str, id: &str, outcome: Outcome) -> Result<Version> {
    let written = change.ops().find_map(|op| match op {
        Op::Set { collection: other, id: of, fields } if other == collection && of == id => {
            fields.get(&row.field)
        }
        _ => None,
    });
    let is_delete = row.field.is_empty();
    if written.is_none() != is_delete {
        return Err(damaged("history"));
    }
    Ok(Version {
        field: (!is_delete).then(|| row.field.clone()),
        value: written.cloned().flatten(),
        author: change.author(),
        stamp: change.stamp(),
        change: change.hash(),
        outcome,
    })
}
