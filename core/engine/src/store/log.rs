//! The store as sync sees it.

use connectoid_protocol::{
    change::ChangeHash,
    membership::Standing,
    sync::{Acceptance, Applied, ChangeLog, Epoch, Mark, Page, PageRequest, Recall, Scope, Source},
    user::{DeviceId, GroupId, UserId},
};

use super::{Store, StoreError, error::Result, rows};

impl ChangeLog for Store {
    type Error = StoreError;

    fn epoch(&self) -> Result<Epoch> {
        Ok(Self::epoch(self))
    }

    fn recall(&self, _: GroupId, mark: &Mark) -> Result<Recall> {
        Self::recall(self, mark)
    }

    fn groups_of(&self, user: UserId) -> Result<Vec<GroupId>> {
        let mut groups = Vec::new();
        for group in self.groups()? {
            let takes_part = self.acceptance(group.id)?.is_given();
            if takes_part && !matches!(self.standing(group.id, user)?, Standing::Never | Standing::Unknown) {
                groups.push(group.id);
            }
        }
        Ok(groups)
    }

    fn standing(&self, group: GroupId, user: UserId) -> Result<Standing> {
        match self.group_no(group)? {
            Some(group_no) => Ok(self.membership(group_no)?.standing(user)),
            None => Ok(Standing::Unknown),
        }
    }

    fn acceptance(&self, group: GroupId) -> Result<Acceptance> {
        Self::acceptance(self, group)
    }

    fn accept(&mut self, group: GroupId) -> Result<()> {
        Self::accept(self, group)
    }

    fn invitations(&self, user: UserId) -> Result<usize> {
        Self::invitations(self, user)
    }

    fn head(&self, group: GroupId) -> Result<u64> {
        Self::head(self, group)
    }

    fn page(&self, request: &PageRequest) -> Result<Page> {
        Self::page(self, request)
    }

    fn change(&self, group: GroupId, hash: &ChangeHash, scope: Scope) -> Result<Option<Vec<u8>>> {
        self.valid_change(group, hash, scope)
    }

    fn holds(&self, _: GroupId, hash: &ChangeHash) -> Result<bool> {
        Ok(rows::find(self.connection(), hash)?.is_some())
    }

    fn live(&self, group: GroupId, scope: Scope) -> Result<Vec<(u64, ChangeHash)>> {
        Self::live(self, group, scope)
    }

    fn mark(&self, group: GroupId, device: DeviceId) -> Result<Option<Mark>> {
        Self::mark(self, group, device)
    }

    // Of a group that is not here, or was forgotten in the middle of a session, nothing is remembered.

    fn set_mark(&mut self, group: GroupId, device: DeviceId, mark: Mark) -> Result<()> {
        if self.has_group(group)? { Self::set_mark(self, group, device, mark) } else { Ok(()) }
    }

    fn clear_mark(&mut self, group: GroupId, device: DeviceId) -> Result<()> {
        let Some(group_no) = self.group_no(group)? else { return Ok(()) };
        let device_no = self.device_no(device)?;
        Self::clear_mark(self, group_no, device_no)
    }

    fn set_acked(
        &mut self,
        group: GroupId,
        device: DeviceId,
        seq: u64,
        complete_at: Option<u64>,
    ) -> Result<()> {
        if self.has_group(group)? { Self::set_acked(self, group, device, seq, complete_at) } else { Ok(()) }
    }

    fn set_clock(&mut self, device: DeviceId, ahead: i64) -> Result<()> {
        Self::set_clock(self, device, ahead)
    }

    fn holds_back(&self, group: GroupId, device: DeviceId) -> Result<bool> {
        Self::holds_back(self, group, device)
    }

    fn is_early(&self, group: GroupId, device: DeviceId, now: u64) -> Result<bool> {
        Self::is_early(self, group, device, now)
    }

    fn note_sent(&mut self, group: GroupId, upto: u64) -> Result<()> {
        Self::note_sent(self, group, upto)
    }

    fn apply(&mut self, group: GroupId, source: &Source, changes: &[&[u8]], now: u64) -> Result<Applied> {
        Self::apply(self, group, source, changes, now)
    }
}
