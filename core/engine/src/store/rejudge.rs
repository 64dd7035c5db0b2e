//! Judging again: what a membership change, or the passing of time, makes valid or invalid.

use std::collections::{BTreeMap, BTreeSet};

use connectoid_protocol::{
    change::{Change, Op},
    membership::{Affected, Role},
    record::{RecordKey, Resolved, Write, encode_field, resolve},
    stamp::Position,
};
use rusqlite::params;

use super::{
    Store,
    apply::Verdict,
    error::Result,
    rows::{self, State, int},
    verify,
    view::{Balance, TouchedRecords},
};

/// How many parked changes are read at once to be verified: some megabytes at most, mostly far less.
const AT_ONCE: usize = 64;

impl Store {
    /// Judges the changes of some members again, from some position on.
    pub(super) fn rejudge(
        &mut self,
        group_no: i64,
        affected: &[Affected],
        now: u64,
        touched: &mut TouchedRecords,
    ) -> Result<()> {
        let mut records = BTreeSet::new();
        for affected in affected {
            self.bar(group_no, affected, now, &mut records)?;
        }
        for record in &records {
            self.resolve_record(group_no, record, now)?;
            touched.add(&record.collection, &record.id);
        }
        let users: BTreeSet<_> = affected.iter().map(|affected| affected.user).collect();
        for user in users {
            let author_no = self.user_no(user)?;
            let sql = "SELECT no FROM changes WHERE grp = ?1 AND author = ?2 AND state = 2 ORDER BY stamp";
            let parked = self.numbers(sql, params![group_no, author_no])?;
            self.release(group_no, &parked, now, touched)?;
        }
        Ok(())
    }

    /// Parks valid changes that their author was not allowed to make, as it turns out, and collects the
    /// records they wrote.
    fn bar(
        &mut self,
        group_no: i64,
        affected: &Affected,
        now: u64,
        records: &mut BTreeSet<RecordKey>,
    ) -> Result<()> {
        let author_no = self.user_no(affected.user)?;
        let membership = self.membership(group_no)?;
        let from = int(affected.from.stamp.micros());
        for state in [State::Live, State::History] {
            let sql = format!(
                "SELECT no FROM changes WHERE grp = ?1 AND stamp >= ?2 AND author = ?3
                 AND membership = 0 AND state = {}",
                state as i64
            );
            for no in self.numbers(&sql, params![group_no, from, author_no])? {
                let position = rows::position(self.connection(), no)?;
                if membership.role_before(affected.user, position).is_some_and(Role::may_write) {
                    continue;
                }
                let change = rows::load(self.connection(), no)?;
                rows::set_state(self.connection(), no, State::Barred, now)?;
                self.count_parked(no, 1)?;
                records.extend(change.ops().filter_map(record_of));
            }
        }
        Ok(())
    }

    /// Looks again at parked changes; takes those that are valid now, and drops forgeries.
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
                    }
                    (_, Verdict::Early) => {}
                    (_, Verdict::Withdrawn) => {
                        rows::set_state(self.connection(), *no, State::Withdrawn, now)?;
                    }
                    (Some(true), Verdict::Valid) if change.is_withdrawal() => {
                        self.count_parked(*no, -1)?;
                        self.take_withdrawal(group_no, change, 0, Some(*no), now, touched)?;
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

    /// Finds the winners of a record anew among all valid changes that write it.
    pub(super) fn resolve_record(&mut self, group_no: i64, record: &RecordKey, now: u64) -> Result<()> {
        let collection = self.collection_no(group_no, &record.collection)?;
        let changes = self.writers(collection, &record.id)?;
        let writes: Vec<_> = changes
            .iter()
            .filter_map(|(no, change)| {
                let write = change.ops().find_map(|op| write_to(op, record))?;
                Some((*no, (change.position(), write)))
            })
            .collect();
        let numbers: Vec<i64> = writes.iter().map(|(no, _)| *no).collect();
        let writes: Vec<(Position, Write<'_>)> = writes.into_iter().map(|(_, write)| write).collect();
        let resolved = resolve(&writes);
        let mut balance = self.clear_record(collection, &record.id)?;
        self.store_resolved(collection, &record.id, &numbers, &writes, &resolved, &mut balance)?;
        self.settle(&balance, now)
    }

    /// All valid changes that write a record.
    fn writers(&self, collection: i64, id: &str) -> Result<BTreeMap<i64, Change>> {
        let sql = "SELECT no FROM changes WHERE state < 2 AND no IN (
                       SELECT change FROM fields WHERE collection = ?1 AND id = ?2
                       UNION SELECT change FROM deletes WHERE collection = ?1 AND id = ?2
                       UNION SELECT change FROM lost WHERE collection = ?1 AND id = ?2)";
        let numbers = self.numbers(sql, params![collection, id])?;
        numbers.into_iter().map(|no| Ok((no, rows::load(self.connection(), no)?))).collect()
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

    fn store_resolved(
        &self,
        collection: i64,
        id: &str,
        numbers: &[i64],
        writes: &[(Position, Write<'_>)],
        resolved: &Resolved<'_>,
        balance: &mut Balance,
    ) -> Result<()> {
        let mut field_row = self.connection().prepare_cached(
            "INSERT INTO fields (collection, id, field, value, stamp, change) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        let mut delete_row = self
            .connection()
            .prepare_cached("INSERT INTO deletes (collection, id, stamp, change) VALUES (?1, ?2, ?3, ?4)")?;
        let mut lost_row = self
            .connection()
            .prepare_cached("INSERT INTO lost (collection, id, field, change) VALUES (?1, ?2, ?3, ?4)")?;
        for (index, (no, (position, write))) in numbers.iter().zip(writes).enumerate() {
            let stamp = int(position.stamp.micros());
            let mut wins = 0;
            match write {
                Write::Delete if resolved.delete == Some(index) => {
                    delete_row.execute(params![collection, id, stamp, no])?;
                    wins += 1;
                }
                Write::Delete => {
                    lost_row.execute(params![collection, id, "", no])?;
                }
                Write::Set(fields) => {
                    for (field, value) in *fields {
                        if resolved.fields.get(field.as_str()) == Some(&index) {
                            let value = encode_field(value.as_ref());
                            field_row.execute(params![collection, id, field, value, stamp, no])?;
                            wins += 1;
                        } else {
                            lost_row.execute(params![collection, id, field, no])?;
                        }
                    }
                }
            }
            *balance.entry(*no).or_default() += wins;
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

fn write_to<'a>(op: &'a Op, record: &RecordKey) -> Option<Write<'a>> {
    match op {
        Op::Set { collection, id, fields } if (collection, id) == (&record.collection, &record.id) => {
            Some(Write::Set(fields))
        }
        Op::Delete { collection, id } if (collection, id) == (&record.collection, &record.id) => {
            Some(Write::Delete)
        }
        _ => None,
    }
}
