//! Pruning: letting go of what has been in history, or parked, for long enough.

use connectoid_protocol::change::Op;
use rusqlite::params;

use super::{
    Store,
    acceptance::NOT_FORGOTTEN,
    error::Result,
    rows::{self, State, int},
};

/// How long history and parked changes are kept, in microseconds: 30 days.
///
/// Long enough for somebody back from holiday to see what became of an edit.
pub const KEPT_FOR: u64 = 30 * 24 * 60 * 60 * 1_000_000;

/// How many changes are pruned in one call, so that none takes long.
const AT_ONCE: i64 = 1000;

impl Store {
    /// Deletes what was to be kept until `now`, in microseconds since the Unix epoch, at most 1,000 changes
    /// at once. Returns how many; call again while it returns any.
    ///
    /// # Errors
    /// Storage errors.
    pub fn prune(&mut self, now: u64) -> Result<u64> {
        self.write(|store| {
            let before = int(now.saturating_sub(KEPT_FOR));
            let sql = format!(
                "SELECT no FROM changes WHERE state > 0 AND since < ?1 AND {NOT_FORGOTTEN}
                 AND no NOT IN (SELECT change FROM unsettled) AND grp NOT IN (SELECT grp FROM unresolved)
                 ORDER BY since LIMIT ?2"
            );
            let numbers = store.numbers(&sql, [before, AT_ONCE])?;
            for no in &numbers {
                store.prune_one(*no)?;
            }
            Ok(numbers.len() as u64)
        })
    }

    fn prune_one(&mut self, no: i64) -> Result<()> {
        let sql = "SELECT grp, source, state FROM changes WHERE no = ?1";
        let (group_no, source_no, state): (i64, i64, i64) = self
            .connection()
            .prepare_cached(sql)?
            .query_row([no], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        if state == State::History as i64 {
            self.forget_losses(group_no, no)?;
        } else {
            self.count_parked(no, -1)?;
            if state != State::Withdrawn as i64 {
                // Should it become valid after all, a comparison has to find it.
                self.clear_mark(group_no, source_no)?;
            }
        }
        rows::delete(self.connection(), no)
    }

    /// Takes what a change has lost out of the view.
    pub(super) fn forget_losses(&mut self, group_no: i64, no: i64) -> Result<()> {
        for op in rows::load(self.connection(), no)?.ops() {
            let (Op::Set { collection, id, .. } | Op::Delete { collection, id }) = op else { continue };
            let collection = self.collection_no(group_no, collection)?;
            let fields: Vec<&str> = match op {
                Op::Set { fields, .. } => fields.keys().map(String::as_str).collect(),
                _ => vec![""],
            };
            let sql = "DELETE FROM lost WHERE collection = ?1 AND id = ?2 AND field = ?3 AND change = ?4";
            let mut delete = self.connection().prepare_cached(sql)?;
            for field in fields {
                delete.execute(params![collection, id, field, no])?;
            }
        }
        Ok(())
    }
}
