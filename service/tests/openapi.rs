//! The OpenAPI document says what the code does.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use connectoid_protocol::mailbox::{
    ANSWER_TEXT_LEN, MAX_AT, MAX_BATCH, MAX_BOX_MESSAGES, MAX_DATA_LEN, MAX_EXT_LEN, MAX_WAIT_SECS, Refusal,
    ServiceInfo, ServiceLimits,
};
use connectoid_protocol::work::{MAX_NONCE, MAX_WORK_BITS};
use serde_json::{Value, json};

fn document() -> Value {
    serde_json::from_str(include_str!("../src/http/openapi.json")).unwrap()
}

#[test]
fn the_limits_are_the_real_ones() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let field = |schema: &str, name: &str| schemas[schema]["properties"][name].clone();
    assert_eq!(field("Send", "data")["maxLength"], MAX_DATA_LEN);
    assert_eq!(field("Send", "ext")["maxLength"], MAX_EXT_LEN);
    assert_eq!(field("Send", "pow")["maximum"], MAX_NONCE);
    assert_eq!(field("Info", "pow_bits")["maximum"], MAX_WORK_BITS);
    assert_eq!(field("Check", "at")["maximum"], MAX_AT);
    assert_eq!(field("Check", "wait")["maximum"], MAX_WAIT_SECS);
    assert_eq!(field("CheckMany", "boxes")["maxItems"], MAX_BATCH);
    assert_eq!(field("Receive", "limit")["maximum"], MAX_BOX_MESSAGES);
    assert_eq!(field("Receive", "answer")["pattern"], format!("^[A-Za-z0-9_-]{{{ANSWER_TEXT_LEN}}}$"));
}

#[test]
fn the_refusals_are_the_real_ones() {
    let document = document();
    let texts: Vec<_> = Refusal::ALL.iter().map(|refusal| refusal.as_str()).collect();
    assert_eq!(document["components"]["schemas"]["Error"]["enum"], json!(texts));
    let responses = &document["paths"]["/"]["post"]["responses"];
    for refusal in Refusal::ALL {
        // The other two are about paths and methods that the document does not have.
        let about_operations = !matches!(refusal, Refusal::NotFound | Refusal::WrongMethod);
        assert_eq!(responses.get(refusal.status().to_string()).is_some(), about_operations, "{refusal}");
    }
}

#[test]
fn the_description_has_the_real_fields() {
    let limits = ServiceLimits::with_rates(1, 1);
    let info = ServiceInfo {
        service: "connectoid".into(),
        version: "1".into(),
        protocol: 1,
        extensions: vec![],
        key_required: false,
        pow_bits: 0,
        limits,
    };
    let real: Value = serde_json::from_slice(&info.to_json()).unwrap();
    let document = document();
    let said = &document["components"]["schemas"]["Info"]["properties"];
    let names = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(said), names(&real));
    assert_eq!(names(&said["limits"]["properties"]), names(&real["limits"]));
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}
