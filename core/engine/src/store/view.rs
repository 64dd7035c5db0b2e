//! The view: who wins each field, kept up to date one write at a time.
//!
//! A write either wins its field, and the former winner goes into `lost`, or goes there itself. The rule is
//! [`connectoid_protocol::record::resolve`]; this file applies it to a single change that has become valid,
//! `rejudge` to whole records of which a change has become invalid.

use std::collections::{BTreeMap, BTreeSet};

use connectoid_protocol::{
    change::{Change, Op},
    record::{MAX_TOUCHED, RecordKey, Writes, encode_field},
    stamp::Position,
    sync::Applied,
};
use rusqlite::{CachedStatement, Connection, params};

use super::{
    Store,
    error::{Result, damaged},
    read,
    rows::{self, NewRow, State, int},
};

/// Records that may look different, as many as anybody wants to know.
#[derive(Default)]
pub(super) struct TouchedRecords(BTreeSet<RecordKey>);

impl TouchedRecords {
    pub(super) fn add(&mut self, collection: &str, id: &str) {
        if self.0.len() <= MAX_TOUCHED {
            self.0.insert(RecordKey { collection: collection.to_owned(), id: id.to_owned() });
        }
    }

    pub(super) fn tell(self, applied: &mut Applied) {
        applied.touched = self.0.into_iter().collect();
    }
}

/// By how much the wins of changes have grown or shrunk.
pub(super) type Balance = BTreeMap<i64, i64>;

/// The statements that every write needs, looked up once for a change.
struct Statements<'a> {
    deleted_by: CachedStatement<'a>,
    insert_field: CachedStatement<'a>,
}

impl<'a> Statements<'a> {
    fn new(connection: &'a Connection) -> Result<Self> {
        let deleted_by = "SELECT stamp, change FROM deletes WHERE collection = ?1 AND id = ?2";
        let insert_field = "INSERT INTO fields (collection, id, field, value, stamp, change)
                            VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING";
        Ok(Self {
            deleted_by: connection.prepare_cached(deleted_by)?,
            insert_field: connection.prepare_cached(insert_field)?,
        })
    }
}

/// A record, a change that writes it, and what comes of it.
struct Writing<'a, 's> {
    connection: &'a Connection,
    statements: &'a mut Statements<'s>,
    collection: i64,
    id: &'a str,
    no: i64,
    position: Position,
    balance: &'a mut Balance,
}

impl Store {
    /// Takes a valid change of records into the view: a new one, or one that was parked as `parked_no`.
    pub(super) fn take_records(
        &mut self,
        group_no: i64,
        change: &Change,
        source_no: i64,
        parked_no: Option<i64>,
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let arrival = self.next_arrival()?;
        let no = parked_no.unwrap_or(arrival);
        let mut balance = self.write_view(group_no, no, change, touched)?;
        let wins = balance.remove(&no).unwrap_or_default();
        let state = if wins > 0 { State::Live } else { State::History };
        if parked_no.is_some() {
            let sql = "UPDATE changes SET state = ?2, wins = ?3, seq = ?4, since = ?5 WHERE no = ?1";
            let row = params![no, state as i64, wins, arrival, int(now)];
            self.connection().prepare_cached(sql)?.execute(row)?;
        } else {
            let author_no = self.user_no(change.author())?;
            let row = NewRow { no, group_no, author_no, source_no, state, wins, since: now, change };
            rows::insert(self.connection(), &row)?;
        }
        self.settle(&balance, now)
    }

    /// Books won and lost fields; a change that has none left becomes history, one that has one again
    /// comes back to life, as an arrival that every device has to hear of.
    pub(super) fn settle(&mut self, balance: &Balance, now: u64) -> Result<()> {
        for (no, by) in balance.iter().filter(|(_, by)| **by != 0) {
            let sql = "UPDATE changes SET wins = wins + ?2 WHERE no = ?1 RETURNING wins, state";
            let (wins, state): (i64, i64) = self
                .connection()
                .prepare_cached(sql)?
                .query_row([no, by], |row| Ok((row.get(0)?, row.get(1)?)))?;
            if state == State::Live as i64 && wins == 0 {
                rows::set_state(self.connection(), *no, State::History, now)?;
            } else if state == State::History as i64 && wins > 0 {
                let arrival = self.next_arrival()?;
                let sql = "UPDATE changes SET state = 0, seq = ?2, source = 0 WHERE no = ?1";
                self.connection().prepare_cached(sql)?.execute([*no, arrival])?;
            }
        }
        Ok(())
    }

    fn write_view(
        &self,
        group_no: i64,
        no: i64,
        change: &Change,
        touched: &mut TouchedRecords,
    ) -> Result<Balance> {
        let mut balance = Balance::new();
        let mut statements = Statements::new(self.connection())?;
        for op in change.ops() {
            let (Op::Set { collection, id, .. } | Op::Delete { collection, id }) = op else { continue };
            let number = self.collection_no(group_no, collection)?;
            let mut writing = Writing {
                connection: self.connection(),
                statements: &mut statements,
                collection: number,
                id,
                no,
                position: change.position(),
                balance: &mut balance,
            };
            let visible = match op {
                Op::Set { fields, .. } => writing.set(fields)?,
                _ => writing.delete()?,
            };
            if visible {
                touched.add(collection, id);
            }
        }
        Ok(balance)
    }
}

