//! Rotation: changing the boxes of a pair without ever locking it out.
//!
//! Each side receives in boxes of its own and changes them by a hand-over of two generations, inside
//! the connection. The receiver keeps [`Receiving`], the sender [`Sending`]:
//!
//! 1. The receiver mints `next`, *persists it*, watches its box too and sends `rotate`. Until it is
//!    acknowledged, it offers the same `next` again in every session.
//! 2. The sender *persists* the new address and then sends `rotated`. The old address is kept as
//!    `previous`, because the receiver may still sign with its key.
//! 3. On `rotated`, or on any valid message in `next`'s box (which says the same), the receiver makes
//!    `next` current and the current one `previous`, which stays watched until the next such step.
//!
//! A receiver that was restored from a copy offers a generation that the sender has passed. The sender says
//! `behind`, and the receiver counts on from there. A sender that was restored writes to `previous`; the
//! receiver repeats its current box to it in the next session.
//!
//! Who was restored from before the last two changes knows no box that the other side still watches, but for one:
//! each side has a *home* beside the boxes that change, which stays as long as the pair does.
//!
//! Whichever step is lost, to a crash or to a broken connection, the sender writes to a box that the
//! receiver watches. The box of a *link* is no connecting `previous`: once rotated away from, it is
//! only watched for second openers ([`crate::invite`]).

use crate::{
    address::Address,
    boxes::{BoxId, BoxKey},
};

/// A box with the address that was given away for it.
#[derive(Clone)]
pub struct OwnBox {
    /// The private key.
    pub key: BoxKey,
    /// The address.
    pub address: Address,
}

impl OwnBox {
    /// Q.
    pub fn id(&self) -> BoxId {
        self.key.id()
    }
}

/// The receiver's side: the boxes in which this device waits for one peer.
#[derive(Clone)]
pub struct Receiving {
    /// Counts the boxes; the link's, or the opener's first, has 0.
    pub generation: u32,
    /// The box that the peer is known to write to, whose key signs our messages.
    pub current: OwnBox,
    /// Offered and not yet acknowledged.
    pub next: Option<OwnBox>,
    /// Still watched for what was under way.
    pub previous: Option<OwnBox>,
    /// Watched as long as the pair lasts, for a peer that has forgotten the others or is feared to have.
    pub home: Option<OwnBox>,
}

/// What the receiver has to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Nothing changed.
    Nothing,
    /// `next` became current: persist, then watch the new set of boxes.
    Committed,
}

impl Receiving {
    /// Starts with the box that was given away by link or by return address.
    pub fn new(first: OwnBox) -> Self {
        Self { generation: 0, current: first, next: None, previous: None, home: None }
    }

    /// The boxes to watch, each with the key that opens it; the least likely to be written to first.
    pub fn boxes(&self) -> impl Iterator<Item = &OwnBox> {
        let boxes = [self.home.as_ref(), Some(&self.current), self.next.as_ref(), self.previous.as_ref()];
        boxes.into_iter().flatten()
    }

    /// What to offer: the box that was offered before, or else a fresh one.
    ///
    /// Persist before sending: a peer that acknowledged a box which we forgot could not reach us.
    pub fn offer(&mut self, fresh: impl FnOnce() -> OwnBox) -> (u32, &Address) {
        let next = self.next.get_or_insert_with(fresh);
        (self.generation + 1, &next.address)
    }

    /// Takes the peer's acknowledgement.
    pub fn on_rotated(&mut self, generation: u32) -> Step {
        if generation == self.generation + 1 { self.commit() } else { Step::Nothing }
    }

    /// The peer knows boxes of this side up to `generation`, which this side does not: it was restored from a
    /// copy. Counts on from there; says whether that is news. Then `next` is to be offered again.
    pub fn on_behind(&mut self, generation: u32) -> bool {
        let news = generation > self.generation && generation < u32::MAX;
        if news {
            self.generation = generation;
        }
        news
    }

    /// What to offer to a peer that still writes to the box before: the current one, once more.
    pub fn repeat(&self) -> (u32, &Address) {
        (self.generation, &self.current.address)
    }

