//! What becomes of changes that are valid now, and of records of which a change is no longer valid.

use std::collections::BTreeMap;

use connectoid_protocol::{
    change::Op,
    record::{RecordKey, Writes, encode_field, resolve},
    stamp::Position,
};
use rusqlite::params;

use super::{
    Store,
    apply::Verdict,
    error::{Result, damaged},
    rows::{self, State, int},
    verify,
    view::{Balance, TouchedRecords},
};

/// How many parked changes are read at once to be verified: some megabytes at most, mostly far less.
const AT_ONCE: usize = 64;

/// What a change writes to a record.
struct Written {
    /// The field's, or nothing where the record is deleted, as the table `lost` has it.
    name: String,
    no: i64,
    position: Position,
}

impl Written {
    fn field(&self) -> Option<&str> {
        (!self.name.is_empty()).then_some(&self.name)
    }
}

impl Store {
    /// Looks again at parked changes; takes those that are valid now, and drops forgeries. What follows from withdrawals among
    /// them is left to [`Store::judge_now`].
    pub(super) fn release(
        &mut self,
        group_no: i64,
        parked: &[i64],
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<usize> {
        let membership = self.membership(group_no)?;
        let mut released = 0;
        for numbers in parked.chunks(AT_ONCE) {
            let mut changes = Vec::with_capacity(numbers.len());
            for no in numbers {
                changes.push(rows::load(self.connection(), *no)?);
            }
            let genuine = verify::verify_all(&changes, |change| membership.key(change.author()).copied());
            for ((no, change), genuine) in numbers.iter().zip(&changes).zip(genuine) {
                let withdrawn = self.is_withdrawn(group_no, change)?;
                match (genuine, Verdict::of(&membership, change, withdrawn, now)) {
                    (Some(false), _) => {
                        self.count_parked(*no, -1)?;
                        rows::delete(self.connection(), *no)?;
                        // The genuine one was taken for the same: a comparison has to find it.
                        let sql = "DELETE FROM marks WHERE grp = ?1";
                        self.connection().prepare_cached(sql)?.execute([group_no])?;
                    }
                    (_, Verdict::Early) => rows::set_state(self.connection(), *no, State::Early, now)?,
                    (_, Verdict::Withdrawn) => {
                        rows::set_state(self.connection(), *no, State::Withdrawn, now)?;
                    }
                    (Some(true), Verdict::Valid) if change.is_withdrawal() => {
                        self.count_parked(*no, -1)?;
                        self.take_withdrawal(group_no, change, 0, Some(*no), now)?;
                        released += 1;
                    }
                    (Some(true), Verdict::Valid) => {
                        self.count_parked(*no, -1)?;
                        self.take_records(group_no, change, 0, Some(*no), now, touched)?;
                        released += 1;
                    }
                    _ => rows::set_state(self.connection(), *no, State::Barred, now)?,
                }
            }
        }
        Ok(released)
    }

    /// Finds the winners of a record anew among all valid changes that write it, and says how many writes that are.
    ///
    /// By the rows that say who wrote which field: there may be thousands of versions of large values, of which at most
    /// one change is in memory at a time.
    pub(super) fn resolve_record(&mut self, group_no: i64, record: &RecordKey, now: u64) -> Result<usize> {
        let collection = self.collection_no(group_no, &record.collection)?;
        let written = self.written(collection, &record.id)?;
        let writes: Vec<_> = written.iter().map(|write| (write.position, write.field())).collect();
        let resolved = resolve(&writes);
        let mut balance = self.clear_record(collection, &record.id)?;
        let mut winners: BTreeMap<i64, Vec<&Written>> = BTreeMap::new();
        let mut lost = self
            .connection()
            .prepare_cached("INSERT INTO lost (collection, id, field, change) VALUES (?1, ?2, ?3, ?4)")?;
        for (index, write) in written.iter().enumerate() {
            let winner = match write.field() {
                Some(field) => resolved.fields.get(field).copied(),
                None => resolved.delete,
            };
            if winner == Some(index) {
                winners.entry(write.no).or_default().push(write);
                *balance.entry(write.no).or_default() += 1;
            } else {
                lost.execute(params![collection, record.id, write.name, write.no])?;
            }
        }
        drop(lost);
        for (no, writes) in winners {
            self.store_winners(collection, record, no, &writes)?;
        }
        self.settle(&balance, now)?;
        Ok(written.len())
    }

    /// What valid changes write to a record.
    fn written(&self, collection: i64, id: &str) -> Result<Vec<Written>> {
        let sql = "SELECT written.field, changes.no, stamp, users.id, hash FROM (
                       SELECT field, change FROM fields WHERE collection = ?1 AND id = ?2
                       UNION ALL SELECT '', change FROM deletes WHERE collection = ?1 AND id = ?2
                       UNION ALL SELECT field, change FROM lost WHERE collection = ?1 AND id = ?2) AS written
                   JOIN changes ON changes.no = written.change JOIN users ON users.no = changes.author
                   WHERE changes.state < 2";
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query(params![collection, id])?;
        let mut written = Vec::new();
        while let Some(row) = rows.next()? {
            let position = rows::position_of((row.get(2)?, row.get(3)?, row.get(4)?))?;
            written.push(Written { name: row.get(0)?, no: row.get(1)?, position });
        }
        Ok(written)
    }

