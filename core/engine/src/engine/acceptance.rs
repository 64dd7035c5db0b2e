//! What this user says to being in groups, and what peers say.
//!
//! Who puts the user into a group decides nothing but that: the user accepts the invitation, or leaves. What a link is
//! for needs no further word, as opening it was one.

use connectoid_protocol::{handshake::Identity, sync::Acceptance, user::GroupId};

use super::{Engine, commands::CommandResult, names};
use crate::{
    api::EventKind,
    error::{Error, ErrorKind},
    reads,
    store::{Group, StoreError},
};

impl Engine {
    /// Takes part in a group from now on: after an invitation, or again.
    pub(super) fn accept_invitation(&mut self, group: &str, now: u64) -> CommandResult<()> {
        let group = self.group_or_invitation(group)?;
        if self.store.acceptance(group.id)?.is_given() {
            return Ok(());
        }
        if self.store.role(group.id, self.own.user)?.is_none() {
            let message = "this user is no member of the group any more; ask its owner";
            return Err(Error::new(ErrorKind::NotPermitted, message).into());
        }
        self.store.accept(group.id)?;
        Ok(self.on_accepted(group, now)?)
    }

    /// This user takes part in a group that was known: everybody who is in it has to hear of it.
    fn on_accepted(&mut self, group: Group, now: u64) -> Result<(), StoreError> {
        self.tell(EventKind::Joined { group: group.id.to_string(), name: group.name }, now);
        self.on_members_changed(group.id, now)?;
        self.take_again(group.id, now)
    }

    /// What is in a group is to be had from those who are in it.
    pub(super) fn take_again(&mut self, group: GroupId, now: u64) -> Result<(), StoreError> {
        for (_, peer) in self.peers_in(group)? {
            let told = self.store.told_acceptance(group, peer.source())?;
            if !matches!(told, Some(Acceptance::Invited | Acceptance::Left)) {
                self.store.note_unsaid(group, peer.source())?;
            }
        }
        self.on_group_changed(group, None, now)
    }

