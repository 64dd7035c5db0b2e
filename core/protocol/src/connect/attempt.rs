//! One attempt to connect, and how far it has come.

use zeroize::Zeroizing;

use super::Failure;
use crate::{
    frame::Hello1,
    handshake::{ExpectHello1, ExpectHello2, Role},
    message::{Id, Read, Written},
    seal::Export,
};

/// How long making a session description may take, in µs: asking a distant STUN server, with retries.
pub const DESCRIBE_TIMEOUT: u64 = 15_000_000;

/// How long the connection may take to open, in µs. WebRTC itself never says that it failed.
pub const OPEN_TIMEOUT: u64 = 15_000_000;

/// How many bytes of other channels may arrive before the peer's proof does.
pub const MAX_EARLY: usize = 1 << 20;

/// What holding one early frame costs beyond its bytes: without it, empty ones would be free.
const EARLY_OVERHEAD: usize = 64;

/// Names one attempt towards the driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptId(pub u64);

pub(super) struct Attempt {
    pub(super) id: AttemptId,
    pub(super) sid: Id,
    /// Whose offer it began with: our own takes precedence over one of the peer, if glare has it so.
    pub(super) role: Role,
    pub(super) deadline: u64,
    pub(super) early: Vec<(u16, Vec<u8>)>,
    pub(super) stage: Stage,
}

pub(super) enum Stage {
    MakingOffer,
    AwaitingAnswer(Option<Half>),
    MakingAnswer(Half),
    Opening {
        offer: Half,
        answer: Half,
    },
    /// The hello is the offerer's own, held back until the answerer has spoken.
    ExpectHello1(Box<ExpectHello1>, Option<Hello1>),
    ExpectHello2(Box<ExpectHello2>),
}

/// One of the two messages, as it enters the transcript.
pub(super) struct Half {
    pub(super) plaintext: Zeroizing<Vec<u8>>,
    pub(super) export: Export,
}

impl From<Written> for Half {
    fn from(written: Written) -> Self {
        Self { plaintext: written.plaintext, export: written.export }
    }
}

impl From<Read> for Half {
    fn from(read: Read) -> Self {
        Self { plaintext: read.plaintext, export: read.export }
    }
}

impl Attempt {
    /// Begins with making a description.
    pub(super) fn new(id: AttemptId, sid: Id, role: Role, stage: Stage, now: u64) -> Self {
        Self { id, sid, role, deadline: now + DESCRIBE_TIMEOUT, early: Vec::new(), stage }
    }

    /// Whether the peer, by all appearance, did not wait any more for the answer to its offer: it is treated
    /// as stale after all. What clocks say of an offer's age may be wrong.
    pub(super) fn was_answered_in_vain(&self) -> bool {
        self.role == Role::Answerer && matches!(self.stage, Stage::Opening { .. })
    }

    /// What is wrong if nothing happens until the deadline. An answer that nobody took says by itself that the peer did
    /// not wait; whether packets get through is known when the next attempt, this side's own, has failed as well.
    pub(super) fn failure_of_silence(&self, was_first: bool) -> Failure {
        match &self.stage {
            Stage::MakingOffer | Stage::MakingAnswer(_) => Failure::Rtc,
            Stage::AwaitingAnswer(_) => Failure::Unanswered,
            Stage::Opening { .. } if was_first && self.was_answered_in_vain() => Failure::Unanswered,
            Stage::Opening { .. } => Failure::NoRoute,
            Stage::ExpectHello1(..) | Stage::ExpectHello2(_) => Failure::Silent,
        }
    }

    /// Keeps a frame until the peer is proven, if there is room.
    pub(super) fn hold(&mut self, channel: u16, frame: Vec<u8>) -> bool {
        let held: usize = self.early.iter().map(|(_, frame)| frame.len() + EARLY_OVERHEAD).sum();
        let fits = held + frame.len() + EARLY_OVERHEAD <= MAX_EARLY;
        if fits {
            self.early.push((channel, frame));
        }
        fits
    }
}