    /// Takes a record out of the view, and gives the wins that are lost by it.
    fn clear_record(&self, collection: i64, id: &str) -> Result<Balance> {
        let mut balance = Balance::new();
        for table in ["fields", "deletes"] {
            let sql = format!("DELETE FROM {table} WHERE collection = ?1 AND id = ?2 RETURNING change");
            for no in self.numbers(&sql, params![collection, id])? {
                *balance.entry(no).or_default() -= 1;
            }
        }
        let sql = "DELETE FROM lost WHERE collection = ?1 AND id = ?2";
        self.connection().prepare_cached(sql)?.execute(params![collection, id])?;
        Ok(balance)
    }

    /// Puts what one change has won of a record into the view.
    fn store_winners(&self, collection: i64, record: &RecordKey, no: i64, writes: &[&Written]) -> Result<()> {
        let change = rows::load(self.connection(), no)?;
        let stamp = int(change.stamp().micros());
        let set = change.ops().find_map(|op| fields_of(op, record));
        let mut field_row = self.connection().prepare_cached(
            "INSERT INTO fields (collection, id, field, value, stamp, change) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut delete_row = self
            .connection()
            .prepare_cached("INSERT INTO deletes (collection, id, stamp, change) VALUES (?1, ?2, ?3, ?4)")?;
        for write in writes {
            let Some(field) = write.field() else {
                delete_row.execute(params![collection, record.id, stamp, no])?;
                continue;
            };
            let value = set.and_then(|fields| fields.get(field)).ok_or_else(|| damaged("field"))?;
            let value = encode_field(value.as_ref());
            field_row.execute(params![collection, record.id, field, value, stamp, no])?;
        }
        Ok(())
    }

    /// All numbers that a query gives.
    pub(super) fn numbers(&self, sql: &str, params: impl rusqlite::Params) -> Result<Vec<i64>> {
        let mut query = self.connection().prepare_cached(sql)?;
        let rows = query.query_map(params, |row| row.get(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

pub(super) fn record_of(op: &Op) -> Option<RecordKey> {
    match op {
        Op::Set { collection, id, .. } | Op::Delete { collection, id } => {
            Some(RecordKey { collection: collection.clone(), id: id.clone() })
        }
        _ => None,
    }
}

/// What an operation sets or removes of a record.
fn fields_of<'a>(op: &'a Op, record: &RecordKey) -> Option<&'a Writes> {
    match op {
        Op::Set { collection, id, fields } if (collection, id) == (&record.collection, &record.id) => {
            Some(fields)
        }
        _ => None,
    }
}
