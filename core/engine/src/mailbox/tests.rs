use std::sync::Arc;

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{Done, Refusal, Reply as _, ServiceInfo, ServiceLimits},
};
use futures_util::FutureExt as _;

use super::*;

const BITS: u32 = 4;

/// A service that asks for work and tells that it does; what it was asked is written down.
#[derive(Clone, Default)]
struct Working(Arc<Mutex<Vec<&'static str>>>);

impl Platform for Working {
    async fn exchange(&self, request: HttpRequest) -> Result<HttpReply, ServiceFailure> {
        let reply = |status, body| Ok(HttpReply { status, retry_after: None, date: None, body });
        let (asked, reply) = match request.body {
            None => ("describe", reply(200, description())),
            Some(body) if String::from_utf8_lossy(&body).contains("\"pow\"") => {
                ("send with work", reply(200, Done {}.to_json()))
            }
            Some(_) => ("send", reply(400, Refusal::WorkNeeded.to_json(None))),
        };
        lock(&self.0).push(asked);
        reply
    }

    async fn work(&self, challenge: Challenge, bits: u32) -> Option<u64> {
        challenge.work(bits)
    }

    fn now_seconds(&self) -> u64 {
        1_700_000_000
    }
}

fn description() -> Vec<u8> {
    let info = ServiceInfo {
        service: "connectoid".into(),
        version: "1".into(),
        protocol: 1,
        extensions: vec!["pow".into()],
        key_required: false,
        pow_bits: BITS,
        limits: ServiceLimits::with_rates(50, 2),
    };
    info.to_json()
}

#[test]
fn a_service_is_asked_what_it_wants_once_it_refuses_and_then_never_again() {
    let service = Working::default();
    let mailbox = Mailbox::new(service.clone());
    let endpoint = Endpoint { service: "http://a".into(), ext: None };
    let to = Destination { endpoints: vec![endpoint], id: BoxId::from_bytes(&[2; 49]).unwrap() };
    for asked in [&["send", "describe", "send with work"][..], &["send with work"]] {
        let sent = mailbox.send(&to, "AAAA").now_or_never().expect("the platform never waits");
        assert_eq!(sent, [("http://a".to_owned(), Ok(()))]);
        assert_eq!(std::mem::take(&mut *lock(&service.0)), asked);
    }
}
