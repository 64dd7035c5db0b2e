//! The schema, as numbered files: a new version of the store is a new file and a line in [`MIGRATIONS`].

use rusqlite::Connection;
use rusqlite_migration::{M, Migrations};

use super::{StoreError, error::Result};

/// "Cnct": tells a store from other SQLite files.
const APPLICATION_ID: i64 = 0x436e_6374;

const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("migrations/01-data.sql")),
    M::up(include_str!("migrations/02-pairing.sql")),
    M::up(include_str!("migrations/03-lives.sql")),
    M::up(include_str!("migrations/04-sent.sql")),
    M::up(include_str!("migrations/05-clocks.sql")),
    M::up(include_str!("migrations/06-spent-links.sql")),
    M::up(include_str!("migrations/07-users-of-devices.sql")),
    M::up(include_str!("migrations/08-acceptance.sql")),
    M::up(include_str!("migrations/09-judging.sql")),
];

/// Makes a new file a store, and an older store one of this version.
pub(super) fn migrate(connection: &mut Connection) -> Result<()> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let tables: i64 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if id != APPLICATION_ID {
        if id != 0 || version != 0 || tables != 0 {
            return Err(StoreError::NotAStore);
        }
        connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    }
    Ok(Migrations::from_slice(MIGRATIONS).to_latest(connection)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_valid() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }
}
