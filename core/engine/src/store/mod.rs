//! The store: everything a node keeps, in one SQLite file.
//!
//! Of shared data it keeps *changes*, each in one of five states, and the *view* that follows from them:
//!
//! - **live**: wins at least one field or delete of the view, or concerns the membership. Live changes are
//!   what sync is about.
//! - **history**: valid, but everything it wrote has been overwritten. Kept for [`KEPT_FOR`], so that an app
//!   can show whose edit lost to what.
//! - **parked**: not valid yet. Its author may not write at its stamp, or is not known, or the stamp lies in
//!   the future.
//! - **withdrawn**: taken back by its author; never valid, and kept for a while so that nobody asks for it.
//!
//! The view has one row per visible field, and one per deleted record. It depends on nothing but the
//! changes held: whenever a membership change arrives, the changes that it concerns are judged again and
//! the records they wrote are resolved anew.
//!
//! | file | what it does |
//! |---|---|
//! | [`commit`](Store::commit) | own changes: signed, then taken |
//! | `apply` | changes of others: read, verified, judged, then taken or parked |
//! | `view` | writes of one change into the view |
//! | `judging`, `rejudge` | changes becoming valid or invalid, in parts |
//! | `acceptance` | which groups the user takes part in, the room they may take, forgetting |
//! | `restamp`, `withdraw` | what a wrong clock stamped, and how it is taken back |
//! | `arrivals`, `lives`, `marks`, `log` | what sync needs ([`connectoid_protocol::sync::ChangeLog`]) |
//! | `read`, `history` | what apps ask, on the [`Store`] or on a [`Reader`] |
//!
//! A store belongs to one thread. Others read through a [`Reader`].

mod acceptance;
mod apply;
mod arrivals;
mod caches;
mod commit;
mod connection;
mod error;
mod groups;
mod history;
mod judging;
mod lives;
mod log;
mod marks;
mod migrations;
mod pairing;
mod parking;
mod prune;
mod read;
mod reader;
mod rejudge;
mod restamp;
mod rows;
mod transaction;
mod verify;
mod view;
mod withdraw;

#[cfg(test)]
mod tests;

use std::{cell::Cell, path::Path};

use connectoid_protocol::{sync::Epoch, user::UserId};
use rusqlite::Connection;

pub use self::{
    acceptance::MAX_MEMBERSHIP_BYTES,
    commit::{Author, Committed},
    error::StoreError,
    groups::Group,
    history::{MAX_HISTORY, MAX_VERSIONS, Outcome, Version},
    marks::Health,
    pairing::{OutboxRow, Sealed, SpentLink},
    parking::{MAX_PARKED_BYTES, MAX_PARKED_CHANGES},
    prune::KEPT_FOR,
    read::Limit,
    reader::Reader,
    restamp::Restamped,
};
use self::{arrivals::Sequence, caches::Caches, connection::Place, error::Result, judging::Effort};
pub use connectoid_protocol::sync::{Acceptance, Applied};

/// A node's store, open for reading and writing.
pub struct Store {
    connection: Connection,
    place: Place,
    caches: Caches,
    sequence: Sequence,
    epoch: Epoch,
    /// Whose store this is, once that is known.
    user: Option<UserId>,
    /// How many bytes each group may take.
    group_quota: u64,
    /// Whether a call in the current transaction has failed and left what it had written.
    half_written: bool,
    /// How much may be judged again at once.
    judging_effort: Effort,
    /// Whether something was noted that is to be judged again.
    more_to_judge: Cell<bool>,
    /// The group of which a part was judged again last.
    judged_last: i64,
}

impl Store {
    /// Opens the store at `path`, or makes a new one.
    ///
    /// # Errors
    /// [`StoreError`]; in particular `NotAStore` for another program's database, and `NewerVersion`.
    pub fn open(path: &Path) -> Result<Self> {
        Self::open_at(Place::File(path.to_owned()))
    }

    /// Makes a store that vanishes with its last connection.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn in_memory() -> Result<Self> {
        Self::open_at(Place::memory())
    }

    /// Opens a second connection to the same store, for reading from another thread.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn reader(&self) -> Result<Reader> {
        Ok(Reader::new(self.place.open_to_read()?, self.user))
    }

    fn open_at(place: Place) -> Result<Self> {
        let mut connection = place.open()?;
        migrations::migrate(&mut connection)?;
        let sequence = Sequence::load(&connection)?;
        let epoch = lives::begin(&mut connection, sequence.next())?;
        Ok(Self {
            connection,
            place,
            caches: Caches::default(),
            sequence,
            epoch,
            user: None,
            group_quota: u64::MAX,
            half_written: false,
            judging_effort: Effort::FULL,
            more_to_judge: Cell::new(true),
            judged_last: 0,
        })
    }

    /// Says whose store this is, for which names of groups mean what they mean to that user.
    pub fn set_user(&mut self, user: UserId) {
        self.user = Some(user);
    }

    /// As if the disk had room for so many pages.
    #[cfg(test)]
    pub(crate) fn limit_pages(&self, pages: u32) -> Result<()> {
        let pragma = format!("PRAGMA max_page_count = {pages}");
        Ok(self.connection().query_row(&pragma, [], |_| Ok(()))?)
    }

    /// The connection, for the queries of this folder.
    fn connection(&self) -> &Connection {
        &self.connection
    }
}
