//! Frames: what travels over an open connection.
//!
//! A frame is one version byte, one type byte and a payload in canonical CBOR (RFC 8949 §4.2.1).
//! Unknown types are ignored, so that a later version can add some; a malformed frame of a known type
//! ends the session.
//!
//! A data channel carries messages of at most 64 KiB, a frame may be longer. So a frame travels in
//! [`pieces`], each behind one byte: 1 if more follow, 0 if it is the last. [`Joiner`] puts them
//! together again and refuses what exceeds [`MAX_FRAME`] before it allocates.
//!
//! This module has the frames of the *control* and the *app* channel. Those of the *sync* channel are
//! in [`crate::sync`].

use minicbor::{Decode, Encode, bytes::ByteArray};

/// The version byte of every frame.
pub const FRAME_VERSION: u8 = 1;

/// The greatest length of a frame, in bytes: the largest change with its surroundings.
pub const MAX_FRAME: usize = 320 << 10;

/// The greatest length of a piece, in bytes, its leading byte included.
pub const MAX_PIECE: usize = 60 << 10;

/// The greatest length of an app message, in bytes.
pub const MAX_APP_MESSAGE: usize = 256 << 10;

/// The greatest number of a box that a peer may speak of. Boxes change once a week, so there are never so many; without
/// a bound, a peer could have this side count to where there is no next number.
pub const MAX_GENERATION: u32 = 1 << 30;

/// What stands at most before an app message in its frame, in bytes.
const MAX_HEAD: usize = 2 + 1 + 9 + 9;

/// The peer sent what no version of this protocol sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameError {
    /// Too short, of another version, not CBOR, with a field out of its bounds, or in a piece of more than [`MAX_PIECE`]
    /// bytes.
    #[error("the peer sent a malformed frame")]
    Malformed,
    /// Longer than [`MAX_FRAME`].
    #[error("the peer sent a frame of more than {MAX_FRAME} bytes")]
    TooLong,
}

/// A frame of the control channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Control {
    /// The first word of both sides: what they speak, and their nonce.
    Hello1(Hello1),
    /// The second: who they are, with proof.
    Hello2(Hello2),
    /// "Write to me here from now on."
    Rotate(Rotate),
    /// "I will."
    Rotated(Rotated),
    /// Comparing emoji, first step: a commitment.
    SasStart(SasStart),
    /// Second step: the other side's randomness.
    SasAccept(SasAccept),
    /// Third step: what was committed to.
    SasReveal(SasReveal),
    /// "We do not share any more; forget the keys." Travels on the *sync* channel, so that it comes after
    /// the membership change that goes with it; its number means the same on both channels.
    Unshare,
    /// "I have nothing more to say for now and close the connection."
    Rest,
    /// "You offered a box under a number that you have used before."
    Behind(Behind),
    /// "This box of mine stays for as long as we share."
    Home(Home),
}

/// See [`Control::Hello1`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Hello1 {
    /// The session versions that the sender speaks, at most 16.
    #[n(0)]
    pub versions: Vec<u8>,
    /// Fresh randomness.
    #[n(1)]
    pub nonce: ByteArray<32>,
}

/// See [`Control::Hello2`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Hello2 {
    /// The user's id.
    #[n(0)]
    pub user: ByteArray<32>,
    /// The user's Ed25519 key.
    #[n(1)]
    pub key: ByteArray<32>,
    /// The device's id.
    #[n(2)]
    pub device: ByteArray<16>,
    /// Proof of the session key.
    #[n(3)]
    pub mac: ByteArray<48>,
    /// Proof of the user's key.
    #[n(4)]
    pub signature: ByteArray<64>,
}

/// See [`Control::Rotate`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Rotate {
    /// The generation of the box.
    #[n(0)]
    pub generation: u32,
    /// Its address.
    #[n(1)]
    pub address: String,
}

impl std::fmt::Debug for Rotate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rotate").field("generation", &self.generation).finish_non_exhaustive()
    }
}

/// See [`Control::Rotated`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Rotated {
    /// The generation that is now in use.
    #[n(0)]
    pub generation: u32,
}

/// See [`Control::Behind`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Behind {
    /// The generation that the sender knows; the next offer has to have a greater one.
    #[n(0)]
    pub generation: u32,
}

/// See [`Control::Home`].
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Home {
    /// Its address.
    #[n(0)]
    pub address: String,
}

impl std::fmt::Debug for Home {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Home").finish_non_exhaustive()
    }
}

/// See [`Control::SasStart`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SasStart {
    /// The commitment.
    #[n(0)]
    pub commitment: ByteArray<48>,
}

/// See [`Control::SasAccept`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SasAccept {
    /// The accepting side's randomness.
    #[n(0)]
    pub random: ByteArray<32>,
}

