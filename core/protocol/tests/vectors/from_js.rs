//! `from-js.json`: what `check.mjs` made, to be accepted or refused here.

use connectoid_protocol::{
    change::Change,
    message,
    seal::{self, Export, SealError},
    user::{UserError, UserPublic},
};
use serde::Deserialize;

use crate::{
    change::JsonOp,
    message::View,
    question::Question,
    support::{Base64, Hex, Party},
    user::Signed,
};

#[derive(Deserialize)]
pub(crate) struct FromJs {
    recipient: Party,
    messages: Vec<Sealed>,
    refused_envelopes: Vec<RefusedEnvelope>,
    question: Question,
    change: Made,
    refused_signatures: Vec<Signed>,
}

#[derive(Deserialize)]
struct Sealed {
    what: String,
    sealed: Base64,
    export: Hex,
    message: View,
}

#[derive(Deserialize)]
struct RefusedEnvelope {
    what: String,
    sealed: Base64,
}

#[derive(Deserialize)]
struct Made {
    key: Hex,
    bytes: Hex,
    hash: Hex,
    ops: Vec<JsonOp>,
}

impl FromJs {
    pub(crate) fn check(&self) {
        let (key, address) = (self.recipient.key(), self.recipient.address());
        for Sealed { what, sealed, export, message } in &self.messages {
            let read =
                message::read(&key, &address, &sealed.0).unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(View::from(&read.message), *message, "{what}");
            assert!(read.export == Export::from_bytes(export.array()), "{what}");
        }
        for RefusedEnvelope { what, sealed } in &self.refused_envelopes {
            assert_eq!(seal::open(&key, &address, &sealed.0).err(), Some(SealError::NotForUs), "{what}");
        }
        self.question.check();
        self.check_change();
        for signed in &self.refused_signatures {
            assert_eq!(signed.verify(), Err(UserError::BadSignature), "{}", signed.what);
        }
    }

    fn check_change(&self) {
        let Made { key, bytes, hash, ops } = &self.change;
        let change = Change::decode(&bytes.0).unwrap();
        assert_eq!(change.verify(&UserPublic::from_bytes(&key.array()).unwrap()), Ok(()));
        assert_eq!(Hex::from(change.hash().as_bytes()), *hash);
        let ops: Vec<_> = ops.iter().map(JsonOp::to_op).collect();
        assert!(change.ops().eq(&ops));
    }
}
