//! The frames of the sync channel: version, type, and a deterministic CBOR array.

use minicbor::{Decoder, data::Type};

use super::{
    Acceptance, EPOCH_LEN, Epoch, MAX_WANT, Misbehaviour,
    wellformed::{Way, is_message},
};
use crate::{
    cbor::{self, NotCanonical, Writer},
    change::{ChangeHash, MAX_CHANGE_LEN},
    user::GroupId,
};

/// The greatest length of a frame, in bytes: one change of the greatest length, and what is around it.
pub const MAX_FRAME: usize = MAX_CHANGE_LEN + (1 << 10);

/// How long frames with changes are meant to be, in bytes, unless one change alone is longer.
///
/// Below the 64 KiB that every implementation of data channels takes in one message.
pub const TARGET_FRAME: usize = 60 << 10;

/// The greatest length of one message of a reconciliation, in bytes.
pub(super) const MAX_RECONCILE: usize = 48 << 10;

/// The greatest number of changes in a frame. No honest frame of [`TARGET_FRAME`] comes near it, as a
/// change is some 200 bytes long at least.
const MAX_CHANGES: u64 = 1000;

const VERSION: u8 = 1;

/// A frame, as the test vectors have it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "fields are what `docs/protocol/sync.md` says of them")]
pub enum Frame {
    /// S: I have this group up to arrival `head`.
    Have { group: GroupId, epoch: Epoch, head: u64 },
    /// R: send what arrived after `from`, in this life of your store, and go on; changes of records only if accepted.
    Pull { group: GroupId, epoch: Epoch, from: u64, acceptance: Acceptance },
    /// R: this is what I have, in a message of set reconciliation.
    Compare { group: GroupId, message: Vec<u8> },
    /// S: the answer to it.
    Compared { group: GroupId, message: Vec<u8> },
    /// R: send these.
    Want { group: GroupId, hashes: Vec<ChangeHash> },
    /// S: I have sent what you wanted, as far as I have it.
    Sent { group: GroupId },
    /// S: changes; with a span, all that arrived after its first and up to its second number.
    Changes { group: GroupId, span: Option<(u64, u64)>, changes: Vec<Vec<u8>> },
    /// R: the oldest unacknowledged frame of changes is dealt with; stored for good up to `upto`.
    Ack { group: GroupId, upto: Option<u64> },
    /// S: I do not remember having had what you pulled from; compare.
    Stale { group: GroupId },
    /// Both: so late is it here, in microseconds since the Unix epoch; what is stamped too far ahead of it waits.
    Clock { time: u64 },
    /// Both: my user has left the group; I neither take nor give anything of it any more.
    Left { group: GroupId },
}