/// See [`Control::SasReveal`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct SasReveal {
    /// The starting side's randomness.
    #[n(0)]
    pub random: ByteArray<32>,
}

impl Control {
    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Hello1(body) => encode(1, body),
            Self::Hello2(body) => encode(2, body),
            Self::Rotate(body) => encode(3, body),
            Self::Rotated(body) => encode(4, body),
            Self::SasStart(body) => encode(5, body),
            Self::SasAccept(body) => encode(6, body),
            Self::SasReveal(body) => encode(7, body),
            Self::Rest => encode(8, [(); 0]),
            Self::Behind(body) => encode(9, body),
            Self::Home(body) => encode(10, body),
            Self::Unshare => encode(64, [(); 0]),
        }
    }

    /// Reads a frame; `None` if its type is unknown.
    ///
    /// # Errors
    /// [`FrameError::Malformed`].
    pub fn decode(frame: &[u8]) -> Result<Option<Self>, FrameError> {
        let (kind, payload) = open(frame)?;
        Ok(Some(match kind {
            1 => Self::Hello1(bounded(decode(payload)?)?),
            2 => Self::Hello2(decode(payload)?),
            3 => Self::Rotate(known(decode(payload)?, |rotate: &Rotate| rotate.generation)?),
            4 => Self::Rotated(known(decode(payload)?, |rotated: &Rotated| rotated.generation)?),
            5 => Self::SasStart(decode(payload)?),
            6 => Self::SasAccept(decode(payload)?),
            7 => Self::SasReveal(decode(payload)?),
            8 => decode::<[(); 0]>(payload).map(|_| Self::Rest)?,
            9 => Self::Behind(known(decode(payload)?, |behind: &Behind| behind.generation)?),
            10 => Self::Home(decode(payload)?),
            64 => decode::<[(); 0]>(payload).map(|_| Self::Unshare)?,
            _ => return Ok(None),
        }))
    }
}

/// A frame of the app channel.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum App {
    /// A message from app to app.
    Message(AppMessage),
    /// "Your message was handed to my app."
    Received(AppAnswer),
    /// "Your message came, and my app did not take it."
    Lost(AppAnswer),
}

/// See [`App::Message`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AppMessage {
    /// Counts the messages of a session, from 0.
    #[n(0)]
    pub number: u64,
    /// The message, at most [`MAX_APP_MESSAGE`] bytes.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub data: Vec<u8>,
}

/// See [`App::Received`] and [`App::Lost`].
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct AppAnswer {
    /// The message's number.
    #[n(0)]
    pub number: u64,
}

impl App {
    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Message(body) => body.encode_frame(),
            Self::Received(body) => encode(2, body),
            Self::Lost(body) => encode(3, body),
        }
    }

    /// Reads a frame; `None` if its type is unknown.
    ///
    /// # Errors
    /// [`FrameError::Malformed`].
    pub fn decode(frame: &[u8]) -> Result<Option<Self>, FrameError> {
        let (kind, payload) = open(frame)?;
        Ok(Some(match kind {
            1 => Self::Message(AppMessage::decode_payload(payload)?),
            2 => Self::Received(decode(payload)?),
            3 => Self::Lost(decode(payload)?),
            _ => return Ok(None),
        }))
    }
}

/// App messages are long and many: they are written and read with one copy, and without encoding them again
/// to see that they were encoded as they should be.
impl AppMessage {
    /// What stands before the message: version, type, and the heads of array, number and bytes; with room for
    /// more.
    fn head(number: u64, length: usize, room: usize) -> Vec<u8> {
        let mut head = Vec::with_capacity(MAX_HEAD + room);
        head.extend([FRAME_VERSION, 1]);
        let written = minicbor::Encoder::new(&mut head)
            .array(2)
            .and_then(|encoder| encoder.u64(number)?.bytes_len(length as u64).map(|_| ()));
        debug_assert!(written.is_ok(), "writing to memory cannot fail");
        head
    }

    fn encode_frame(&self) -> Vec<u8> {
        let mut frame = Self::head(self.number, self.data.len(), self.data.len());
        frame.extend_from_slice(&self.data);
        frame
    }

    fn decode_payload(payload: &[u8]) -> Result<Self, FrameError> {
        let mut decoder = minicbor::Decoder::new(payload);
        let read = decoder.array().and_then(|_| Ok((decoder.u64()?, decoder.bytes()?)));
        let (number, data) = read.map_err(|_| FrameError::Malformed)?;
        let head = Self::head(number, data.len(), 0);
        // Where the head is as we write it and the data begins behind it, nothing else is left.
        match payload.split_at_checked(head.len() - 2) {
            Some((found, rest)) if found == &head[2..] && rest.len() == data.len() => {
                Ok(Self { number, data: data.to_vec() })
            }
            _ => Err(FrameError::Malformed),
        }
    }
}

