//! `message.json`: messages before they are sealed.

use connectoid_protocol::{
    address::Address,
    encoding::{base64url, parse_base64url_array},
    message::{self, Body, Fingerprint, Id, Message, Refusal},
    seal,
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    message_refused::{Refused, refused},
    support::{Party, Replay, Vectors, seeded},
};

#[derive(Serialize, Deserialize)]
pub(crate) struct Messages {
    sender: Party,
    recipient: Party,
    messages: Vec<Case>,
    refused: Vec<Refused>,
}

#[derive(Serialize, Deserialize)]
struct Case {
    message: View,
    canonical: String,
    plaintext: String,
}

/// What a reader takes from a message.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct View {
    kind: String,
    id: String,
    sid: String,
    exp: u64,
    connectoid: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    sdp: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    winner: Option<String>,
}

impl Vectors for Messages {
    const FILE: &'static str = "message.json";

    fn generate() -> Self {
        let (sender, recipient) = (Party::new(40, None), Party::new(41, Some("key")));
        let other = Fingerprint::of(&recipient.key().id());
        let refused_id = Id::from_bytes([9; 16]);
        let bodies = [
            Body::Offer { sdp: "v=0\r\ns=\"Grüße\" \u{1f436} \\ / \u{7f} \u{1}\r\n".into() },
            Body::Answer { sdp: "v=0\r\n".into() },
            Body::Refused {
                refused: refused_id,
                why: Refusal::Used { at: 1_789_999_999_000_000, winner: other },
            },
            Body::Refused { refused: refused_id, why: Refusal::Expired },
            Body::Refused { refused: refused_id, why: Refusal::Revoked },
            Body::Unshared,
            Body::Call,
        ];
        let messages = bodies.map(|body| case(&sender, &recipient, body)).into();
        Self { refused: refused(&sender, &recipient), sender, recipient, messages }
    }

    fn check(&self) {
        let recipient = &self.recipient;
        for Case { message, canonical, plaintext } in &self.messages {
            assert_eq!(read(recipient, plaintext).map(|message| View::from(&message)).as_ref(), Ok(message));
            let written = message::write(
                &message.to_message(recipient),
                &self.sender.key(),
                &recipient.address(),
                &mut seeded(1),
            );
            let written = String::from_utf8(written.unwrap().plaintext.to_vec()).unwrap();
            for plaintext in [plaintext, &written] {
                assert_eq!(canonical_of(plaintext), *canonical);
            }
        }
        for Refused { what, plaintext, error } in &self.refused {
            assert_eq!(read(recipient, plaintext).err().as_deref(), Some(error.as_str()), "{what}");
        }
    }
}

fn case(sender: &Party, recipient: &Party, body: Body) -> Case {
    let (id, sid) = (Id::from_bytes([7; 16]), Id::from_bytes([8; 16]));
    let message = Message { id, sid, exp: 1_790_000_000_000_000, from: sender.address(), body };
    let written =
        message::write(&message, &sender.key(), &recipient.address(), &mut Replay(&[1; 48])).unwrap();
    let plaintext = String::from_utf8(written.plaintext.to_vec()).unwrap();
    Case { message: View::from(&message), canonical: canonical_of(&plaintext), plaintext }
}

fn canonical_of(plaintext: &str) -> String {
    let mut object: Map<String, Value> = serde_json::from_str(plaintext).unwrap();
    object.remove("sig").unwrap();
    serde_json_canonicalizer::to_string(&object).unwrap()
}

/// Reads a plaintext as if it had come sealed; an error by its name in the files.
pub(crate) fn read(recipient: &Party, plaintext: &str) -> Result<Message, String> {
    let (sealed, _) = seal::seal(&recipient.address(), plaintext.as_bytes(), &mut seeded(1)).unwrap();
    match message::read(&recipient.key(), &recipient.address(), &sealed) {
        Ok(read) => Ok(read.message),
        Err(error) => Err(crate::message_refused::name(error).to_owned()),
    }
}

impl From<&Message> for View {
    fn from(message: &Message) -> Self {
        let mut view = Self {
            kind: String::new(),
            id: base64url(message.id.as_bytes()),
            sid: base64url(message.sid.as_bytes()),
            exp: message.exp,
            connectoid: message.from.as_text().to_owned(),
            sdp: None,
            refused: None,
            at: None,
            winner: None,
        };
        let kind = match &message.body {
            Body::Offer { sdp } => {
                view.sdp = Some(sdp.clone());
                "offer"
            }
            Body::Answer { sdp } => {
                view.sdp = Some(sdp.clone());
                "answer"
            }
            Body::Refused { refused, why } => {
                view.refused = Some(base64url(refused.as_bytes()));
                view.take_refusal(*why)
            }
            Body::Unshared => "unshared",
            Body::Call => "call",
            other => panic!("{other:?}"),
        };
        Self { kind: kind.to_owned(), ..view }
    }
}

impl View {
    fn take_refusal(&mut self, why: Refusal) -> &'static str {
        match why {
            Refusal::Used { at, winner } => {
                (self.at, self.winner) = (Some(at), Some(winner.to_string()));
                "used"
            }
            Refusal::Expired => "expired",
            Refusal::Revoked => "revoked",
            other => panic!("{other:?}"),
        }
    }

    fn to_message(&self, recipient: &Party) -> Message {
        let id = |text: &str| Id::from_bytes(parse_base64url_array(text).unwrap());
        Message {
            id: id(&self.id),
            sid: id(&self.sid),
            exp: self.exp,
            from: Address::parse(&self.connectoid).unwrap(),
            body: self.to_body(recipient, || id(self.refused.as_ref().unwrap())),
        }
    }

    fn to_body(&self, recipient: &Party, refused: impl Fn() -> Id) -> Body {
        let sdp = || self.sdp.clone().unwrap();
        match self.kind.as_str() {
            "offer" => Body::Offer { sdp: sdp() },
            "answer" => Body::Answer { sdp: sdp() },
            "used" => {
                let winner = Fingerprint::of(&recipient.key().id());
                assert_eq!(self.winner, Some(winner.to_string()));
                Body::Refused { refused: refused(), why: Refusal::Used { at: self.at.unwrap(), winner } }
            }
            "expired" => Body::Refused { refused: refused(), why: Refusal::Expired },
            "revoked" => Body::Refused { refused: refused(), why: Refusal::Revoked },
            "unshared" => Body::Unshared,
            "call" => Body::Call,
            other => panic!("{other}"),
        }
    }
}
