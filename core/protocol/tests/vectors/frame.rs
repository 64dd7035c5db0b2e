//! `frame.json`: frames of the control and the app channel, and the pieces in which they travel.

use connectoid_protocol::{
    encoding::base64url,
    frame::{
        App, AppAnswer, AppMessage, Behind, Control, FrameError, Hello1, Hello2, Home, Joiner,
        MAX_GENERATION, Rotate, Rotated, SasAccept, SasReveal, SasStart, pieces,
    },
    value::Value,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::support::{Hex, Vectors};

#[derive(Serialize, Deserialize)]
pub(crate) struct Frames {
    control: Vec<Frame>,
    app: Vec<Frame>,
    unknown: Vec<Hex>,
    refused: Vec<Refused>,
    pieces: Vec<Cut>,
}

#[derive(Serialize, Deserialize)]
struct Frame {
    name: String,
    payload: serde_json::Value,
    bytes: Hex,
}

#[derive(Serialize, Deserialize)]
struct Refused {
    what: String,
    bytes: Hex,
}

/// A frame whose byte at `i` is `i mod 251`.
#[derive(Serialize, Deserialize)]
struct Cut {
    length: usize,
    pieces: Vec<Piece>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Piece {
    length: usize,
    sha256: Hex,
}

impl Vectors for Frames {
    const FILE: &'static str = "frame.json";

    fn generate() -> Self {
        let frame =
            |name: &str, payload, bytes: Vec<u8>| Frame { name: name.into(), payload, bytes: bytes.into() };
        Self {
            control: control().map(|(name, control, payload)| frame(name, payload, control.encode())).into(),
            app: app().map(|(name, app, payload)| frame(name, payload, app.encode())).into(),
            unknown: [&[1, 200][..], &[1, 0, 0x80], &[1, 60, 0xff, 1]].map(Hex::from).into(),
            refused: REFUSED
                .iter()
                .map(|(bytes, what)| Refused { what: (*what).into(), bytes: bytes.into() })
                .collect(),
            pieces: [1, 61_439, 61_440, 122_879]
                .map(|length| Cut { length, pieces: cut(&numbered(length)) })
                .into(),
        }
    }

    fn check(&self) {
        assert_eq!((self.control.len(), self.app.len()), (control().len(), app().len()));
        for (frame, (name, control, payload)) in self.control.iter().zip(control()) {
            frame.check(name, &payload, &control.encode());
            assert_eq!(Control::decode(&frame.bytes.0), Ok(Some(control)));
        }
        for (frame, (name, app, payload)) in self.app.iter().zip(app()) {
            frame.check(name, &payload, &app.encode());
            assert_eq!(App::decode(&frame.bytes.0), Ok(Some(app)));
        }
        for bytes in &self.unknown {
            assert_eq!((Control::decode(&bytes.0), App::decode(&bytes.0)), (Ok(None), Ok(None)));
        }
        for Refused { what, bytes } in &self.refused {
            assert_eq!(Control::decode(&bytes.0), Err(FrameError::Malformed), "{what}");
        }
        for Cut { length, pieces: expected } in &self.pieces {
            let frame = numbered(*length);
            assert_eq!(cut(&frame), *expected);
            let mut joiner = Joiner::default();
            let joined: Vec<_> = pieces(&frame).filter_map(|piece| joiner.push(&piece).unwrap()).collect();
            assert_eq!(joined, [frame]);
        }
    }
}

impl Frame {
    fn check(&self, name: &str, payload: &serde_json::Value, encoded: &[u8]) {
        assert_eq!((self.name.as_str(), &self.payload), (name, payload));
        assert_eq!(Value::from_json(payload.clone()).unwrap().encode(), self.bytes.0[2..]);
        assert_eq!(self.bytes.0, encoded, "{name}");
    }
}

fn control() -> [(&'static str, Control, serde_json::Value); 11] {
    let hello1 = Hello1 { versions: vec![1, 24], nonce: [7; 32].into() };
    let hello2 = Hello2 {
        user: [1; 32].into(),
        key: [2; 32].into(),
        device: [3; 16].into(),
        mac: [4; 48].into(),
        signature: [5; 64].into(),
    };
    let payload2 =
        json!([bytes(&[1; 32]), bytes(&[2; 32]), bytes(&[3; 16]), bytes(&[4; 48]), bytes(&[5; 64])]);
    let rotate = Rotate { generation: 300, address: "a.b".into() };
    [
        ("hello1", Control::Hello1(hello1), json!([[1, 24], bytes(&[7; 32])])),
        ("hello2", Control::Hello2(hello2), payload2),
        ("rotate", Control::Rotate(rotate), json!([300, "a.b"])),
        ("rotated", Control::Rotated(Rotated { generation: MAX_GENERATION }), json!([MAX_GENERATION])),
        ("behind", Control::Behind(Behind { generation: 2 }), json!([2])),
        ("home", Control::Home(Home { address: "a.b".into() }), json!(["a.b"])),
        ("sas_start", Control::SasStart(SasStart { commitment: [6; 48].into() }), json!([bytes(&[6; 48])])),
        ("sas_accept", Control::SasAccept(SasAccept { random: [8; 32].into() }), json!([bytes(&[8; 32])])),
        ("sas_reveal", Control::SasReveal(SasReveal { random: [9; 32].into() }), json!([bytes(&[9; 32])])),
        ("unshare", Control::Unshare, json!([])),
        ("rest", Control::Rest, json!([])),
    ]
}

fn app() -> [(&'static str, App, serde_json::Value); 4] {
    let message = |number, data: &[u8]| App::Message(AppMessage { number, data: data.into() });
    [
        ("message", message(0, b""), json!([0, bytes(b"")])),
        ("message", message(70_000, b"hello"), json!([70_000, bytes(b"hello")])),
        ("received", App::Received(AppAnswer { number: 3 }), json!([3])),
        ("lost", App::Lost(AppAnswer { number: 4 }), json!([4])),
    ]
}

const REFUSED: &[(&[u8], &str)] = &[
    (&[], "nothing"),
    (&[1], "no type"),
    (&[2, 4, 0x81, 3], "another version of frames"),
    (&[1, 4], "no payload"),
    (&[1, 4, 0x81, 3, 0], "a trailing byte"),
    (&[1, 4, 0x82, 3, 0], "a field too many"),
    (&[1, 4, 0x80], "a field too few"),
    (&[1, 4, 0x81, 0x18, 3], "a number longer than needed"),
    (&[1, 4, 0x9f, 3, 0xff], "an array of indefinite length"),
    (&[1, 4, 0x81, 0x1b, 0, 0, 0, 1, 0, 0, 0, 0], "a generation of 2^32"),
    (&[1, 4, 0x81, 0x1a, 0x40, 0, 0, 1], "a generation above 2^30"),
    (&[1, 4, 0x81, 0x61, b'3'], "text in place of a number"),
    (&[1, 6, 0x81, 0x41, 3], "randomness of one byte"),
];

fn numbered(length: usize) -> Vec<u8> {
    (0..=250).cycle().take(length).collect()
}

fn cut(frame: &[u8]) -> Vec<Piece> {
    pieces(frame).map(|piece| Piece { length: piece.len(), sha256: Sha256::digest(&piece).into() }).collect()
}

fn bytes(bytes: &[u8]) -> serde_json::Value {
    json!({"$bytes": base64url(bytes)})
}
