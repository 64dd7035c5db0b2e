//! A store of changes in memory, which keeps the contract of [`ChangeLog`] and nothing beyond it.

use std::{collections::BTreeMap, convert::Infallible};

use connectoid_protocol::{
    change::{Change, ChangeHash},
    membership::{Membership, Role, Standing},
    sync::{
        Acceptance, Applied, ChangeLog, Epoch, Mark, Page, PageKind, PageRequest, Recall, Refusal, Scope,
        Source,
    },
    user::{DeviceId, GroupId, UserId},
};

/// The store. Changes that would have to wait for their author are counted as parked and forgotten.
#[derive(Default)]
pub struct Log {
    groups: BTreeMap<GroupId, Group>,
    marks: BTreeMap<(GroupId, DeviceId), Mark>,
}

struct Group {
    membership: Membership,
    acceptance: Acceptance,
    /// In order of arrival, which is numbered from 1.
    arrived: Vec<(DeviceId, Change)>,
}

impl Log {
    /// Has the user leave a group.
    pub fn leave(&mut self, group: GroupId) {
        if let Some(group) = self.groups.get_mut(&group) {
            group.acceptance = Acceptance::Left;
        }
    }

    fn live(&self, group: GroupId, scope: Scope) -> impl Iterator<Item = &Change> {
        let arrived = self.groups.get(&group).into_iter().flat_map(|group| &group.arrived);
        let changes = arrived.map(|(_, change)| change);
        changes.filter(move |change| scope == Scope::Everything || change.is_of_group())
    }

    fn take(&mut self, source: &Source, change: Change, applied: &mut Applied) -> Result<(), Refusal> {
        if !self.groups.contains_key(&change.group()) && change.is_genesis() {
            let (membership, acceptance) = (Membership::found(&change)?, Acceptance::Invited);
            let group = Group { membership, acceptance, arrived: Vec::new() };
            self.groups.insert(change.group(), group);
            applied.membership_changed = true;
        }
        let Some(Group { membership, acceptance, arrived }) = self.groups.get_mut(&change.group()) else {
            applied.parked += 1;
            return Ok(());
        };
        if arrived.iter().any(|(_, held)| held.hash() == change.hash()) {
            applied.duplicates += 1;
            return Ok(());
        }
        if change.is_membership() && change.author() != membership.owner() {
            return Err(Refusal::NotOwner);
        }
        let taken = acceptance.is_given() && membership.standing(source.user).is_member();
        if !change.is_membership() && !taken {
            applied.untrusted += 1;
            return Ok(());
        }
        let Some(key) = membership.key(change.author()) else {
            applied.parked += 1;
            return Ok(());
        };
        change.verify(key)?;
        let role = membership.role_before(change.author(), change.position());
        if change.is_membership() {
            membership.insert(&change);
            applied.membership_changed = true;
        } else if !change.is_withdrawal() && !role.is_some_and(Role::may_write) {
            applied.parked += 1;
            return Ok(());
        }
        applied.accepted += 1;
        arrived.push((source.device, change));
        Ok(())
    }
}

impl ChangeLog for Log {
    type Error = Infallible;

    fn epoch(&self) -> Result<Epoch, Infallible> {
        Ok([1; 16])
    }

    fn recall(&self, group: GroupId, mark: &Mark) -> Result<Recall, Infallible> {
        Ok(match mark.epoch {
            [1, ..] if mark.seq <= self.head(group)? => Recall::Held,
            [1, ..] => Recall::Never,
            [2, ..] => Recall::Forgotten,
            _ => Recall::Lost,
        })
    }

    fn groups_of(&self, user: UserId) -> Result<Vec<GroupId>, Infallible> {
        let known = |group: &Group| {
            group.acceptance.is_given() && !matches!(group.membership.standing(user), Standing::Never)
        };
        Ok(self.groups.iter().filter(|(_, group)| known(group)).map(|(id, _)| *id).collect())
    }

    fn standing(&self, group: GroupId, user: UserId) -> Result<Standing, Infallible> {
        Ok(self.groups.get(&group).map_or(Standing::Unknown, |group| group.membership.standing(user)))
    }

    fn acceptance(&self, group: GroupId) -> Result<Acceptance, Infallible> {
        Ok(self.groups.get(&group).map_or(Acceptance::Invited, |group| group.acceptance))
    }

