use proptest::prelude::*;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::*;
use crate::value::Value;

const DEVICE: DeviceId = DeviceId::from_bytes([3; 16]);
const GROUP: GroupId = GroupId::from_bytes([9; 32]);

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(1)
}

fn key() -> UserKey {
    UserKey::generate(&mut rng())
}

fn stamp() -> Stamp {
    Stamp::new(1_700_000_000_000_000).unwrap()
}

fn set(id: &str) -> Op {
    let fields =
        [("title".to_owned(), Some(Value::Text("x".into()))), ("done".to_owned(), Some(Value::Bool(false)))];
    Op::Set { collection: "notes".into(), id: id.into(), fields: fields.into() }
}

fn delete(id: &str) -> Op {
    Op::Delete { collection: "notes".into(), id: id.into() }
}

fn member(role: Role) -> Op {
    let key = UserKey::from_bytes(&[5; 32]).public();
    Op::Member { user: key.id(), key, role }
}

fn withdraw(names: &[u8]) -> Op {
    Op::Withdraw { changes: names.iter().map(|name| ChangeHash::from_bytes([*name; 32])).collect() }
}

fn genesis() -> Op {
    Op::Genesis { owner: key().public(), nonce: [1; 16], name: "home".into() }
}

fn sign(ops: Vec<Op>) -> Result<Change, ChangeError> {
    Change::sign(Some(GROUP), &key(), DEVICE, stamp(), ops, &mut rng())
}

#[test]
fn a_change_survives_the_wire() {
    let change = sign(vec![set("a"), delete("b")]).unwrap();
    let received = Change::decode(change.bytes()).unwrap();
    assert_eq!(received, change);
    assert_eq!(received.verify(&key().public()), Ok(()));
    assert_eq!(received.group(), GROUP);
    assert_eq!((received.author(), received.device(), received.stamp()), (key().id(), DEVICE, stamp()));
    let stranger = UserKey::from_bytes(&[5; 32]).public();
    assert_eq!(received.verify(&stranger), Err(ChangeError::BadKey));
}

#[test]
fn a_withdrawal_is_alone_and_names_changes_in_order() {
    let change = sign(vec![withdraw(&[1, 2, 9])]).unwrap();
    assert_eq!(Change::decode(change.bytes()).unwrap(), change);
    assert!(change.is_withdrawal() && change.is_of_group() && !change.is_membership());
    assert_eq!(change.forget(0), Err(ChangeError::Forgotten));
    for bad in [&[][..], &[2, 1], &[1, 1]] {
        assert_eq!(sign(vec![withdraw(bad)]), Err(ChangeError::BadWithdrawal));
    }
    let many = Op::Withdraw { changes: (0..).take(MAX_WITHDRAWN + 1).map(numbered).collect() };
    assert_eq!(sign(vec![many]), Err(ChangeError::BadWithdrawal));
    for other in [set("a"), member(Role::Writer), withdraw(&[3])] {
        assert!(matches!(sign(vec![withdraw(&[1]), other]), Err(ChangeError::Mixed | ChangeError::Repeated)));
    }
}

fn numbered(number: u32) -> ChangeHash {
    let mut bytes = [0; 32];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    ChangeHash::from_bytes(bytes)
}

#[test]
fn only_later_changes_of_the_author_are_withdrawn() {
    let at = |key: &UserKey, after: u64, ops| {
        let stamp = Stamp::new(stamp().micros() + after).unwrap();
        Change::sign(Some(GROUP), key, DEVICE, stamp, ops, &mut rng()).unwrap()
    };
    let (other, later) = (UserKey::from_bytes(&[5; 32]), at(&key(), 10, vec![set("a")]));
    let names = |change: &Change| vec![Op::Withdraw { changes: vec![change.hash()] }];
    assert!(at(&key(), 9, names(&later)).withdraws(&later));
    assert!(!at(&key(), 11, names(&later)).withdraws(&later), "what was made before");
    assert!(!at(&other, 9, names(&later)).withdraws(&later), "what is somebody else's");
    assert!(
        !at(&key(), 9, names(&at(&key(), 10, vec![set("b")]))).withdraws(&later),
        "what it does not name"
    );
    let withdrawal = at(&key(), 10, names(&later));
    assert!(!at(&key(), 9, names(&withdrawal)).withdraws(&withdrawal), "nor another withdrawal");
}

#[test]
fn forgetting_keeps_hash_and_signature() {
    let change = sign(vec![set("a"), delete("b"), set("c")]).unwrap();
    let without = change.forget(0).unwrap().forget(2).unwrap();
    assert!(change.is_whole() && !without.is_whole());
    let received = Change::decode(without.bytes()).unwrap();
    assert_eq!(received.hash(), change.hash());
    assert_eq!(received.verify(&key().public()), Ok(()));
    assert_eq!(received.ops().collect::<Vec<_>>(), [&delete("b")]);
    assert_eq!(change.forget(3).unwrap(), change);
    let everything = without.forget(1).unwrap();
    assert_eq!(Change::decode(everything.bytes()).unwrap().verify(&key().public()), Ok(()));
}

#[test]
fn a_genesis_names_its_group_by_its_hash() {
    let change = Change::sign(None, &key(), DEVICE, stamp(), vec![genesis()], &mut rng()).unwrap();
    assert_eq!(change.group().as_bytes(), change.hash().as_bytes());
    assert!(change.is_membership() && change.is_genesis());
    assert_eq!(Change::decode(change.bytes()).unwrap().verify(&key().public()), Ok(()));
}