impl Writing<'_, '_> {
    /// Sets and removes fields; says whether the record looks different.
    fn set(&mut self, fields: &Writes) -> Result<bool> {
        let hidden = match self.deleted_by()? {
            Some(delete) => !self.is_after(delete)?,
            None => false,
        };
        let mut visible = false;
        for (field, value) in fields {
            if hidden {
                self.lose(field, self.no)?;
                continue;
            }
            let encoded = encode_field(value.as_ref());
            if self.insert_field(field, &encoded)? {
                self.count(self.no, 1);
                // That there is no such field is nothing new.
                visible |= value.is_some();
            } else if self.replace_field(field, &encoded)? {
                self.count(self.no, 1);
                visible = true;
            } else {
                self.lose(field, self.no)?;
            }
        }
        Ok(visible)
    }

    /// Deletes the record; says whether it looks different.
    fn delete(&mut self) -> Result<bool> {
        if let Some(other) = self.deleted_by()? {
            if !self.is_after(other)? {
                self.lose("", self.no)?;
                return Ok(false);
            }
            self.lose("", other.1)?;
            self.count(other.1, -1);
        }
        let sql = "INSERT OR REPLACE INTO deletes (collection, id, stamp, change) VALUES (?1, ?2, ?3, ?4)";
        let row = params![self.collection, self.id, int(self.position.stamp.micros()), self.no];
        self.connection.prepare_cached(sql)?.execute(row)?;
        self.count(self.no, 1);
        let mut visible = false;
        for (field, stamp, no) in self.fields()? {
            if self.is_after((stamp, no))? {
                let sql = "DELETE FROM fields WHERE collection = ?1 AND id = ?2 AND field = ?3";
                self.connection.prepare_cached(sql)?.execute(params![self.collection, self.id, field])?;
                self.lose(&field, no)?;
                self.count(no, -1);
                visible = true;
            }
        }
        Ok(visible)
    }

    /// The delete that hides what stands before it: its stamp and change.
    fn deleted_by(&mut self) -> Result<Option<(i64, i64)>> {
        let query = &mut self.statements.deleted_by;
        read::optional(
            query.query_row(params![self.collection, self.id], |row| Ok((row.get(0)?, row.get(1)?))),
        )
    }

    fn fields(&self) -> Result<Vec<(String, i64, i64)>> {
        let sql = "SELECT field, stamp, change FROM fields WHERE collection = ?1 AND id = ?2";
        let mut query = self.connection.prepare_cached(sql)?;
        let rows = query.query_map(params![self.collection, self.id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Writes a field that nothing decides yet.
    fn insert_field(&mut self, field: &str, value: &[u8]) -> Result<bool> {
        let stamp = int(self.position.stamp.micros());
        let row = params![self.collection, self.id, field, value, stamp, self.no];
        Ok(self.statements.insert_field.execute(row)? > 0)
    }

    /// Writes a field that another write decides, if that stands before this one.
    fn replace_field(&mut self, field: &str, value: &[u8]) -> Result<bool> {
        let sql = "SELECT stamp, change FROM fields WHERE collection = ?1 AND id = ?2 AND field = ?3";
        let former: (i64, i64) = self
            .connection
            .prepare_cached(sql)?
            .query_row(params![self.collection, self.id, field], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if !self.is_after(former)? {
            return Ok(false);
        }
        let sql = "UPDATE fields SET value = ?4, stamp = ?5, change = ?6
                   WHERE collection = ?1 AND id = ?2 AND field = ?3";
        let stamp = int(self.position.stamp.micros());
        let row = params![self.collection, self.id, field, value, stamp, self.no];
        self.connection.prepare_cached(sql)?.execute(row)?;
        self.lose(field, former.1)?;
        self.count(former.1, -1);
        Ok(true)
    }

    fn lose(&self, field: &str, no: i64) -> Result<()> {
        let sql = "INSERT INTO lost (collection, id, field, change) VALUES (?1, ?2, ?3, ?4)";
        self.connection.prepare_cached(sql)?.execute(params![self.collection, self.id, field, no])?;
        Ok(())
    }

    fn count(&mut self, no: i64, by: i64) {
        *self.balance.entry(no).or_default() += by;
    }

    /// Whether this write stands after another. Stamps mostly decide; positions are looked up for ties.
    fn is_after(&self, (stamp, no): (i64, i64)) -> Result<bool> {
        let own = int(self.position.stamp.micros());
        if stamp != own {
            return Ok(stamp < own);
        }
        if no == self.no {
            return Err(damaged("view: a change meets itself"));
        }
        Ok(rows::position(self.connection, no)? < self.position)
    }
}
