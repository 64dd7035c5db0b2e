//! What only a look inside can show.

use connectoid_protocol::poll::Pace;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{Engine, EngineConfig, Helpers, Input, Output, RequestId, STORAGE_RETRY};
use crate::{
    api::{Command, Reply, Write},
    error::{ErrorKind, Result},
    store::Store,
    vault::{MasterSecret, Vault},
};

const NOW: u64 = 1_700_000_000_000_000;

fn engine() -> Engine {
    let config = EngineConfig {
        services: vec!["http://127.0.0.1:1".to_owned()],
        service_ext: None,
        link_base: "connectoid://open".to_owned(),
        poll_interval: 60_000_000,
        pace: Pace::Foreground,
        idle_timeout: 30_000_000,
        group_quota: 1 << 30,
        helpers: Helpers::default(),
    };
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let vault = Vault::new(&MasterSecret::generate(&mut rng));
    Engine::new(Store::in_memory().unwrap(), vault, config, rng, NOW).unwrap()
}

fn call(engine: &mut Engine, command: Command, now: u64) -> Result<Reply> {
    engine.step([Input::Command(RequestId(1), command)], now);
    let reply = std::iter::from_fn(|| engine.poll_output()).find_map(|output| match output {
        Output::Reply(_, reply) => Some(reply),
        _ => None,
    });
    reply.unwrap()
}

fn findings(engine: &mut Engine, now: u64) -> Vec<(String, ErrorKind)> {
    let Reply::Diagnosis(diagnosis) = call(engine, Command::Doctor { nickname: None }, now).unwrap() else {
        panic!("no diagnosis")
    };
    diagnosis.findings.into_iter().map(|finding| (finding.about, finding.kind)).collect()
}

#[test]
fn a_full_disk_is_told_and_tried_again_at_leisure() {
    let mut engine = engine();
    call(&mut engine, Command::CreateGroup { name: "g".to_owned() }, NOW).unwrap();
    let share = r#"{"method":"share","nickname":"bob","group":"g"}"#;
    call(&mut engine, serde_json::from_str(share).unwrap(), NOW).unwrap();
    let fields = [("text".to_owned(), "x".repeat(100_000).into())].into_iter().collect();
    let put = Write::Put { collection: "c".to_owned(), id: "r".to_owned(), fields };
    let commit = || Command::Commit { group: "g".to_owned(), writes: vec![put.clone()] };
    engine.store.limit_pages(1).unwrap();
    assert_eq!(call(&mut engine, commit(), NOW).unwrap_err().kind, ErrorKind::StorageUnavailable);
    assert_eq!(findings(&mut engine, NOW)[0], ("storage".to_owned(), ErrorKind::StorageUnavailable));
    assert_eq!(engine.poll_timeout(), Some(NOW + STORAGE_RETRY));
    engine.step([Input::Tick], NOW + STORAGE_RETRY - 1);
    let begun = std::iter::from_fn(|| engine.poll_output())
        .any(|output| matches!(output, Output::Check { .. } | Output::Send { .. } | Output::MakeOffer(_)));
    assert!(!begun, "what could not be remembered");

    engine.store.limit_pages(1_000_000).unwrap();
    engine.step([Input::Tick], NOW + STORAGE_RETRY);
    assert!(std::iter::from_fn(|| engine.poll_output()).any(|output| matches!(output, Output::Check { .. })));
    call(&mut engine, commit(), NOW + STORAGE_RETRY).unwrap();
    assert!(findings(&mut engine, NOW + STORAGE_RETRY).iter().all(|(about, _)| about != "storage"));
}

fn fields(json: &serde_json::Value) -> serde_json::Map<String, serde_json::Value> {
    json.as_object().unwrap().clone()
}

fn commit(engine: &mut Engine, write: Write) -> Result<Reply> {
    call(engine, Command::Commit { group: "g".to_owned(), writes: vec![write] }, NOW)
}

fn name() -> (String, String) {
    ("c".to_owned(), "r".to_owned())
}

fn replace(engine: &mut Engine, json: &serde_json::Value) -> Result<Reply> {
    let (collection, id) = name();
    commit(engine, Write::Replace { collection, id, fields: fields(json) })
}

fn remove_fields(engine: &mut Engine, names: &[&str]) -> Result<Reply> {
    let ((collection, id), fields) = (name(), names.iter().map(|name| (*name).to_owned()).collect());
    commit(engine, Write::RemoveFields { collection, id, fields })
}

/// The versions of the one record, oldest first: field, value.
fn versions(engine: &mut Engine) -> Vec<(String, Option<serde_json::Value>)> {
    let (collection, id) = name();
    let asked = Command::History { group: "g".to_owned(), collection, id };
    let Reply::History { versions } = call(engine, asked, NOW).unwrap() else { panic!() };
    let brief = |version: &crate::api::HistoryEntry| (version.field.clone().unwrap(), version.value.clone());
    versions.iter().rev().map(brief).collect()
}

fn shown(engine: &Engine) -> Option<serde_json::Value> {
    let record = crate::reads::record(&engine.store, "g", "c", "r").unwrap();
    record.map(|record| record.fields.into())
}

fn with_group() -> Engine {
    let mut engine = engine();
    call(&mut engine, Command::CreateGroup { name: "g".to_owned() }, NOW).unwrap();
    engine
}

#[test]
fn replacing_writes_what_differs_and_nothing_else() {
    use serde_json::json;
    let mut engine = with_group();
    replace(&mut engine, &json!({"a": 1, "b": "x", "c": null})).unwrap();
    replace(&mut engine, &json!({"a": 1, "b": "y", "d": [1.5]})).unwrap();
    assert_eq!(shown(&engine), Some(json!({"a": 1, "b": "y", "d": [1.5]})));
    let written = versions(&mut engine);
    assert_eq!(written.iter().filter(|(field, _)| field == "a").count(), 1, "{written:?}");
    replace(&mut engine, &json!({"d": [1.5], "a": 1.0, "b": "y"})).unwrap();
    assert_eq!(versions(&mut engine), written, "what is so already is not written");
}

#[test]
fn fields_are_removed_and_without_any_there_is_no_record() {
    use serde_json::json;
    let mut engine = with_group();
    replace(&mut engine, &json!({"a": null, "b": 2})).unwrap();
    remove_fields(&mut engine, &["a", "never there"]).unwrap();
    assert_eq!(shown(&engine), Some(json!({"b": 2})));
    remove_fields(&mut engine, &["b"]).unwrap();
    assert_eq!(shown(&engine), None);
    replace(&mut engine, &json!({"a": 3})).unwrap();
    assert_eq!(shown(&engine), Some(json!({"a": 3})));
}

#[test]
fn a_write_of_nothing_is_refused_and_says_what_to_do() {
    use serde_json::json;
    let mut engine = with_group();
    for refused in [replace(&mut engine, &json!({})), remove_fields(&mut engine, &[])] {
        assert_eq!(refused.unwrap_err().kind, ErrorKind::Usage);
    }
    let (collection, id) = name();
    let put = commit(&mut engine, Write::Put { collection, id, fields: fields(&json!({})) }).unwrap_err();
    assert!(put.message.contains("at least one field"), "{}", put.message);
    assert_eq!(remove_fields(&mut engine, &[""]).unwrap_err().kind, ErrorKind::Usage);
}