impl Frame {
    /// The frame on the wire.
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        self.write(&mut writer);
        let body = writer.finish();
        let mut bytes = Vec::with_capacity(body.len() + 2);
        bytes.extend_from_slice(&[VERSION, self.kind()]);
        bytes.extend_from_slice(&body);
        bytes
    }

    /// Reads a frame; `None` for a type that a later version may have added.
    ///
    /// # Errors
    /// [`Misbehaviour::Malformed`].
    pub fn decode(bytes: &[u8]) -> Result<Option<Self>, Misbehaviour> {
        if bytes.len() > MAX_FRAME {
            return Err(Misbehaviour::Malformed);
        }
        let Some(([VERSION, kind], body)) = bytes.split_first_chunk::<2>() else {
            return Err(Misbehaviour::Malformed);
        };
        if !(1..=11).contains(kind) {
            return Ok(None);
        }
        let frame = cbor::strict(body, |decoder| Self::read(*kind, decoder), Self::write);
        frame.map(Some).map_err(|_: NotCanonical| Misbehaviour::Malformed)
    }

    fn kind(&self) -> u8 {
        match self {
            Self::Have { .. } => 1,
            Self::Pull { .. } => 2,
            Self::Compare { .. } => 3,
            Self::Compared { .. } => 4,
            Self::Want { .. } => 5,
            Self::Sent { .. } => 6,
            Self::Changes { .. } => 7,
            Self::Ack { .. } => 8,
            Self::Stale { .. } => 9,
            Self::Clock { .. } => 10,
            Self::Left { .. } => 11,
        }
    }

    fn write(&self, writer: &mut Writer) {
        match self {
            Self::Have { group, epoch, head } => {
                writer.array(3).bytes(group.as_bytes()).bytes(epoch).uint(*head);
            }
            Self::Pull { group, epoch, from, acceptance } => {
                writer.array(4).bytes(group.as_bytes()).bytes(epoch).uint(*from).uint(*acceptance as u64);
            }
            Self::Compare { group, message } | Self::Compared { group, message } => {
                writer.array(2).bytes(group.as_bytes()).bytes(message);
            }
            Self::Want { group, hashes } => {
                let hashes: Vec<u8> = hashes.iter().flat_map(|hash| *hash.as_bytes()).collect();
                writer.array(2).bytes(group.as_bytes()).bytes(&hashes);
            }
            Self::Sent { group } | Self::Stale { group } | Self::Left { group } => {
                writer.array(1).bytes(group.as_bytes());
            }
            Self::Changes { group, span, changes } => {
                writer.array(3).bytes(group.as_bytes());
                match span {
                    Some((from, upto)) => writer.array(2).uint(*from).uint(*upto),
                    None => writer.null(),
                };
                writer.array(changes.len());
                for change in changes {
                    writer.bytes(change);
                }
            }
            Self::Clock { time } => {
                writer.array(1).uint(*time);
            }
            Self::Ack { group, upto } => {
                writer.array(2).bytes(group.as_bytes());
                match upto {
                    Some(upto) => writer.uint(*upto),
                    None => writer.null(),
                };
            }
        }
    }

    fn read(kind: u8, decoder: &mut Decoder<'_>) -> Result<Self, NotCanonical> {
        let length = cbor::array(decoder)?;
        if (kind, length) == (10, 1) {
            return Ok(Self::Clock { time: read_seq(decoder)? });
        }
        let group = GroupId::from_bytes(cbor::fixed(decoder)?);
        Ok(match (kind, length) {
            (1, 3) => {
                Self::Have { group, epoch: cbor::fixed::<EPOCH_LEN>(decoder)?, head: read_seq(decoder)? }
            }
            (2, 4) => {
                let (epoch, from) = (cbor::fixed::<EPOCH_LEN>(decoder)?, read_seq(decoder)?);
                Self::Pull { group, epoch, from, acceptance: read_acceptance(decoder)? }
            }
            (3, 2) => Self::Compare { group, message: read_message(decoder, Way::Question)? },
            (4, 2) => Self::Compared { group, message: read_message(decoder, Way::Answer)? },
            (5, 2) => Self::Want { group, hashes: read_hashes(decoder)? },
            (6, 1) => Self::Sent { group },
            (7, 3) => Self::Changes { group, span: read_span(decoder)?, changes: read_changes(decoder)? },
            (8, 2) => Self::Ack { group, upto: read_optional_seq(decoder)? },
            (9, 1) => Self::Stale { group },
            (11, 1) => Self::Left { group },
            _ => return Err(NotCanonical),
        })
    }
}

/// Arrival numbers and times stay below 2^53, as every integer of this protocol.
fn read_seq(decoder: &mut Decoder<'_>) -> Result<u64, NotCanonical> {
    let seq = decoder.u64()?;
    if seq < 1 << 53 { Ok(seq) } else { Err(NotCanonical) }
}

/// Who has left pulls nothing.
fn read_acceptance(decoder: &mut Decoder<'_>) -> Result<Acceptance, NotCanonical> {
    let pulling = [Acceptance::Invited, Acceptance::Accepted, Acceptance::Full];
    let number = decoder.u64()?;
    pulling.into_iter().find(|acceptance| *acceptance as u64 == number).ok_or(NotCanonical)
}

fn read_optional_seq(decoder: &mut Decoder<'_>) -> Result<Option<u64>, NotCanonical> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    read_seq(decoder).map(Some)
}

fn read_message(decoder: &mut Decoder<'_>, way: Way) -> Result<Vec<u8>, NotCanonical> {
    let message = decoder.bytes()?;
    if message.len() > MAX_RECONCILE || !is_message(message, way) {
        return Err(NotCanonical);
    }
    Ok(message.to_vec())
}

fn read_hashes(decoder: &mut Decoder<'_>) -> Result<Vec<ChangeHash>, NotCanonical> {
    let (hashes, rest) = decoder.bytes()?.as_chunks();
    if hashes.is_empty() || hashes.len() > MAX_WANT || !rest.is_empty() {
        return Err(NotCanonical);
    }
    Ok(hashes.iter().map(|hash| ChangeHash::from_bytes(*hash)).collect())
}

fn read_span(decoder: &mut Decoder<'_>) -> Result<Option<(u64, u64)>, NotCanonical> {
    if decoder.datatype()? == Type::Null {
        decoder.null()?;
        return Ok(None);
    }
    cbor::array_of(decoder, 2)?;
    let span = (read_seq(decoder)?, read_seq(decoder)?);
    if span.0 <= span.1 { Ok(Some(span)) } else { Err(NotCanonical) }
}