    fn accept(&mut self, group: GroupId) -> Result<(), Infallible> {
        self.marks.retain(|(marked, _), _| *marked != group);
        if let Some(group) = self.groups.get_mut(&group) {
            group.acceptance = Acceptance::Accepted;
        }
        Ok(())
    }

    fn invitations(&self, user: UserId) -> Result<usize, Infallible> {
        let invited = |group: &&Group| {
            group.acceptance == Acceptance::Invited && group.membership.standing(user).is_member()
        };
        Ok(self.groups.values().filter(invited).count())
    }

    fn head(&self, group: GroupId) -> Result<u64, Infallible> {
        Ok(self.groups.get(&group).map_or(0, |group| group.arrived.len() as u64))
    }

    fn page(&self, request: &PageRequest) -> Result<Page, Infallible> {
        let mut page = Page { upto: self.head(request.group)?, ..Page::default() };
        let arrived = self.groups.get(&request.group).into_iter().flat_map(|group| &group.arrived);
        let mut room = request.max_bytes;
        for ((device, change), seq) in arrived.zip(1..).filter(|(_, seq)| *seq > request.after) {
            let wanted = change.is_of_group() == (request.kind == PageKind::Group);
            if !wanted || *device == request.except {
                continue;
            }
            if change.bytes().len() > room && !page.changes.is_empty() {
                (page.upto, page.more) = (seq - 1, true);
                break;
            }
            room = room.saturating_sub(change.bytes().len());
            page.changes.push((seq, change.bytes().to_vec()));
        }
        Ok(page)
    }

    fn change(&self, group: GroupId, hash: &ChangeHash, scope: Scope) -> Result<Option<Vec<u8>>, Infallible> {
        let found = self.live(group, scope).find(|change| change.hash() == *hash);
        Ok(found.map(|change| change.bytes().to_vec()))
    }

    fn holds(&self, group: GroupId, hash: &ChangeHash) -> Result<bool, Infallible> {
        Ok(self.change(group, hash, Scope::Everything)?.is_some())
    }

    fn live(&self, group: GroupId, scope: Scope) -> Result<Vec<(u64, ChangeHash)>, Infallible> {
        Ok(Self::live(self, group, scope).map(|change| (change.stamp().micros(), change.hash())).collect())
    }

    fn mark(&self, group: GroupId, device: DeviceId) -> Result<Option<Mark>, Infallible> {
        Ok(self.marks.get(&(group, device)).copied())
    }

    fn set_mark(&mut self, group: GroupId, device: DeviceId, mark: Mark) -> Result<(), Infallible> {
        self.marks.insert((group, device), mark);
        Ok(())
    }

    fn clear_mark(&mut self, group: GroupId, device: DeviceId) -> Result<(), Infallible> {
        self.marks.remove(&(group, device));
        Ok(())
    }

    fn set_clock(&mut self, _: DeviceId, _: i64) -> Result<(), Infallible> {
        Ok(())
    }

    fn holds_back(&self, _: GroupId, _: DeviceId) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn is_early(&self, _: GroupId, _: DeviceId, _: u64) -> Result<bool, Infallible> {
        Ok(false)
    }

    fn note_sent(&mut self, group: GroupId, upto: u64) -> Result<(), Infallible> {
        assert!(upto <= self.head(group)?, "what was never there was sent");
        Ok(())
    }

    fn set_acked(&mut self, group: GroupId, _: DeviceId, seq: u64, _: Option<u64>) -> Result<(), Infallible> {
        assert!(seq <= self.head(group)?, "an acknowledgement of what was never there");
        Ok(())
    }

    fn apply(
        &mut self,
        group: GroupId,
        source: &Source,
        changes: &[&[u8]],
        _: u64,
    ) -> Result<Applied, Infallible> {
        let mut applied = Applied::NOTHING;
        let mut decoded = Vec::new();
        for bytes in changes {
            match Change::decode(bytes) {
                Ok(change) if change.group() != group => applied.refused.push(Refusal::WrongGroup),
                Ok(change) if !change.is_whole() => applied.refused.push(Refusal::Incomplete),
                Ok(change) => decoded.push(change),
                Err(error) => applied.refused.push(error.into()),
            }
        }
        decoded.sort_by_key(|change| (!change.is_genesis(), !change.is_membership(), change.position()));
        for change in decoded {
            if let Err(refusal) = self.take(source, change, &mut applied) {
                applied.refused.push(refusal);
            }
        }
        Ok(applied)
    }
}
