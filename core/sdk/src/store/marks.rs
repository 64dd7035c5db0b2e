//! How far sync has got with other devices.

use connectoid_protocol::{
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
}

impl Store {
    /// How far a device has confirmed to hold a group.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`](super::StoreError::UnknownGroup) and storage errors.
    pub fn health(&self, group: GroupId, device: DeviceId) -> Result<Health> {
        let group_no = self.known_group_no(group)?;
        let device_no = self.device_no(device)?;
        let mut query =
            self.connection().prepare_cached("SELECT seq, at FROM acked WHERE grp = ?1 AND device = ?2")?;
        let acked: Option<(i64, i64)> =
            read::optional(query.query_row([group_no, device_no], |row| Ok((row.get(0)?, row.get(1)?))))?;
        let after = acked.map_or(0, |(seq, _)| seq);
        let mut lacks = 0;
        for membership in [0, 1] {
            let sql = format!(
                "SELECT count(*) FROM (SELECT 1 FROM changes WHERE grp = ?1 AND seq > ?2 AND source <> ?3
                 AND state = 0 AND membership = {membership} LIMIT {MAX_COUNTED})"
            );
            let mut query = self.connection().prepare_cached(&sql)?;
            lacks += query.query_row([group_no, after, device_no], |row| row.get::<_, i64>(0))?;
        }
        let last_synced_at = acked.map(|(_, at)| at.cast_unsigned()).filter(|at| *at > 0);
        Ok(Health { last_synced_at, lacks: lacks.cast_unsigned() })
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
