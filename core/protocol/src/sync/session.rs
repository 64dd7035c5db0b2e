//! One session with one device of a peer: takes frames apart and hands them to the two directions.

use std::collections::{BTreeMap, VecDeque};

use super::{
    Acceptance, Applied, ChangeLog, Event, MAX_CLOCKS, Mark, Misbehaviour, Output, Source, SyncError,
    frame::Frame, inbound::Inbound, outbound::Outbound, reconcile::Snapshot,
};
use crate::{
    membership::Standing,
    stamp::Stamp,
    user::{DeviceId, GroupId, UserId},
};

pub(super) type Result<T, L> = core::result::Result<T, SyncError<<L as ChangeLog>::Error>>;

/// A session of sync with one device of a peer: both directions, all groups.
#[derive(Debug)]
pub struct Sync {
    pub(super) me: UserId,
    pub(super) peer: Source,
    pub(super) groups: BTreeMap<GroupId, Directions>,
    /// Frames of changes that the peer has not acknowledged, oldest first,
    pub(super) in_flight: VecDeque<InFlight>,
    /// and how long they are together.
    pub(super) bytes_in_flight: usize,
    /// The set that is being compared: there is one at a time, as it is as large as the group.
    pub(super) snapshot: Option<Snapshot>,
    /// Whether the next group that is announced is that of a link which this user has opened.
    pub(super) expects_group: bool,
    /// The group of the link that the peer has opened.
    pub(super) link_group: Option<GroupId>,
    /// How far the peer's clock is ahead of this one's, in microseconds, as far as it has told.
    peer_ahead: Option<i64>,
    /// How often the peer has been told the time and has not said its own in return.
    clocks_awaited: u32,
    /// How often the peer has told the time.
    clocks_heard: u32,
    outputs: VecDeque<Output>,
}

/// What a session knows of one group.
#[derive(Debug, Default)]
pub(super) struct Directions {
    pub(super) inbound: Option<Inbound>,
    pub(super) outbound: Option<Outbound>,
    /// How often the peer has announced the group.
    pub(super) announcements: u32,
    /// How often a mark of the peer's turned out to be stale.
    pub(super) stale_marks: u32,
    /// Whether this user has left the group, and the peer has been told so.
    pub(super) left: bool,
    /// How far the peer takes the group, as far as it has told.
    pub(super) peer_acceptance: Option<Acceptance>,
    /// How often it has told something else than before.
    pub(super) changes_of_mind: u32,
    /// Whether both sides hold the same, and the app has been told so.
    synced: bool,
}

/// A frame of changes that waits for its acknowledgement.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) group: GroupId,
    pub(super) upto: Option<u64>,
    pub(super) bytes: usize,
}

impl Sync {
    /// A session between a device of `me` and the device `peer_device` of `peer`, both of which have
    /// been authenticated.
    pub fn new(me: UserId, peer: UserId, peer_device: DeviceId) -> Self {
        Self {
            me,
            peer: Source { device: peer_device, user: peer },
            groups: BTreeMap::new(),
            in_flight: VecDeque::new(),
            bytes_in_flight: 0,
            snapshot: None,
            expects_group: false,
            link_group: None,
            peer_ahead: None,
            clocks_awaited: 0,
            clocks_heard: 0,
            outputs: VecDeque::new(),
        }
    }

    /// Tells the time, `now` in microseconds since the Unix epoch, and announces the groups that both users share.
    /// Called once, first of all.
    ///
    /// # Errors
    /// [`SyncError::Log`].
    pub fn start<L: ChangeLog>(&mut self, log: &mut L, now: u64) -> Result<(), L> {
        self.tell_clock(now);
        let mut groups = log.groups_of(self.peer.user)?;
        groups.sort_by_key(|group| Some(*group) != self.link_group);
        groups.into_iter().try_for_each(|group| self.refresh(log, group))
    }