    /// Takes note that a valid message arrived in one of the boxes.
    pub fn on_message_in(&mut self, id: &BoxId) -> Step {
        let in_next = self.next.as_ref().is_some_and(|next| next.id() == *id);
        if in_next { self.commit() } else { Step::Nothing }
    }

    fn commit(&mut self) -> Step {
        let Some(next) = self.next.take() else { return Step::Nothing };
        self.previous = Some(std::mem::replace(&mut self.current, next));
        self.generation += 1;
        Step::Committed
    }
}

/// The sender's side: where this device writes to one peer.
#[derive(Clone)]
pub struct Sending {
    /// The generation of `current`.
    pub generation: u32,
    /// Where to write to.
    pub current: Address,
    /// The address before, whose key the peer may still sign with.
    pub previous: Option<Address>,
    /// Where the peer looks also if it has forgotten the others.
    pub home: Option<Address>,
}

/// What the sender answers to a `rotate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RotateAnswer {
    /// Persist, then acknowledge.
    Acknowledge,
    /// The receiver has counted further before, and forgotten it: tell it up to which generation.
    Behind(u32),
}

impl Sending {
    /// Starts with the address from a link or the return address of an opener.
    pub fn new(first: Address) -> Self {
        Self { generation: 0, current: first, previous: None, home: None }
    }

    /// Takes the peer's offer of a new box.
    pub fn on_rotate(&mut self, generation: u32, address: Address) -> RotateAnswer {
        if generation > self.generation {
            self.previous = Some(std::mem::replace(&mut self.current, address));
            self.generation = generation;
            return RotateAnswer::Acknowledge;
        }
        if generation == self.generation && address.as_text() == self.current.as_text() {
            return RotateAnswer::Acknowledge;
        }
        RotateAnswer::Behind(self.generation)
    }

    /// Takes the address of the peer's home; says whether it is news.
    pub fn on_home(&mut self, address: Address) -> bool {
        let news = self.home.as_ref().is_none_or(|home| home.as_text() != address.as_text());
        self.home = Some(address);
        news
    }

