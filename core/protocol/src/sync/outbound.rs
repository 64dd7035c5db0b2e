//! The sending side (S) of one group.

use std::collections::VecDeque;

use super::{
    Acceptance, ChangeLog, Event, MAX_ANNOUNCEMENTS, MAX_ROUNDS, Mark, Misbehaviour, Page, PageKind,
    PageRequest, Recall, Scope, Sync, SyncError, TARGET_FRAME, WINDOW,
    frame::Frame,
    reconcile::Snapshot,
    session::{InFlight, Result},
};
use crate::{change::ChangeHash, membership::Standing, user::GroupId};

/// What S knows of one group's receiver.
#[derive(Debug)]
pub(super) struct Outbound {
    scope: Scope,
    /// The head that was announced: what R compares covers it.
    announced: u64,
    /// How many messages of reconciliation were answered.
    rounds: u32,
    /// What R asked for and has not been sent yet.
    wanted: VecDeque<ChangeHash>,
    /// Whether the end of what R wanted still has to be told.
    owes_sent: bool,
    /// Where the stream is, once R has pulled,
    cursor: Option<Cursor>,
    /// and whether changes of records belong to it.
    records: bool,
    /// Nothing left to send, as of the last look.
    idle: bool,
}

/// How far the stream of changes has got.
#[derive(Debug)]
struct Cursor {
    /// All membership changes up to this arrival are sent,
    membership: u64,
    /// and all changes of records up to this one.
    records: u64,
    /// Where the last span ended. What came from R itself is passed over in silence: the next span covers it, or
    /// R would take it for a gap.
    told: u64,
    /// Whether R has to be told a span even if it is empty: at first, and after membership changes.
    owes_span: bool,
}

impl Outbound {
    /// Something may have arrived.
    pub(super) fn wake(&mut self) {
        self.idle = false;
    }

    pub(super) fn is_caught_up(&self) -> bool {
        self.idle && self.cursor.is_some() && self.records && self.scope == Scope::Everything
    }

    /// Nothing is wanted any more.
    pub(super) fn stop(&mut self) {
        *self = Self { idle: true, ..Self::announce(self.scope, self.announced) };
    }

    /// Whether there may be something left to send.
    pub(super) fn has_more(&self) -> bool {
        !self.idle
    }

    fn announce(scope: Scope, head: u64) -> Self {
        Self {
            scope,
            announced: head,
            rounds: 0,
            wanted: VecDeque::new(),
            owes_sent: false,
            cursor: None,
            records: false,
            idle: false,
        }
    }
}

impl Sync {
    /// Announces a group as soon as the peer may see it, and again when it may see more of it.
    pub(super) fn refresh_outbound<L: ChangeLog>(
        &mut self,
        log: &L,
        group: GroupId,
        standing: Standing,
    ) -> Result<(), L> {
        let scope = match standing {
            Standing::Member(_) => Scope::Everything,
            Standing::Former => Scope::Group,
            Standing::Never | Standing::Unknown => return Ok(()),
        };
        let directions = self.groups.entry(group).or_default();
        directions.left = false;
        let outbound = &mut directions.outbound;
        match outbound {
            Some(known) if known.scope == scope => return Ok(()),
            Some(known) if scope == Scope::Group => {
                known.scope = scope;
                return Ok(());
            }
            _ => {}
        }
        let (epoch, head) = (log.epoch()?, log.head(group)?);
        *outbound = Some(Outbound::announce(scope, head));
        self.send(&Frame::Have { group, epoch, head });
        Ok(())
    }

