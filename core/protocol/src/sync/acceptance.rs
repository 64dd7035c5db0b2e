//! Acceptance: no records of a group are taken before this user takes part in it, and nothing is taken or given once the
//! user has left.
//!
//! Anybody can make anybody a member of a group. So a group that comes by itself is an *invitation*: R pulls what says who
//! its members are, and no records. Opening a link accepts one group, the first that the link's maker announces.

use super::{Acceptance, ChangeLog, Event, Sync, frame::Frame, session::Result};
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
        if known {
            self.tell(Event::LinkGroup(group));
        }
        if acceptance.is_given() {
            return Ok(acceptance);
        }
        if known || acceptance == Acceptance::Left {
            log.accept(group)?;
        }
        Ok(Acceptance::Accepted)
    }

    /// Stops taking and giving anything of a group that this user has left, and says so.
    pub(super) fn leave<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        let Some(directions) = self.groups.get_mut(&group).filter(|known| !known.left) else { return Ok(()) };
        directions.left = true;
        directions.outbound = None;
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
            self.note_acceptance(group, Acceptance::Left);
        }
        self.stop(log, group)
    }

    /// Notes how far the peer takes a group.
    pub(super) fn note_acceptance(&mut self, group: GroupId, acceptance: Acceptance) {
        let said = &mut self.groups.entry(group).or_default().peer_acceptance;
        if said.replace(acceptance) != Some(acceptance) {
            self.tell(Event::Acceptance { group, acceptance });
        }
    }

    /// Ends what is received of a group; others may be compared then.
    fn stop<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        if let Some(inbound) = self.inbound(group) {
            inbound.ignore();
        }
        self.forget_snapshot(group);
        self.compare_next(log)
    }
}
