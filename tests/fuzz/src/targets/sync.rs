//! A member's session with the owner's device, which sends whatever it likes.
//!
//! The first byte says whether the member knows the group already, then come frames, each behind its
//! length. Whatever the member answers is a frame that the other side can read.

use crate::{
    group::{MEMBER, MEMBER_DEVICE, NOW, OWNER, OWNER_DEVICE, members_log},
    log::Log,
};
use connectoid_protocol::sync::{MAX_FRAME, Misbehaviour, Output, Sync, SyncError};

pub(super) fn run(input: &[u8]) {
    let Some((flags, mut rest)) = input.split_first() else { return };
    let mut log = if flags & 1 == 0 { Log::default() } else { members_log() };
    let mut sync = Sync::new(MEMBER.id(), OWNER.id(), OWNER_DEVICE);
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
    }
}

fn check(frame: &[u8]) {
    assert!(frame.len() <= MAX_FRAME);
    let mut owner = Sync::new(OWNER.id(), MEMBER.id(), MEMBER_DEVICE);
    let read = owner.on_frame(&mut Log::default(), frame, NOW);
    assert!(!matches!(read, Err(SyncError::Peer(Misbehaviour::Malformed))));
}
