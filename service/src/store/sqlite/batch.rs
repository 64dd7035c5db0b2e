//! The operations that write, inside the writer's transaction.

use connectoid_protocol::{boxes::BoxId, mailbox::Refusal};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, params};

use super::index::Entry;
use crate::{
    rules::{
        Micros, Refused,
        quota::{BoxRecord, FULL_RETRY, MESSAGE_LIFETIME, Newest, Occupancy, Totals},
    },
    store::{Appended, Capacity, IfMissing, Looked},
};

/// How many rows one sweep removes, so that requests need not wait long for it.
const SWEEP_ROWS: usize = 500;

/// How many boxes that were never checked make room for another box at once.
const PURGE_BOXES: usize = 64;

/// One transaction: the database, and what has to follow in memory once it is committed.
pub(super) struct Batch<'a> {
    transaction: &'a Transaction<'a>,
    totals: Totals,
    capacity: Capacity,
    changes: Vec<(BoxId, Option<Entry>)>,
}

/// A box's row.
struct Found {
    row: i64,
    record: BoxRecord,
}

impl<'a> Batch<'a> {
    pub(super) fn new(transaction: &'a Transaction<'a>, totals: Totals, capacity: Capacity) -> Self {
        Self { transaction, totals, capacity, changes: Vec::new() }
    }

    /// What the database holds.
    pub(super) fn count(connection: &Connection) -> rusqlite::Result<Totals> {
        let sql = "SELECT (SELECT count(*) FROM box), (SELECT ifnull(sum(length(data)), 0) FROM message)";
        connection.query_row(sql, [], |row| Ok(Totals { boxes: row.get(0)?, length: row.get(1)? }))
    }

    pub(super) fn totals(&self) -> Totals {
        self.totals
    }

    /// What the index has to take over after the commit.
    pub(super) fn finish(self) -> (Totals, Vec<(BoxId, Option<Entry>)>) {
        (self.totals, self.changes)
    }

    pub(super) fn look(&mut self, id: BoxId, missing: IfMissing, now: Micros) -> rusqlite::Result<Looked> {
        let found = match self.find(&id)? {
            Some(found) => found,
            None if missing == IfMissing::Leave => return Ok(Looked::NoBox),
            None => {
                if let Err(refused) = self.make_room(1, 0)? {
                    return Ok(Looked::Refused(refused));
                }
                self.insert(&id)?
            }
        };
        let record = found.record.check(now);
        if record != found.record {
            self.update(found.row, &record)?;
        }
        let entry = Entry { record, newest: self.newest(found.row)? };
        self.changes.push((id, Some(entry)));
        Ok(Looked::Found(entry.glance()))
    }

    pub(super) fn append(
        &mut self,
        id: BoxId,
        data: &[u8],
        missing: IfMissing,
        now: Micros,
    ) -> rusqlite::Result<Appended> {
        let found = self.find(&id)?;
        if found.is_none() && missing == IfMissing::Leave {
            return Ok(Appended::NoBox);
        }
        let (record, occupancy) = match &found {
            Some(found) => (found.record, self.occupancy(found.row, now)?),
            None => Default::default(),
        };
        let record = match record.append(&occupancy, data.len(), now) {
            Ok(record) => record,
            Err(refused) => return Ok(Appended::Refused(refused)),
        };
        if let Err(refused) = self.make_room(u64::from(found.is_none()), data.len() as u64)? {
            return Ok(Appended::Refused(refused));
        }
        // Making room may have taken this very box, if it was never checked.
        let found = match self.find(&id)? {
            Some(found) => found,
            None => self.insert(&id)?,
        };
        self.update(found.row, &record)?;
        let sql = "INSERT INTO message (box, at, stored, data) VALUES (?1, ?2, ?3, ?4)";
        self.transaction.prepare_cached(sql)?.execute(params![found.row, record.last, now, data])?;
        self.totals.length += data.len() as u64;
        let newest = Some(Newest { at: record.last, stored: now });
        self.changes.push((id, Some(Entry { record, newest })));
        Ok(Appended::Stored(record.last))
    }

    pub(super) fn forget(&mut self, id: BoxId, up_to: Micros) -> rusqlite::Result<()> {
        let Some(found) = self.find(&id)? else { return Ok(()) };
        let sql = "DELETE FROM message WHERE box = ?1 AND at <= ?2 RETURNING length(data)";
        if self.delete_messages(sql, params![found.row, up_to])? > 0 {
            let entry = Entry { record: found.record, newest: self.newest(found.row)? };
            self.changes.push((id, Some(entry)));
        }
        Ok(())
    }

    pub(super) fn close(&mut self, id: BoxId, now: Micros) -> rusqlite::Result<()> {
        let found = match self.find(&id)? {
            Some(found) => found,
            None => self.insert(&id)?,
        };
        let record = found.record.close(now);
        self.update(found.row, &record)?;
        self.delete_messages_of(found.row)?;
        self.changes.push((id, Some(Entry { record, newest: None })));
        Ok(())
    }

