//! `sync.json`: frames of the sync channel, and comparisons of two sets.

use connectoid_protocol::{
    change::ChangeHash,
    sync::{Acceptance, Frame, Misbehaviour},
    user::GroupId,
};
use negentropy::{Id, Negentropy, NegentropyStorageVector};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::support::{Hex, Vectors};

/// The greatest length of a message.
const LIMIT: u64 = 48 << 10;

#[derive(Serialize, Deserialize)]
pub(crate) struct Sync {
    frames: Vec<Case>,
    unknown: Vec<Hex>,
    refused: Vec<Refused>,
    comparisons: Vec<Comparison>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    #[serde(flatten)]
    frame: JsonFrame,
    bytes: Hex,
}

/// A frame as a file has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "frame", rename_all = "snake_case")]
enum JsonFrame {
    Have { group: Hex, epoch: Hex, head: u64 },
    Pull { group: Hex, epoch: Hex, from: u64, acceptance: u64 },
    Compare { group: Hex, message: Hex },
    Compared { group: Hex, message: Hex },
    Want { group: Hex, hashes: Vec<Hex> },
    Sent { group: Hex },
    Changes { group: Hex, span: Option<(u64, u64)>, changes: Vec<Hex> },
    Ack { group: Hex, upto: Option<u64> },
    Stale { group: Hex },
    Clock { time: u64 },
    Left { group: Hex },
}

#[derive(Serialize, Deserialize)]
struct Refused {
    what: String,
    bytes: Hex,
}

/// R compares its set with that of S: questions and answers in turn, and what R lacks in the end.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Comparison {
    r: Vec<(u64, Hex)>,
    s: Vec<(u64, Hex)>,
    messages: Vec<Hex>,
    lacking: Vec<Hex>,
}

impl Vectors for Sync {
    const FILE: &'static str = "sync.json";

    fn generate() -> Self {
        let case = |frame: JsonFrame| Case { bytes: frame.to_frame().encode().into(), frame };
        Self {
            frames: frames().into_iter().map(case).collect(),
            unknown: [&[1, 12, 0x80][..], &[1, 200], &[1, 0, 0xff]].map(Hex::from).into(),
            refused: refused().into_iter().map(|(what, bytes)| refuse(what, bytes)).collect(),
            comparisons: vec![
                compare(&items(0..3), &items(1..5)),
                compare(&items(0..0), &items(0..40)),
                compare(&items(0..100), &items(3..101)),
                compare(&items(0..70), &items(0..70)),
            ],
        }
    }

    fn check(&self) {
        for case in &self.frames {
            let frame = case.frame.to_frame();
            assert_eq!(Hex::from(frame.encode()), case.bytes);
            assert_eq!(Frame::decode(&case.bytes.0), Ok(Some(frame)));
        }
        for bytes in &self.unknown {
            assert_eq!(Frame::decode(&bytes.0), Ok(None));
        }
        for Refused { what, bytes } in &self.refused {
            assert_eq!(Frame::decode(&bytes.0), Err(Misbehaviour::Malformed), "{what}");
        }
        for comparison in &self.comparisons {
            assert_eq!(*comparison, compare(&comparison.r, &comparison.s));
        }
    }
}

impl JsonFrame {
    fn to_frame(&self) -> Frame {
        let id = |group: &Hex| GroupId::from_bytes(group.array());
        match self {
            Self::Have { group, epoch, head } => {
                Frame::Have { group: id(group), epoch: epoch.array(), head: *head }
            }
            Self::Pull { group, epoch, from, acceptance } => Frame::Pull {
                group: id(group),
                epoch: epoch.array(),
                from: *from,
                acceptance: acceptance_of(*acceptance),
            },
            Self::Compare { group, message } => {
                Frame::Compare { group: id(group), message: message.0.clone() }
            }
            Self::Compared { group, message } => {
                Frame::Compared { group: id(group), message: message.0.clone() }
            }
            Self::Want { group, hashes } => {
                let hashes = hashes.iter().map(|hash| ChangeHash::from_bytes(hash.array())).collect();
                Frame::Want { group: id(group), hashes }
            }
            Self::Sent { group } => Frame::Sent { group: id(group) },
            Self::Changes { group, span, changes } => {
                let changes = changes.iter().map(|change| change.0.clone()).collect();
                Frame::Changes { group: id(group), span: *span, changes }
            }
            Self::Ack { group, upto } => Frame::Ack { group: id(group), upto: *upto },
            Self::Stale { group } => Frame::Stale { group: id(group) },
            Self::Clock { time } => Frame::Clock { time: *time },
            Self::Left { group } => Frame::Left { group: id(group) },
        }
    }
}

fn acceptance_of(number: u64) -> Acceptance {
    [Acceptance::Invited, Acceptance::Accepted, Acceptance::Full][usize::try_from(number).unwrap()]
}

