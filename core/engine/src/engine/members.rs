//! Who is in a group, as far as this user decides it.

use connectoid_protocol::{
    handshake::Identity,
    membership::Role,
    sync::MAX_PEER_GROUPS,
    user::{GroupId, UserPublic},
};

use super::{Engine, commands::CommandResult};
use crate::{
    error::{Error, ErrorKind},
    reads,
    store::{Acceptance, StoreError},
};

impl Engine {
    /// The creator of a link makes its opener a member of the group, when they first meet.
    pub(super) fn give_grant(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let (Some(grant), Some(peer)) = (pair.record.grant.take(), pair.record.peer) else { return Ok(()) };
        if self.store.role(grant.group, peer.user)?.is_none() {
            match self.admit(grant.group, &peer, grant.role, now) {
                Ok(()) => {}
                Err(
                    StoreError::UnknownGroup(_)
                    | StoreError::NotPermitted { .. }
                    | StoreError::NotAMember
                    | StoreError::OwnerIsFixed,
                ) => {
                    self.trace.add(now, &format!("pair {number}: the group cannot be shared any more"));
                }
                Err(error) => return Err(error),
            }
        }
        self.save_pair(number)?;
        self.on_members_changed(grant.group, now)?;
        self.on_group_changed(grant.group, Some(number), now)
    }

    /// Makes a peer that was met a member of a group, or gives it another role there.
    pub(super) fn add_member(
        &mut self,
        nickname: &str,
        group: &str,
        role: Role,
        now: u64,
    ) -> CommandResult<()> {
        let (group, peer) = self.group_and_peer(nickname, group)?;
        if role == Role::Owner {
            return Err(Error::usage("a group has one owner; members are writers or readers").into());
        }
        if self.store.role(group, peer.user)? == Some(role) {
            return Ok(());
        }
        let number = self.pair_named(nickname)?;
        let shared = self.pairs.get(&number).map_or(0, |pair| pair.shared.len());
        if shared + self.store.not_taken_by(peer.source())? >= MAX_PEER_GROUPS {
            let message = format!(
                "{nickname} and you share {MAX_PEER_GROUPS} groups already, which is as many as {nickname}'s device takes \
                 from one person; end the membership in one of them first, or use one group for more"
            );
            return Err(Error::usage(message).into());
        }
        self.admit(group, &peer, role, now)?;
        self.tell_members(group, now)
    }

    /// Ends the membership of a peer. What it has of the group stays there.
    pub(super) fn remove_member(&mut self, nickname: &str, group: &str, now: u64) -> CommandResult<()> {
        let (group, peer) = self.group_and_peer(nickname, group)?;
        if self.store.role(group, peer.user)?.is_none() {
            return Err(Error::usage(format!("{nickname} is no member of the group")).into());
        }
        let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
        self.store.remove_member(group, &author, peer.user, time, &mut self.rng)?;
        self.tell_members(group, now)?;
        // Who has not accepted, or has no room, is called for nothing else.
        let number = self.pair_named(nickname)?;
        self.want_peer(number, now);
        Ok(())
    }

    /// Everybody hears of it, the one concerned too, and those who take nothing else of the group.
    fn tell_members(&mut self, group: GroupId, now: u64) -> CommandResult<()> {
        // Before and after: who leaves is told while it still counts as sharing the group.
        self.on_group_changed(group, None, now)?;
        self.on_members_changed(group, now)?;
        for (number, peer) in self.peers_in(group)? {
            if self.store.told_acceptance(group, peer.source())? != Some(Acceptance::Left) {
                self.want_peer(number, now);
            }
        }
        Ok(self.on_group_changed(group, None, now)?)
    }

    fn group_and_peer(&self, nickname: &str, group: &str) -> CommandResult<(GroupId, Identity)> {
        let group = reads::known_group(&self.store, group)?;
        let number = self.pair_named(nickname)?;
        let peer = self.pairs.get(&number).and_then(|pair| pair.record.peer);
        let unmet = || Error::usage(format!("{nickname} has not been met yet; a link brings its own group"));
        if self.store.role(group, self.own.user)? != Some(Role::Owner) {
            return Err(
                Error::new(ErrorKind::NotPermitted, "only a group's owner changes its members").into()
            );
        }
        Ok((group, peer.ok_or_else(unmet)?))
    }

    fn admit(&mut self, group: GroupId, peer: &Identity, role: Role, now: u64) -> Result<(), StoreError> {
        let Ok(key) = UserPublic::from_bytes(&peer.key) else { return Ok(()) };
        let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
        self.store
            .savepoint(|store| store.add_member(group, &author, &key, role, time, &mut self.rng))
            .map(|_| ())
    }
}