fn read_changes(decoder: &mut Decoder<'_>) -> Result<Vec<Vec<u8>>, NotCanonical> {
    let count = cbor::array(decoder)?;
    if count > MAX_CHANGES {
        return Err(NotCanonical);
    }
    (0..count).map(|_| Ok(decoder.bytes()?.to_vec())).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GROUP: GroupId = GroupId::from_bytes([7; 32]);

    /// A message of reconciliation with so many names.
    fn names(count: usize) -> Vec<u8> {
        let byte = |number: usize| u8::try_from(number).unwrap();
        let count_bytes =
            if count < 128 { vec![byte(count)] } else { vec![0x80 | byte(count >> 7), byte(count & 0x7f)] };
        [&[0x61, 0, 0, 2], count_bytes.as_slice(), &vec![7; 32 * count]].concat()
    }

    fn examples() -> Vec<Frame> {
        let group = GROUP;
        vec![
            Frame::Have { group, epoch: [1; 16], head: 300 },
            Frame::Pull { group, epoch: [1; 16], from: 0, acceptance: Acceptance::Accepted },
            Frame::Pull { group, epoch: [1; 16], from: 7, acceptance: Acceptance::Invited },
            Frame::Pull { group, epoch: [1; 16], from: 7, acceptance: Acceptance::Full },
            Frame::Left { group },
            Frame::Compare { group, message: names(1) },
            Frame::Compared { group, message: names(1535) },
            Frame::Compared { group, message: vec![0x61] },
            Frame::Want { group, hashes: vec![ChangeHash::from_bytes([5; 32]); MAX_WANT] },
            Frame::Sent { group },
            Frame::Changes { group, span: Some((3, 9)), changes: vec![vec![1, 2], vec![3]] },
            Frame::Changes { group, span: None, changes: vec![] },
            Frame::Ack { group, upto: Some(9) },
            Frame::Ack { group, upto: None },
            Frame::Stale { group },
            Frame::Clock { time: (1 << 53) - 1 },
        ]
    }

    #[test]
    fn frames_survive_the_wire() {
        for frame in examples() {
            assert_eq!(Frame::decode(&frame.encode()), Ok(Some(frame)));
        }
    }

    #[test]
    fn unknown_types_are_skipped_and_bad_frames_are_not() {
        assert_eq!(Frame::decode(&[VERSION, 12, 1, 2, 3]), Ok(None));
        let group = GROUP;
        for bad in [
            Frame::Pull { group, epoch: [1; 16], from: 1 << 53, acceptance: Acceptance::Accepted },
            Frame::Pull { group, epoch: [1; 16], from: 1, acceptance: Acceptance::Left },
            Frame::Clock { time: 1 << 53 },
            Frame::Compared { group, message: names(1536) },
            Frame::Compare { group, message: vec![0x61] },
            Frame::Compare { group, message: vec![0x61, 0xff, 0xff, 0xff] },
            Frame::Compared { group, message: vec![0x61, 0] },
            Frame::Want { group, hashes: vec![] },
            Frame::Want { group, hashes: vec![ChangeHash::from_bytes([5; 32]); MAX_WANT + 1] },
            Frame::Changes { group, span: Some((9, 3)), changes: vec![] },
            Frame::Changes { group, span: None, changes: vec![vec![]; 2000] },
        ] {
            assert_eq!(Frame::decode(&bad.encode()), Err(Misbehaviour::Malformed));
        }
        for bad in [vec![], vec![VERSION], vec![2, 1, 0x80], vec![0; MAX_FRAME + 1]] {
            assert_eq!(Frame::decode(&bad), Err(Misbehaviour::Malformed));
        }
    }

    #[test]
    fn every_cut_is_noticed() {
        for frame in examples() {
            let bytes = frame.encode();
            for length in 0..bytes.len().min(200) {
                assert!(Frame::decode(&bytes[..length]).is_err());
            }
            assert!(Frame::decode(&[&bytes[..], &[0]].concat()).is_err());
        }
    }

    #[test]
    fn a_frame_has_room_for_one_change_of_the_greatest_length() {
        let of_length = |length| Frame::Changes { group: GROUP, span: None, changes: vec![vec![0; length]] };
        assert!(Frame::decode(&of_length(MAX_CHANGE_LEN).encode()).is_ok());
        let around = of_length(MAX_CHANGE_LEN).encode().len() - MAX_CHANGE_LEN;
        assert!(Frame::decode(&of_length(MAX_FRAME - around).encode()).is_ok());
        let too_long = of_length(MAX_FRAME - around + 1).encode();
        assert_eq!(Frame::decode(&too_long), Err(Misbehaviour::Malformed));
    }

    proptest! {
        #[test]
        fn noise_does_no_harm(kind in 0..12_u8, body in prop::collection::vec(any::<u8>(), 0..100)) {
            let bytes = [&[VERSION, kind], body.as_slice()].concat();
            if let Ok(Some(frame)) = Frame::decode(&bytes) {
                prop_assert_eq!(frame.encode(), bytes);
            }
        }
    }
}