#[test]
fn rules_of_operations() {
    let named = |name: &str| Op::Set {
        collection: name.into(),
        id: "a".into(),
        fields: [("f".to_owned(), Some(Value::Null))].into(),
    };
    let field = |field: String, value| Op::Set {
        collection: "c".into(),
        id: "a".into(),
        fields: [(field, Some(value))].into(),
    };
    let imposed = Op::Member { user: UserId::from_bytes([0; 32]), key: key().public(), role: Role::Reader };
    let unset = Op::Set { collection: "c".into(), id: "a".into(), fields: [].into() };
    for (ops, error) in [
        (vec![], ChangeError::BadOpCount),
        ((0..=MAX_OPS).map(|n| delete(&n.to_string())).collect(), ChangeError::BadOpCount),
        (vec![named("")], ChangeError::BadName),
        (vec![named(&"é".repeat(65))], ChangeError::BadName),
        (vec![delete(&"x".repeat(257))], ChangeError::BadName),
        (vec![field("x".repeat(129), Value::Null)], ChangeError::BadName),
        (vec![unset], ChangeError::NoFields),
        (vec![field("f".into(), Value::Float(1.0))], ChangeError::BadValue(ValueError::BadFloat)),
        (vec![set("a"), set("a")], ChangeError::Repeated),
        (vec![set("a"), delete("a")], ChangeError::Repeated),
        (vec![member(Role::Reader), member(Role::Writer)], ChangeError::Repeated),
        (vec![set("a"), member(Role::Reader)], ChangeError::Mixed),
        (vec![genesis()], ChangeError::BadGroup),
        (vec![genesis(), member(Role::Reader)], ChangeError::Mixed),
        (vec![member(Role::Owner)], ChangeError::BadRole),
        (vec![imposed], ChangeError::BadKey),
        (vec![field("f".into(), Value::Bytes(vec![0; MAX_CHANGE_LEN]))], ChangeError::TooLong),
    ] {
        assert_eq!(sign(ops).err(), Some(error));
    }
    assert!(sign(vec![named(&"x".repeat(128)), delete(&"x".repeat(256))]).is_ok());
    assert_eq!(
        Change::sign(None, &key(), DEVICE, stamp(), vec![set("a")], &mut rng()).err(),
        Some(ChangeError::BadGroup)
    );
    let other = UserKey::from_bytes(&[5; 32]);
    assert_eq!(
        Change::sign(None, &other, DEVICE, stamp(), vec![genesis()], &mut rng()).err(),
        Some(ChangeError::BadKey)
    );
}

/// What a hostile encoder, which keeps none of the rules of [`Change::sign`], could send.
fn hostile(group: GroupId, ops: Vec<Op>) -> Vec<u8> {
    let header = Header { group, author: key().id(), device: DEVICE, stamp: stamp() };
    let slots: Vec<_> = ops.into_iter().map(|op| Slot::Held { salt: [0; SALT_LEN], op }).collect();
    let encoded: Vec<_> = slots.iter().map(wire::encode_slot).collect();
    let hash = hash_of(&header.encode(), encoded.iter().map(|slot| slot.hash));
    wire::encode(&header.encode(), &encoded, &key().sign(&signed_message(hash)))
}

#[test]
fn decoding_enforces_what_signing_enforces() {
    for (bytes, error) in [
        (hostile(GROUP, vec![]), ChangeError::BadOpCount),
        (hostile(GROUP, vec![delete("")]), ChangeError::BadName),
        (hostile(GROUP, vec![set("a"), delete("a")]), ChangeError::Repeated),
        (hostile(GROUP, vec![set("a"), member(Role::Writer)]), ChangeError::Mixed),
        (hostile(GROUP, vec![genesis()]), ChangeError::BadGroup),
        (hostile(NO_GROUP, vec![set("a")]), ChangeError::BadGroup),
        (hostile(GROUP, vec![member(Role::Owner)]), ChangeError::BadRole),
        (vec![0; MAX_CHANGE_LEN + 1], ChangeError::TooLong),
    ] {
        assert_eq!(Change::decode(&bytes).err(), Some(error));
    }
    assert!(Change::decode(&hostile(GROUP, vec![set("a")])).is_ok());
}

#[test]
fn membership_operations_stay() {
    let other = UserKey::from_bytes(&[6; 32]).public();
    let change = sign(vec![member(Role::Reader), Op::Remove { user: other.id() }]).unwrap();
    assert_eq!(change.forget(0), Err(ChangeError::Forgotten));
    let mut slots = change.slots.clone();
    slots[0] = Slot::Forgotten(wire::encode_slot(&slots[0]).hash);
    let encoded: Vec<_> = slots.iter().map(wire::encode_slot).collect();
    let bytes = wire::encode(&change.header.encode(), &encoded, &change.signature);
    assert_eq!(Change::decode(&bytes).err(), Some(ChangeError::Forgotten));
}

proptest! {
    #[test]
    fn no_altered_byte_passes(at in any::<prop::sample::Index>(), flip in 1..=255_u8) {
        let change = sign(vec![set("a"), delete("b")]).unwrap();
        let mut bytes = change.bytes().to_vec();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(altered) = Change::decode(&bytes) {
            prop_assert!(altered.verify(&key().public()).is_err());
        }
    }

    #[test]
    fn no_other_spelling_passes(at in any::<prop::sample::Index>(), extra in any::<u8>()) {
        let change = sign(vec![set("a"), delete("b")]).unwrap();
        let mut bytes = change.bytes().to_vec();
        bytes.insert(at.index(bytes.len() + 1), extra);
        prop_assert!(Change::decode(&bytes).is_err_and(|_| true) || Change::decode(&bytes).unwrap().verify(&key().public()).is_err());
        bytes = change.bytes().to_vec();
        bytes.remove(at.index(bytes.len()));
        prop_assert!(Change::decode(&bytes).is_err());
    }

    #[test]
    fn noise_does_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        prop_assert!(Change::decode(&bytes).is_err());
    }
}
