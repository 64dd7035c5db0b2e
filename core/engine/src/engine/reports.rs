//! What can be asked: peers, groups, records and history.

use connectoid_protocol::{connect::Failure, user::UserId};

use super::{Engine, Helpers, commands::CommandResult, pair::Pair};
use crate::{
    api::{Acceptance, GroupInfo, GroupSync, HistoryEntry, MemberInfo, PeerInfo},
    error::Error,
    reads,
    store::{Outcome, StoreError, Version},
};

impl Engine {
    pub(super) fn peers(&self, now: u64) -> Result<Vec<PeerInfo>, StoreError> {
        self.pairs.values().map(|pair| self.peer_info(pair, now)).collect()
    }

    fn peer_info(&self, pair: &Pair, now: u64) -> Result<PeerInfo, StoreError> {
        Ok(PeerInfo {
            nickname: pair.record.nickname.clone(),
            side: pair.record.side,
            state: pair.state(),
            connection: pair.connection(),
            verified: pair.record.verified,
            user: pair.record.peer.map(|peer| peer.user.to_string()),
            alarms: pair.record.alarms,
            problem: pair.record.problem.clone(),
            groups: self.group_syncs(pair, now)?,
        })
    }

    pub(super) fn group_syncs(&self, pair: &Pair, now: u64) -> Result<Vec<GroupSync>, StoreError> {
        let Some(peer) = pair.record.peer else { return Ok(Vec::new()) };
        let (time, mut syncs) = (self.data_time(now), Vec::new());
        for group in self.store.groups()? {
            if !self.are_members(group.id, &peer)? {
                continue;
            }
            let told = self.store.told_acceptance(group.id, peer.source())?;
            let health = self.store.health(group.id, peer.source(), time)?;
            syncs.push(GroupSync {
                id: group.id.to_string(),
                name: group.name,
                acceptance: told.map_or(Acceptance::Accepted, Acceptance::from),
                last_synced_at: health.last_synced_at,
                lacks: health.lacks + health.held_there,
                held: health.held_here,
                held_until: health.held_until,
            });
        }
        Ok(syncs)
    }

    pub(super) fn groups(&self) -> Result<Vec<GroupInfo>, StoreError> {
        let mut infos = Vec::new();
        for group in self.store.groups()? {
            let members = self.store.members(group.id)?.into_iter().map(|member| MemberInfo {
                user: member.user.to_string(),
                role: member.role,
                nickname: self.nickname_of(&member.user),
            });
            infos.push(GroupInfo {
                id: group.id.to_string(),
                name: group.name,
                acceptance: self.store.acceptance(group.id)?.into(),
                bytes: self.store.group_bytes(group.id)?,
                role: self.store.role(group.id, self.own.user)?,
                members: members.collect(),
            });
        }
        Ok(infos)
    }

    /// What this node calls a user.
    pub(super) fn nickname_of(&self, user: &UserId) -> Option<String> {
        if *user == self.own.user {
            return Some("me".to_owned());
        }
        let known = self.pairs.values().find(|pair| pair.record.peer.is_some_and(|peer| peer.user == *user));
        known.map(|pair| pair.record.nickname.clone())
    }

    pub(super) fn history(
        &self,
        group: &str,
        collection: &str,
        id: &str,
    ) -> CommandResult<Vec<HistoryEntry>> {
        let group = reads::known_group(&self.store, group)?;
        let versions = self.store.history(group, collection, id)?;
        Ok(versions.into_iter().map(|version| self.history_entry(version)).collect())
    }

    fn history_entry(&self, version: Version) -> HistoryEntry {
        let (winning, why, kept_until) = match version.outcome {
            Outcome::Winning => (true, None, None),
            Outcome::Lost { by_delete: true, kept_until, .. } => (false, Some("deleted later"), kept_until),
            Outcome::Lost { kept_until, .. } => (false, Some("overwritten by a later write"), kept_until),
        };
        HistoryEntry {
            field: version.field,
            removed: version.value.is_none() && !version.left_out,
            left_out: version.left_out,
            value: version.value.map(|value| value.to_json()),
            author: version.author.to_string(),
            nickname: self.nickname_of(&version.author),
            stamp: version.stamp.micros(),
            winning,
            why: why.map(str::to_owned),
            kept_until,
        }
    }
}

/// What went wrong, and what to do about it.
pub(super) fn advice(failure: Failure, helpers: Helpers) -> Error {
    let error = Error::from(failure);
    let advice = match failure {
        Failure::Unanswered => {
            "the peer's device is offline or its app is not running; the node keeps trying"
        }
        Failure::NoRoute => no_route(helpers),
        Failure::PairLost => {
            "one of both was restored from an old copy, or the peer stopped sharing; unshare and share a new link"
        }
        Failure::Silent => "the peer's app connected but did not speak; it may hang or be of another make",
        Failure::Rtc => "this device has no usable network address, or WebRTC could not start",
        _ => return error,
    };
    Error::new(error.kind, format!("{}: {advice}", error.message))
}

/// What is missing where no packets get through.
fn no_route(helpers: Helpers) -> &'static str {
    match (helpers.stun, helpers.turn) {
        (false, false) => {
            "no packets get through between the two networks, and neither a STUN nor a TURN server is set; set both (`ice_servers`)"
        }
        (true, false) => {
            "no packets get through between the two networks, and no TURN server is set, only STUN; set one (`ice_servers`)"
        }
        (false, true) => {
            "no packets get through between the two networks, and no STUN server is set; set one (`ice_servers`), and check that the TURN server can be reached and takes the credentials"
        }
        (true, true) => {
            "no packets get through between the two networks; check that the STUN and TURN servers can be reached, and that TURN takes the credentials"
        }
    }
}