    pub(super) fn on_pull<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        mark: Mark,
        acceptance: Acceptance,
    ) -> Result<(), L> {
        if self.has_left(group) {
            return Ok(());
        }
        let recall = log.recall(group, &mark)?;
        let outbound = self.outbound(group).ok_or(SyncError::Peer(Misbehaviour::OutOfTurn))?;
        match recall {
            Recall::Held => {
                let from = mark.seq;
                let cursor = Cursor { membership: from, records: from, told: from, owes_span: true };
                outbound.cursor = Some(cursor);
                outbound.records = acceptance == Acceptance::Accepted;
                outbound.idle = false;
                if outbound.scope == Scope::Everything {
                    self.note_acceptance(group, acceptance)?;
                }
                self.forget_snapshot(group);
                Ok(())
            }
            Recall::Never => Err(SyncError::Peer(Misbehaviour::OutOfTurn)),
            Recall::Forgotten => self.refuse_mark::<L>(group),
            Recall::Lost => {
                self.refuse_mark::<L>(group)?;
                self.tell(Event::Lost(group));
                // What is lost here and held there includes what came from here, which no stream returns.
                self.compare_anew(log, group)
            }
        }
    }

    /// Whether this user has left the group, so that what the peer asks for is not given.
    fn has_left(&self, group: GroupId) -> bool {
        self.groups.get(&group).is_some_and(|known| known.left)
    }

    /// R gives up its mark when it hears of this; until then it may pull from it once for each announcement.
    fn refuse_mark<L: ChangeLog>(&mut self, group: GroupId) -> Result<(), L> {
        let known = self.groups.entry(group).or_default();
        known.stale_marks += 1;
        if known.stale_marks > MAX_ANNOUNCEMENTS {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        self.send(&Frame::Stale { group });
        Ok(())
    }

    pub(super) fn on_compare<L: ChangeLog>(
        &mut self,
        log: &L,
        group: GroupId,
        message: &[u8],
    ) -> Result<(), L> {
        if self.has_left(group) {
            return Ok(());
        }
        let outbound = self.outbound(group).ok_or(SyncError::Peer(Misbehaviour::OutOfTurn))?;
        outbound.rounds += 1;
        if outbound.rounds > MAX_ROUNDS {
            return Err(SyncError::Peer(Misbehaviour::BadReconciliation));
        }
        let (scope, announced) = (outbound.scope, outbound.announced);
        if scope == Scope::Everything {
            // Only who takes everything compares.
            self.note_acceptance(group, Acceptance::Accepted)?;
        }
        let snapshot = self.snapshot_of(log, group, scope, announced)?;
        let message = snapshot.answer(message)?;
        self.send(&Frame::Compared { group, message });
        Ok(())
    }

    pub(super) fn on_want<L: ChangeLog>(&mut self, group: GroupId, hashes: Vec<ChangeHash>) -> Result<(), L> {
        if self.has_left(group) {
            return Ok(());
        }
        let outbound = self.outbound(group).ok_or(SyncError::Peer(Misbehaviour::OutOfTurn))?;
        if outbound.owes_sent {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        outbound.wanted = hashes.into();
        outbound.owes_sent = true;
        outbound.idle = false;
        Ok(())
    }

    pub(super) fn on_ack<L: ChangeLog>(
        &mut self,
        log: &mut L,
        group: GroupId,
        upto: Option<u64>,
        now: u64,
    ) -> Result<(), L> {
        let oldest = self.in_flight.pop_front().ok_or(SyncError::Peer(Misbehaviour::OutOfTurn))?;
        self.bytes_in_flight -= oldest.bytes;
        if oldest.group != group || (upto.is_some() && upto != oldest.upto) {
            return Err(SyncError::Peer(Misbehaviour::OutOfTurn));
        }
        if let Some(upto) = upto {
            let complete = self.has_sent_all(group) && !self.peer_holds_back(&*log, group, now)?;
            log.set_acked(group, self.peer.device, upto, complete.then_some(now))?;
        }
        Ok(())
    }

    /// Whether the peer has acknowledged everything that there is of a group.
    pub(super) fn has_sent_all(&self, group: GroupId) -> bool {
        let outbound = self.groups.get(&group).and_then(|known| known.outbound.as_ref());
        let acknowledged = !self.in_flight.iter().any(|frame| frame.group == group);
        acknowledged && outbound.is_some_and(Outbound::is_caught_up)
    }

    /// Sends what there is to send, as far as the window allows.
    pub(super) fn pump<L: ChangeLog>(&mut self, log: &mut L) -> Result<(), L> {
        let busy = |sync: &Self| {
            let mut groups = sync.groups.iter();
            let next = groups.find(|(_, known)| known.outbound.as_ref().is_some_and(Outbound::has_more));
            next.map(|(group, _)| *group)
        };
        while let Some(group) = busy(self) {
            if self.bytes_in_flight >= WINDOW {
                break;
            }
            self.pump_one(log, group)?;
        }
        Ok(())
    }

    /// Sends the next frame of one group, or finds that there is none.
    fn pump_one<L: ChangeLog>(&mut self, log: &mut L, group: GroupId) -> Result<(), L> {
        let except = self.peer.device;
        let Some(outbound) = self.outbound(group) else { return Ok(()) };
        if outbound.owes_sent {
            let changes = next_wanted(&*log, group, outbound)?;
            if changes.is_empty() {
                outbound.owes_sent = false;
                self.send(&Frame::Sent { group });
            } else {
                // In whichever order these arrived: with the head, none is missed.
                let head = log.head(group)?;
                log.note_sent(group, head)?;
                self.send_changes(group, None, changes);
            }
            return Ok(());
        }
        let Some(cursor) = &mut outbound.cursor else {
            outbound.idle = true;
            return Ok(());
        };
        let request = |kind, after| PageRequest { group, after, kind, except, max_bytes: TARGET_FRAME };
        let page = log.page(&request(PageKind::Group, cursor.membership))?;
        cursor.membership = page.upto;
        if !page.changes.is_empty() {
            cursor.owes_span = true;
            log.note_sent(group, page.upto)?;
            self.send_changes(group, None, bodies(page));
            return Ok(());
        }
        if outbound.scope == Scope::Group {
            outbound.idle = !page.more;
            return Ok(());
        }
        let page = if outbound.records {
            log.page(&request(PageKind::Records, cursor.records))?
        } else {
            // The span ends where it begins: that all changes of the group itself are sent is all that it says.
            Page { changes: Vec::new(), upto: cursor.told, more: page.more }
        };
        cursor.records = page.upto;
        outbound.idle = !page.more;
        if !page.changes.is_empty() {
            log.note_sent(group, page.upto)?;
        }
        if !page.changes.is_empty() || (cursor.owes_span && !page.more) {
            cursor.owes_span = false;
            let from = core::mem::replace(&mut cursor.told, page.upto);
            self.send_changes(group, Some((from, page.upto)), bodies(page));
        }
        Ok(())
    }

    fn send_changes(&mut self, group: GroupId, span: Option<(u64, u64)>, changes: Vec<Vec<u8>>) {
        let bytes = self.send(&Frame::Changes { group, span, changes });
        self.bytes_in_flight += bytes;
        self.in_flight.push_back(InFlight { group, upto: span.map(|(_, upto)| upto), bytes });
    }

    /// The set to compare: the one at hand if it will do.
    pub(super) fn snapshot_of<L: ChangeLog>(
        &mut self,
        log: &L,
        group: GroupId,
        scope: Scope,
        head: u64,
    ) -> Result<&Snapshot, L> {
        let at_hand = self.snapshot.take().filter(|known| known.serves(group, scope, head));
        let snapshot = match at_hand {
            Some(snapshot) => snapshot,
            None => Snapshot::take(log, group, scope)?,
        };
        Ok(self.snapshot.insert(snapshot))
    }

    /// Gives up the set once neither direction compares it any more.
    pub(super) fn forget_snapshot(&mut self, group: GroupId) {
        let Some(directions) = self.groups.get(&group) else { return };
        let inbound = directions.inbound.as_ref().is_some_and(super::inbound::Inbound::is_comparing);
        let outbound = directions.outbound.as_ref().is_some_and(|outbound| outbound.cursor.is_none());
        if !inbound && !outbound && self.snapshot.as_ref().is_some_and(|known| known.group() == group) {
            self.snapshot = None;
        }
    }
}

/// The next of the wanted changes that are still held, as many as fit a frame.
fn next_wanted<L: ChangeLog>(log: &L, group: GroupId, outbound: &mut Outbound) -> Result<Vec<Vec<u8>>, L> {
    let mut changes = Vec::new();
    let mut bytes = 0;
    while let Some(hash) = outbound.wanted.front() {
        if let Some(change) = log.change(group, hash, outbound.scope)? {
            bytes += change.len();
            if bytes > TARGET_FRAME && !changes.is_empty() {
                break;
            }
            changes.push(change);
        }
        outbound.wanted.pop_front();
    }
    Ok(changes)
}

fn bodies(page: Page) -> Vec<Vec<u8>> {
    page.changes.into_iter().map(|(_, bytes)| bytes).collect()
}
