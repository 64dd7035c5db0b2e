//! Links, pairs and mailbox cursors: what the node needs to find its peers again.
//!
//! Everything secret is sealed before it comes here; this file stores bytes.

use std::collections::BTreeMap;

use connectoid_protocol::{
    boxes::BoxId,
    message::{Fingerprint, Id},
};
use rusqlite::{OptionalExtension, params};

use super::{Store, StoreError};

type Result<T> = core::result::Result<T, StoreError>;

/// The two kinds of sealed rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sealed {
    /// A link that this node made.
    Link,
    /// A pair.
    Pair,
}

impl Sealed {
    fn table(self) -> &'static str {
        match self {
            Self::Link => "links",
            Self::Pair => "pairs",
        }
    }
}

/// What a link was to this node that is of no more use to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpentLink {
    /// It made it.
    Made,
    /// It opened it.
    Opened,
}

/// A message that waits to be taken by a service.
pub struct OutboxRow {
    /// Its number.
    pub number: u64,
    /// The sealed record.
    pub sealed: Vec<u8>,
    /// When it is not worth sending any more, in µs since the epoch.
    pub until: u64,
}

impl Store {
    /// A value that the node keeps under a name.
    pub fn setting(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut query = self.connection().prepare_cached("SELECT value FROM settings WHERE name = ?1")?;
        Ok(query.query_row([name], |row| row.get(0)).optional()?)
    }

    /// Keeps a value under a name.
    pub fn set_setting(&mut self, name: &str, value: &[u8]) -> Result<()> {
        let sql = "INSERT INTO settings (name, value) VALUES (?1, ?2)
                   ON CONFLICT (name) DO UPDATE SET value = excluded.value";
        self.connection().prepare_cached(sql)?.execute(params![name, value])?;
        Ok(())
    }