    /// Whether a message signed by this box's key can come from the peer.
    pub fn accepts(&self, signer: &BoxId) -> bool {
        let known = [Some(&self.current), self.previous.as_ref(), self.home.as_ref()];
        known.into_iter().flatten().any(|address| address.box_id() == *signer)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;

    fn own_box(seed: u64) -> OwnBox {
        let key = BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed));
        let address = Address::new(&key, &["https://mail.example".to_owned()], None).unwrap();
        OwnBox { key, address }
    }

    /// The steps at which a crash or a broken connection may strike; what was persisted stays.
    #[derive(Debug, Clone, Copy)]
    enum Fault {
        None,
        LoseRotate,
        CrashBeforePersistingSend,
        LoseRotated,
        LoseRotatedButMailArrives,
    }

    fn fault() -> impl Strategy<Value = Fault> {
        prop_oneof![
            Just(Fault::None),
            Just(Fault::LoseRotate),
            Just(Fault::CrashBeforePersistingSend),
            Just(Fault::LoseRotated),
            Just(Fault::LoseRotatedButMailArrives),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]
        #[test]
        fn no_fault_locks_the_pair_out(faults in proptest::collection::vec(fault(), 1..6)) {
            let mut minted = 0;
            let mut receiver = Receiving::new(own_box(0));
            let mut sender = Sending::new(receiver.current.address.clone());
            for fault in faults {
                let (generation, address) = receiver.offer(|| { minted += 1; own_box(minted) });
                let address = address.clone();
                let mut persisted = sender.clone();
                if !matches!(fault, Fault::LoseRotate) {
                    prop_assert_eq!(persisted.on_rotate(generation, address), RotateAnswer::Acknowledge);
                }
                if !matches!(fault, Fault::LoseRotate | Fault::CrashBeforePersistingSend) {
                    sender = persisted;
                }
                match fault {
                    Fault::None => { receiver.on_rotated(generation); }
                    Fault::LoseRotatedButMailArrives => { receiver.on_message_in(&sender.current.box_id()); }
                    _ => {}
                }
                let watched = receiver.boxes().any(|own| own.id() == sender.current.box_id());
                prop_assert!(watched, "the sender writes where nobody looks after {fault:?}");
                prop_assert!(sender.generation.abs_diff(receiver.generation) <= 1);
            }
        }
    }

    #[test]
    fn mail_in_the_new_box_says_as_much_as_an_acknowledgement() {
        let mut receiver = Receiving::new(own_box(1));
        receiver.offer(|| own_box(2));
        assert_eq!(receiver.on_message_in(&own_box(1).id()), Step::Nothing);
        assert_eq!(receiver.on_message_in(&own_box(2).id()), Step::Committed);
        assert_eq!((receiver.generation, receiver.current.id()), (1, own_box(2).id()));
        assert_eq!(receiver.previous.as_ref().map(OwnBox::id), Some(own_box(1).id()));
        assert_eq!(receiver.on_rotated(1), Step::Nothing, "late");
    }

    #[test]
    fn a_receiver_that_was_put_back_counts_on() {
        let mut sender = Sending::new(own_box(1).address);
        let mut receiver = Receiving::new(own_box(1));
        let copy = receiver.clone();
        for seed in 2..5 {
            let (generation, address) = receiver.offer(|| own_box(seed));
            assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Acknowledge);
            assert_eq!(receiver.on_rotated(generation), Step::Committed);
        }
        let mut receiver = copy;
        let (generation, address) = receiver.offer(|| own_box(9));
        assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Behind(3));
        assert!(receiver.on_behind(3));
        let (generation, address) = receiver.offer(|| own_box(10));
        assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Acknowledge);
        assert_eq!(receiver.on_rotated(generation), Step::Committed);
        assert_eq!((sender.current.box_id(), sender.generation), (own_box(9).id(), receiver.generation));
        assert!(!receiver.on_behind(4) && !receiver.on_behind(u32::MAX), "no news, and no overflow");
    }

    #[test]
    fn a_sender_that_was_put_back_is_told_the_current_box_again() {
        let mut sender = Sending::new(own_box(1).address);
        let mut receiver = Receiving::new(own_box(1));
        let copy = sender.clone();
        let (generation, address) = receiver.offer(|| own_box(2));
        assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Acknowledge);
        assert_eq!(receiver.on_rotated(generation), Step::Committed);
        let mut sender = copy;
        let (generation, address) = receiver.repeat();
        assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Acknowledge);
        assert_eq!(sender.current.box_id(), own_box(2).id());
        assert_eq!(receiver.on_rotated(1), Step::Nothing);
    }

    #[test]
    fn repeats_are_acknowledged_and_what_is_behind_is_told_so() {
        let (first, second, third) = (own_box(1), own_box(2), own_box(3));
        let mut sender = Sending::new(first.address);
        assert_eq!(sender.on_rotate(1, second.address.clone()), RotateAnswer::Acknowledge);
        assert_eq!(sender.on_rotate(1, second.address.clone()), RotateAnswer::Acknowledge);
        for lost in [0, 1] {
            assert_eq!(sender.on_rotate(lost, third.address.clone()), RotateAnswer::Behind(1));
        }
        assert_eq!(sender.current.box_id(), second.id());
        assert!(sender.accepts(&first.key.id()) && !sender.accepts(&third.id()));
    }

    #[test]
    fn a_home_is_watched_and_its_key_accepted_whatever_changes() {
        let mut receiver = Receiving::new(own_box(1));
        let mut sender = Sending::new(receiver.current.address.clone());
        receiver.home = Some(own_box(9));
        assert!(sender.on_home(own_box(9).address) && !sender.on_home(own_box(9).address), "news only once");
        for seed in 2..5 {
            let (generation, address) = receiver.offer(|| own_box(seed));
            assert_eq!(sender.on_rotate(generation, address.clone()), RotateAnswer::Acknowledge);
            assert_eq!(receiver.on_rotated(generation), Step::Committed);
        }
        assert!(sender.accepts(&own_box(9).id()) && receiver.boxes().any(|own| own.id() == own_box(9).id()));
        assert_eq!(receiver.on_message_in(&own_box(9).id()), Step::Nothing);
        assert_eq!(receiver.current.id(), own_box(4).id());
    }
}
