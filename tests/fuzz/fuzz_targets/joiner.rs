//! Pieces of a frame: they join to what was cut, whatever their lengths, and never to more than a frame.

#![no_main]

use connectoid_protocol::frame::{FrameError, Joiner, MAX_FRAME, MAX_PIECE, pieces};
use libfuzzer_sys::fuzz_target;

// Each piece is given by its leading byte and the length of the rest.
fuzz_target!(|input: Vec<(u8, u16)>| {
    let mut joiner = Joiner::default();
    let mut expected = Vec::new();
    for (number, (more, length)) in input.into_iter().enumerate() {
        let chunk = vec![number as u8; usize::from(length)];
        expected.extend_from_slice(&chunk);
        match joiner.push(&[&[more], chunk.as_slice()].concat()) {
            Ok(None) => assert!(more == 1 && expected.len() <= MAX_FRAME),
            Ok(Some(frame)) => {
                assert!(more == 0 && frame.len() <= MAX_FRAME && frame == expected);
                assert!(frame.is_empty() || join(&frame) == expected);
                expected.clear();
            }
            Err(FrameError::TooLong) => return assert!(expected.len() > MAX_FRAME),
            Err(_) => return assert!(more > 1),
        }
    }
});

fn join(frame: &[u8]) -> Vec<u8> {
    let mut joiner = Joiner::default();
    let mut joined = pieces(frame).filter_map(|piece| {
        assert!(piece.len() <= MAX_PIECE);
        joiner.push(&piece).unwrap()
    });
    let frame = joined.next().unwrap();
    assert!(joined.next().is_none());
    frame
}
