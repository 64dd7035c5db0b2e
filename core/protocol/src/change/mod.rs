//! Changes: the signed, immutable objects of which all shared data is made.
//!
//! A commit of an app becomes one [`Change`]: who, on which device, when ([`crate::stamp`]), and up to
//! [`MAX_OPS`] [`Op`]s. It is applied whole or not at all. Its name is a hash, so anyone may carry it and
//! nobody can alter it:
//!
//! ```text
//! op_hash_i = SHA-256("connectoid/1 op" ‖ salt_i ‖ op_i)
//! hash      = SHA-256("connectoid/1 change" ‖ header ‖ op_hash_0 op_hash_1 …)
//! signature = Ed25519("connectoid/1 change sig" ‖ hash)
//! ```
//!
//! The hash covers the *hashes* of the operations. So an operation that has been overwritten can be
//! forgotten, leaving its hash in its place ([`Change::forget`]), and the rest still verifies. The salt keeps
//! a forgotten operation from being guessed.
//!
//! The wire form is `docs/protocol/changes.md`. Decoding checks everything but the signature, for which
//! the author's key is needed ([`Change::verify`]).

mod op;
mod wire;

use rand_core::CryptoRng;
use sha2::{Digest, Sha256};

pub use self::op::{MAX_NAME_LEN, MAX_RECORD_ID_LEN, MAX_WITHDRAWN, NONCE_LEN, Op};
use crate::{
    cbor::{NotCanonical, Writer},
    encoding::join,
    membership::Role,
    stamp::{Position, Stamp},
    user::{DeviceId, GroupId, SIGNATURE_LEN, UserId, UserKey, UserPublic, id},
    value::ValueError,
};

/// The greatest number of operations in a change.
pub const MAX_OPS: usize = 1000;

/// The greatest length of a change on the wire, in bytes.
///
/// It is the unit that must be held whole in memory and sent whole in a frame.
pub const MAX_CHANGE_LEN: usize = 256 << 10;

/// Length of the salt before each operation, in bytes.
pub const SALT_LEN: usize = 16;

const HASH_LEN: usize = 32;
const OP_LABEL: &[u8] = b"connectoid/1 op";
const CHANGE_LABEL: &[u8] = b"connectoid/1 change";
const SIGNATURE_LABEL: &[u8] = b"connectoid/1 change sig";

id! {
    /// The name of a change: its hash.
    ChangeHash, HASH_LEN
}

/// A change that breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// Not the deterministic CBOR of a change.
    #[error(transparent)]
    NotCanonical(#[from] NotCanonical),
    /// Longer than [`MAX_CHANGE_LEN`].
    #[error("a change is at most {MAX_CHANGE_LEN} bytes long; split the commit")]
    TooLong,
    /// No operations, or more than [`MAX_OPS`].
    #[error("a change has between 1 and {MAX_OPS} operations")]
    BadOpCount,
    /// A collection, record id, field or group name that is empty or too long.
    #[error("a name is empty or too long")]
    BadName,
    /// A `set` without fields.
    #[error("no field is given; a record has at least one, and delete removes it")]
    NoFields,
    /// A value that fields cannot hold.
    #[error(transparent)]
    BadValue(#[from] ValueError),
    /// Two operations of one change concern the same record or user.
    #[error("one change touches the same record or member twice")]
    Repeated,
    /// Record and membership operations in one change, or a genesis that is not alone.
    #[error("operations of different kinds in one change")]
    Mixed,
    /// A change of the group itself of which an operation is missing.
    #[error("operations on a group itself cannot be forgotten")]
    Forgotten,
    /// A genesis that names a group, or another change that names none.
    #[error("only the founding change of a group names no group")]
    BadGroup,
    /// A public key that is no key, or not the key of the user it is given for.
    #[error("the key is not the key of this user")]
    BadKey,
    /// A withdrawal that names no change, too many, or not in order.
    #[error("a withdrawal names 1 to {MAX_WITHDRAWN} changes, ascending")]
    BadWithdrawal,
    /// A role that nobody can be given.
    #[error("members are appointed as writers or readers")]
    BadRole,
    /// The signature is not the author's.
    #[error("the signature is not the author's")]
    Forged,
}

/// One operation of a change, or what is left of it.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // Nearly all are held.
enum Slot {
    Held { salt: [u8; SALT_LEN], op: Op },
    Forgotten([u8; HASH_LEN]),
}

/// A signed, immutable set of operations by one author.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    header: Header,
    slots: Vec<Slot>,
    hash: ChangeHash,
    signature: [u8; SIGNATURE_LEN],
    bytes: Vec<u8>,
}

