//! The receiving side (R) of one group.

use super::{
    Acceptance, ChangeLog, Epoch, Event, HELD_OVERHEAD, MAX_ANNOUNCEMENTS, MAX_INVITATIONS, MAX_JOINING,
    MAX_JOINING_IN_ALL, MAX_PEER_GROUPS, MAX_ROUNDS, MAX_WANT, Mark, Misbehaviour, Refusal, Scope, Sync,
    SyncError, frame::Frame, session::Result,
};
use crate::{
    change::{Change, ChangeHash},
    membership::{Membership, Standing},
    user::{GroupId, UserId},
};

/// What R knows of one group's sender.
#[derive(Debug)]
pub(super) struct Inbound {
    epoch: Epoch,
    /// The sender's last arrival when it announced the group.
    head: u64,
    stage: Stage,
    /// How far the group is taken, as the sender was told: records only if it is accepted.
    acceptance: Acceptance,
    /// Everything that the sender had up to this arrival is stored here.
    position: u64,
    /// Whether changes were not stored, so that nothing after them counts as complete,
    missed: bool,
    /// in particular because their sender was no member.
    distrusted: bool,
}

/// What R is waiting for.
#[derive(Debug)]
enum Stage {
    /// The group is not known here: for the end of its membership changes, to see whether we are in it.
    Joining { held: Vec<Vec<u8>>, cost: usize },
    /// Nothing any more: we are not in it.
    Ignoring,
    /// Its turn to compare.
    Waiting,
    /// The answer to a comparison.
    Comparing { rounds: u32, lacking: Vec<ChangeHash> },
    /// The changes that were found lacking.
    Wanting { lacking: Vec<ChangeHash> },
    /// Changes as they arrive there.
    Pulling,
}

impl Inbound {
    pub(super) fn is_caught_up(&self) -> bool {
        self.acceptance == Acceptance::Accepted && self.is_settled()
    }

    /// Whether nothing more is expected for now; of a group that is full, no records are.
    pub(super) fn is_settled(&self) -> bool {
        let passed_over = self.acceptance == Acceptance::Full;
        matches!(self.stage, Stage::Pulling) && (passed_over || self.position >= self.head)
    }

    /// The user has left.
    pub(super) fn leave(&mut self) {
        (self.stage, self.acceptance) = (Stage::Ignoring, Acceptance::Left);
    }

    pub(super) fn ignore(&mut self) {
        self.stage = Stage::Ignoring;
    }

    pub(super) fn is_comparing(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Comparing { .. })
    }
}

