//! Reading an SCTP packet (RFC 9260 §3): a header of 12 bytes, then chunks, each with a type, flags and a length.
//!
//! The guard must see exactly the chunks that the library will see. The library moves on by the length of what
//! it understood of a chunk, not by the length the chunk states; what is left over it would read as further
//! chunks, which the guard never saw. So a chunk counts as well formed only if both lengths are the same.

/// The header: ports, verification tag, checksum.
const HEADER: usize = 12;

/// Type, flags and length.
const CHUNK_HEADER: usize = 4;

/// TSN, stream, sequence number and payload protocol.
const DATA_HEADER: usize = 12;

/// What a packet holds, as far as the guard cares.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Packet {
    /// Which association it is for; 0 in an INIT.
    pub(super) tag: u32,
    pub(super) chunks: Vec<Chunk>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Chunk {
    /// INIT or INIT ACK: the tag and the first TSN of its sender.
    Init {
        tag: u32,
        tsn: u32,
        ack: bool,
    },
    Data(Data),
    /// Everything up to this TSN has arrived.
    Sack {
        cumulative: u32,
    },
    /// A request to reset streams, or an answer to one (RFC 6525).
    Reconfig,
    /// Data that will never come (RFC 3758).
    ForwardTsn,
    /// Something small that leaves nothing behind.
    Other,
}

/// One fragment of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Data {
    pub(super) tsn: u32,
    pub(super) stream: u16,
    pub(super) ssn: u16,
    pub(super) protocol: u32,
    pub(super) unordered: bool,
    pub(super) len: usize,
}

/// Reads a packet; `None` unless every byte of it is understood.
pub(super) fn parse(packet: &[u8]) -> Option<Packet> {
    let tag = u32_at(packet, 4)?;
    let mut rest = packet.get(HEADER..)?;
    let mut chunks = Vec::new();
    while !rest.is_empty() {
        let len = usize::from(u16_at(rest, 2)?);
        let chunk = rest.get(..len).filter(|_| len >= CHUNK_HEADER)?;
        chunks.push(read(chunk)?);
        rest = rest.get(len.next_multiple_of(4)..)?;
    }
    let bundled_init = chunks.len() != 1 && chunks.iter().any(|chunk| matches!(chunk, Chunk::Init { .. }));
    (!bundled_init && !chunks.is_empty()).then_some(Packet { tag, chunks })
}

fn read(chunk: &[u8]) -> Option<Chunk> {
    let (kind, flags, value) = (chunk[0], chunk[1], chunk.get(CHUNK_HEADER..)?);
    match kind {
        0 => data(flags, value).map(Chunk::Data),
        1 | 2 => init(value, kind == 2),
        3 => sack(value),
        4 => (u16_at(value, 0)? == 1 && parameter(value)? == value.len()).then_some(Chunk::Other),
        6 | 9 => causes(value).then_some(Chunk::Other),
        7 => (value.len() == 4).then_some(Chunk::Other),
        8 | 11 | 14 => value.is_empty().then_some(Chunk::Other),
        10 => Some(Chunk::Other),
        130 => Some(Chunk::Reconfig),
        192 => Some(Chunk::ForwardTsn),
        _ => None,
    }
}

fn data(flags: u8, value: &[u8]) -> Option<Data> {
    Some(Data {
        tsn: u32_at(value, 0)?,
        stream: u16_at(value, 4)?,
        ssn: u16_at(value, 6)?,
        protocol: u32_at(value, 8)?,
        unordered: flags & 4 != 0,
        len: value.len().checked_sub(DATA_HEADER)?,
    })
}

fn init(value: &[u8], ack: bool) -> Option<Chunk> {
    let (tag, tsn) = (u32_at(value, 0)?, u32_at(value, 12)?);
    let mut rest = value.get(16..)?;
    while !rest.is_empty() {
        let len = parameter(rest)?;
        let exact = match u16_at(rest, 0)? {
            // The cookie, and what a receiver that does not know it passes over.
            7 => true,
            // A list of two-byte numbers.
            0x8004 => len % 2 == 0,
            // Has no value.
            0xc000 => len == 4,
            kind => kind & 0x8000 != 0,
        };
        rest = rest.get(len.next_multiple_of(4).min(rest.len())..).filter(|_| exact)?;
    }
    Some(Chunk::Init { tag, tsn, ack })
}

fn sack(value: &[u8]) -> Option<Chunk> {
    let cumulative = u32_at(value, 0)?;
    let (gaps, duplicates) = (usize::from(u16_at(value, 8)?), usize::from(u16_at(value, 10)?));
    let exact = value.len() == 12 + 4 * (gaps + duplicates);
    let blocks = value.get(12..12 + 4 * gaps)?;
    // In order and apart: each says something new, and no packet is looked up twice.
    let mut last = 0;
    let ascending = blocks.chunks_exact(4).all(|block| {
        let (start, end) = (u16_at(block, 0).unwrap_or(0), u16_at(block, 2).unwrap_or(0));
        let follows = last < start && start <= end;
        last = end;
        follows
    });
    (exact && ascending).then_some(Chunk::Sack { cumulative })
}

