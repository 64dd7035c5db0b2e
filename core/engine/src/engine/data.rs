//! Groups, commits, and who has to hear of them.

use std::collections::{BTreeMap, BTreeSet};

use connectoid_protocol::{
    change::Op,
    membership::Role,
    record::Touched,
    sync::{Event as SyncEvent, Output as SyncOutput},
    user::GroupId,
};

use super::{Engine, Output, commands::CommandResult, names, pair::Pair, session::SessionError, writes};
use crate::{
    api::{EventKind, Write},
    channel::Channel,
    error::Error,
    reads,
    store::{Applied, StoreError},
};

/// How many records one `changed` event names; more are summed up as "many".
const MAX_NAMED: usize = 1000;

impl Engine {
    pub(super) fn create_group(&mut self, name: &str, now: u64) -> CommandResult<GroupId> {
        let name = &names::checked(name, "a group's name")?;
        if let Some(group) = self.find_group(name)?
            && self.store.role(group, self.own.user)? == Some(Role::Owner)
        {
            return Err(Error::usage(format!("there is a group called {name} already")).into());
        }
        let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
        Ok(self.store.create_group(name, &author, time, &mut self.rng)?)
    }

    pub(super) fn find_group(&self, name_or_id: &str) -> CommandResult<Option<GroupId>> {
        Ok(reads::find_group(&self.store, name_or_id)?)
    }

    pub(super) fn commit(&mut self, group: &str, writes: Vec<Write>, now: u64) -> CommandResult<()> {
        let group = reads::known_group(&self.store, group)?;
        self.mend_stamps_of(group, now)?;
        let is_empty = writes.is_empty();
        let ops = writes.into_iter().map(|write| writes::to_op(&self.store, group, write));
        let ops: Vec<Op> = ops.collect::<CommandResult<Vec<_>>>()?.into_iter().flatten().collect();
        if ops.is_empty() && !is_empty {
            // All is as it should become.
            return Ok(());
        }
        let named = ops.iter().take(MAX_NAMED + 1).filter_map(record_of).collect();
        let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
        let was_low = self.store.is_room_low(group)?;
        self.store.commit(group, &author, ops, time, &mut self.rng)?;
        if !was_low && self.store.is_room_low(group)? {
            self.tell_room(group, now)?;
        }
        self.tell_changed(group, named, now);
        self.on_group_changed(group, None, now)?;
        Ok(())
    }

    /// What a wrong clock stamped is made anew, or waits.
    pub(super) fn mend_stamps(&mut self, now: u64) -> Result<(), StoreError> {
        for group in self.store.groups()? {
            self.mend_stamps_of(group.id, now)?;
        }
        Ok(())
    }

    /// Only once a service has told the date.
    pub(super) fn mend_stamps_of(&mut self, group: GroupId, now: u64) -> Result<(), StoreError> {
        if self.clock_ahead.is_none() || !self.store.acceptance(group)?.is_given() {
            return Ok(());
        }
        let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
        let mended = self.store.savepoint(|store| store.restamp(group, &author, time, &mut self.rng))?;
        if mended.again + mended.held == 0 {
            return Ok(());
        }
        let (again, held) = (mended.again, mended.held);
        self.trace.add(now, &format!("a wrong clock: {again} own changes made anew, {held} of others wait"));
        self.next_judging = now;
        self.on_applied(group, &mended.applied, now)
    }

    fn tell_changed(&mut self, group: GroupId, records: Vec<(String, String)>, now: u64) {
        let records = if records.len() > MAX_NAMED { Vec::new() } else { records };
        self.tell(EventKind::Changed { group: group.to_string(), records }, now);
    }