    /// Takes a frame from the peer, at `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`SyncError::Peer`] if no honest peer would have sent it, [`SyncError::Log`] if the own store
    /// failed. Either ends the session.
    pub fn on_frame<L: ChangeLog>(&mut self, log: &mut L, frame: &[u8], now: u64) -> Result<(), L> {
        let Some(frame) = Frame::decode(frame).map_err(SyncError::Peer)? else { return Ok(()) };
        let group = match frame {
            Frame::Clock { time } => return self.on_clock(log, time, now),
            Frame::Have { group, epoch, head } => self.on_have(log, group, epoch, head).map(|()| group),
            Frame::Pull { group, epoch, from, acceptance } => {
                self.on_pull(log, group, Mark { epoch, seq: from }, acceptance).map(|()| group)
            }
            Frame::Compare { group, message } => self.on_compare(log, group, &message).map(|()| group),
            Frame::Compared { group, message } => self.on_compared(log, group, &message).map(|()| group),
            Frame::Want { group, hashes } => self.on_want::<L>(group, hashes).map(|()| group),
            Frame::Sent { group } => {
                self.on_sent(group);
                Ok(group)
            }
            Frame::Changes { group, span, changes } => {
                self.on_changes(log, group, span, changes, now).map(|()| group)
            }
            Frame::Stale { group } => self.on_stale(log, group).map(|()| group),
            Frame::Left { group } => self.on_left(log, group).map(|()| group),
            Frame::Ack { group, upto } => self.on_ack(log, group, upto, now).map(|()| group),
        }?;
        self.pump(log)?;
        self.tell_if_synced(log, group, now)
    }

    /// Tells the peer the time, `now` in microseconds since the Unix epoch: to be called when this device's clock
    /// turned out to be wrong and was put right. Then all groups have changed as well, as far as a session knows.
    pub fn tell_clock(&mut self, now: u64) {
        self.clocks_awaited = self.clocks_awaited.saturating_add(1);
        self.send_clock(now);
    }

    fn send_clock(&mut self, now: u64) {
        self.send(&Frame::Clock { time: now.min(Stamp::MAX.micros()) });
    }