    /// Removes messages first, since most that expires are messages.
    pub(super) fn sweep(&mut self, now: Micros) -> rusqlite::Result<bool> {
        let oldest_kept = now.saturating_sub(MESSAGE_LIFETIME);
        let sql = "DELETE FROM message WHERE id IN \
                   (SELECT id FROM message WHERE stored <= ?1 ORDER BY stored LIMIT ?2) RETURNING length(data)";
        let removed = self.delete_messages(sql, params![oldest_kept, SWEEP_ROWS])?;
        let sql = "SELECT id, key FROM box WHERE expires <= ?1 ORDER BY expires LIMIT ?2";
        let boxes = self.delete_boxes(sql, params![now, SWEEP_ROWS])?;
        Ok(removed == SWEEP_ROWS || boxes == SWEEP_ROWS)
    }

    /// Removes boxes that were never checked, as far as needed.
    fn make_room(&mut self, boxes: u64, length: u64) -> rusqlite::Result<Result<(), Refused>> {
        for _ in 0..PURGE_BOXES {
            if self.totals.has_room(boxes, length, &self.capacity) {
                return Ok(Ok(()));
            }
            let sql = "SELECT id, key FROM box WHERE checked = 0 AND closed = 0 ORDER BY expires LIMIT 1";
            if self.delete_boxes(sql, params![])? == 0 {
                break;
            }
        }
        let room = self.totals.has_room(boxes, length, &self.capacity);
        Ok(if room { Ok(()) } else { Err(Refused::for_now(Refusal::Full, FULL_RETRY)) })
    }

    fn find(&self, id: &BoxId) -> rusqlite::Result<Option<Found>> {
        let sql = "SELECT id, last, checked, closed, expires FROM box WHERE key = ?1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        statement.query_row([id.as_bytes()], Found::from_row).optional()
    }

    fn insert(&mut self, id: &BoxId) -> rusqlite::Result<Found> {
        let sql = "INSERT INTO box (key, last, checked, closed, expires) VALUES (?1, 0, 0, 0, 0)";
        let row = self.transaction.prepare_cached(sql)?.insert([id.as_bytes()])?;
        self.totals.boxes += 1;
        Ok(Found { row, record: BoxRecord::default() })
    }

    fn update(&self, row: i64, record: &BoxRecord) -> rusqlite::Result<()> {
        let sql = "UPDATE box SET last = ?2, checked = ?3, closed = ?4, expires = ?5 WHERE id = ?1";
        let BoxRecord { last, checked, closed, expires } = record;
        self.transaction.prepare_cached(sql)?.execute(params![row, last, checked, closed, expires])?;
        Ok(())
    }

    fn newest(&self, row: i64) -> rusqlite::Result<Option<Newest>> {
        let sql = "SELECT at, stored FROM message WHERE box = ?1 ORDER BY at DESC LIMIT 1";
        let mut statement = self.transaction.prepare_cached(sql)?;
        statement.query_row([row], |row| Ok(Newest { at: row.get(0)?, stored: row.get(1)? })).optional()
    }

    fn occupancy(&self, row: i64, now: Micros) -> rusqlite::Result<Occupancy> {
        let sql = "SELECT count(*), ifnull(sum(length(data)), 0), ifnull(min(stored), ?2) FROM message \
                   WHERE box = ?1 AND stored > ?3";
        let values = params![row, now, now.saturating_sub(MESSAGE_LIFETIME)];
        self.transaction.prepare_cached(sql)?.query_row(values, |row| {
            Ok(Occupancy { messages: row.get(0)?, length: row.get(1)?, oldest: row.get(2)? })
        })
    }

    fn delete_messages_of(&mut self, row: i64) -> rusqlite::Result<usize> {
        self.delete_messages("DELETE FROM message WHERE box = ?1 RETURNING length(data)", params![row])
    }

    fn delete_messages(&mut self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        let lengths: Vec<u64> =
            statement.query_map(values, |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        self.totals.length = self.totals.length.saturating_sub(lengths.iter().sum());
        Ok(lengths.len())
    }

    /// Deletes the boxes that `sql` selects, with their messages.
    fn delete_boxes(&mut self, sql: &str, values: impl rusqlite::Params) -> rusqlite::Result<usize> {
        let mut statement = self.transaction.prepare_cached(sql)?;
        let boxes: Vec<(i64, [u8; 49])> = statement
            .query_map(values, |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<rusqlite::Result<_>>()?;
        for (row, key) in &boxes {
            self.delete_messages_of(*row)?;
            self.transaction.prepare_cached("DELETE FROM box WHERE id = ?1")?.execute([row])?;
            self.changes.extend(BoxId::from_bytes(key).ok().map(|id| (id, None)));
        }
        self.totals.boxes = self.totals.boxes.saturating_sub(boxes.len() as u64);
        Ok(boxes.len())
    }
}

impl Found {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let record =
            BoxRecord { last: row.get(1)?, checked: row.get(2)?, closed: row.get(3)?, expires: row.get(4)? };
        Ok(Self { row: row.get(0)?, record })
    }
}
