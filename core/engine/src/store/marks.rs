//! How far sync has got with other devices.

use connectoid_protocol::{
    stamp::{MAX_AHEAD, last_due},
    sync::Mark,
    user::{DeviceId, GroupId},
};
use rusqlite::params;

use super::{Store, error::Result, read, rows::int};

/// Where counting what a device lacks stops; nobody needs to know it more exactly.
const MAX_COUNTED: i64 = 10_000;

/// How well a device of a peer keeps a group for us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Health {
    /// When it last confirmed to hold everything that there was, in microseconds since the Unix epoch.
    pub last_synced_at: Option<u64>,
    /// How many live changes it has not confirmed yet; beyond 20,000 no longer counted.
    pub lacks: u64,
    /// How many it holds back, by what its clock says: they are stamped too far ahead of it.
    pub held_there: u64,
    /// How many of the changes that it brought are held back here, for the same reason. (What is barred is barred at
    /// both, once both know the members.)
    pub held_here: u64,
    /// When the last of those that wait for their time will be taken, in microseconds since the Unix epoch.
    pub held_until: Option<u64>,
}

impl Store {
    /// How far a device has confirmed to hold a group, at `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`](super::StoreError::UnknownGroup) and storage errors.
    pub fn health(&self, group: GroupId, device: DeviceId, now: u64) -> Result<Health> {
        let group_no = self.known_group_no(group)?;
        let device_no = self.device_no(device)?;
        let mut query =
            self.connection().prepare_cached("SELECT seq, at FROM acked WHERE grp = ?1 AND device = ?2")?;
        let acked: Option<(i64, i64)> =
            read::optional(query.query_row([group_no, device_no], |row| Ok((row.get(0)?, row.get(1)?))))?;
        let after = acked.map_or(0, |(seq, _)| seq);
        let lacks = self.unconfirmed(group_no, device_no, after)?;
        let last_synced_at = acked.map(|(_, at)| at.cast_unsigned()).filter(|at| *at > 0);
        let (held_there, until_there) = self.held_there(group_no, device_no, after, now)?;
        let (held_here, until_here) = self.held_here(group_no, device_no)?;
        let held_until = until_there.max(until_here);
        Ok(Health { last_synced_at, lacks, held_there, held_here, held_until })
    }

    /// How many live changes a device has not confirmed; beyond 20,000 no longer counted.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`](super::StoreError::UnknownGroup) and storage errors.
    pub fn lacks(&self, group: GroupId, device: DeviceId) -> Result<u64> {
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let mut query =
            self.connection().prepare_cached("SELECT seq FROM acked WHERE grp = ?1 AND device = ?2")?;
        let acked: Option<i64> = read::optional(query.query_row([group_no, device_no], |row| row.get(0)))?;
        self.unconfirmed(group_no, device_no, acked.unwrap_or(0))
    }

