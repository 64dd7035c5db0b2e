use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{
    super::limits::{MAX_AT, MAX_BATCH, MAX_DATA_LEN, MAX_WAIT_SECS},
    *,
};
use crate::{boxes::BoxKey, work::MAX_NONCE};

fn id(seed: u64) -> BoxId {
    BoxKey::generate(&mut ChaCha20Rng::seed_from_u64(seed)).id()
}

fn parse(json: &str) -> Result<Request, RequestError> {
    Request::parse(json.as_bytes())
}

fn all() -> Vec<Request> {
    let ext = Some("key \"1\"".to_owned());
    let cursor = Cursor { id: id(1), at: MAX_AT };
    vec![
        Request::Send(Send { id: id(1), ext: None, data: "AAAA".into(), pow: None }),
        Request::Send(Send { id: id(1), ext: ext.clone(), data: "AAAA".into(), pow: Some(MAX_NONCE) }),
        Request::Check(Check { cursor, ext: ext.clone(), wait: 25, ask: true }),
        Request::Check(Check { cursor: Cursor { at: 0, ..cursor }, ext: None, wait: 0, ask: false }),
        Request::CheckMany(CheckMany {
            cursors: vec![cursor, Cursor { id: id(2), at: 3 }],
            ext: ext.clone(),
            wait: 1,
        }),
        Request::Receive(Receive { cursor, ext: ext.clone(), answer: [9; NONCE_LEN], limit: 32 }),
        Request::Drop(Drop { id: id(2), ext, answer: [0; NONCE_LEN] }),
    ]
}

#[test]
fn requests_come_back_from_their_json() {
    for request in all() {
        assert_eq!(Request::parse(&request.to_json()), Ok(request));
    }
}

