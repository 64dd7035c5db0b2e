//! Pieces of a frame: they join to what was cut, whatever their lengths, and never to more than a frame.

use connectoid_protocol::frame::{FrameError, Joiner, MAX_FRAME, MAX_PIECE, pieces};

// Each piece is given by its leading byte and the length of the rest.
pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::arbitrary::<Vec<(u8, u16)>>(bytes) else { return };
    let mut joiner = Joiner::default();
    let mut expected = Vec::new();
    for (number, (more, length)) in (0..=u8::MAX).cycle().zip(input) {
        let chunk = vec![number; usize::from(length)];
        expected.extend_from_slice(&chunk);
        match joiner.push(&[&[more], chunk.as_slice()].concat()) {
            Ok(None) => assert!(more == 1 && expected.len() <= MAX_FRAME),
            Ok(Some(frame)) => {
                assert!(more == 0 && frame.len() <= MAX_FRAME && frame == expected);
                assert!(frame.is_empty() || join(&frame) == expected);
                expected.clear();
            }
            Err(FrameError::TooLong) => return assert!(expected.len() > MAX_FRAME),
            Err(_) => return assert!(more > 1 || 1 + usize::from(length) > MAX_PIECE),
        }
    }
}

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
