//! Arrival numbers: in which order changes came to life here.
//!
//! They only go up, and none is given out twice even if its change is pruned: a peer remembers up to which
//! it has been told everything. Numbers are reserved in blocks, so that the row that says which are taken
//! is not written with each change.

use connectoid_protocol::{
    change::ChangeHash,
    sync::{Page, PageKind, PageRequest, Scope},
    user::GroupId,
};
use rusqlite::{Connection, params};

use super::{Store, error::Result, read, rows::int};

/// How many numbers are reserved at once. A restart leaves a gap of at most this many.
const BLOCK: i64 = 1024;

/// The next arrival numbers.
#[derive(Debug, Clone)]
pub(super) struct Sequence {
    next: i64,
    reserved: i64,
    /// What it was when the transaction began: numbers of changes that were rolled back are free again,
    /// as are their reservations.
    before: (i64, i64),
}

impl Sequence {
    pub(super) fn load(connection: &Connection) -> Result<Self> {
        let next = connection.query_row("SELECT next_seq FROM store", [], |row| row.get(0))?;
        Ok(Self { next, reserved: next, before: (next, next) })
    }

    /// The number that the next arrival is given.
    pub(super) fn next(&self) -> i64 {
        self.next
    }

    /// A transaction begins.
    pub(super) fn remember(&mut self) {
        self.before = (self.next, self.reserved);
    }

    /// The transaction is undone.
    pub(super) fn go_back(&mut self) {
        (self.next, self.reserved) = self.before;
    }
}

impl Store {
    /// The number of the last arrival: no later change of this store has this number or a lower one.
    ///
    /// # Errors
    /// Storage errors.
    pub fn head(&self, group: GroupId) -> Result<u64> {
        Ok(if self.group_no(group)?.is_some() { (self.sequence.next - 1).cast_unsigned() } else { 0 })
    }

    /// A number for the next arrival.
    pub(super) fn next_arrival(&mut self) -> Result<i64> {
        let number = self.sequence.next;
        if number >= self.sequence.reserved {
            let reserved = number + BLOCK;
            self.connection().prepare_cached("UPDATE store SET next_seq = ?1")?.execute([reserved])?;
            self.sequence.reserved = reserved;
        }
        self.sequence.next = number + 1;
        Ok(number)
    }

    pub(super) fn page(&self, request: &PageRequest) -> Result<Page> {
        let end = self.head(request.group)?;
        let Some(group_no) = self.group_no(request.group)? else { return Ok(Page::default()) };
        let sql = match request.kind {
            PageKind::Group => {
                "SELECT seq, no FROM changes
                 WHERE grp = ?1 AND seq > ?2 AND source <> ?3 AND state = 0 AND membership = 1 ORDER BY seq"
            }
            PageKind::Records => {
                "SELECT seq, no FROM changes
                 WHERE grp = ?1 AND seq > ?2 AND source <> ?3 AND state = 0 AND membership = 0 ORDER BY seq"
            }
        };
        let mut query = self.connection().prepare_cached(sql)?;
        let mut bodies = self.connection().prepare_cached("SELECT bytes FROM bodies WHERE change = ?1")?;
        let except = self.device_no(request.except)?;
        let mut rows = query.query(params![group_no, int(request.after), except])?;
        let mut page = Page { upto: request.after, ..Page::default() };
        let mut room = request.max_bytes;
        while let Some(row) = rows.next()? {
            let (seq, no): (i64, i64) = (row.get(0)?, row.get(1)?);
            let bytes: Vec<u8> = bodies.query_row([no], |row| row.get(0))?;
            if bytes.len() > room && !page.changes.is_empty() {
                page.more = true;
                return Ok(page);
            }
            room = room.saturating_sub(bytes.len());
            page.upto = seq.cast_unsigned();
            page.changes.push((page.upto, bytes));
        }
        page.upto = end.max(page.upto);
        Ok(page)
    }

    pub(super) fn live(&self, group: GroupId, scope: Scope) -> Result<Vec<(u64, ChangeHash)>> {
        let Some(group_no) = self.group_no(group)? else { return Ok(Vec::new()) };
        let sql = match scope {
            Scope::Everything => "SELECT stamp, hash FROM changes WHERE grp = ?1 AND state = 0",
            Scope::Group => "SELECT stamp, hash FROM changes WHERE grp = ?1 AND state = 0 AND membership = 1",
        };
        let mut query = self.connection().prepare_cached(sql)?;
        let mut rows = query.query([group_no])?;
        let mut live = Vec::new();
        while let Some(row) = rows.next()? {
            let stamp: i64 = row.get(0)?;
            live.push((stamp.cast_unsigned(), ChangeHash::from_bytes(row.get(1)?)));
        }
        Ok(live)
    }

    /// The wire form of a live or historic change.
    ///
    /// Whoever asks may see this group and no other, whatever names it knows.
    pub(super) fn valid_change(
        &self,
        group: GroupId,
        hash: &ChangeHash,
        scope: Scope,
    ) -> Result<Option<Vec<u8>>> {
        let Some(group_no) = self.group_no(group)? else { return Ok(None) };
        let sql = "SELECT bytes FROM changes JOIN bodies ON change = no
                   WHERE substr(hash, 1, 8) = substr(?1, 1, 8) AND hash = ?1
                   AND grp = ?2 AND state < 2 AND membership >= ?3";
        let membership_only = scope == Scope::Group;
        let mut query = self.connection().prepare_cached(sql)?;
        read::optional(query.query_row(params![hash.as_bytes(), group_no, membership_only], |row| row.get(0)))
    }
}