    /// Everybody who shares a group has to hear of a change in it, but for the one it came from.
    pub(super) fn on_group_changed(
        &mut self,
        group: GroupId,
        from: Option<u64>,
        now: u64,
    ) -> Result<(), StoreError> {
        let idle_timeout = self.config.idle_timeout;
        for (number, pair) in &mut self.pairs {
            if Some(*number) == from {
                continue;
            }
            if let Some(session) = pair.session.as_mut() {
                session.rest_at = session.rest_at.max(now + idle_timeout);
            } else if pair.shared.contains(&group) && pair.is_reachable() {
                pair.connector.want(now, &mut self.rng);
            }
        }
        self.refresh_sessions(group, from, now)
    }

    /// Has all sessions but one look at a group again, in which something may be other than they know.
    pub(super) fn refresh_sessions(
        &mut self,
        group: GroupId,
        from: Option<u64>,
        now: u64,
    ) -> Result<(), StoreError> {
        let (time, mut broken) = (self.data_time(now), Vec::new());
        for (number, pair) in self.pairs.iter_mut().filter(|(number, _)| Some(**number) != from) {
            let Some(session) = pair.session.as_mut() else { continue };
            match self.store.savepoint(|store| Ok(session.sync.on_committed(store, group, time)?)) {
                Ok(()) => {}
                Err(SessionError::Store(error)) => return Err(error),
                Err(SessionError::Peer) => broken.push((*number, session.attempt)),
            }
        }
        for link in broken {
            self.fail_attempt(link, connectoid_protocol::frame::FrameError::Malformed.into(), now);
        }
        Ok(())
    }

    /// Finds out again which peers are in a group.
    pub(super) fn on_members_changed(&mut self, group: GroupId, now: u64) -> Result<(), StoreError> {
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        for number in numbers {
            let peer = self.pairs.get(&number).and_then(|pair| pair.record.peer);
            let shared = match peer {
                Some(peer) => self.is_shared(group, &peer)?,
                None => false,
            };
            let Some(pair) = self.pairs.get_mut(&number) else { continue };
            if shared {
                pair.shared.insert(group);
            } else {
                pair.shared.remove(&group);
            }
        }
        self.tell(EventKind::MembersChanged { group: group.to_string() }, now);
        Ok(())
    }

    /// Finds out which groups are shared with the peers of some pairs, looking at each group once.
    pub(super) fn find_shared(&mut self, numbers: &[u64]) -> Result<(), StoreError> {
        let mut shared: BTreeMap<u64, BTreeSet<GroupId>> = BTreeMap::new();
        for group in self.store.groups()? {
            for number in numbers {
                let peer = self.pairs.get(number).and_then(|pair| pair.record.peer);
                if let Some(peer) = peer
                    && self.is_shared(group.id, &peer)?
                {
                    shared.entry(*number).or_default().insert(group.id);
                }
            }
        }
        for number in numbers {
            if let Some(pair) = self.pairs.get_mut(number) {
                pair.shared = shared.remove(number).unwrap_or_default();
            }
        }
        Ok(())
    }

