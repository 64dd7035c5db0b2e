//! What a peer can have held for groups of which it is not known yet whether they make us a member, and how
//! long it can have sets compared.

use core::convert::Infallible;

use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::{
    change::Op,
    membership::Role,
    stamp::Stamp,
    sync::{Acceptance, Applied, Mark, Page, PageRequest, Recall, Source, reconcile::Snapshot},
    user::{DeviceId, UserKey},
};

const NOW: u64 = 1_790_000_000_000_000;

/// A store that has nothing, and counts what it is given.
struct Empty {
    /// How everybody stands to every group.
    standing: Standing,
    acceptance: Acceptance,
    live: Vec<(u64, ChangeHash)>,
    applied: usize,
}

impl ChangeLog for Empty {
    type Error = Infallible;

    fn epoch(&self) -> core::result::Result<Epoch, Infallible> {
        Ok([1; 16])
    }

    fn groups_of(&self, _: UserId) -> core::result::Result<Vec<GroupId>, Infallible> {
        Ok(Vec::new())
    }

    fn standing(&self, _: GroupId, _: UserId) -> core::result::Result<Standing, Infallible> {
        Ok(self.standing)
    }

    fn acceptance(&self, _: GroupId) -> core::result::Result<Acceptance, Infallible> {
        Ok(self.acceptance)
    }

    fn accept(&mut self, _: GroupId) -> core::result::Result<(), Infallible> {
        self.acceptance = Acceptance::Accepted;
        Ok(())
    }

    fn invitations(&self, _: UserId) -> core::result::Result<usize, Infallible> {
        Ok(0)
    }

    fn head(&self, _: GroupId) -> core::result::Result<u64, Infallible> {
        Ok(0)
    }

    fn page(&self, _: &PageRequest) -> core::result::Result<Page, Infallible> {
        Ok(Page::default())
    }

    fn change(
        &self,
        _: GroupId,
        _: &ChangeHash,
        _: Scope,
    ) -> core::result::Result<Option<Vec<u8>>, Infallible> {
        Ok(None)
    }

    fn holds(&self, _: GroupId, _: &ChangeHash) -> core::result::Result<bool, Infallible> {
        Ok(false)
    }

    fn live(&self, _: GroupId, _: Scope) -> core::result::Result<Vec<(u64, ChangeHash)>, Infallible> {
        Ok(self.live.clone())
    }

    fn mark(&self, _: GroupId, _: DeviceId) -> core::result::Result<Option<Mark>, Infallible> {
        Ok(None)
    }

    fn set_mark(&mut self, _: GroupId, _: DeviceId, _: Mark) -> core::result::Result<(), Infallible> {
        Ok(())
    }

    fn recall(&self, _: GroupId, _: &Mark) -> core::result::Result<Recall, Infallible> {
        Ok(Recall::Forgotten)
    }

    fn clear_mark(&mut self, _: GroupId, _: DeviceId) -> core::result::Result<(), Infallible> {
        Ok(())
    }

    fn set_clock(&mut self, _: DeviceId, _: i64) -> core::result::Result<(), Infallible> {
        Ok(())
    }

    fn holds_back(&self, _: GroupId, _: DeviceId) -> core::result::Result<bool, Infallible> {
        Ok(false)
    }

    fn is_early(&self, _: GroupId, _: DeviceId, _: u64) -> core::result::Result<bool, Infallible> {
        Ok(false)
    }

    fn note_sent(&mut self, _: GroupId, _: u64) -> core::result::Result<(), Infallible> {
        Ok(())
    }

    fn set_acked(
        &mut self,
        _: GroupId,
        _: DeviceId,
        _: u64,
        _: Option<u64>,
    ) -> core::result::Result<(), Infallible> {
        Ok(())
    }

    fn apply(
        &mut self,
        _: GroupId,
        _: &Source,
        changes: &[&[u8]],
        _: u64,
    ) -> core::result::Result<Applied, Infallible> {
        self.applied += changes.len();
        Ok(Applied { accepted: changes.len(), ..Applied::NOTHING })
    }
}

fn me() -> UserKey {
    UserKey::from_bytes(&[1; 32])
}

