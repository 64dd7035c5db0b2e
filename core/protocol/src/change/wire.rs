//! Changes as bytes: `[header bstr, [op …], signature bstr]`.

use minicbor::{Decoder, data::Type};

use super::{
    Change, ChangeError, HASH_LEN, Header, MAX_CHANGE_LEN, MAX_OPS, Op, SALT_LEN, Slot, check_together,
    hash_of, op_hash,
};
use crate::{
    cbor::{self, NotCanonical, Writer},
    stamp::Stamp,
    user::{DeviceId, GroupId, UserId},
};

/// The version of the header.
pub(super) const VERSION: u64 = 1;

/// An operation ready to be hashed and sent.
pub(super) struct EncodedSlot<'a> {
    /// Salt and bytes, unless forgotten.
    held: Option<(&'a [u8; SALT_LEN], Vec<u8>)>,
    pub(super) hash: [u8; HASH_LEN],
}

pub(super) fn encode_slot(slot: &Slot) -> EncodedSlot<'_> {
    match slot {
        Slot::Held { salt, op } => {
            let mut writer = Writer::new();
            op.write(&mut writer);
            let bytes = writer.finish();
            EncodedSlot { hash: op_hash(salt, &bytes), held: Some((salt, bytes)) }
        }
        Slot::Forgotten(hash) => EncodedSlot { held: None, hash: *hash },
    }
}

pub(super) fn encode(header: &[u8], slots: &[EncodedSlot<'_>], signature: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer.array(3).bytes(header).array(slots.len());
    for slot in slots {
        match &slot.held {
            Some((salt, op)) => writer.array(2).bytes(*salt).bytes(op),
            None => writer.bytes(&slot.hash),
        };
    }
    writer.bytes(signature);
    writer.finish()
}

pub(super) fn decode(bytes: &[u8]) -> Result<Change, ChangeError> {
    if bytes.len() > MAX_CHANGE_LEN {
        return Err(ChangeError::TooLong);
    }
    let raw = cbor::strict(bytes, RawChange::read, RawChange::write)?;
    let header = cbor::strict(raw.header, Header::read, Header::write)?;
    let mut slots = Vec::with_capacity(raw.slots.len());
    let mut hashes = Vec::with_capacity(raw.slots.len());
    for slot in &raw.slots {
        match slot {
            RawSlot::Held { salt, op } => {
                hashes.push(op_hash(salt, op));
                slots.push(Slot::Held { salt: *salt, op: cbor::strict(op, Op::read, Op::write)? });
            }
            RawSlot::Forgotten(hash) => {
                hashes.push(*hash);
                slots.push(Slot::Forgotten(*hash));
            }
        }
    }
    check_together(&header, &slots)?;
    let hash = hash_of(raw.header, hashes.into_iter());
    Ok(Change { header, slots, hash, signature: raw.signature, bytes: bytes.to_vec() })
}

/// The outer layer, which borrows from the received bytes.
struct RawChange<'b> {
    header: &'b [u8],
    slots: Vec<RawSlot<'b>>,
    signature: [u8; crate::user::SIGNATURE_LEN],
}

enum RawSlot<'b> {
    Held { salt: [u8; SALT_LEN], op: &'b [u8] },
    Forgotten([u8; HASH_LEN]),
}

impl<'b> RawChange<'b> {
    fn read(decoder: &mut Decoder<'b>) -> Result<Self, ChangeError> {
        cbor::array_of(decoder, 3)?;
        let header = decoder.bytes().map_err(NotCanonical::from)?;
        let count = cbor::array(decoder)?;
        if count == 0 || count > MAX_OPS as u64 {
            return Err(ChangeError::BadOpCount);
        }
        let slots = (0..count).map(|_| RawSlot::read(decoder)).collect::<Result<_, _>>()?;
        Ok(Self { header, slots, signature: cbor::fixed(decoder)? })
    }

    fn write(&self, writer: &mut Writer) {
        writer.array(3).bytes(self.header).array(self.slots.len());
        for slot in &self.slots {
            match slot {
                RawSlot::Held { salt, op } => writer.array(2).bytes(salt).bytes(op),
                RawSlot::Forgotten(hash) => writer.bytes(hash),
            };
        }
        writer.bytes(&self.signature);
    }
}

impl<'b> RawSlot<'b> {
    fn read(decoder: &mut Decoder<'b>) -> Result<Self, NotCanonical> {
        if decoder.datatype()? == Type::Bytes {
            return Ok(Self::Forgotten(cbor::fixed(decoder)?));
        }
        cbor::array_of(decoder, 2)?;
        Ok(Self::Held { salt: cbor::fixed(decoder)?, op: decoder.bytes()? })
    }
}

impl Header {
    fn read(decoder: &mut Decoder<'_>) -> Result<Self, ChangeError> {
        cbor::array_of(decoder, 5)?;
        if decoder.u64().map_err(NotCanonical::from)? != VERSION {
            return Err(NotCanonical.into());
        }
        Ok(Self {
            group: GroupId::from_bytes(cbor::fixed(decoder)?),
            author: UserId::from_bytes(cbor::fixed(decoder)?),
            device: DeviceId::from_bytes(cbor::fixed(decoder)?),
            stamp: Stamp::new(decoder.u64().map_err(NotCanonical::from)?).ok_or(NotCanonical)?,
        })
    }
}
