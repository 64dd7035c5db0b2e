//! A member's session with the owner's device, which sends whatever it likes.
//!
//! The first byte says whether the member knows the group already, whether it has opened a link to it, and whether it
//! accepts the group and leaves it in turn, after each frame; then come frames, each behind its length. Whatever the member
//! answers is a frame that the other side can read.

use crate::{
    group::{CHANGES, MEMBER, MEMBER_DEVICE, NOW, OWNER, OWNER_DEVICE, members_log},
    log::Log,
};
use connectoid_protocol::sync::{Acceptance, ChangeLog, MAX_FRAME, Misbehaviour, Output, Sync, SyncError};

pub(super) fn run(input: &[u8]) {
    let Some((flags, mut rest)) = input.split_first() else { return };
    let mut log = if flags & 1 == 0 { Log::default() } else { members_log() };
    let mut sync = Sync::new(MEMBER.id(), OWNER.id(), OWNER_DEVICE);
    if flags & 2 == 0 {
        sync = sync.expecting_group();
    }
    sync.start(&mut log, NOW).unwrap();
    while let Some((length, tail)) = rest.split_first_chunk() {
        let (frame, tail) = tail.split_at(tail.len().min(usize::from(u16::from_be_bytes(*length))));
        rest = tail;
        let taken = sync.on_frame(&mut log, frame, NOW);
        while let Some(output) = sync.poll_output() {
            if let Output::Frame(frame) = output {
                check(&frame);
            }
        }
        if taken.is_err() {
            break;
        }
        if flags & 4 != 0 {
            change_mind(&mut sync, &mut log);
        }
    }
}

fn change_mind(sync: &mut Sync, log: &mut Log) {
    let group = CHANGES[0].group();
    match log.acceptance(group).unwrap() {
        Acceptance::Accepted => log.leave(group),
        _ => log.accept(group).unwrap(),
    }
    sync.on_committed(log, group, NOW).unwrap();
}

fn check(frame: &[u8]) {
    assert!(frame.len() <= MAX_FRAME);
    let mut owner = Sync::new(OWNER.id(), MEMBER.id(), MEMBER_DEVICE);
    let read = owner.on_frame(&mut Log::default(), frame, NOW);
    assert!(!matches!(read, Err(SyncError::Peer(Misbehaviour::Malformed))));
}