/// Cuts a frame into pieces that fit a data channel's message.
pub fn pieces(frame: &[u8]) -> impl Iterator<Item = Vec<u8>> + '_ {
    let mut chunks = frame.chunks(MAX_PIECE - 1).peekable();
    std::iter::from_fn(move || {
        let chunk = chunks.next()?;
        let more = u8::from(chunks.peek().is_some());
        Some([&[more], chunk].concat())
    })
}

/// Puts the pieces of one channel together.
#[derive(Debug, Default)]
pub struct Joiner {
    held: Vec<u8>,
}

impl Joiner {
    /// Takes a piece; returns a frame when it was the last.
    ///
    /// # Errors
    /// [`FrameError`]; the session is then over.
    pub fn push(&mut self, piece: &[u8]) -> Result<Option<Vec<u8>>, FrameError> {
        let (more, chunk) = piece.split_first().ok_or(FrameError::Malformed)?;
        if piece.len() > MAX_PIECE {
            return Err(FrameError::Malformed);
        }
        if self.held.len() + chunk.len() > MAX_FRAME {
            return Err(FrameError::TooLong);
        }
        self.held.extend_from_slice(chunk);
        match more {
            0 => Ok(Some(std::mem::take(&mut self.held))),
            1 => Ok(None),
            _ => Err(FrameError::Malformed),
        }
    }
}

/// Takes the version and the type off a frame.
pub(crate) fn open(frame: &[u8]) -> Result<(u8, &[u8]), FrameError> {
    match frame {
        [FRAME_VERSION, kind, payload @ ..] => Ok((*kind, payload)),
        _ => Err(FrameError::Malformed),
    }
}

fn encode(kind: u8, body: impl Encode<()>) -> Vec<u8> {
    let mut frame = vec![FRAME_VERSION, kind];
    let written = minicbor::encode(body, &mut frame);
    debug_assert!(written.is_ok(), "writing to memory cannot fail");
    frame
}

/// Reads a payload and refuses any other encoding of the same content than ours.
fn decode<'a, T: Decode<'a, ()> + Encode<()>>(payload: &'a [u8]) -> Result<T, FrameError> {
    let body: T = minicbor::decode(payload).map_err(|_| FrameError::Malformed)?;
    let canonical = minicbor::to_vec(&body).map_err(|_| FrameError::Malformed)?;
    if canonical == payload { Ok(body) } else { Err(FrameError::Malformed) }
}

/// Refuses a generation that no box can have.
fn known<T>(body: T, generation: impl Fn(&T) -> u32) -> Result<T, FrameError> {
    if generation(&body) <= MAX_GENERATION { Ok(body) } else { Err(FrameError::Malformed) }
}

fn bounded(hello: Hello1) -> Result<Hello1, FrameError> {
    if hello.versions.len() <= 16 { Ok(hello) } else { Err(FrameError::Malformed) }
}

/// Which number the next app message of the peer has: they count from 0, and the channel loses none.
#[derive(Debug, Default)]
pub struct Numbers(u64);