    /// All rows of a kind, in the order in which they were added.
    pub fn sealed_rows(&self, kind: Sealed) -> Result<Vec<(u64, Vec<u8>)>> {
        let sql = format!("SELECT number, sealed FROM {} ORDER BY number", kind.table());
        let mut query = self.connection().prepare_cached(&sql)?;
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<core::result::Result<_, _>>()?)
    }

    /// A number that no row of this kind has or had.
    pub fn reserve_number(&mut self, kind: Sealed) -> Result<u64> {
        let sql = format!("INSERT INTO {} (sealed) VALUES (x'') RETURNING number", kind.table());
        Ok(self.connection().prepare_cached(&sql)?.query_row([], |row| row.get(0))?)
    }

    /// Writes the row with a reserved number.
    pub fn save_sealed(&mut self, kind: Sealed, number: u64, sealed: &[u8]) -> Result<()> {
        let sql = format!("UPDATE {} SET sealed = ?2 WHERE number = ?1", kind.table());
        self.connection().prepare_cached(&sql)?.execute(params![number, sealed])?;
        Ok(())
    }

    /// Deletes a row; the file's pages are overwritten, because it held keys.
    pub fn delete_sealed(&mut self, kind: Sealed, number: u64) -> Result<()> {
        let sql = format!("DELETE FROM {} WHERE number = ?1", kind.table());
        self.connection().prepare_cached(&sql)?.execute([number])?;
        Ok(())
    }

    /// How far a box was read at each service.
    pub fn cursors(&self, id: &BoxId) -> Result<BTreeMap<String, u64>> {
        let mut query = self.connection().prepare_cached("SELECT service, at FROM cursors WHERE box = ?1")?;
        let rows = query.query_map([id.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<core::result::Result<_, _>>()?)
    }

    /// Moves a cursor, in the same transaction as the effect of the messages up to it.
    pub fn set_cursor(&mut self, id: &BoxId, service: &str, at: u64) -> Result<()> {
        let sql = "INSERT INTO cursors (box, service, at) VALUES (?1, ?2, ?3)
                   ON CONFLICT (box, service) DO UPDATE SET at = excluded.at, tries = 0";
        self.connection().prepare_cached(sql)?.execute(params![id.as_bytes(), service, at])?;
        Ok(())
    }

    /// How often the messages behind a cursor were tried.
    pub fn tries(&self, id: &BoxId, service: &str) -> Result<u32> {
        let sql = "SELECT tries FROM cursors WHERE box = ?1 AND service = ?2";
        let mut query = self.connection().prepare_cached(sql)?;
        Ok(query.query_row(params![id.as_bytes(), service], |row| row.get(0)).optional()?.unwrap_or(0))
    }

    /// Counts that the messages behind a cursor are about to be processed.
    pub fn note_try(&mut self, id: &BoxId, service: &str) -> Result<()> {
        let sql = "INSERT INTO cursors (box, service, at, tries) VALUES (?1, ?2, 0, 1)
                   ON CONFLICT (box, service) DO UPDATE SET tries = tries + 1";
        self.connection().prepare_cached(sql)?.execute(params![id.as_bytes(), service])?;
        Ok(())
    }

    /// Forgets how far a box was read, when it is not watched any more.
    pub fn forget_box(&mut self, id: &BoxId) -> Result<()> {
        self.connection().prepare_cached("DELETE FROM cursors WHERE box = ?1")?.execute([id.as_bytes()])?;
        Ok(())
    }

    /// Remembers a message's id until some time; whether it was new.
    pub fn remember_message(&mut self, id: &Id, until: u64) -> Result<bool> {
        let sql = "INSERT INTO seen (id, until) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING";
        Ok(self.connection().prepare_cached(sql)?.execute(params![id.as_bytes(), until])? == 1)
    }

    /// Forgets message ids whose time has run out.
    pub fn forget_messages(&mut self, now: u64) -> Result<()> {
        self.connection().prepare_cached("DELETE FROM seen WHERE until <= ?1")?.execute([now])?;
        Ok(())
    }

    /// Remembers until some time that a link is of no more use.
    pub fn remember_spent_link(&mut self, id: &Fingerprint, link: SpentLink, until: u64) -> Result<()> {
        let sql = "INSERT INTO spent_links (id, made, until) VALUES (?1, ?2, ?3)
                   ON CONFLICT (id) DO UPDATE SET until = max(until, excluded.until)";
        let made = link == SpentLink::Made;
        self.connection().prepare_cached(sql)?.execute(params![id.as_bytes(), made, until])?;
        Ok(())
    }

    /// What a link was, if it is remembered.
    pub fn spent_link(&self, id: &Fingerprint) -> Result<Option<SpentLink>> {
        let mut query = self.connection().prepare_cached("SELECT made FROM spent_links WHERE id = ?1")?;
        let made = query.query_row([id.as_bytes()], |row| row.get::<_, bool>(0)).optional()?;
        Ok(made.map(|made| if made { SpentLink::Made } else { SpentLink::Opened }))
    }

    /// Forgets links whose time has run out.
    pub fn forget_spent_links(&mut self, now: u64) -> Result<()> {
        self.connection().prepare_cached("DELETE FROM spent_links WHERE until <= ?1")?.execute([now])?;
        Ok(())
    }

    /// Keeps a sealed message until a service has taken it.
    pub fn add_to_outbox(&mut self, sealed: &[u8], until: u64) -> Result<u64> {
        let sql = "INSERT INTO outbox (sealed, until) VALUES (?1, ?2) RETURNING number";
        Ok(self.connection().prepare_cached(sql)?.query_row(params![sealed, until], |row| row.get(0))?)
    }

    /// What waits to be sent.
    pub fn outbox(&self) -> Result<Vec<OutboxRow>> {
        let mut query =
            self.connection().prepare_cached("SELECT number, sealed, until FROM outbox ORDER BY number")?;
        let rows = query.query_map([], |row| {
            Ok(OutboxRow { number: row.get(0)?, sealed: row.get(1)?, until: row.get(2)? })
        })?;
        Ok(rows.collect::<core::result::Result<_, _>>()?)
    }

    /// A service has taken it, or it is not worth sending any more.
    pub fn remove_from_outbox(&mut self, number: u64) -> Result<()> {
        self.connection().prepare_cached("DELETE FROM outbox WHERE number = ?1")?.execute([number])?;
        Ok(())
    }
}
