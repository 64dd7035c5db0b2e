//! What can be asked: peers, groups, records, history, and the doctor.

use connectoid_protocol::{connect::Failure, user::UserId};

use super::{Engine, commands::CommandResult, data::MAX_SKEW, pair::Pair};
use crate::{
    api::{Diagnosis, Finding, GroupInfo, GroupSync, HistoryEntry, MemberInfo, PairState, PeerInfo},
    error::{Error, ErrorKind},
    reads,
    store::{Outcome, StoreError, Version},
};

impl Engine {
    pub(super) fn peers(&self) -> Result<Vec<PeerInfo>, StoreError> {
        self.pairs.values().map(|pair| self.peer_info(pair)).collect()
    }

    fn peer_info(&self, pair: &Pair) -> Result<PeerInfo, StoreError> {
        Ok(PeerInfo {
            nickname: pair.record.nickname.clone(),
            side: pair.record.side,
            state: pair.state(),
            connection: pair.connection(),
            verified: pair.record.verified,
            user: pair.record.peer.map(|peer| peer.user.to_string()),
            alarms: pair.record.alarms,
            problem: pair.record.problem.clone(),
            groups: self.group_syncs(pair)?,
        })
    }

    fn group_syncs(&self, pair: &Pair) -> Result<Vec<GroupSync>, StoreError> {
        let Some(peer) = pair.record.peer else { return Ok(Vec::new()) };
        let mut syncs = Vec::new();
        for group in self.store.groups()?.into_iter().filter(|group| pair.shared.contains(&group.id)) {
            let health = self.store.health(group.id, peer.source())?;
            syncs.push(GroupSync {
                id: group.id.to_string(),
                name: group.name,
                last_synced_at: health.last_synced_at,
                lacks: health.lacks,
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
            value: version.value.map(|value| value.to_json()),
            author: version.author.to_string(),
            nickname: self.nickname_of(&version.author),
            stamp: version.stamp.micros(),
            winning,
            why: why.map(str::to_owned),
            kept_until,
        }
    }

    /// Looks for reasons why a connection does not come about.
    pub(super) fn diagnose(&self, nickname: Option<&str>, _now: u64) -> CommandResult<Diagnosis> {
        let number = nickname.map(|nickname| self.pair_named(nickname)).transpose()?;
        let mut findings = Vec::new();
        findings.extend(self.storage_problem.iter().map(|(problem, _)| finding("storage", problem.clone())));
        for (service, problem) in &self.problems {
            findings.push(finding(service, problem.clone()));
        }
        if let Some(ahead) = self.clock_ahead.filter(|ahead| ahead.abs() > MAX_SKEW) {
            let minutes = ahead / 60_000_000;
            let message =
                format!("this device's clock is {} minutes off the service's; set it", minutes.abs());
            findings.push(finding("clock", Error::new(ErrorKind::ClockSkew, message)));
        }
        for (_, pair) in self.pairs.iter().filter(|(other, _)| number.is_none_or(|number| number == **other))
        {
            findings.extend(pair_finding(pair));
        }
        Ok(Diagnosis { findings, trace: self.trace.lines() })
    }
}

fn pair_finding(pair: &Pair) -> Option<Finding> {
    let nickname = &pair.record.nickname;
    if let Some(kind) = pair.record.refused {
        let message = "this link is not open to this node; unshare the peer and ask for a new link";
        return Some(finding(nickname, Error::new(kind, message)));
    }
    if let Some(problem) = &pair.record.problem {
        return Some(finding(nickname, problem.clone()));
    }
    let waiting = matches!(pair.state(), PairState::Opening | PairState::Invited);
    let message = if pair.state() == PairState::Invited {
        "the link has not been opened yet"
    } else {
        "the person who sent the link has not been online since it was opened"
    };
    waiting.then(|| finding(nickname, Error::new(ErrorKind::Unanswered, message)))
}

/// What went wrong, and what to do about it.
pub(super) fn advice(failure: Failure) -> Error {
    let error = Error::from(failure);
    let advice = match failure {
        Failure::Unanswered => {
            "the peer's device is offline or its app is not running; the node keeps trying"
        }
        Failure::NoRoute => "no packets get through between the two networks; set a TURN server",
        Failure::PairLost => {
            "one of both was restored from an old copy, or the peer stopped sharing; unshare and share a new link"
        }
        Failure::Silent => "the peer's app connected but did not speak; it may hang or be of another make",
        Failure::Rtc => "this device has no usable network address, or WebRTC could not start",
        _ => return error,
    };
    Error::new(error.kind, format!("{}: {advice}", error.message))
}

fn finding(about: &str, error: Error) -> Finding {
    Finding { about: about.to_owned(), kind: error.kind, message: error.message }
}
