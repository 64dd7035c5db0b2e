//! `handshake.json`: a whole handshake, from the offer to the compared emoji.

use connectoid_protocol::{
    encoding::join,
    frame::{Control, Hello1, Hello2},
    handshake::{self, Basis, Identity, Proven, Role},
    message::{self, Body, Id, Message},
    seal::Export,
    user::{DeviceId, UserKey},
};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha384};

use crate::{
    sas::{self, Sas},
    seal,
    support::{Base64, Hex, Party, Replay, Vectors, user},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Handshake {
    sid: Hex,
    offerer: Side,
    answerer: Side,
    offer: Sent,
    answer: Sent,
    transcript: Hex,
    session_key: Hex,
    sas: Vec<Sas>,
}

#[derive(Serialize, Deserialize)]
struct Side {
    #[serde(rename = "box")]
    party: Party,
    seed: Hex,
    user: Hex,
    key: Hex,
    device: Hex,
    certificate: Hex,
    nonce: Hex,
    hello1: Hex,
    mac_key: Hex,
    mac: Hex,
    signature: Hex,
    hello2: Hex,
}

#[derive(Serialize, Deserialize)]
struct Sent {
    plaintext: String,
    sealed: Base64,
    export: Hex,
}

impl Vectors for Handshake {
    const FILE: &'static str = "handshake.json";

    fn generate() -> Self {
        let (offerer, answerer) = (side(50), side(51));
        let offer = sent(&offerer, &answerer, Body::Offer { sdp: "v=0\r\ns=offer\r\n".into() });
        let answer = sent(&answerer, &offerer, Body::Answer { sdp: "v=0\r\ns=answer\r\n".into() });
        let empty = || Hex(Vec::new());
        let sid = Hex::from(SID);
        let mut made = Self {
            sid,
            offerer,
            answerer,
            offer,
            answer,
            transcript: empty(),
            session_key: empty(),
            sas: Vec::new(),
        };
        let run = made.run();
        for (side, (hello1, hello2)) in
            [(&mut made.offerer, &run.offerer), (&mut made.answerer, &run.answerer)]
        {
            side.hello1 = Control::Hello1(hello1.clone()).encode().into();
            side.hello2 = Control::Hello2(hello2.clone()).encode().into();
            (side.mac, side.signature) = (hello2.mac.as_slice().into(), hello2.signature.as_slice().into());
        }
        let (transcript, session_key) = made.secrets();
        for (side, role) in [(&mut made.offerer, "offerer"), (&mut made.answerer, "answerer")] {
            side.mac_key = mac_key(&session_key, role, &transcript);
        }
        (made.transcript, made.session_key) = (transcript, session_key);
        made.sas = sas::generate(&run.proven);
        made
    }

    fn check(&self) {
        self.check_message(&self.offer, &self.offerer, &self.answerer);
        self.check_message(&self.answer, &self.answerer, &self.offerer);
        let run = self.run();
        assert_eq!((self.transcript.clone(), self.session_key.clone()), self.secrets());
        for (side, (hello1, hello2), role) in
            [(&self.offerer, &run.offerer, "offerer"), (&self.answerer, &run.answerer, "answerer")]
        {
            assert_eq!(Control::decode(&side.hello1.0), Ok(Some(Control::Hello1(hello1.clone()))));
            assert_eq!(Control::decode(&side.hello2.0), Ok(Some(Control::Hello2(hello2.clone()))));
            assert_eq!(side.mac, hello2.mac.as_slice().into());
            assert_eq!(side.signature, hello2.signature.as_slice().into());
            assert_eq!(side.mac_key, mac_key(&self.session_key, role, &self.transcript));
            assert_eq!(side.mac, self.mac(side));
        }
        self.sas.iter().for_each(|sas| sas.check(&run.proven));
    }
}

/// What both sides said, and what the offerer then knows.
struct Run {
    offerer: (Hello1, Hello2),
    answerer: (Hello1, Hello2),
    proven: Proven,
}

impl Handshake {
    fn run(&self) -> Run {
        let (offerer, answerer) = (&self.offerer, &self.answerer);
        let begin = |role, own: &Side, peer: &Side| {
            handshake::begin(role, self.basis(own, peer), own.identity(), &mut Replay(&own.nonce.0))
        };
        let (at_offerer, hello1_o) = begin(Role::Offerer, offerer, answerer);
        let (at_answerer, hello1_a) = begin(Role::Answerer, answerer, offerer);
        let (at_offerer, hello2_o) = at_offerer.on_hello1(&hello1_a, &offerer.user_key()).unwrap();
        let (at_answerer, hello2_a) = at_answerer.on_hello1(&hello1_o, &answerer.user_key()).unwrap();
        let proven = at_offerer.on_hello2(&hello2_a, None).unwrap();
        let at_answerer = at_answerer.on_hello2(&hello2_o, None).unwrap();
        assert_eq!(at_answerer.transcript, proven.transcript);
        Run { offerer: (hello1_o, hello2_o), answerer: (hello1_a, hello2_a), proven }
    }

    fn basis(&self, own: &Side, peer: &Side) -> Basis {
        Basis {
            sid: Id::from_bytes(self.sid.array()),
            offer: self.offer.plaintext.clone().into_bytes().into(),
            answer: self.answer.plaintext.clone().into_bytes().into(),
            offer_export: Export::from_bytes(self.offer.export.array()),
            answer_export: Export::from_bytes(self.answer.export.array()),
            own_certificate: own.certificate.array(),
            peer_certificate: peer.certificate.array(),
        }
    }

    fn check_message(&self, sent: &Sent, from: &Side, to: &Side) {
        let read = message::read(&to.party.key(), &to.party.address(), &sent.sealed.0).unwrap();
        assert_eq!(*read.plaintext, sent.plaintext.as_bytes());
        assert!(read.export == Export::from_bytes(sent.export.array()));
        assert_eq!(read.message.from.as_text(), from.party.address);
        assert_eq!(read.message.sid.as_bytes(), &self.sid.array());
    }

    /// T and K, which the implementation keeps to itself.
    fn secrets(&self) -> (Hex, Hex) {
        let hello = |side: &Side| join(&[&handshake::VERSIONS, &side.nonce.0]);
        let transcript = Sha384::digest(join(&[
            b"connectoid/1 transcript",
            &[1],
            &self.sid.0,
            self.offer.plaintext.as_bytes(),
            self.answer.plaintext.as_bytes(),
            &self.offerer.certificate.0,
            &self.answerer.certificate.0,
            &hello(&self.offerer),
            &hello(&self.answerer),
        ]));
        let exports = [self.offer.export.0.as_slice(), &self.answer.export.0].concat();
        let (session_key, _) = Hkdf::<Sha384>::extract(Some(b"connectoid/1 session"), &exports);
        (transcript.into(), session_key.into())
    }

    fn mac(&self, side: &Side) -> Hex {
        let mut mac = Hmac::<Sha384>::new_from_slice(&side.mac_key.0).unwrap();
        mac.update(&join(&[&self.transcript.0, &side.user.0, &side.key.0, &side.device.0]));
        mac.finalize().into_bytes().into()
    }
}

impl Side {
    fn user_key(&self) -> UserKey {
        UserKey::from_bytes(&self.seed.array())
    }

    fn identity(&self) -> Identity {
        let user = self.user_key().id();
        assert_eq!(Hex::from(user.as_bytes()), self.user);
        Identity { user, key: self.key.array(), device: DeviceId::from_bytes(self.device.array()) }
    }
}

const SID: [u8; 16] = [5; 16];

fn side(seed: u8) -> Side {
    let (key, empty) = (user(seed), || Hex(Vec::new()));
    Side {
        party: Party::new(seed.into(), None),
        seed: key.to_bytes().into(),
        user: key.id().as_bytes().into(),
        key: key.public().as_bytes().into(),
        device: [seed + 10; 16].into(),
        certificate: [seed + 20; 32].into(),
        nonce: [seed + 30; 32].into(),
        hello1: empty(),
        mac_key: empty(),
        mac: empty(),
        signature: empty(),
        hello2: empty(),
    }
}

fn sent(from: &Side, to: &Side, body: Body) -> Sent {
    let (id, sid) = (Id::from_bytes(from.device.array()), Id::from_bytes(SID));
    let message = Message { id, sid, exp: 1_790_000_000_000_000, from: from.party.address(), body };
    let randomness = [from.device.0[0]; 48];
    let written =
        message::write(&message, &from.party.key(), &to.party.address(), &mut Replay(&randomness)).unwrap();
    let export = seal::export(&to.party, &written.sealed);
    let plaintext = String::from_utf8(written.plaintext.to_vec()).unwrap();
    Sent { plaintext, sealed: Base64(written.sealed), export }
}

fn mac_key(session_key: &Hex, role: &str, transcript: &Hex) -> Hex {
    let info = join(&[b"connectoid/1 hello", role.as_bytes(), &transcript.0]);
    let mut key = [0; 48];
    Hkdf::<Sha384>::from_prk(&session_key.0).unwrap().expand(&info, &mut key).unwrap();
    key.into()
}