impl Numbers {
    /// Takes the number of a message that came.
    ///
    /// # Errors
    /// [`FrameError::Malformed`] if a message was repeated or left out.
    pub fn take(&mut self, number: u64) -> Result<(), FrameError> {
        if number != self.0 {
            return Err(FrameError::Malformed);
        }
        self.0 = self.0.saturating_add(1);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn every_control_frame() -> Vec<Control> {
        vec![
            Control::Hello1(Hello1 { versions: vec![1, 2], nonce: [7; 32].into() }),
            Control::Hello2(Hello2 {
                user: [1; 32].into(),
                key: [2; 32].into(),
                device: [3; 16].into(),
                mac: [4; 48].into(),
                signature: [5; 64].into(),
            }),
            Control::Rotate(Rotate { generation: 3, address: "a.b".into() }),
            Control::Rotated(Rotated { generation: 3 }),
            Control::SasStart(SasStart { commitment: [6; 48].into() }),
            Control::SasAccept(SasAccept { random: [8; 32].into() }),
            Control::SasReveal(SasReveal { random: [9; 32].into() }),
            Control::Unshare,
            Control::Rest,
            Control::Behind(Behind { generation: 7 }),
            Control::Home(Home { address: "address".into() }),
        ]
    }

    #[test]
    fn app_messages_come_one_after_the_other() {
        let mut numbers = Numbers::default();
        assert_eq!((numbers.take(0), numbers.take(1)), (Ok(()), Ok(())));
        for wrong in [0, 1, 3, u64::MAX] {
            assert_eq!(numbers.take(wrong), Err(FrameError::Malformed), "{wrong}");
        }
        assert_eq!(numbers.take(2), Ok(()));
    }

    #[test]
    fn frames_come_back_and_damaged_ones_do_not() {
        for frame in every_control_frame() {
            let bytes = frame.encode();
            assert_eq!(Control::decode(&bytes), Ok(Some(frame.clone())));
            assert_eq!(Control::decode(&bytes[..bytes.len() - 1]), Err(FrameError::Malformed), "{frame:?}");
            assert_eq!(
                Control::decode(&[&bytes[..], &[0]].concat()),
                Err(FrameError::Malformed),
                "{frame:?}"
            );
        }
        assert_eq!(Control::decode(&[FRAME_VERSION, 200, 1, 2]), Ok(None));
        assert_eq!(Control::decode(&[2, 9, 0x80]), Err(FrameError::Malformed));
    }

    #[test]
    fn a_longer_spelling_of_the_same_frame_is_refused() {
        assert!(Control::decode(&[1, 4, 0x81, 0x03]).is_ok());
        assert_eq!(Control::decode(&[1, 4, 0x81, 0x18, 0x03]), Err(FrameError::Malformed));
        assert_eq!(Control::decode(&[1, 4, 0x9f, 0x03, 0xff]), Err(FrameError::Malformed));
    }

    #[test]
    fn an_endless_frame_ends_at_its_bound() {
        let mut joiner = Joiner::default();
        let mut piece = vec![0; MAX_PIECE];
        piece[0] = 1;
        let error = (0..10).find_map(|_| joiner.push(&piece).err());
        assert_eq!(error, Some(FrameError::TooLong));
        assert_eq!(Joiner::default().push(&[]), Err(FrameError::Malformed));
        assert_eq!(Joiner::default().push(&[2, 0]), Err(FrameError::Malformed));
        assert!(Joiner::default().push(&vec![0; MAX_PIECE]).is_ok());
        assert_eq!(Joiner::default().push(&vec![0; MAX_PIECE + 1]), Err(FrameError::Malformed));
    }

    #[test]
    fn numbers_that_no_peer_can_need_are_refused() {
        for (generation, good) in [(MAX_GENERATION, true), (MAX_GENERATION + 1, false), (u32::MAX, false)] {
            let rotate = Rotate { generation, address: "a.b".into() };
            for frame in [
                Control::Rotate(rotate),
                Control::Rotated(Rotated { generation }),
                Control::Behind(Behind { generation }),
            ] {
                assert_eq!(Control::decode(&frame.encode()).is_ok(), good, "{frame:?}");
            }
        }
    }

    #[test]
    fn app_messages_come_back_and_other_spellings_do_not() {
        for (number, length) in [(0, 0), (23, 23), (24, 24), (255, 256), (u64::MAX, 70_000)] {
            let message = AppMessage { number, data: vec![7; length] };
            let frame = App::Message(message.clone()).encode();
            assert_eq!(frame, encode(1, &message), "as any encoder writes it");
            assert_eq!(App::decode(&frame), Ok(Some(App::Message(message))));
            assert_eq!(App::decode(&[&frame[..], &[0]].concat()), Err(FrameError::Malformed));
            assert_eq!(App::decode(&frame[..frame.len() - 1]), Err(FrameError::Malformed));
        }
        assert!(App::decode(&[1, 1, 0x82, 0x03, 0x41, 0x07]).is_ok());
        for other in [
            &[1, 1, 0x82, 0x18, 0x03, 0x41, 0x07][..],
            &[1, 1, 0x82, 0x03, 0x58, 0x01, 0x07],
            &[1, 1, 0x82, 0x03, 0x5f, 0x41, 0x07, 0xff],
            &[1, 1, 0x9f, 0x03, 0x41, 0x07, 0xff],
            &[1, 1, 0x83, 0x03, 0x41, 0x07, 0x00],
            &[1, 1, 0x81, 0x03, 0x41, 0x07],
        ] {
            assert_eq!(App::decode(other), Err(FrameError::Malformed), "{other:x?}");
        }
    }

    proptest! {
        #[test]
        fn pieces_join_to_the_frame(frame in proptest::collection::vec(any::<u8>(), 1..200_000)) {
            let mut joiner = Joiner::default();
            let mut joined = Vec::new();
            for piece in pieces(&frame) {
                prop_assert!(piece.len() <= MAX_PIECE);
                joined.extend(joiner.push(&piece).unwrap());
            }
            prop_assert_eq!(joined, vec![frame]);
        }

        #[test]
        fn noise_never_panics(noise in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Control::decode(&noise);
            let _ = App::decode(&noise);
            let known = [&[FRAME_VERSION, noise.first().map_or(1, |byte| byte % 11)], noise.as_slice()].concat();
            let _ = Control::decode(&known);
            let _ = App::decode(&known);
        }
    }
}
