//! The row of a change, and what it is made of.

use connectoid_protocol::{
    change::{Change, ChangeHash},
    stamp::{Position, Stamp},
    user::UserId,
};
use rusqlite::{Connection, params};

use super::{
    error::{Result, damaged},
    read,
};

/// The state of a change, as its number in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Live = 0,
    History = 1,
    /// Parked until its author may write, or is known.
    Barred = 2,
    /// Parked until its stamp is no longer in the future.
    Early = 3,
    /// Taken back by its author.
    Withdrawn = 4,
}

/// A change that is to be stored.
pub(super) struct NewRow<'a> {
    pub(super) no: i64,
    pub(super) group_no: i64,
    pub(super) author_no: i64,
    pub(super) source_no: i64,
    pub(super) state: State,
    pub(super) wins: i64,
    pub(super) since: u64,
    pub(super) change: &'a Change,
}

/// Stores a change. Its number serves as its arrival number too, until it comes back to life.
pub(super) fn insert(connection: &Connection, row: &NewRow<'_>) -> Result<()> {
    let sql =
        "INSERT INTO changes (no, grp, seq, hash, author, stamp, source, state, membership, wins, since)
               VALUES (?1, ?2, ?1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
    connection.prepare_cached(sql)?.execute(params![
        row.no,
        row.group_no,
        row.change.hash().as_bytes(),
        row.author_no,
        int(row.change.stamp().micros()),
        row.source_no,
        row.state as i64,
        row.change.is_of_group(),
        row.wins,
        int(row.since),
    ])?;
    let sql = "INSERT INTO bodies (change, bytes) VALUES (?1, ?2)";
    connection.prepare_cached(sql)?.execute(params![row.no, row.change.bytes()])?;
    let sql = "UPDATE groups SET bytes = bytes + ?2 WHERE no = ?1";
    connection.prepare_cached(sql)?.execute([row.group_no, int(cost(row.change.bytes().len()))])?;
    Ok(())
}

/// About what a change of this length takes on the disk: what it writes is in the view too, and there are rows and indexes.
/// Migration 08 reckons in the same way.
pub(super) fn cost(length: usize) -> u64 {
    256 + 2 * length as u64
}

/// Puts a change into a state; one that is in it already is there since then.
pub(super) fn set_state(connection: &Connection, no: i64, state: State, since: u64) -> Result<()> {
    let sql = "UPDATE changes SET state = ?2, since = ?3 WHERE no = ?1 AND state <> ?2";
    connection.prepare_cached(sql)?.execute(params![no, state as i64, int(since)])?;
    Ok(())
}

pub(super) fn delete(connection: &Connection, no: i64) -> Result<()> {
    let sql = "SELECT grp, length(bytes) FROM changes JOIN bodies ON change = no WHERE no = ?1";
    let (group_no, length): (i64, usize) =
        connection.prepare_cached(sql)?.query_row([no], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let sql = "UPDATE groups SET bytes = bytes - ?2 WHERE no = ?1";
    connection.prepare_cached(sql)?.execute([group_no, int(cost(length))])?;
    connection.prepare_cached("DELETE FROM bodies WHERE change = ?1")?.execute([no])?;
    connection.prepare_cached("DELETE FROM changes WHERE no = ?1")?.execute([no])?;
    Ok(())
}

/// The number of a change by its name, whatever its state.
pub(super) fn find(connection: &Connection, hash: &ChangeHash) -> Result<Option<i64>> {
    let sql = "SELECT no FROM changes WHERE substr(hash, 1, 8) = substr(?1, 1, 8) AND hash = ?1";
    let mut query = connection.prepare_cached(sql)?;
    read::optional(query.query_row([hash.as_bytes()], |row| row.get(0)))
}

/// Reads a stored change.
pub(super) fn load(connection: &Connection, no: i64) -> Result<Change> {
    let mut query = connection.prepare_cached("SELECT bytes FROM bodies WHERE change = ?1")?;
    let change = query.query_row([no], |row| Ok(Change::decode(row.get_ref(0)?.as_bytes()?)))?;
    change.map_err(|_| damaged("change"))
}

/// Where a stored change stands.
pub(super) fn position(connection: &Connection, no: i64) -> Result<Position> {
    let sql = "SELECT stamp, id, hash FROM changes JOIN users ON users.no = author WHERE changes.no = ?1";
    let mut query = connection.prepare_cached(sql)?;
    let parts = query.query_row([no], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    position_of(parts)
}

/// A position from stamp, author and hash as they are stored.
pub(super) fn position_of((stamp, author, hash): (i64, [u8; 32], [u8; 32])) -> Result<Position> {
    let stamp = u64::try_from(stamp).ok().and_then(Stamp::new).ok_or_else(|| damaged("stamp"))?;
    Ok(Position { stamp, author: UserId::from_bytes(author), hash: ChangeHash::from_bytes(hash) })
}

/// Stamps, times and arrival numbers stay below 2^53.
pub(super) fn int(number: u64) -> i64 {
    number.cast_signed()
}