/// The part of a change that says where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Header {
    /// The group, or zeros in the change that founds one.
    group: GroupId,
    author: UserId,
    device: DeviceId,
    stamp: Stamp,
}

/// The group that a founding change names, as it does not know its own hash yet.
const NO_GROUP: GroupId = GroupId::from_bytes([0; HASH_LEN]);

impl Change {
    /// Makes a change: `group` is `None` exactly for the genesis of a new group.
    ///
    /// # Errors
    /// [`ChangeError`] for operations that break a rule, however they were made.
    pub fn sign(
        group: Option<GroupId>,
        key: &UserKey,
        device: DeviceId,
        stamp: Stamp,
        ops: Vec<Op>,
        rng: &mut impl CryptoRng,
    ) -> Result<Self, ChangeError> {
        if ops.is_empty() || ops.len() > MAX_OPS {
            return Err(ChangeError::BadOpCount);
        }
        ops.iter().try_for_each(Op::check)?;
        let header = Header { group: group.unwrap_or(NO_GROUP), author: key.id(), device, stamp };
        let mut salts = vec![0; ops.len() * SALT_LEN];
        rng.fill_bytes(&mut salts);
        let (salts, _) = salts.as_chunks::<SALT_LEN>();
        let slots: Vec<_> = salts.iter().zip(ops).map(|(salt, op)| Slot::Held { salt: *salt, op }).collect();
        check_together(&header, &slots)?;
        let encoded: Vec<_> = slots.iter().map(wire::encode_slot).collect();
        let header_bytes = header.encode();
        let hash = hash_of(&header_bytes, encoded.iter().map(|slot| slot.hash));
        let signature = key.sign(&signed_message(hash));
        let bytes = wire::encode(&header_bytes, &encoded, &signature);
        if bytes.len() > MAX_CHANGE_LEN {
            return Err(ChangeError::TooLong);
        }
        Ok(Self { header, slots, hash, signature, bytes })
    }

    /// Reads a change and checks all of it but the signature.
    ///
    /// # Errors
    /// [`ChangeError`]; nothing is allocated beyond a small multiple of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChangeError> {
        wire::decode(bytes)
    }

    /// Checks that the owner of `key` is the author and signed this change.
    ///
    /// # Errors
    /// [`ChangeError::BadKey`] for the key of somebody else, [`ChangeError::Forged`] for a wrong signature.
    pub fn verify(&self, key: &UserPublic) -> Result<(), ChangeError> {
        if key.id() != self.header.author {
            return Err(ChangeError::BadKey);
        }
        key.verify(&signed_message(self.hash), &self.signature).map_err(|_| ChangeError::Forged)
    }

    /// The same change without the operation at `index`, of which only the hash remains.
    ///
    /// Hash and signature stay as they are. An `index` beyond the last operation forgets nothing.
    ///
    /// # Errors
    /// [`ChangeError::Forgotten`] for a change of the group itself: its operations are needed forever.
    pub fn forget(&self, index: usize) -> Result<Self, ChangeError> {
        if self.is_of_group() {
            return Err(ChangeError::Forgotten);
        }
        let mut slots = self.slots.clone();
        if let Some(slot) = slots.get_mut(index) {
            *slot = Slot::Forgotten(wire::encode_slot(slot).hash);
        }
        let encoded: Vec<_> = slots.iter().map(wire::encode_slot).collect();
        let bytes = wire::encode(&self.header.encode(), &encoded, &self.signature);
        Ok(Self { slots, bytes, ..self.clone() })
    }

    /// The change's name.
    pub fn hash(&self) -> ChangeHash {
        self.hash
    }

    /// The group: for a genesis, the group it founds.
    pub fn group(&self) -> GroupId {
        if self.is_genesis() { GroupId::from_bytes(*self.hash.as_bytes()) } else { self.header.group }
    }

    /// Who made the change, if [`Change::verify`] says so.
    pub fn author(&self) -> UserId {
        self.header.author
    }

    /// The device it was made on. Informative: a user's devices share a key.
    pub fn device(&self) -> DeviceId {
        self.header.device
    }

    /// When it was made, by the author's clock.
    pub fn stamp(&self) -> Stamp {
        self.header.stamp
    }

    /// Its place among all changes of the group.
    pub fn position(&self) -> Position {
        Position { stamp: self.header.stamp, author: self.header.author, hash: self.hash }
    }

    /// The operations that are not forgotten, in order.
    pub fn ops(&self) -> impl Iterator<Item = &Op> {
        held(&self.slots)
    }

    /// How many fields it writes; an operation of another kind counts as one. What a change costs a store grows with it.
    pub fn writes(&self) -> usize {
        let writes = |op: &Op| if let Op::Set { fields, .. } = op { fields.len() } else { 1 };
        self.ops().map(writes).sum()
    }

    /// Whether no operation has been forgotten.
    pub fn is_whole(&self) -> bool {
        !self.slots.iter().any(|slot| matches!(slot, Slot::Forgotten(_)))
    }

    /// Whether the change concerns who is in the group.
    pub fn is_membership(&self) -> bool {
        self.ops().next().is_some_and(Op::is_membership)
    }

    /// Whether the change takes others of its author back.
    pub fn is_withdrawal(&self) -> bool {
        self.ops().next().is_some_and(Op::is_withdrawal)
    }

    /// Whether the change concerns the group itself rather than its records.
    pub fn is_of_group(&self) -> bool {
        self.is_membership() || self.is_withdrawal()
    }

    /// Whether this change takes another one back, if both are genuine: its author's own, and a later one, but neither
    /// the founding nor what has been taken back itself.
    pub fn withdraws(&self, other: &Self) -> bool {
        let names = |op: &Op| matches!(op, Op::Withdraw { changes } if changes.contains(&other.hash));
        self.author() == other.author()
            && self.group() == other.group()
            && self.position() < other.position()
            && !other.is_genesis()
            && !other.is_withdrawal()
            && self.ops().any(names)
    }

    /// Whether the change founds a group.
    pub fn is_genesis(&self) -> bool {
        matches!(self.ops().next(), Some(Op::Genesis { .. }))
    }

    /// The change on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The change on the wire, without a copy.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

