//! The doctor: why things are not as they should be.
//!
//! No finding is a promise: all services answer, everybody who is wanted is there, and everybody has everything, as far
//! as this node can know.

use connectoid_protocol::{
    membership::Role,
    sync::{MAX_INVITATIONS, MAX_PEER_GROUPS},
};

use super::{Engine, commands::CommandResult, pair::Pair};
use crate::{
    api::{Acceptance, Diagnosis, Finding, GroupSync, PairState},
    error::{Error, ErrorKind},
    store::{self, Group, StoreError},
};

impl Engine {
    /// Looks for reasons why a connection does not come about, and for what has not arrived.
    pub(super) fn diagnose(&self, nickname: Option<&str>, now: u64) -> CommandResult<Diagnosis> {
        let number = nickname.map(|nickname| self.pair_named(nickname)).transpose()?;
        let mut findings = Vec::new();
        findings.extend(self.storage_problem.iter().map(|(problem, _)| finding("storage", problem.clone())));
        for (service, problem) in &self.problems {
            findings.push(finding(service, problem.clone()));
        }
        findings.extend(self.own_clock_problem().map(|problem| finding("clock", problem)));
        for (_, pair) in self.pairs.iter().filter(|(other, _)| number.is_none_or(|number| number == **other))
        {
            findings.extend(pair_finding(pair));
            findings.extend(self.lacking(pair, now)?);
            findings.extend(too_many_groups(pair));
            let waiting = self.waiting_problems(pair, now)?.into_iter();
            findings.extend(waiting.map(|problem| finding(&pair.record.nickname, problem)));
        }
        if number.is_none() {
            findings.extend(self.groups_without_owner()?);
            findings.extend(self.full_groups()?);
        }
        // Last: they may answer the next moment.
        findings.extend(self.silent_services(now));
        Ok(Diagnosis { findings, trace: self.trace.lines() })
    }

    /// Services that were asked for an answer at once, and have not given one.
    fn silent_services(&self, now: u64) -> impl Iterator<Item = Finding> {
        self.asked.values().map(move |(service, since)| {
            let seconds = now.saturating_sub(*since) / 1_000_000;
            let message = format!("was asked {seconds} s ago and has not answered yet");
            finding(service, Error::new(ErrorKind::Unanswered, message))
        })
    }

    /// What a peer is not known to have.
    fn lacking(&self, pair: &Pair, now: u64) -> Result<Vec<Finding>, StoreError> {
        let syncs = self.group_syncs(pair, now)?;
        // What waits for its time has arrived, and is told apart.
        let is_lacking = |sync: &GroupSync| sync.lacks > 0 && sync.held_until.is_none();
        let lacking = syncs.iter().filter_map(|sync| {
            let (name, lacks) = (&sync.name, sync.lacks);
            let message = match sync.acceptance {
                Acceptance::Accepted if is_lacking(sync) => {
                    format!("{lacks} change(s) in {name} have not arrived there yet; they go when both apps are online")
                }
                Acceptance::Invited => {
                    format!("has not accepted {name} yet; nothing of it arrives there until then")
                }
                Acceptance::Full => format!(
                    "has no room for more of {name}; {lacks} change(s) have not arrived. They come once {name} may \
                     take more there (setting `group_quota`)"
                ),
                // Who has left lacks nothing.
                Acceptance::Accepted | Acceptance::Left => return None,
            };
            Some(finding(&pair.record.nickname, Error::new(ErrorKind::Unanswered, message)))
        });
        Ok(lacking.collect())
    }

    /// Groups whose records are not received, because there is no room for more.
    fn full_groups(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for group in self.store.groups()? {
            if self.store.acceptance(group.id)? == store::Acceptance::Full {
                let message = "takes as much room as it may (setting `group_quota`); what others write is not received \
                               here. Let it take more, or forget it; what is deleted makes room after 30 days";
                findings.push(finding(&group.name, Error::new(ErrorKind::StorageUnavailable, message)));
            }
        }
        Ok(findings)
    }

    /// Groups in which members exchange changes by way of an owner who is away.
    fn groups_without_owner(&self) -> Result<Vec<Finding>, StoreError> {
        let mut findings = Vec::new();
        for group in self.store.groups()?.iter().filter(|group| group.owner != self.own.user) {
            if !self.store.acceptance(group.id)?.is_given() {
                continue;
            }
            let cut_off = self.cut_off_in(group)?;
            if cut_off > 0 && self.is_owner_away(group) {
                let owner = self.nickname_of(&group.owner).unwrap_or_else(|| "its owner".to_owned());
                let message = format!(
                    "{cut_off} other member(s) and this user exchange changes by way of {owner}, who is not online; \
                     what is written meanwhile arrives when {owner} is back"
                );
                findings.push(finding(&group.name, Error::new(ErrorKind::Unanswered, message)));
            }
        }
        Ok(findings)
    }

    /// How many members with something to exchange with this user can do so through the owner only.
    fn cut_off_in(&self, group: &Group) -> Result<usize, StoreError> {
        let members = self.store.members(group.id)?;
        let writes = |role| role == Role::Writer;
        let Some(own) = members.iter().find(|member| member.user == self.own.user) else { return Ok(0) };
        let others = members.iter().filter(|member| {
            let is_other = member.user != self.own.user && member.user != group.owner;
            is_other && (writes(own.role) || writes(member.role)) && self.nickname_of(&member.user).is_none()
        });
        Ok(others.count())
    }

    /// Whether the owner is wanted and not there, or is nobody whom this user could reach.
    fn is_owner_away(&self, group: &Group) -> bool {
        let is_owner = |pair: &&Pair| pair.record.peer.is_some_and(|peer| peer.user == group.owner);
        let is_away = |pair: &Pair| {
            !pair.connector.is_live() && (pair.connector.is_wanted() || pair.record.problem.is_some())
        };
        self.pairs.values().find(is_owner).is_none_or(is_away)
    }
}

/// Groups that a peer has made this user a member of, and that are not taken.
fn too_many_groups(pair: &Pair) -> Option<Finding> {
    let (nickname, count) = (&pair.record.nickname, pair.not_taken);
    let message = format!(
        "{nickname} has made you a member of {count} group(s) more than this device takes from one person: \
         {MAX_PEER_GROUPS}, of which {MAX_INVITATIONS} may wait for an answer; they are not kept here. Answer invitations, \
         or leave groups"
    );
    (count > 0).then(|| finding(nickname, Error::usage(message)))
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
    let is_called = pair.connector.is_wanted() && !pair.connector.is_live();
    let message = match pair.state() {
        PairState::Invited => "the link has not been opened yet",
        PairState::Opening => "the person who sent the link has not been online since it was opened",
        _ if is_called => "is being called and has not answered yet; the app there may not be running",
        _ => return None,
    };
    Some(finding(nickname, Error::new(ErrorKind::Unanswered, message)))
}

fn finding(about: &str, error: Error) -> Finding {
    Finding { about: about.to_owned(), kind: error.kind, message: error.message }
}