fn owner() -> UserKey {
    UserKey::from_bytes(&[2; 32])
}

fn log_of(standing: Standing) -> Empty {
    let acceptance = if standing == Standing::Unknown { Acceptance::Invited } else { Acceptance::Accepted };
    Empty { standing, acceptance, live: Vec::new(), applied: 0 }
}

fn session() -> (Sync, Empty) {
    (Sync::new(me().id(), owner().id(), DeviceId::from_bytes([2; 16])), log_of(Standing::Unknown))
}

/// The changes that found a group and make us a member of it.
fn welcome(nonce: u8) -> (GroupId, Vec<Vec<u8>>) {
    let device = DeviceId::from_bytes([2; 16]);
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let mut sign = |group, after, op| {
        let stamp = Stamp::new(NOW - 10 + after).unwrap();
        Change::sign(group, &owner(), device, stamp, vec![op], &mut rng).unwrap()
    };
    let genesis = Op::Genesis { owner: owner().public(), nonce: [nonce; 16], name: "g".into() };
    let genesis = sign(None, 0, genesis);
    let group = genesis.group();
    let member = Op::Member { user: me().id(), key: me().public(), role: Role::Writer };
    let member = sign(Some(group), 1, member);
    (group, [genesis, member].iter().map(|change| change.bytes().to_vec()).collect())
}

impl Sync {
    fn hear(&mut self, log: &mut Empty, frame: &Frame) -> Vec<Frame> {
        self.on_frame(log, &frame.encode(), NOW).unwrap();
        let mut frames = Vec::new();
        while let Some(output) = self.poll_output() {
            if let crate::sync::Output::Frame(frame) = output {
                frames.push(Frame::decode(&frame).unwrap().unwrap());
            }
        }
        frames
    }

    fn announce(&mut self, log: &mut Empty, group: GroupId) -> Vec<Frame> {
        self.hear(log, &Frame::Have { group, epoch: [2; 16], head: 9 })
    }

    /// Gives membership changes; they are acknowledged whatever becomes of them, so that the sender goes on.
    fn give(&mut self, log: &mut Empty, group: GroupId, changes: Vec<Vec<u8>>) {
        let answer = self.hear(log, &Frame::Changes { group, span: None, changes });
        assert_eq!(answer, [Frame::Ack { group, upto: None }]);
    }

    fn end(&mut self, log: &mut Empty, group: GroupId) {
        self.hear(log, &Frame::Changes { group, span: Some((0, 9)), changes: Vec::new() });
    }
}

fn group(number: usize) -> GroupId {
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&number.to_be_bytes());
    GroupId::from_bytes(bytes)
}

/// A change that costs so much to hold.
fn costing(cost: usize) -> Vec<u8> {
    vec![0; cost - HELD_OVERHEAD]
}

/// Divides both bounds, and fits into a frame.
const LOAD: usize = 1 << 17;

#[test]
fn a_group_that_welcomes_us_is_joined() {
    let ((mut sync, mut log), (group, changes)) = (session(), welcome(1));
    sync.announce(&mut log, group);
    sync.give(&mut log, group, changes);
    assert_eq!(log.applied, 0, "held until it is known what they come to");
    sync.end(&mut log, group);
    assert_eq!((log.applied, sync.joining_cost()), (2, 0));
}

#[test]
fn one_group_is_held_up_to_its_bound_and_then_given_up() {
    let (mut sync, mut log) = session();
    sync.announce(&mut log, group(1));
    for load in 1..=MAX_JOINING / LOAD {
        sync.give(&mut log, group(1), vec![costing(LOAD)]);
        assert_eq!(sync.joining_cost(), load * LOAD);
    }
    sync.give(&mut log, group(1), vec![Vec::new()]);
    assert_eq!(sync.joining_cost(), 0);
    sync.give(&mut log, group(1), vec![costing(LOAD)]);
    assert_eq!(sync.joining_cost(), 0, "given up is given up");
}