    fn on_clock<L: ChangeLog>(&mut self, log: &mut L, time: u64, now: u64) -> Result<(), L> {
        self.clocks_heard += 1;
        if self.clocks_heard > MAX_CLOCKS {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        let ahead = time.cast_signed().wrapping_sub(now.min(Stamp::MAX.micros()).cast_signed());
        self.peer_ahead = Some(ahead);
        match self.clocks_awaited.checked_sub(1) {
            Some(awaited) => self.clocks_awaited = awaited,
            // One of both clocks was put right, so what the peer knows of this one may be wrong as well.
            None => self.send_clock(now),
        }
        log.set_clock(self.peer.device, ahead)?;
        self.tell(Event::Clock { ahead });
        let groups: Vec<GroupId> = self.groups.keys().copied().collect();
        groups.into_iter().try_for_each(|group| self.tell_if_synced(log, group, now))
    }

    /// To be called when a group has changed otherwise than by this session: after a local commit, after another session
    /// brought something, and after the user has accepted or left it, at `now` in microseconds since the Unix epoch.
    ///
    /// # Errors
    /// [`SyncError::Log`].
    pub fn on_committed<L: ChangeLog>(&mut self, log: &mut L, group: GroupId, now: u64) -> Result<(), L> {
        self.refresh(log, group)?;
        if let Some(outbound) = self.outbound(group) {
            outbound.wake();
        }
        self.pump(log)?;
        self.tell_if_synced(log, group, now)
    }

    /// The next thing to do, until there is none.
    pub fn poll_output(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Whether both sides hold the same of a group, as far as they have told each other, and nothing of it waits for
    /// its time at either.
    pub fn is_synced(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|known| known.synced)
    }

    /// Whether there is nothing under way of a group, and nothing to be sent.
    pub fn is_quiet(&self, group: GroupId) -> bool {
        let inbound = self.groups.get(&group).and_then(|known| known.inbound.as_ref());
        inbound.is_some_and(Inbound::is_settled) && self.has_sent_all(group)
    }

    /// Whether there are changes that the peer has not acknowledged, or that it was still to be sent.
    pub fn is_unheard(&self) -> bool {
        let mut outbounds = self.groups.values().filter_map(|known| known.outbound.as_ref());
        !self.in_flight.is_empty() || outbounds.any(Outbound::has_more)
    }

    pub(super) fn send(&mut self, frame: &Frame) -> usize {
        let bytes = frame.encode();
        let length = bytes.len();
        self.outputs.push_back(Output::Frame(bytes));
        length
    }

    pub(super) fn tell(&mut self, event: Event) {
        self.outputs.push_back(Output::Event(event));
    }

    pub(super) fn inbound(&mut self, group: GroupId) -> Option<&mut Inbound> {
        self.groups.get_mut(&group)?.inbound.as_mut()
    }

    pub(super) fn outbound(&mut self, group: GroupId) -> Option<&mut Outbound> {
        self.groups.get_mut(&group)?.outbound.as_mut()
    }

    /// Stores changes, tells the app, and lets both directions see a changed membership.
    pub(super) fn apply<L: ChangeLog, C: AsRef<[u8]>>(
        &mut self,
        log: &mut L,
        group: GroupId,
        changes: &[C],
        now: u64,
    ) -> Result<Applied, L> {
        if changes.is_empty() {
            return Ok(Applied::NOTHING);
        }
        let before = log.standing(group, self.me)?;
        let changes: Vec<&[u8]> = changes.iter().map(AsRef::as_ref).collect();
        let mut applied = log.apply(group, &self.peer, &changes, now)?;
        if let Some(refusal) = applied.refused.iter().find(|refusal| !refusal.is_honest()) {
            return Err(SyncError::Peer(Misbehaviour::FalseChange(*refusal)));
        }
        if !applied.touched.is_empty() {
            let touched = core::mem::replace(&mut applied.touched, crate::record::Touched::NONE);
            self.tell(Event::Changed { group, touched });
        }
        if applied.parked > 0 {
            self.tell(Event::Waiting(group));
        }
        if applied.room_low {
            self.tell(Event::Room(group));
        }
        if applied.membership_changed {
            self.tell(Event::Members(group));
            self.tell_own_standing(group, before, log.standing(group, self.me)?);
            self.refresh(log, group)?;
        }
        if let Some(outbound) = self.outbound(group) {
            outbound.wake();
        }
        Ok(applied)
    }

    /// Looks again at how the peer stands to a group, and at what follows for both directions.
    pub(super) fn refresh<L: ChangeLog>(&mut self, log: &mut L, group: GroupId) -> Result<(), L> {
        let (acceptance, standing) = (log.acceptance(group)?, log.standing(group, self.peer.user)?);
        if acceptance == Acceptance::Left {
            // That it was left, is no business of a stranger's; and of a forgotten group nobody knows any more who is one.
            let announced = self.outbound(group).is_some();
            let told = announced || !matches!(standing, Standing::Never | Standing::Unknown);
            return if told { self.leave(log, group) } else { Ok(()) };
        }
        if acceptance.is_given() {
            self.refresh_outbound(log, group, standing)?;
        }
        self.refresh_inbound(log, group, standing, acceptance)
    }

    fn tell_own_standing(&mut self, group: GroupId, before: Standing, after: Standing) {
        match (before.is_member(), after.is_member()) {
            (false, true) => self.tell(Event::Joined(group)),
            (true, false) => self.tell(Event::Removed(group)),
            _ => {}
        }
    }

    fn tell_if_synced<L: ChangeLog>(&mut self, log: &L, group: GroupId, now: u64) -> Result<(), L> {
        let inbound = self.groups.get(&group).and_then(|known| known.inbound.as_ref());
        let synced = inbound.is_some_and(Inbound::is_caught_up)
            && self.has_sent_all(group)
            && !log.holds_back(group, self.peer.device)?
            && !self.peer_holds_back(log, group, now)?;
        let Some(directions) = self.groups.get_mut(&group) else { return Ok(()) };
        let news = synced && !directions.synced;
        directions.synced = synced;
        if news {
            self.tell(Event::Synced(group));
        }
        Ok(())
    }

    /// Whether something of a group that the peer has, or is to get, waits there by what the peer's clock says.
    pub(super) fn peer_holds_back<L: ChangeLog>(&self, log: &L, group: GroupId, now: u64) -> Result<bool, L> {
        let there = now.saturating_add_signed(self.peer_ahead.unwrap_or(0));
        Ok(log.is_early(group, self.peer.device, there)?)
    }
}