    pub(super) fn start_sync(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let time = self.data_time(now);
        let session = self.pairs.get_mut(&number).and_then(|pair| pair.session.as_mut());
        let started = session.map(|session| {
            let started = self.store.savepoint(|store| Ok(session.sync.start(store, time)?));
            (session.attempt, started)
        });
        self.find_shared(&[number])?;
        match started {
            Some((_, Err(SessionError::Store(error)))) => Err(error),
            Some((attempt, Err(SessionError::Peer))) => {
                self.fail_attempt(
                    (number, attempt),
                    connectoid_protocol::frame::FrameError::Malformed.into(),
                    now,
                );
                Ok(())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn on_sync_output(
        &mut self,
        number: u64,
        output: SyncOutput,
        now: u64,
    ) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        let Some(attempt) = pair.session.as_ref().map(|session| session.attempt) else { return Ok(()) };
        let nickname = pair.record.nickname.clone();
        let event = match output {
            SyncOutput::Frame(frame) => {
                self.outputs.push_back(Output::Frame((number, attempt), Channel::Sync, frame));
                return Ok(());
            }
            SyncOutput::Event(event) => event,
        };
        match event {
            SyncEvent::Changed { group, touched } => {
                self.tell_touched(group, touched, now);
                self.on_group_changed(group, Some(number), now)
            }
            SyncEvent::Members(group) => {
                // Whoever may write only now could not make anew what it had stamped wrongly.
                self.mend_stamps_of(group, now)?;
                self.on_members_changed(group, now)?;
                self.on_group_changed(group, Some(number), now)
            }
            SyncEvent::Joined(group) => self.on_joined(number, group, now),
            SyncEvent::LinkGroup { group, accepted } => self.on_link_group(number, group, accepted, now),
            SyncEvent::Acceptance { group, acceptance } => {
                self.on_peer_acceptance(number, group, acceptance, now)
            }
            SyncEvent::Room(group) => self.tell_room(group, now),
            SyncEvent::Removed(group) => {
                self.tell(EventKind::Removed { group: group.to_string() }, now);
                self.on_members_changed(group, now)
            }
            SyncEvent::Waiting(_) => {
                // Until when, has to be known.
                self.next_judging = now;
                self.tell_peer_skew(number, now)
            }
            SyncEvent::TooMany(_) => {
                if let Some(pair) = self.pairs.get_mut(&number) {
                    pair.not_taken += 1;
                }
                self.trace.add(now, &format!("pair {number}: a group too many; it is not taken"));
                Ok(())
            }
            SyncEvent::Clock { ahead } => self.on_peer_clock(number, ahead, now),
            SyncEvent::Lost(_) => {
                self.tell_restored(number, now);
                Ok(())
            }
            SyncEvent::Synced(group) => {
                self.tell(EventKind::Synced { nickname, group: group.to_string() }, now);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn tell_touched(&mut self, group: GroupId, touched: Touched, now: u64) {
        let records = match touched {
            Touched::Records(keys) => keys.into_iter().map(|key| (key.collection, key.id)).collect(),
            Touched::Many => Vec::new(),
        };
        self.tell_changed(group, records, now);
    }

    /// Changes have come due, or were judged again.
    pub(super) fn on_applied(
        &mut self,
        group: GroupId,
        applied: &Applied,
        now: u64,
    ) -> Result<(), StoreError> {
        if !applied.touched.is_empty() {
            self.tell_touched(group, applied.touched.clone(), now);
        }
        if applied.membership_changed {
            self.on_members_changed(group, now)?;
        }
        self.on_group_changed(group, None, now)
    }

    /// Whether something waits for a connection to this pair's peer.
    pub(super) fn has_something_to_say(&self, pair: &Pair) -> Result<bool, StoreError> {
        let Some(peer) = pair.record.peer else { return Ok(true) };
        if pair.verify_wanted || !pair.queue.is_empty() {
            return Ok(true);
        }
        if self.store.is_unsaid(peer.source())? {
            return Ok(true);
        }
        for group in &pair.shared {
            if self.store.lacks(*group, peer.source())? > 0 {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Wants a connection to everybody who is not known to have everything.
    pub(super) fn want_lacking(&mut self, now: u64) -> Result<(), StoreError> {
        let numbers: Vec<u64> = self.pairs.keys().copied().collect();
        numbers.into_iter().try_for_each(|number| self.want_if_lacking(number, now))
    }

    /// Wants a connection to a peer that is not known to have everything, or that has not answered its link yet.
    pub(super) fn want_if_lacking(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        if pair.is_away() && self.has_something_to_say(pair)? {
            self.want_peer(number, now);
        }
        Ok(())
    }

    /// Wants a connection to a peer, unless there is one or no way to it.
    pub(super) fn want_peer(&mut self, number: u64, now: u64) {
        if let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.is_away()) {
            pair.connector.want_now(now, &mut self.rng);
        }
    }
}

fn record_of(op: &Op) -> Option<(String, String)> {
    match op {
        Op::Set { collection, id, .. } | Op::Delete { collection, id } => {
            Some((collection.clone(), id.clone()))
        }
        _ => None,
    }
}
