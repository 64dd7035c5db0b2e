//! Comparing emoji: how two people make sure that nobody stands between them.
//!
//! Both apps show the same seven emoji; the two people compare them by voice or side by side. Whoever
//! exchanged the link on its way would sit between two sessions with two different transcripts, and
//! the emoji would differ, but for a chance of 1 in 2^42.
//!
//! That chance holds only if nobody can try until it fits. So the starting side commits to its
//! randomness before it sees the other's, and there is one attempt per session:
//!
//! ```text
//! starter                                   accepter
//!   sas_start { c = SHA-384(label ‖ T ‖ r1) }  →
//!                                           ←  sas_accept { r2 }
//!   sas_reveal { r1 }                          →  checks c
//! ```
//!
//! The emoji are the first 42 bits of HKDF-SHA384(ikm = r1 ‖ r2, info = `connectoid/1 sas` ‖ T ‖ the
//! starter's user id and key ‖ the accepter's), six bits each, from the 64 of the Matrix
//! specification (Client-Server API, "SAS method: emoji").

use hkdf::Hkdf;
use rand_core::CryptoRng;
use sha2::{Digest, Sha384};
use subtle::ConstantTimeEq;

use crate::{
    encoding::join,
    frame::{SasAccept, SasReveal, SasStart},
    handshake::{Identity, Transcript},
};

/// One emoji with the word to say for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Emoji {
    /// The picture.
    pub emoji: &'static str,
    /// Its English name.
    pub name: &'static str,
}

/// What both people should see.
pub type Emojis = [Emoji; 7];

/// The peer did not keep to the steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SasError {
    /// What was revealed is not what was committed to.
    #[error("the peer revealed something else than it had committed to")]
    BrokenCommitment,
    /// A step out of order, or a second attempt in one session.
    #[error("the peer sent a step of the comparison out of order")]
    OutOfOrder,
}

/// What the emoji are bound to, besides the randomness.
#[derive(Clone)]
pub struct Binding {
    /// The session's transcript.
    pub transcript: Transcript,
    /// The side that starts.
    pub starter: Identity,
    /// The side that accepts.
    pub accepter: Identity,
}

/// The starter, waiting for the other side's randomness.
pub struct ExpectAccept {
    binding: Binding,
    random: [u8; 32],
}

/// The accepter, waiting for what was committed to.
pub struct ExpectReveal {
    binding: Binding,
    commitment: [u8; 48],
    random: [u8; 32],
}

/// Starts a comparison.
pub fn start(binding: Binding, rng: &mut impl CryptoRng) -> (ExpectAccept, SasStart) {
    let random = draw(rng);
    let commitment = commit(&binding.transcript, &random);
    (ExpectAccept { binding, random }, SasStart { commitment: commitment.into() })
}

/// Accepts a comparison that the peer started.
pub fn accept(binding: Binding, start: &SasStart, rng: &mut impl CryptoRng) -> (ExpectReveal, SasAccept) {
    let random = draw(rng);
    let state = ExpectReveal { binding, commitment: *start.commitment, random };
    (state, SasAccept { random: random.into() })
}

impl ExpectAccept {
    /// Reveals, and shows the emoji.
    pub fn on_accept(self, accept: &SasAccept) -> (SasReveal, Emojis) {
        let emojis = derive(&self.binding, &self.random, &accept.random);
        (SasReveal { random: self.random.into() }, emojis)
    }
}

impl ExpectReveal {
    /// Checks the commitment, and shows the emoji.
    ///
    /// # Errors
    /// [`SasError::BrokenCommitment`].
    pub fn on_reveal(self, reveal: &SasReveal) -> Result<Emojis, SasError> {
        let commitment = commit(&self.binding.transcript, &reveal.random);
        if bool::from(commitment.ct_eq(&self.commitment)) {
            Ok(derive(&self.binding, &reveal.random, &self.random))
        } else {
            Err(SasError::BrokenCommitment)
        }
    }
}

fn draw(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut random = [0; 32];
    rng.fill_bytes(&mut random);
    random
}

fn commit(transcript: &Transcript, random: &[u8; 32]) -> [u8; 48] {
    Sha384::digest(join(&[b"connectoid/1 sas commitment", transcript.as_bytes(), random])).into()
}

fn derive(binding: &Binding, starter_random: &[u8; 32], accepter_random: &[u8; 32]) -> Emojis {
    let info = join(&[
        b"connectoid/1 sas",
        binding.transcript.as_bytes(),
        binding.starter.user.as_bytes(),
        &binding.starter.key,
        binding.accepter.user.as_bytes(),
        &binding.accepter.key,
    ]);
    let mut bits = [0; 8];
    let filled = Hkdf::<Sha384>::new(None, &[*starter_random, *accepter_random].concat())
        .expand(&info, &mut bits[2..]);
    debug_assert!(filled.is_ok(), "six bytes are one block of SHA-384");
    let bits = u64::from_be_bytes(bits);
    std::array::from_fn(|place| {
        let index = (bits >> (42 - 6 * place)) & 63;
        let (emoji, name) = TABLE[usize::try_from(index).unwrap_or_default()];
        Emoji { emoji, name }
    })
}

/// The table of the Matrix specification, in its order.
#[rustfmt::skip]
const TABLE: [(&str, &str); 64] = [
    ("🐶", "Dog"), ("🐱", "Cat"), ("🦁", "Lion"), ("🐎", "Horse"), ("🦄", "Unicorn"), ("🐷", "Pig"),
    ("🐘", "Elephant"), ("🐰", "Rabbit"), ("🐼", "Panda"), ("🐓", "Rooster"), ("🐧", "Penguin"),
    ("🐢", "Turtle"), ("🐟", "Fish"), ("🐙", "Octopus"), ("🦋", "Butterfly"), ("🌷", "Flower"),
    ("🌳", "Tree"), ("🌵", "Cactus"), ("🍄", "Mushroom"), ("🌏", "Globe"), ("🌙", "Moon"), ("☁️", "Cloud"),
    ("🔥", "Fire"), ("🍌", "Banana"), ("🍎", "Apple"), ("🍓", "Strawberry"), ("🌽", "Corn"), ("🍕", "Pizza"),
    ("🎂", "Cake"), ("❤️", "Heart"), ("😀", "Smiley"), ("🤖", "Robot"), ("🎩", "Hat"), ("👓", "Glasses"),
    ("🔧", "Spanner"), ("🎅", "Santa"), ("👍", "Thumbs up"), ("☂️", "Umbrella"), ("⌛", "Hourglass"),
    ("⏰", "Clock"), ("🎁", "Gift"), ("💡", "Light bulb"), ("📕", "Book"), ("✏️", "Pencil"),
    ("📎", "Paperclip"), ("✂️", "Scissors"), ("🔒", "Lock"), ("🔑", "Key"), ("🔨", "Hammer"),
    ("☎️", "Telephone"), ("🏁", "Flag"), ("🚂", "Train"), ("🚲", "Bicycle"), ("✈️", "Aeroplane"),
    ("🚀", "Rocket"), ("🏆", "Trophy"), ("⚽", "Ball"), ("🎸", "Guitar"), ("🎺", "Trumpet"), ("🔔", "Bell"),
    ("⚓", "Anchor"), ("🎧", "Headphones"), ("📁", "Folder"), ("📌", "Pin"),
];
