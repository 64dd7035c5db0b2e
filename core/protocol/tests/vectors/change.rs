//! `change.json`: signed changes, also with operations forgotten.

use std::collections::BTreeMap;

use connectoid_protocol::{
    change::{Change, ChangeHash, Op},
    membership::Role,
    stamp::Stamp,
    user::{DeviceId, GroupId, UserId, UserKey, UserPublic},
    value::Value,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::{
    change_refused::{Refused, refused},
    support::{Hex, Replay, Vectors, user},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Changes {
    changes: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    seed: Hex,
    group: Option<Hex>,
    device: Hex,
    stamp: u64,
    ops: Vec<JsonOp>,
    salts: Vec<Hex>,
    header: Hex,
    op_bytes: Vec<Hex>,
    op_hashes: Vec<Hex>,
    hash: Hex,
    signature: Hex,
    bytes: Hex,
    forgotten: Vec<Forgotten>,
}

#[derive(Serialize, Deserialize)]
struct Forgotten {
    indices: Vec<usize>,
    bytes: Hex,
}

/// An operation as a file has it.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum JsonOp {
    Set {
        collection: String,
        id: String,
        fields: BTreeMap<String, serde_json::Value>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        removed: Vec<String>,
    },
    Delete {
        collection: String,
        id: String,
    },
    Genesis {
        owner: Hex,
        nonce: Hex,
        name: String,
    },
    Member {
        user: Hex,
        key: Hex,
        role: Role,
    },
    Remove {
        user: Hex,
    },
    Withdraw {
        changes: Vec<Hex>,
    },
}

impl Vectors for Changes {
    const FILE: &'static str = "change.json";

    fn generate() -> Self {
        let key = |byte| user(byte).public().as_bytes().into();
        let id = |byte| user(byte).id().as_bytes().into();
        let genesis = JsonOp::Genesis { owner: key(1), nonce: [2; 16].into(), name: "Zuhause".into() };
        let founding = case(None, vec![genesis], &[]);
        let group = Some(&founding.hash);
        let membership = vec![
            JsonOp::Member { user: id(2), key: key(2), role: Role::Writer },
            JsonOp::Member { user: id(3), key: key(3), role: Role::Reader },
            JsonOp::Remove { user: id(4) },
        ];
        let membership = case(group, membership, &[]);
        let fields = json!({
            "title": "Grüße 🐶", "done": false, "count": -7, "ratio": 0.5, "none": null, "raw": {"$bytes": "-_8"},
            "list": [1, [2.5], {"b": 1, "aa": 2}]
        });
        let set = |id: &str, fields, removed: &[&str]| JsonOp::Set {
            collection: "notes".into(),
            id: id.into(),
            fields,
            removed: removed.iter().map(|field| (*field).to_owned()).collect(),
        };
        let records = vec![
            set("a", serde_json::from_value(fields).unwrap(), &[]),
            JsonOp::Delete { collection: "notes".into(), id: "b".into() },
            set("ключ", [("title".to_owned(), json!("x"))].into(), &[]),
        ];
        let records = case(group, records, &[&[0], &[0, 2], &[0, 1, 2]]);
        let withdrawal = JsonOp::Withdraw { changes: vec![[3; 32].into(), [0xa0; 32].into()] };
        let withdrawal = case(group, vec![withdrawal], &[]);
        let removals = vec![
            set("a", [("none".to_owned(), json!(null))].into(), &["done", "ratio"]),
            set("b", BTreeMap::new(), &["title"]),
        ];
        let removals = case(group, removals, &[]);
        Self { changes: vec![founding, membership, records, withdrawal, removals], refused: refused() }
    }

    fn check(&self) {
        for case in &self.changes {
            case.check();
        }
        for refused in &self.refused {
            refused.check();
        }
    }
}

impl Case {
    fn sign(&self) -> Change {
        let group = self.group.as_ref().map(|group| GroupId::from_bytes(group.array()));
        let (key, device) =
            (UserKey::from_bytes(&self.seed.array()), DeviceId::from_bytes(self.device.array()));
        let ops = self.ops.iter().map(JsonOp::to_op).collect();
        let salts: Vec<u8> = self.salts.iter().flat_map(|salt| salt.0.clone()).collect();
        Change::sign(group, &key, device, Stamp::new(self.stamp).unwrap(), ops, &mut Replay(&salts)).unwrap()
    }

    fn check(&self) {
        let public = UserKey::from_bytes(&self.seed.array()).public();
        let change = Change::decode(&self.bytes.0).unwrap();
        assert_eq!(change, self.sign());
        assert_eq!(Hex::from(change.hash().as_bytes()), self.hash);
        assert_eq!(change.verify(&public), Ok(()));
        let outer = Outer::of(&change);
        assert_eq!(
            (&outer.header, &outer.op_bytes, &outer.signature),
            (&self.header, &self.op_bytes, &self.signature)
        );
        assert_eq!(op_hashes(&self.salts, &self.op_bytes), self.op_hashes);
        for Forgotten { indices, bytes } in &self.forgotten {
            let shorter = Change::decode(&bytes.0).unwrap();
            assert_eq!(shorter, forget(&change, indices));
            assert_eq!((shorter.hash(), shorter.verify(&public)), (change.hash(), Ok(())));
            assert_eq!(shorter.ops().count(), self.ops.len() - indices.len());
        }
    }
}

fn case(group: Option<&Hex>, ops: Vec<JsonOp>, forgotten: &[&[usize]]) -> Case {
    let empty = || Hex(Vec::new());
    let salts = (0_u8..).map(|number| Hex::from([0x50 + number; 16])).take(ops.len()).collect();
    let mut case = Case {
        seed: user(1).to_bytes().into(),
        group: group.cloned(),
        device: [3; 16].into(),
        stamp: 1_700_000_000_000_000,
        ops,
        salts,
        header: empty(),
        op_bytes: Vec::new(),
        op_hashes: Vec::new(),
        hash: empty(),
        signature: empty(),
        bytes: empty(),
        forgotten: Vec::new(),
    };
    let change = case.sign();
    let outer = Outer::of(&change);
    (case.header, case.op_bytes, case.signature) = (outer.header, outer.op_bytes, outer.signature);
    case.op_hashes = op_hashes(&case.salts, &case.op_bytes);
    (case.hash, case.bytes) = (change.hash().as_bytes().into(), change.bytes().into());
    let forgotten = forgotten.iter().map(|indices| Forgotten {
        indices: indices.to_vec(),
        bytes: forget(&change, indices).into_bytes().into(),
    });
    case.forgotten = forgotten.collect();
    case
}

fn forget(change: &Change, indices: &[usize]) -> Change {
    indices.iter().fold(change.clone(), |change, index| change.forget(*index).unwrap())
}

fn op_hashes(salts: &[Hex], op_bytes: &[Hex]) -> Vec<Hex> {
    let hash = |salt: &Hex, op: &Hex| {
        Sha256::digest(connectoid_protocol::encoding::join(&[b"connectoid/1 op", &salt.0, &op.0])).into()
    };
    salts.iter().zip(op_bytes).map(|(salt, op)| hash(salt, op)).collect()
}

/// The parts of a change as they stand in its bytes.
struct Outer {
    header: Hex,
    op_bytes: Vec<Hex>,
    signature: Hex,
}

impl Outer {
    fn of(change: &Change) -> Self {
        let Value::Array(parts) = Value::decode(change.bytes()).unwrap() else {
            panic!("a change is an array")
        };
        let [Value::Bytes(header), Value::Array(slots), Value::Bytes(signature)] = parts.as_slice() else {
            panic!("a change has three parts")
        };
        let op = |slot: &Value| match slot {
            Value::Array(parts) => match parts.as_slice() {
                [Value::Bytes(_), Value::Bytes(op)] => op.into(),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        };
        Self { header: header.into(), op_bytes: slots.iter().map(op).collect(), signature: signature.into() }
    }
}

impl JsonOp {
    pub(crate) fn to_op(&self) -> Op {
        let public = |key: &Hex| UserPublic::from_bytes(&key.array()).unwrap();
        let named = |user: &Hex| UserId::from_bytes(user.array());
        let value = |(field, json): (&String, &serde_json::Value)| {
            (field.clone(), Some(Value::from_json(json.clone()).unwrap()))
        };
        match self {
            Self::Set { collection, id, fields, removed } => {
                let removed = removed.iter().map(|field| (field.clone(), None));
                let fields = fields.iter().map(value).chain(removed).collect();
                Op::Set { collection: collection.clone(), id: id.clone(), fields }
            }
            Self::Delete { collection, id } => Op::Delete { collection: collection.clone(), id: id.clone() },
            Self::Genesis { owner, nonce, name } => {
                Op::Genesis { owner: public(owner), nonce: nonce.array(), name: name.clone() }
            }
            Self::Member { user, key, role } => {
                Op::Member { user: named(user), key: public(key), role: *role }
            }
            Self::Remove { user } => Op::Remove { user: named(user) },
            Self::Withdraw { changes } => {
                let changes = changes.iter().map(|name| ChangeHash::from_bytes(name.array()));
                Op::Withdraw { changes: changes.collect() }
            }
        }
    }
}
