//! Whether a message of reconciliation is one: read whole and strictly before anything is made of it.
//!
//! The library that reconciles reads what is missing at a message's end as zeros. What honest sides send is
//! complete, written in one way only, and goes upwards.

use crate::change::ChangeHash;

/// Version 1 of `negentropy`.
const VERSION: u8 = 0x61;

/// Lengths of a name and of a fingerprint.
const ID: usize = size_of::<ChangeHash>();
const FINGERPRINT: usize = 16;

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// R asks, about one range at least.
    Question,
    /// S answers; nothing, if both have the same.
    Answer,
}

/// Whether a message is one, whatever it says.
pub(super) fn is_message(message: &[u8], way: Way) -> bool {
    read(message, way).is_some()
}

fn read(message: &[u8], way: Way) -> Option<()> {
    let (VERSION, mut rest) = message.split_first().map(|(version, rest)| (*version, rest))? else {
        return None;
    };
    if rest.is_empty() {
        return (way == Way::Answer).then_some(());
    }
    let mut before = Bound { timestamp: Some(0), prefix: &[] };
    while !rest.is_empty() {
        let bound = before.next(&mut rest)?;
        match varint(&mut rest)? {
            0 => {}
            1 => drop(bytes(&mut rest, FINGERPRINT)?),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?.checked_mul(ID)?;
                bytes(&mut rest, length)?;
            }
            _ => return None,
        }
        before = bound;
    }
    Some(())
}

/// Where a range ends: at this timestamp, without one at infinity, and at names that begin so.
struct Bound<'a> {
    timestamp: Option<u64>,
    prefix: &'a [u8],
}

impl Bound<'_> {
    /// The next bound, which lies behind this one.
    fn next<'a>(&self, rest: &mut &'a [u8]) -> Option<Bound<'a>> {
        let start = self.timestamp?;
        let timestamp = match varint(rest)? {
            0 => None,
            ahead => Some(start.checked_add(ahead - 1)?),
        };
        let length = usize::try_from(varint(rest)?).ok().filter(|length| *length <= ID)?;
        let prefix = bytes(rest, length)?;
        let ascends = match timestamp {
            None => prefix.is_empty(),
            Some(timestamp) => timestamp > start || prefix > self.prefix,
        };
        ascends.then_some(Bound { timestamp, prefix })
    }
}

/// A number in groups of seven bits, the most significant first, in as few bytes as it takes.
fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for index in 0.. {
        let (byte, others) = rest.split_first()?;
        *rest = others;
        if index == 0 && *byte == 0x80 {
            return None;
        }
        number = number.checked_mul(128)? | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            break;
        }
    }
    Some(number)
}

fn bytes<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (bytes, others) = rest.split_at_checked(length)?;
    *rest = others;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(text: &str, way: Way) -> bool {
        let digits = text.as_bytes().chunks(2).map(|pair| core::str::from_utf8(pair).unwrap());
        let message: Vec<u8> = digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect();
        is_message(&message, way)
    }

    #[test]
    fn whole_messages_are_taken() {
        assert!(reads("61", Way::Answer));
        let id = "ab".repeat(32);
        for whole in [
            "61000000".to_owned(),
            "6100000200".to_owned(),
            format!("6100000201{id}"),
            format!("61000001{}", "cd".repeat(16)),
            format!("61870102abcd0002000201{id}000000"),
        ] {
            assert!(reads(&whole, Way::Question), "{whole}");
            assert!(reads(&whole, Way::Answer), "{whole}");
        }
    }

    #[test]
    fn every_cut_and_every_second_way_of_writing_is_refused() {
        let id = "ab".repeat(32);
        let whole = format!("61870102abcd0002000201{id}000001{}", "cd".repeat(16));
        assert!(reads(&whole, Way::Question));
        let ends_of_ranges = [2, 14, 86];
        for length in (0..whole.len()).step_by(2).filter(|length| !ends_of_ranges.contains(length)) {
            assert!(!reads(&whole[..length], Way::Answer), "{length}");
        }
        for bad in [
            "",
            "61ffffff",
            "6100",
            "610000",
            "60000000",
            "62000000",
            "00",
            "6100000000",
            "61000003",
            // A number that is longer than it needs to be, or than it may be.
            "6180000000",
            "6182808080808080808080000000",
            // Bounds that do not ascend: the same again, a lower name, behind infinity, infinity with a name.
            "61020000010000",
            "61020105000100000000",
            "61000000020000",
            "610001ab00",
            // A name that is too long.
            &format!("610221{}00", "ab".repeat(33)),
            // More names than there are.
            &format!("6100000202{id}"),
            "6100000281ffffffffffffffff7f",
        ] {
            assert!(!reads(bad, Way::Answer), "{bad}");
        }
        assert!(!reads("61", Way::Question));
    }
}