    /// The group of the link that this user has opened is there.
    pub(super) fn on_link_group(
        &mut self,
        number: u64,
        group: GroupId,
        accepted: bool,
        now: u64,
    ) -> Result<(), StoreError> {
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.record.expects_group = false;
        }
        self.save_pair(number)?;
        match self.store.group(group)?.filter(|_| accepted) {
            Some(group) => self.on_accepted(group, now),
            None => Ok(()),
        }
    }

    /// Takes no part in a group any more, or does not accept an invitation. What is here stays.
    pub(super) fn leave_group(&mut self, group: &str, now: u64) -> CommandResult<()> {
        let group = self.group_or_invitation(group)?;
        if group.owner == self.own.user {
            let message = "a group cannot be without its owner: remove its members, and forget it";
            return Err(Error::new(ErrorKind::NotPermitted, message).into());
        }
        self.store.leave(group.id)?;
        Ok(self.on_left(group.id, now)?)
    }

    /// Leaves a group and deletes what is here of it.
    pub(super) fn forget_group(&mut self, group: &str, now: u64) -> CommandResult<()> {
        let group = self.group_or_invitation(group)?;
        if group.owner == self.own.user && self.store.members(group.id)?.len() > 1 {
            let message = "a group cannot be without its owner: remove its other members first";
            return Err(Error::new(ErrorKind::NotPermitted, message).into());
        }
        self.store.forget(group.id)?;
        self.next_housekeeping = now;
        Ok(self.on_left(group.id, now)?)
    }

    fn on_left(&mut self, group: GroupId, now: u64) -> Result<(), StoreError> {
        self.on_members_changed(group, now)?;
        self.refresh_sessions(group, None, now)
    }

    /// A group by its id or name; and one that the user is invited to also by its name, if only one has it, or by
    /// `nickname/name` of its owner.
    fn group_or_invitation(&self, text: &str) -> CommandResult<Group> {
        if let Some(found) = self.find_group(text)?
            && let Some(group) = self.store.group(found)?
        {
            return Ok(group);
        }
        let name = names::normal(text);
        let mut named = Vec::new();
        for group in self.store.groups()? {
            let by_owner = || Some(format!("{}/{}", self.nickname_of(&group.owner)?, group.name));
            let is_named = group.name == name || by_owner().is_some_and(|by_owner| by_owner == name);
            if is_named && self.store.acceptance(group.id)? == Acceptance::Invited {
                named.push(group);
            }
        }
        match (named.pop(), named.is_empty()) {
            (Some(group), true) => Ok(group),
            (Some(_), false) => {
                let message = format!("several invitations are called {name}; name one by its id");
                Err(Error::usage(message).into())
            }
            (None, _) => Err(reads::no_such_group(text).into()),
        }
    }

    /// Whether a peer's device and this one exchange what is in a group: both users are members and take part.
    ///
    /// A group that this user was removed from is shared with nobody: what it lacks there it will never get.
    pub(super) fn is_shared(&self, group: GroupId, peer: &Identity) -> Result<bool, StoreError> {
        let told = |acceptance| matches!(acceptance, None | Some(Acceptance::Accepted));
        Ok(self.are_members(group, peer)? && told(self.store.told_acceptance(group, peer.source())?))
    }

    /// The pairs whose peers are members of a group that this user takes part in.
    pub(super) fn peers_in(&self, group: GroupId) -> Result<Vec<(u64, Identity)>, StoreError> {
        let mut peers = Vec::new();
        for (number, pair) in &self.pairs {
            if let Some(peer) = pair.record.peer
                && self.are_members(group, &peer)?
            {
                peers.push((*number, peer));
            }
        }
        Ok(peers)
    }

    /// Whether a peer is a member of a group that this user takes part in.
    pub(super) fn are_members(&self, group: GroupId, peer: &Identity) -> Result<bool, StoreError> {
        let is_member = |user| Ok::<_, StoreError>(self.store.role(group, user)?.is_some());
        Ok(self.store.acceptance(group)?.is_given() && is_member(self.own.user)? && is_member(peer.user)?)
    }

    /// A peer has told how far its device takes a group.
    pub(super) fn on_peer_acceptance(
        &mut self,
        number: u64,
        group: GroupId,
        acceptance: Acceptance,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let (Some(peer), nickname) = (pair.record.peer, pair.record.nickname.clone()) else { return Ok(()) };
        let device = peer.source();
        if !self.store.has_group(group)? {
            // Forgotten in the same step.
            return Ok(());
        }
        let before = self.store.told_acceptance(group, device)?;
        if before == Some(acceptance) {
            return Ok(());
        }
        self.store.set_told_acceptance(group, device, acceptance)?;
        self.find_shared(&[number])?;
        // That it takes everything is what was thought.
        if (before, acceptance) != (None, Acceptance::Accepted) {
            self.tell(
                EventKind::Acceptance { nickname, group: group.to_string(), acceptance: acceptance.into() },
                now,
            );
        }
        Ok(())
    }

    /// This user has come to be a member of a group: of its own will, or invited.
    pub(super) fn on_joined(&mut self, number: u64, group: GroupId, now: u64) -> Result<(), StoreError> {
        let Some(known) = self.store.group(group)? else { return Ok(()) };
        let (id, name) = (group.to_string(), known.name);
        let kind = if self.store.acceptance(group)?.is_given() {
            EventKind::Joined { group: id, name }
        } else {
            EventKind::Invited { group: id, name, nickname: self.nickname_of(&known.owner) }
        };
        self.tell(kind, now);
        self.on_members_changed(group, now)?;
        self.on_group_changed(group, Some(number), now)
    }

    /// A group's room is getting scarce.
    pub(super) fn tell_room(&mut self, group: GroupId, now: u64) -> Result<(), StoreError> {
        let full = self.store.acceptance(group)? == Acceptance::Full;
        let (bytes, quota) = (self.store.group_bytes(group)?, self.config.group_quota);
        self.tell(EventKind::GroupRoom { group: group.to_string(), bytes, quota, full }, now);
        Ok(())
    }
}