fn frames() -> Vec<JsonFrame> {
    let group = || Hex::from([7; 32]);
    let epoch = || Hex::from([1; 16]);
    let changes = |span, changes: &[&[u8]]| JsonFrame::Changes {
        group: group(),
        span,
        changes: changes.iter().map(Hex::from).collect(),
    };
    vec![
        JsonFrame::Clock { time: 1_790_000_000_000_000 },
        JsonFrame::Have { group: group(), epoch: epoch(), head: 1027 },
        JsonFrame::Pull { group: group(), epoch: epoch(), from: 0, acceptance: 0 },
        JsonFrame::Pull { group: group(), epoch: epoch(), from: 1025, acceptance: 1 },
        JsonFrame::Pull { group: group(), epoch: epoch(), from: 1025, acceptance: 2 },
        JsonFrame::Compare { group: group(), message: [0x61, 0, 0, 2, 0].into() },
        JsonFrame::Compared { group: group(), message: [0x61].into() },
        JsonFrame::Want { group: group(), hashes: vec![[5; 32].into(), [6; 32].into()] },
        JsonFrame::Sent { group: group() },
        changes(None, &[b"a change", b"another"]),
        changes(Some((1024, 1025)), &[b"a change"]),
        changes(Some((1025, 1027)), &[]),
        JsonFrame::Ack { group: group(), upto: None },
        JsonFrame::Ack { group: group(), upto: Some(1027) },
        JsonFrame::Stale { group: group() },
        JsonFrame::Left { group: group() },
    ]
}

fn refused() -> Vec<(&'static str, Vec<u8>)> {
    let group = [&[0x58, 32][..], &[7; 32]].concat();
    let of = |kind: u8, items: u8, rest: &[u8]| [&[1, kind, 0x80 | items], &group[..], rest].concat();
    vec![
        ("no type", vec![1]),
        ("another version", vec![2, 6, 0x80]),
        ("no payload", vec![1, 6]),
        ("a trailing byte", of(6, 1, &[0])),
        ("an item too many", of(6, 2, &[0])),
        ("a group of 31 bytes", [&[1, 6, 0x81, 0x58, 31][..], &[7; 31]].concat()),
        ("a span that goes backwards", of(7, 3, &[0x82, 2, 1, 0x80])),
        ("a span of one number", of(7, 3, &[0x81, 2, 0x80])),
        ("changes that are no list", of(7, 3, &[0xf6, 0x40])),
        ("an acknowledgement of 2^53", of(8, 2, &[0x1b, 0, 0x20, 0, 0, 0, 0, 0, 0])),
        ("a number longer than needed", of(8, 2, &[0x18, 3])),
        ("hashes cut short", of(5, 2, &[&[0x58, 33][..], &[1; 33]].concat())),
        ("no hashes", of(5, 2, &[0x40])),
        ("a question of another version", of(3, 2, &[0x44, 0x62, 0, 0, 0])),
        ("a question about nothing", of(3, 2, &[0x41, 0x61])),
        ("a question cut short", of(3, 2, &[0x42, 0x61, 0])),
        ("an answer that is cut off in a number", of(4, 2, &[0x44, 0x61, 0xff, 0xff, 0xff])),
        ("an answer with a number longer than needed", of(4, 2, &[0x45, 0x61, 0x80, 0, 0, 0])),
        ("an answer that goes on behind infinity", of(4, 2, &[0x47, 0x61, 0, 0, 0, 2, 0, 0])),
        ("an answer with a bound that does not ascend", of(4, 2, &[0x47, 0x61, 2, 0, 0, 1, 0, 0])),
        ("an answer with an unknown mode", of(4, 2, &[0x44, 0x61, 0, 0, 3])),
        ("an answer with fewer names than it says", of(4, 2, &[0x45, 0x61, 0, 0, 2, 1])),
        ("a negative time", vec![1, 10, 0x81, 0x20]),
    ]
}

fn refuse(what: &str, bytes: Vec<u8>) -> Refused {
    Refused { what: what.to_owned(), bytes: bytes.into() }
}

/// Three items share each timestamp, so that names decide.
fn items(numbers: std::ops::Range<u64>) -> Vec<(u64, Hex)> {
    numbers.map(|number| (1000 + number / 3, Sha256::digest(number.to_be_bytes()).into())).collect()
}

fn set(items: &[(u64, Hex)]) -> NegentropyStorageVector {
    let mut set = NegentropyStorageVector::new();
    for (timestamp, name) in items {
        set.insert(*timestamp, Id::from_byte_array(name.array())).unwrap();
    }
    set.seal().unwrap();
    set
}

fn compare(r: &[(u64, Hex)], s: &[(u64, Hex)]) -> Comparison {
    let (mine, theirs) = (set(r), set(s));
    let (mut messages, mut lacking) = (Vec::new(), Vec::new());
    let mut question = Some(Negentropy::borrowed(&mine, LIMIT).unwrap().initiate().unwrap());
    while let Some(asked) = question {
        let answer = Negentropy::borrowed(&theirs, LIMIT).unwrap().reconcile(&asked).unwrap();
        let mut machine = Negentropy::borrowed(&mine, LIMIT).unwrap();
        machine.set_initiator();
        question = machine.reconcile_with_ids(&answer, &mut Vec::new(), &mut lacking).unwrap();
        messages.extend([Hex::from(asked), Hex::from(answer)]);
    }
    let mut lacking: Vec<Hex> = lacking.iter().map(|name| Hex::from(name.to_bytes())).collect();
    lacking.sort_by(|one, other| one.0.cmp(&other.0));
    Comparison { r: r.to_vec(), s: s.to_vec(), messages, lacking }
}
