//! What only a look inside can show.

use connectoid_protocol::poll::Pace;
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

use super::{Engine, EngineConfig, Input, Output, RequestId, STORAGE_RETRY};
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
