//! Padding: what was padded comes back as it was, and what was not is refused or says its length truly.

use connectoid_protocol::seal::{MAX_PLAINTEXT, PADDED_LENS, pad, unpad};

pub(super) fn run(bytes: &[u8]) {
    let Some(input) = super::arbitrary::<(u8, u32, u16, &[u8])>(bytes) else { return };
    let (which, length, position, bytes) = input;
    match pad(bytes) {
        Ok(padded) => assert!(PADDED_LENS.contains(&padded.len()) && *unpad(&padded).unwrap() == bytes),
        Err(_) => assert!(bytes.len() > MAX_PLAINTEXT),
    }
    // Something of a right length, or one byte off it, which is zeros but for some place.
    let right = PADDED_LENS[usize::from(which & 3)];
    let mut padded = vec![0; right + usize::from(which >> 6) - usize::from(which >> 4 & 1)];
    padded[..4].copy_from_slice(&length.to_be_bytes());
    let position = 4 + usize::from(position) % (padded.len() - 4);
    let fits = bytes.len().min(padded.len() - position);
    padded[position..position + fits].copy_from_slice(&bytes[..fits]);
    if let Ok(plaintext) = unpad(&padded) {
        assert!(PADDED_LENS.contains(&padded.len()) && plaintext.len() == length as usize);
        assert_eq!(*plaintext, padded[4..4 + plaintext.len()]);
        assert!(padded[4 + plaintext.len()..].iter().all(|byte| *byte == 0));
    }
}