impl Sync {
    pub(super) fn on_have<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        epoch: Epoch,
        head: u64,
    ) -> Result<(), L> {
        let unknown = log.standing(group, self.me)? == Standing::Unknown;
        let stranger = log.standing(group, self.peer.user)? == Standing::Never;
        let mut acceptance = if stranger { Acceptance::Invited } else { self.acceptance_of(log, group)? };
        let left = acceptance == Acceptance::Left;
        if unknown && !left && !self.groups.contains_key(&group) && self.is_too_many(log, acceptance)? {
            self.tell(Event::TooMany(group));
            self.send(&Frame::Left { group });
            return Ok(());
        }
        if unknown && left {
            // As if the group were not known: whether it is, is no business of a stranger's. One who is a member by a change
            // that has not come here yet brings that first; and one who brings what was forgotten, what it knows of it.
            acceptance = Acceptance::Invited;
        }
        let stage = if unknown { Stage::Joining { held: Vec::new(), cost: 0 } } else { Stage::Waiting };
        let inbound =
            Inbound { epoch, head, stage, acceptance, position: 0, missed: false, distrusted: false };
        let directions = self.groups.entry(group).or_default();
        directions.announcements += 1;
        if directions.announcements > MAX_ANNOUNCEMENTS {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        directions.inbound = Some(inbound);
        directions.left = false;
        if directions.peer_acceptance == Some(Acceptance::Left) {
            directions.peer_acceptance = None;
        }
        if unknown {
            self.send(&Frame::Pull { group, epoch, from: 0, acceptance });
            return Ok(());
        }
        if stranger {
            self.pull(group, 0);
            return Ok(());
        }
        if left {
            return self.leave(log, group);
        }
        self.catch_up(log, group)
    }

    /// Asks again for what had been sent while its sender was not trusted, and for all once the user has accepted.
    pub(super) fn refresh_inbound<L: ChangeLog>(
        &mut self,
        log: &L,
        group: GroupId,
        standing: Standing,
        acceptance: Acceptance,
    ) -> Result<(), L> {
        if self.groups.get(&group).is_some_and(|known| known.peer_acceptance == Some(Acceptance::Left)) {
            // It gives nothing until it announces the group again.
            return Ok(());
        }
        let Some(inbound) = self.inbound(group) else { return Ok(()) };
        let accepted = acceptance == Acceptance::Accepted && inbound.acceptance != Acceptance::Accepted;
        if accepted || (inbound.distrusted && standing.is_member()) {
            (inbound.missed, inbound.distrusted) = (false, false);
            inbound.acceptance = acceptance;
            self.catch_up(log, group)?;
        }
        Ok(())
    }

    pub(super) fn on_compared<L: ChangeLog>(
        &mut self,
        log: &L,
        group: GroupId,
        answer: &[u8],
    ) -> Result<(), L> {
        // An answer that comes late, to a comparison since begun anew, is no news.
        let Some(Stage::Comparing { rounds, lacking }) = self.stage(group) else { return Ok(()) };
        let (rounds, mut lacking) = (*rounds, core::mem::take(lacking));
        let scope = self.common_scope(log, group)?;
        let compared = self.snapshot_of(log, group, scope, 0)?.go_on(answer)?;
        for hash in compared.lacking {
            if !log.holds(group, &hash)? {
                lacking.push(hash);
            }
        }
        match compared.next {
            Some(_) if rounds >= MAX_ROUNDS => self.pull(group, 0),
            Some(message) => {
                self.set_stage(group, Stage::Comparing { rounds: rounds + 1, lacking });
                self.send(&Frame::Compare { group, message });
                return Ok(());
            }
            None => self.want_next(group, lacking),
        }
        self.forget_snapshot(group);
        self.compare_next(log)
    }

    /// The sender does not remember what our mark says it had: compare.
    pub(super) fn on_stale<L: ChangeLog>(&mut self, log: &mut L, group: GroupId) -> Result<(), L> {
        if self.stage(group).is_none() {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        let pulling = matches!(self.stage(group), Some(Stage::Pulling));
        if pulling && log.mark(group, self.peer.device)?.is_none() {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        self.compare_anew(log, group)
    }

    /// Gives up the mark, since what it says is in doubt, and compares as soon as may be.
    pub(super) fn compare_anew<L: ChangeLog>(&mut self, log: &mut L, group: GroupId) -> Result<(), L> {
        log.clear_mark(group, self.peer.device)?;
        match self.stage(group) {
            Some(Stage::Pulling) => self.catch_up(log, group),
            _ => Ok(()),
        }
    }

    pub(super) fn on_sent(&mut self, group: GroupId) {
        let Some(Stage::Wanting { lacking }) = self.stage(group) else { return };
        let lacking = core::mem::take(lacking);
        self.want_next(group, lacking);
    }

    pub(super) fn on_changes<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        span: Option<(u64, u64)>,
        changes: Vec<Vec<u8>>,
        now: u64,
    ) -> Result<(), L> {
        let inbound = self.inbound(group).ok_or(SyncError::Peer(Misbehaviour::OutOfTurn))?;
        match &mut inbound.stage {
            Stage::Joining { held, cost } => {
                if span.is_none() {
                    let more: usize = changes.iter().map(|change| change.len() + HELD_OVERHEAD).sum();
                    held.extend(changes);
                    *cost += more;
                    if *cost > MAX_JOINING || self.joining_cost() > MAX_JOINING_IN_ALL {
                        self.set_stage(group, Stage::Ignoring);
                    }
                    self.send(&Frame::Ack { group, upto: None });
                    return Ok(());
                }
                let held = core::mem::take(held);
                self.join(log, group, &held, now)?;
            }
            Stage::Ignoring => {}
            _ => return self.store(log, group, span, &changes, now),
        }
        if self.inbound(group).is_some_and(|inbound| matches!(inbound.stage, Stage::Pulling)) {
            return self.store(log, group, span, &changes, now);
        }
        self.send(&Frame::Ack { group, upto: None });
        Ok(())
    }

    /// Stores changes and acknowledges them, as far as everything before them is stored too.
    fn store<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        span: Option<(u64, u64)>,
        changes: &[Vec<u8>],
        now: u64,
    ) -> Result<(), L> {
        let applied = self.apply(log, group, changes, now)?;
        let Some(inbound) = self.inbound(group) else { return Ok(()) };
        inbound.missed |= !applied.is_complete();
        inbound.distrusted |= applied.untrusted > 0;
        let accepted = inbound.acceptance == Acceptance::Accepted;
        // What is under way of a former stream says nothing while the sets are compared.
        let counts = accepted && matches!(inbound.stage, Stage::Pulling) && !inbound.missed;
        let upto = span.filter(|(from, _)| counts && *from <= inbound.position);
        if let Some((_, upto)) = upto {
            inbound.position = inbound.position.max(upto);
            self.remember_mark(log, group)?;
        }
        self.send(&Frame::Ack { group, upto: upto.map(|(_, upto)| upto) });
        if accepted && applied.overflowed {
            self.stop_if_full(log, group)?;
        }
        Ok(())
    }

    /// Has no more records sent if there is no room for them.
    fn stop_if_full<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        let acceptance = log.acceptance(group)?;
        let Some(inbound) = self.inbound(group).filter(|_| acceptance == Acceptance::Full) else {
            return Ok(());
        };
        inbound.acceptance = acceptance;
        self.tell(Event::Room(group));
        self.catch_up(log, group)
    }

    /// Joins a group if its membership changes make this user a member.
    fn join<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        held: &[Vec<u8>],
        now: u64,
    ) -> Result<(), L> {
        let welcome = are_members(group, held, [self.me, self.peer.user])
            .map_err(|refusal| SyncError::Peer(Misbehaviour::FalseChange(refusal)))?;
        // Another session may have brought the group in the meantime.
        let known = log.standing(group, self.me)? != Standing::Unknown;
        let of_link = self.inbound(group).is_some_and(|inbound| inbound.acceptance.is_given());
        if !known && log.acceptance(group)? == Acceptance::Left {
            if welcome && of_link {
                log.accept(group)?;
            } else {
                self.set_stage(group, Stage::Ignoring);
                return if welcome { self.leave(log, group) } else { Ok(()) };
            }
        }
        self.set_stage(group, if welcome || known { Stage::Pulling } else { Stage::Ignoring });
        if welcome {
            self.apply(log, group, held, now)?;
        }
        if welcome && !known && of_link {
            log.accept(group)?;
            self.tell(Event::LinkGroup { group, accepted: false });
        }
        self.refresh(log, group)
    }

    /// Pulls from where we are, or compares if that is not known.
    fn catch_up<L: ChangeLog>(&mut self, log: &L, group: GroupId) -> Result<(), L> {
        let mark = log.mark(group, self.peer.device)?;
        let Some(inbound) = self.inbound(group) else { return Ok(()) };
        match mark {
            None if inbound.acceptance != Acceptance::Accepted => {
                self.pull(group, 0);
                Ok(())
            }
            // Whether a mark of an earlier life is still good, only the sender knows.
            Some(mark) if mark.epoch != inbound.epoch || mark.seq <= inbound.head => {
                self.pull_from(group, mark);
                Ok(())
            }
            _ => {
                inbound.position = 0;
                inbound.stage = Stage::Waiting;
                self.compare_next(log)
            }
        }
    }

    /// Begins to compare the next group that waits for it, unless one is being compared.
    pub(super) fn compare_next<L: ChangeLog>(&mut self, log: &L) -> Result<(), L> {
        let mut waiting = None;
        for (group, known) in &self.groups {
            match known.inbound.as_ref().map(|inbound| &inbound.stage) {
                Some(Stage::Comparing { .. }) => return Ok(()),
                Some(Stage::Waiting) => waiting = waiting.or(Some(*group)),
                _ => {}
            }
        }
        let Some(group) = waiting else { return Ok(()) };
        let scope = self.common_scope(log, group)?;
        let message = self.snapshot_of(log, group, scope, 0)?.begin()?;
        self.set_stage(group, Stage::Comparing { rounds: 1, lacking: Vec::new() });
        self.send(&Frame::Compare { group, message });
        Ok(())
    }

    /// Asks for the next changes that are lacking, or, if there are none, for all further arrivals.
    fn want_next(&mut self, group: GroupId, mut lacking: Vec<ChangeHash>) {
        if lacking.is_empty() {
            let head = self.inbound(group).map_or(0, |inbound| inbound.head);
            self.pull(group, head);
            return;
        }
        let hashes = lacking.split_off(lacking.len().saturating_sub(MAX_WANT));
        self.set_stage(group, Stage::Wanting { lacking });
        self.send(&Frame::Want { group, hashes });
    }

    /// Asks for everything after an arrival in the sender's current life.
    fn pull(&mut self, group: GroupId, from: u64) {
        if let Some(inbound) = self.inbound(group) {
            let mark = Mark { epoch: inbound.epoch, seq: from };
            self.pull_from(group, mark);
        }
    }

    /// Asks for everything after a mark, before which nothing is lacking unless something was missed.
    fn pull_from(&mut self, group: GroupId, mark: Mark) {
        let Some(inbound) = self.inbound(group) else { return };
        inbound.stage = Stage::Pulling;
        inbound.position = if inbound.missed { 0 } else { mark.seq };
        let acceptance = inbound.acceptance;
        self.send(&Frame::Pull { group, epoch: mark.epoch, from: mark.seq, acceptance });
    }

    fn remember_mark<L: ChangeLog>(&mut self, log: &mut L, group: GroupId) -> Result<(), L> {
        let device = self.peer.device;
        let Some(inbound) = self.inbound(group) else { return Ok(()) };
        if matches!(inbound.stage, Stage::Pulling) && !inbound.missed {
            log.set_mark(group, device, Mark { epoch: inbound.epoch, seq: inbound.position })?;
        }
        Ok(())
    }

    /// What is compared: what the peer will show of a group in which we stand as we do, and what it may see. A comparison
    /// shows when everything was written.
    fn common_scope<L: ChangeLog>(&self, log: &L, group: GroupId) -> Result<Scope, L> {
        let both =
            log.standing(group, self.me)?.is_member() && log.standing(group, self.peer.user)?.is_member();
        Ok(if both { Scope::Everything } else { Scope::Group })
    }

    fn stage(&mut self, group: GroupId) -> Option<&mut Stage> {
        self.inbound(group).map(|inbound| &mut inbound.stage)
    }

    fn set_stage(&mut self, group: GroupId, stage: Stage) {
        if let Some(inbound) = self.inbound(group) {
            inbound.stage = stage;
        }
    }

    /// What is held for groups of which it is not known yet whether they make this user a member.
    fn joining_cost(&self) -> usize {
        let cost = |inbound: &Inbound| if let Stage::Joining { cost, .. } = inbound.stage { cost } else { 0 };
        self.groups.values().filter_map(|known| known.inbound.as_ref()).map(cost).sum()
    }

    /// Whether more groups are shared with the peer than are taken, or to be answered, those counted that may soon be.
    fn is_too_many<L: ChangeLog>(&self, log: &L, acceptance: Acceptance) -> Result<bool, L> {
        let new = |inbound: &Inbound| matches!(inbound.stage, Stage::Joining { .. } | Stage::Ignoring);
        let mut invitations = log.invitations(self.peer.user)?;
        for (group, known) in &self.groups {
            let is_new = known.peer_acceptance.is_none() && known.inbound.as_ref().is_some_and(new);
            invitations += usize::from(is_new && log.acceptance(*group)? != Acceptance::Left);
        }
        let shared = log.groups_of(self.peer.user)?.len() + invitations;
        Ok(shared >= MAX_PEER_GROUPS || (!acceptance.is_given() && invitations >= MAX_INVITATIONS))
    }
}

/// Whether these membership changes, if they are what they claim to be, make all these users members.
fn are_members(
    group: GroupId,
    changes: &[Vec<u8>],
    users: [UserId; 2],
) -> core::result::Result<bool, Refusal> {
    let changes =
        changes.iter().map(|bytes| Change::decode(bytes)).collect::<core::result::Result<Vec<_>, _>>()?;
    let Some(genesis) = changes.iter().find(|change| change.is_genesis()) else { return Ok(false) };
    let mut membership = Membership::found(genesis)?;
    // Of withdrawals, only those by the owner concern the membership.
    let of_owner = |change: &&Change| !change.is_withdrawal() || change.author() == membership.owner();
    let genuine: Vec<&Change> = changes.iter().filter(of_owner).collect();
    genuine.iter().try_for_each(|change| change.verify(membership.owner_key()))?;
    for change in &genuine {
        if !genuine.iter().any(|other| other.withdraws(change)) {
            membership.insert(change);
        }
    }
    if membership.group() != group || changes.iter().any(|change| change.group() != group) {
        return Err(Refusal::WrongGroup);
    }
    Ok(users.into_iter().all(|user| membership.role(user).is_some()))
}

#[cfg(test)]
mod tests;
