//! Acceptance: no records of a group are taken before this user takes part in it, and nothing is taken or given once the
//! user has left.
//!
//! Anybody can make anybody a member of a group. So a group that comes by itself is an *invitation*: R pulls what says who
//! its members are, and no records. Opening a link accepts one group, the first that the link's maker announces.

use super::{
    Acceptance, ChangeLog, Event, MAX_ANNOUNCEMENTS, Misbehaviour, Sync, SyncError, frame::Frame,
    session::Result,
};
use crate::{membership::Standing, user::GroupId};

impl Sync {
    /// Accepts the first group that the peer announces, whichever it is: this user has opened a link of the peer's, and
    /// has not yet been given what it is for ([`Event::LinkGroup`]).
    #[must_use]
    pub fn expecting_group(mut self) -> Self {
        self.expects_group = true;
        self
    }

    /// Announces this group before all others: the peer has opened a link to it.
    #[must_use]
    pub fn with_link_group(mut self, group: Option<GroupId>) -> Self {
        self.link_group = group;
        self
    }

    /// How far a group is taken that the peer announces.
    pub(super) fn acceptance_of<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
    ) -> Result<Acceptance, L> {
        let acceptance = log.acceptance(group)?;
        if !core::mem::take(&mut self.expects_group) {
            return Ok(acceptance);
        }
        let known = log.standing(group, self.me)? != Standing::Unknown;
        let accepted = known && !acceptance.is_given();
        if accepted {
            log.accept(group)?;
        }
        if known {
            self.tell(Event::LinkGroup { group, accepted });
        }
        Ok(if acceptance.is_given() { acceptance } else { Acceptance::Accepted })
    }

    /// Stops taking and giving anything of a group that this user has left, and says so.
    pub(super) fn leave<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        let Some(directions) = self.groups.get_mut(&group).filter(|known| !known.left) else { return Ok(()) };
        directions.left = true;
        directions.outbound = None;
        if let Some(inbound) = &mut directions.inbound {
            inbound.leave();
        }
        self.send(&Frame::Left { group });
        self.stop(log, group)
    }

    /// The peer's user has left the group.
    pub(super) fn on_left<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        // One that was announced and not taken, as there are too many, is no news.
        let Some(directions) = self.groups.get_mut(&group) else { return Ok(()) };
        if let Some(outbound) = &mut directions.outbound {
            outbound.stop();
        }
        if log.standing(group, self.me)? != Standing::Unknown {
            self.note_acceptance(group, Acceptance::Left)?;
        }
        if let Some(inbound) = self.inbound(group) {
            inbound.ignore();
        }
        self.stop(log, group)
    }

    /// Notes how far the peer takes a group. It may change its mind as often as it may announce the group.
    pub(super) fn note_acceptance<E>(
        &mut self,
        group: GroupId,
        acceptance: Acceptance,
    ) -> core::result::Result<(), SyncError<E>> {
        let directions = self.groups.entry(group).or_default();
        if directions.peer_acceptance.replace(acceptance) != Some(acceptance) {
            directions.changes_of_mind += 1;
            if directions.changes_of_mind > 2 * MAX_ANNOUNCEMENTS {
                return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
            }
            self.tell(Event::Acceptance { group, acceptance });
        }
        Ok(())
    }

    /// What was received of a group has ended; others may be compared then.
    fn stop<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        self.forget_snapshot(group);
        self.compare_next(log)
    }
}