#[test]
fn the_plain_form_is_understood() {
    let id = id(1);
    let text = id.to_base64();
    let check = parse(&format!(r#" {{"pub":"{text}","type":"check","later":[1,{{"x":null}}]}} "#)).unwrap();
    let cursor = Cursor { id, at: 0 };
    assert_eq!(check, Request::Check(Check { cursor, ext: None, wait: 0, ask: false }));
    let answer = base64url(&[1; NONCE_LEN]);
    let receive = parse(&format!(r#"{{"type":"receive","pub":"{text}","answer":"{answer}"}}"#)).unwrap();
    assert_eq!(receive, Request::Receive(Receive { cursor, ext: None, answer: [1; NONCE_LEN], limit: 1 }));
}

#[test]
fn bad_requests_say_which_field_is_wrong() {
    let id = id(1).to_base64();
    let answer = base64url(&[1; NONCE_LEN]);
    let cases = [
        (String::new(), RequestError::Json),
        ("[]".into(), RequestError::Json),
        ("{}".into(), RequestError::NoType),
        (r#"{"type":null}"#.into(), RequestError::NoType),
        (r#"{"type":7}"#.into(), RequestError::NoType),
        (r#"{"type":"sand"}"#.into(), RequestError::Type),
        (r#"{"type":"check"}"#.into(), RequestError::Box),
        (format!(r#"{{"type":"send","pub":"{id}","data":"AA","pow":9007199254740992}}"#), RequestError::Pow),
        (format!(r#"{{"type":"send","pub":"{id}","data":"AA","pow":-1}}"#), RequestError::Pow),
        (format!(r#"{{"type":"check","pub":"{id}="}}"#), RequestError::Box),
        (format!(r#"{{"type":"check","pub":"{id}","pub":"{id}"}}"#), RequestError::Repeated),
        (format!(r#"{{"type":"check","pub":"{id}","at":-1}}"#), RequestError::At),
        (format!(r#"{{"type":"check","pub":"{id}","at":1.5}}"#), RequestError::At),
        (format!(r#"{{"type":"check","pub":"{id}","at":9007199254740992}}"#), RequestError::At),
        (format!(r#"{{"type":"check","pub":"{id}","wait":26}}"#), RequestError::Wait),
        (
            format!(r#"{{"type":"check","pub":"{id}","ext":"{}"}}"#, "e".repeat(MAX_EXT_LEN + 1)),
            RequestError::Ext,
        ),
        (r#"{"type":"check","boxes":[]}"#.into(), RequestError::Boxes),
        (format!(r#"{{"type":"check","boxes":[{{"pub":"{id}"}}],"pub":"{id}"}}"#), RequestError::Boxes),
        (format!(r#"{{"type":"send","pub":"{id}"}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":""}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":"a b"}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":"A"}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":"AB"}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":"AAAA="}}"#), RequestError::Data),
        (format!(r#"{{"type":"send","pub":"{id}","data":5}}"#), RequestError::Data),
        (format!(r#"{{"type":"check","pub":"{id}","ask":1}}"#), RequestError::Ask),
        (format!(r#"{{"type":"check","pub":"{id}","wait":"1"}}"#), RequestError::Wait),
        (format!(r#"{{"type":"check","pub":"{id}","at":1e3}}"#), RequestError::At),
        (format!(r#"{{"type":"check","pub":"{id}","at":18446744073709551616}}"#), RequestError::At),
        (format!(r#"{{"type":"check","pub":"{id}","new":1,"new":1}}"#), RequestError::Repeated),
        (format!(r#"{{"type":"check","pub":"{id}","new":[{{"a":1,"\u0061":1}}]}}"#), RequestError::Json),
        (format!(r#"{{"type":"check","pub":"{id}","new":"\ud800"}}"#), RequestError::Json),
        (format!(r#"{{"type":"check","pub":"{id}"}} x"#), RequestError::Json),
        (format!(r#"{{"type":"check","pub":"{id}","new":{{"new":}}}}"#), RequestError::Json),
        (r#"{"type":"check","boxes":5}"#.into(), RequestError::Boxes),
        (r#"{"type":"check","boxes":[5]}"#.into(), RequestError::Boxes),
        (r#"{"type":"check","boxes":[{}]}"#.into(), RequestError::Box),
        (format!(r#"{{"type":"check","boxes":[{{"pub":"{id}","at":-1}}]}}"#), RequestError::At),
        (format!(r#"{{"type":"check","boxes":[{{"pub":"{id}","at":1,"at":1}}]}}"#), RequestError::Repeated),
        (format!(r#"{{"type":"check","boxes":[{{"pub":"{id}","x":1,"x":1}}]}}"#), RequestError::Repeated),
        (
            format!(r#"{{"type":"send","pub":"{id}","data":"{}"}}"#, "A".repeat(MAX_DATA_LEN + 1)),
            RequestError::TooLong,
        ),
        (format!(r#"{{"type":"receive","pub":"{id}"}}"#), RequestError::Answer),
        (format!(r#"{{"type":"receive","pub":"{id}","answer":"AA"}}"#), RequestError::Answer),
        (format!(r#"{{"type":"receive","pub":"{id}","answer":"{answer}","limit":0}}"#), RequestError::Limit),
        (format!(r#"{{"type":"receive","pub":"{id}","answer":"{answer}","limit":33}}"#), RequestError::Limit),
        ("[".repeat(MAX_REQUEST_LEN), RequestError::Json),
        (" ".repeat(MAX_REQUEST_LEN + 1), RequestError::TooLong),
    ];
    for (json, error) in cases {
        assert_eq!(parse(&json).err(), Some(error), "{json:.80}");
    }
}

#[test]
fn what_is_no_text_is_refused_wherever_it_stands() {
    let id = id(1).to_base64();
    let good = format!(r#"{{"type":"check","pub":"{id}","new":"é"}}"#);
    assert!(parse(&good).is_ok());
    let latin: Vec<u8> = good.bytes().filter(|byte| *byte != 0xc3).collect();
    assert_eq!(Request::parse(&latin), Err(RequestError::NotText));
}

#[test]
fn null_is_as_good_as_absent() {
    let text = id(1).to_base64();
    let plain = format!(r#"{{"type":"check","pub":"{text}"}}"#);
    let nulls = r#","at":null,"wait":null,"ask":null,"ext":null,"boxes":null}"#;
    assert_eq!(parse(&plain.replace('}', nulls)), parse(&plain));
    let many = |entry: &str| parse(&format!(r#"{{"type":"check","boxes":[{{"pub":"{text}"{entry}}}]}}"#));
    assert_eq!(many(r#","at":null"#), many(""));
    assert!(many("").is_ok());
}

#[test]
fn the_longest_message_and_the_largest_batch_fit_into_a_request() {
    let data = "A".repeat(MAX_DATA_LEN);
    let send =
        Request::Send(Send { id: id(1), ext: Some("\"".repeat(MAX_EXT_LEN)), data, pow: Some(MAX_NONCE) });
    assert!(send.to_json().len() <= MAX_REQUEST_LEN);
    let cursors = vec![Cursor { id: id(1), at: MAX_AT }; MAX_BATCH];
    let mut check = CheckMany { cursors, ext: None, wait: MAX_WAIT_SECS };
    assert!(Request::parse(&Request::CheckMany(check.clone()).to_json()).is_ok());
    check.cursors.push(check.cursors[0]);
    assert_eq!(Request::parse(&Request::CheckMany(check).to_json()), Err(RequestError::Batch));
    assert_eq!(RequestError::Batch.refusal(), Refusal::TooBig);
}

#[test]
fn debug_shows_no_content() {
    for request in all() {
        let debug = format!("{request:?}");
        assert!(!debug.contains(&id(1).to_base64()[..8]), "{debug}");
        assert!(!debug.contains("key"), "{debug}");
    }
}
