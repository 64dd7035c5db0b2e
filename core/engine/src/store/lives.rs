//! The lives of a store: one from each opening to the next.
//!
//! Peers remember up to which arrival they have everything. If the file is restored from a copy, arrival
//! numbers are given out a second time, and the peers would take the new changes for the ones they have.
//! So each opening begins a new life with a name of its own, and the store remembers with which number each
//! earlier life ended. A copy does not know the lives that came after it, and knows too early an end of its
//! own: it can tell that it was restored by what peers remember of it ([`Store::recall`]).

use connectoid_protocol::sync::{EPOCH_LEN, Epoch, Mark, Recall};
use rusqlite::{Connection, OptionalExtension, params};

use super::{Store, error::Result, rows::int};

/// How many lives are remembered. Peers that come back after more openings compare, which costs more and
/// loses nothing.
const MAX_LIVES: i64 = 4096;

/// Ends the last life with what it left, and begins a new one.
pub(super) fn begin(connection: &mut Connection, next_seq: i64) -> Result<Epoch> {
    let transaction = connection.transaction()?;
    let last = last_arrival(&transaction)?;
    transaction.execute("UPDATE lives SET last = max(first - 1, ?1) WHERE last IS NULL", [last])?;
    transaction.execute("INSERT INTO lives (epoch, first) VALUES (randomblob(16), ?1)", [next_seq])?;
    let (no, epoch) =
        transaction.query_row("SELECT no, epoch FROM lives ORDER BY no DESC LIMIT 1", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, [u8; EPOCH_LEN]>(1)?))
        })?;
    transaction.execute("DELETE FROM lives WHERE no <= ?1", [no - MAX_LIVES])?;
    transaction.commit()?;
    Ok(epoch)
}

/// The greatest number that an arrival was given. What arrived last of all is live, for whatever overwrote it, or came
/// back to life instead of it, arrived later; or it was beaten already when it came, and has kept its number as its row's; or it was forgotten with its group.
fn last_arrival(connection: &Connection) -> Result<i64> {
    let sql = "SELECT max(max(
                   coalesce((SELECT max(no) FROM changes), 0),
                   coalesce((SELECT max(seq) FROM changes WHERE grp = groups.no AND state = 0 AND membership = 0), 0),
                   coalesce((SELECT max(seq) FROM changes WHERE grp = groups.no AND state = 0 AND membership = 1), 0)
               )) FROM groups";
    let of_groups: Option<i64> = connection.query_row(sql, [], |row| row.get(0))?;
    let forgotten: i64 = connection.query_row("SELECT forgotten_upto FROM store", [], |row| row.get(0))?;
    Ok(of_groups.unwrap_or(0).max(forgotten))
}

impl Store {
    /// The present life of this store.
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// What this store remembers of a mark that another device has of it.
    ///
    /// # Errors
    /// Storage errors.
    pub(super) fn recall(&self, mark: &Mark) -> Result<Recall> {
        let seq = int(mark.seq);
        if mark.epoch == self.epoch {
            return Ok(if seq < self.sequence.next() { Recall::Held } else { Recall::Never });
        }
        let sql = "SELECT last FROM lives WHERE epoch = ?1";
        let mut query = self.connection().prepare_cached(sql)?;
        let last: Option<i64> = query.query_row(params![mark.epoch], |row| row.get(0)).optional()?;
        match last {
            Some(last) if seq <= last => Ok(Recall::Held),
            Some(_) => Ok(Recall::Lost),
            None => Ok(if self.remembers_all_lives()? { Recall::Lost } else { Recall::Forgotten }),
        }
    }

    fn remembers_all_lives(&self) -> Result<bool> {
        let mut query = self.connection().prepare_cached("SELECT min(no) = 1 FROM lives")?;
        Ok(query.query_row([], |row| row.get(0))?)
    }
}