    fn unconfirmed(&self, group_no: i64, device_no: i64, after: i64) -> Result<u64> {
        let mut lacks = 0;
        for membership in [0, 1] {
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM changes WHERE grp = ?1 AND seq > ?2 AND source <> ?3
                 AND state = 0 AND membership = {membership} LIMIT {MAX_COUNTED})"
            );
            let mut query = self.connection().prepare_cached(&sql)?;
            lacks += query.query_row([group_no, after, device_no], |row| row.get::<_, i64>(0))?;
        }
        Ok(lacks.cast_unsigned())
    }

    /// What a device has confirmed and is early by its clock, and until when by ours.
    fn held_there(&self, group_no: i64, device_no: i64, upto: i64, now: u64) -> Result<(u64, Option<u64>)> {
        let ahead = self.clock_of(device_no)?;
        let due = last_due(now.saturating_add_signed(ahead));
        let sql = "SELECT count(*), max(stamp) FROM changes INDEXED BY live_items
                   WHERE grp = ?1 AND state = 0 AND stamp > ?2 AND source <> ?3 AND seq <= ?4
                   AND hash <> (SELECT id FROM groups WHERE no = ?1)";
        let row = params![group_no, int(due), device_no, upto];
        let (count, last): (i64, Option<i64>) =
            self.connection().prepare_cached(sql)?.query_row(row, |row| Ok((row.get(0)?, row.get(1)?)))?;
        let until =
            |stamp: i64| stamp.cast_unsigned().saturating_sub(MAX_AHEAD).saturating_add_signed(-ahead);
        Ok((count.cast_unsigned(), last.map(until)))
    }

    /// What a device has delivered and does not count yet, and until when.
    fn held_here(&self, group_no: i64, device_no: i64) -> Result<(u64, Option<u64>)> {
        let sql = "SELECT count(*), max(stamp) FROM changes INDEXED BY held_back
                   WHERE source = ?1 AND grp = ?2 AND state = 3";
        let (count, last): (i64, Option<i64>) = self
            .connection()
            .prepare_cached(sql)?
            .query_row([device_no, group_no], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok((count.cast_unsigned(), last.map(|stamp| stamp.cast_unsigned().saturating_sub(MAX_AHEAD))))
    }

    pub(super) fn holds_back(&self, group: GroupId, device: DeviceId) -> Result<bool> {
        let Some(group_no) = self.group_no(group)? else { return Ok(false) };
        let holds = self.held_here(group_no, self.device_no(device)?)?.0 > 0;
        Ok(holds || self.is_judging_group(group_no)?)
    }

    pub(super) fn is_early(&self, group: GroupId, device: DeviceId, now: u64) -> Result<bool> {
        let Some(group_no) = self.group_no(group)? else { return Ok(false) };
        let sql = "SELECT EXISTS (SELECT 1 FROM changes INDEXED BY live_items
                   WHERE grp = ?1 AND state = 0 AND stamp > ?2 AND source <> ?3
                   AND hash <> (SELECT id FROM groups WHERE no = ?1))";
        let row = params![group_no, int(last_due(now)), self.device_no(device)?];
        Ok(self.connection().prepare_cached(sql)?.query_row(row, |row| row.get(0))?)
    }

    pub(super) fn set_clock(&mut self, device: DeviceId, ahead: i64) -> Result<()> {
        let device_no = self.device_no(device)?;
        let sql = "UPDATE devices SET ahead = ?2 WHERE no = ?1";
        self.connection().prepare_cached(sql)?.execute([device_no, ahead])?;
        Ok(())
    }

    /// How far a device's clock is ahead of this one's, in microseconds, as far as it has told.
    fn clock_of(&self, device_no: i64) -> Result<i64> {
        let mut query = self.connection().prepare_cached("SELECT ahead FROM devices WHERE no = ?1")?;
        Ok(query.query_row([device_no], |row| row.get(0))?)
    }

    pub(super) fn mark(&self, group: GroupId, device: DeviceId) -> Result<Option<Mark>> {
        let Some(group_no) = self.group_no(group)? else { return Ok(None) };
        let sql = "SELECT epoch, seq FROM marks WHERE grp = ?1 AND device = ?2";
        let mut query = self.connection().prepare_cached(sql)?;
        let mark = query.query_row([group_no, self.device_no(device)?], |row| {
            Ok(Mark { epoch: row.get(0)?, seq: row.get::<_, i64>(1)?.cast_unsigned() })
        });
        read::optional(mark)
    }

    pub(super) fn set_mark(&mut self, group: GroupId, device: DeviceId, mark: Mark) -> Result<()> {
        let sql = "INSERT INTO marks (grp, device, epoch, seq) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (grp, device) DO UPDATE SET epoch = excluded.epoch, seq = excluded.seq";
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let row = params![group_no, device_no, mark.epoch, int(mark.seq)];
        self.connection().prepare_cached(sql)?.execute(row)?;
        // Its stream has begun.
        let sql = "DELETE FROM unsaid WHERE device = ?1 AND grp = ?2";
        self.connection().prepare_cached(sql)?.execute([device_no, group_no])?;
        Ok(())
    }

    /// Not everything that the device sent could be kept: next time, compare.
    pub(super) fn clear_mark(&mut self, group_no: i64, device_no: i64) -> Result<()> {
        let sql = "DELETE FROM marks WHERE grp = ?1 AND device = ?2";
        self.connection().prepare_cached(sql)?.execute([group_no, device_no])?;
        Ok(())
    }

    /// A device that has never confirmed everything has done so at 0.
    pub(super) fn set_acked(
        &mut self,
        group: GroupId,
        device: DeviceId,
        seq: u64,
        complete_at: Option<u64>,
    ) -> Result<()> {
        let sql = "INSERT INTO acked (grp, device, seq, at) VALUES (?1, ?2, ?3, ?4)
                   ON CONFLICT (grp, device) DO UPDATE
                   SET seq = excluded.seq, at = CASE excluded.at WHEN 0 THEN at ELSE excluded.at END";
        let (group_no, device_no) = (self.known_group_no(group)?, self.device_no(device)?);
        let at = int(complete_at.unwrap_or(0));
        self.connection().prepare_cached(sql)?.execute([group_no, device_no, int(seq), at])?;
        Ok(())
    }
}