/// The causes of an ABORT or ERROR: each a code and a length, one after the other.
fn causes(mut value: &[u8]) -> bool {
    while !value.is_empty() {
        match parameter(value) {
            Some(len) => value = &value[len..],
            None => return false,
        }
    }
    true
}

/// The length of the parameter that begins here, without its padding.
fn parameter(value: &[u8]) -> Option<usize> {
    let len = usize::from(u16_at(value, 2)?);
    (len >= 4 && len <= value.len()).then_some(len)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A packet of chunks, each a type, flags and a value.
    fn packet(chunks: &[(u8, u8, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0x13, 0x88, 0x13, 0x88, 0, 0, 0, 9, 0, 0, 0, 0];
        for (kind, flags, value) in chunks {
            bytes.extend([*kind, *flags]);
            bytes.extend(u16::try_from(CHUNK_HEADER + value.len()).unwrap().to_be_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    fn one(kind: u8, value: &[u8]) -> Option<Chunk> {
        parse(&packet(&[(kind, 0, value)])).map(|packet| packet.chunks[0])
    }

    #[test]
    fn reads_fragments() {
        let value = [0, 0, 0, 5, 0, 3, 0, 7, 0, 0, 0, 53, b'x'];
        let bytes = packet(&[(0, 4, &value), (0, 3, &value)]);
        let data = Data { tsn: 5, stream: 3, ssn: 7, protocol: 53, unordered: true, len: 1 };
        let ordered = Data { unordered: false, ..data };
        let chunks = vec![Chunk::Data(data), Chunk::Data(ordered)];
        assert_eq!(parse(&bytes), Some(Packet { tag: 9, chunks }));
        assert!(one(0, &value[..11]).is_none());
    }

    #[test]
    fn refuses_what_ends_early_or_late() {
        let whole = packet(&[(11, 0, &[]), (7, 0, &[0; 4])]);
        assert!(parse(&whole).is_some());
        for len in 0..whole.len() {
            let at_a_border = len == HEADER + CHUNK_HEADER;
            assert_eq!(parse(&whole[..len]).is_some(), at_a_border, "{len}");
        }
        assert!(parse(&[whole.as_slice(), &[0; 3]].concat()).is_none());
        assert!(parse(&packet(&[(64, 0, &[])])).is_none(), "an unknown chunk");
        let mut short = whole.clone();
        short[HEADER + 3] = 3;
        assert!(parse(&short).is_none(), "a length below that of its header");
    }

    #[test]
    fn refuses_chunks_that_hide_others() {
        assert_eq!(one(11, &[]), Some(Chunk::Other));
        assert!(one(11, &[0; 20]).is_none());
        assert!(one(7, &[0; 24]).is_none());
        assert_eq!(one(4, &[0, 1, 0, 6, 1, 1]), Some(Chunk::Other));
        assert!(one(4, &[0, 1, 0, 4, 0, 0, 0, 20]).is_none());
        assert_eq!(one(6, &[0, 12, 0, 4]), Some(Chunk::Other));
        assert!(one(6, &[0, 12, 0, 40]).is_none());
        assert!(one(3, &[0; 32]).is_none());
        let init = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
        assert_eq!(one(1, &init), Some(Chunk::Init { tag: 1, tsn: 2, ack: false }));
        assert_eq!(
            one(2, &[&init[..], &[0, 7, 0, 5, 1, 0, 0, 0]].concat()),
            Some(Chunk::Init { tag: 1, tsn: 2, ack: true })
        );
        assert!(one(1, &[&init[..], &[0xc0, 0, 0, 8, 0, 0, 0, 0]].concat()).is_none());
        assert!(one(1, &[&init[..], &[0, 16, 0, 8, 0, 0, 0, 0]].concat()).is_none());
        assert!(parse(&packet(&[(1, 0, &init), (11, 0, &[])])).is_none(), "an INIT comes alone");
    }

    #[test]
    fn gaps_ascend() {
        let gaps = |blocks: &[[u8; 4]]| {
            let head = [0, 0, 0, 7, 0, 0, 0, 0, 0, u8::try_from(blocks.len()).unwrap(), 0, 0];
            one(3, &[&head[..], &blocks.concat()].concat())
        };
        let sack = Some(Chunk::Sack { cumulative: 7 });
        assert_eq!(gaps(&[]), sack);
        assert_eq!(gaps(&[[0, 2, 0, 2], [0, 4, 0, 9]]), sack);
        assert_eq!(gaps(&[[0, 2, 0, 9], [0, 9, 0, 9]]), None);
        assert_eq!(gaps(&[[0, 3, 0, 2]]), None);
        assert_eq!(gaps(&[[0, 0, 0, 2]]), None);
    }
}