#[test]
fn a_group_that_was_given_up_is_not_joined() {
    let ((mut sync, mut log), (group, changes)) = (session(), welcome(1));
    sync.announce(&mut log, group);
    sync.give(&mut log, group, changes);
    for _ in 0..MAX_JOINING / LOAD {
        sync.give(&mut log, group, vec![costing(LOAD)]);
    }
    sync.end(&mut log, group);
    assert_eq!(log.applied, 0);
}

#[test]
fn empty_changes_are_not_free() {
    let (mut sync, mut log) = session();
    sync.announce(&mut log, group(1));
    let at_once = 512;
    for _ in 0..MAX_JOINING / HELD_OVERHEAD / at_once {
        sync.give(&mut log, group(1), vec![Vec::new(); at_once]);
    }
    assert_eq!(sync.joining_cost(), MAX_JOINING);
    sync.give(&mut log, group(1), vec![Vec::new()]);
    assert_eq!(sync.joining_cost(), 0);
}

#[test]
fn all_groups_together_are_held_up_to_their_bound() {
    let (mut sync, mut log) = session();
    let fitting = MAX_JOINING_IN_ALL / MAX_JOINING;
    for number in 0..2 * fitting {
        sync.announce(&mut log, group(number));
        for _ in 0..MAX_JOINING / LOAD {
            sync.give(&mut log, group(number), vec![costing(LOAD)]);
            assert!(sync.joining_cost() <= MAX_JOINING_IN_ALL);
        }
        assert_eq!(sync.joining_cost(), (number + 1).min(fitting) * MAX_JOINING, "those before are kept");
    }
}

#[test]
fn one_peer_brings_so_many_groups_and_no_more() {
    let (mut sync, mut log) = session();
    for number in 0..MAX_INVITATIONS {
        assert_eq!(sync.announce(&mut log, group(number)).len(), 1, "it is pulled");
    }
    let refused = Frame::Left { group: group(MAX_INVITATIONS) };
    assert_eq!(sync.announce(&mut log, group(MAX_INVITATIONS)), [refused], "so that nobody calls for it");
    assert_eq!(sync.groups.len(), MAX_INVITATIONS);
    let unasked = Frame::Changes { group: group(MAX_INVITATIONS), span: None, changes: Vec::new() };
    let error = sync.on_frame(&mut log, &unasked.encode(), NOW).unwrap_err();
    assert!(matches!(error, SyncError::Peer(Misbehaviour::OutOfTurn)));
}

/// The first message of a comparison by somebody who has thousands of changes.
fn much() -> Vec<u8> {
    let mut log = log_of(Standing::Member(Role::Writer));
    log.live = (0..5000_u64)
        .map(|number| {
            let mut hash = [0; 32];
            hash[..8].copy_from_slice(&number.to_be_bytes());
            (number, ChangeHash::from_bytes(hash))
        })
        .collect();
    Snapshot::take(&log, group(1), Scope::Everything).unwrap().begin::<Infallible>().unwrap()
}

#[test]
fn a_comparison_that_does_not_end_is_given_up_for_pulling_everything() {
    let ((mut sync, _), mut log) = (session(), log_of(Standing::Member(Role::Writer)));
    let mut frames = sync.announce(&mut log, group(1));
    for _ in 0..MAX_ROUNDS {
        assert!(matches!(frames[..], [Frame::Compare { .. }]), "{frames:?}");
        frames = sync.hear(&mut log, &Frame::Compared { group: group(1), message: much() });
    }
    assert!(matches!(frames[..], [Frame::Pull { from: 0, .. }]), "{frames:?}");
}

#[test]
fn somebody_who_compares_without_end_misbehaves() {
    let ((mut sync, _), mut log) = (session(), log_of(Standing::Member(Role::Writer)));
    sync.on_committed(&mut log, group(1), NOW).unwrap();
    while sync.poll_output().is_some() {}
    let compare = Frame::Compare { group: group(1), message: much() };
    for _ in 0..MAX_ROUNDS {
        assert!(matches!(sync.hear(&mut log, &compare)[..], [Frame::Compared { .. }]));
    }
    let error = sync.on_frame(&mut log, &compare.encode(), NOW).unwrap_err();
    assert!(matches!(error, SyncError::Peer(Misbehaviour::BadReconciliation)));
}