impl Header {
    fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(100);
        self.write(&mut writer);
        writer.finish()
    }

    fn write(&self, writer: &mut Writer) {
        writer
            .array(5)
            .uint(wire::VERSION)
            .bytes(self.group.as_bytes())
            .bytes(self.author.as_bytes())
            .bytes(self.device.as_bytes())
            .uint(self.stamp.micros());
    }
}

fn held(slots: &[Slot]) -> impl Iterator<Item = &Op> {
    slots.iter().filter_map(|slot| match slot {
        Slot::Held { op, .. } => Some(op),
        Slot::Forgotten(_) => None,
    })
}

/// The rules that no operation can break by itself.
fn check_together(header: &Header, slots: &[Slot]) -> Result<(), ChangeError> {
    let mut subjects: Vec<_> = held(slots).map(Op::subject).collect();
    subjects.sort_unstable();
    if subjects.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(ChangeError::Repeated);
    }
    let membership = held(slots).filter(|op| op.is_membership()).count();
    if membership > 0 && membership < held(slots).count() {
        return Err(ChangeError::Mixed);
    }
    if membership > 0 && membership < slots.len() {
        return Err(ChangeError::Forgotten);
    }
    if held(slots).any(Op::is_withdrawal) && slots.len() > 1 {
        return Err(ChangeError::Mixed);
    }
    let genesis =
        held(slots).find_map(|op| if let Op::Genesis { owner, .. } = op { Some(owner) } else { None });
    if genesis.is_some() && slots.len() > 1 {
        return Err(ChangeError::Mixed);
    }
    if genesis.is_some() != (header.group == NO_GROUP) {
        return Err(ChangeError::BadGroup);
    }
    if genesis.is_some_and(|owner| owner.id() != header.author) {
        return Err(ChangeError::BadKey);
    }
    Ok(())
}

fn op_hash(salt: &[u8; SALT_LEN], op: &[u8]) -> [u8; HASH_LEN] {
    Sha256::digest(join(&[OP_LABEL, salt, op])).into()
}

fn hash_of(header: &[u8], op_hashes: impl Iterator<Item = [u8; HASH_LEN]>) -> ChangeHash {
    let op_hashes: Vec<u8> = op_hashes.flatten().collect();
    ChangeHash::from_bytes(Sha256::digest(join(&[CHANGE_LABEL, header, &op_hashes])).into())
}

fn signed_message(hash: ChangeHash) -> Vec<u8> {
    join(&[SIGNATURE_LABEL, hash.as_bytes()])
}

/// What [`Role`] is on the wire.
const ROLES: [(u64, Role); 2] = [(1, Role::Writer), (2, Role::Reader)];

#[cfg(test)]
mod tests;
