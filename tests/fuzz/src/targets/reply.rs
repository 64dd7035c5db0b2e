//! Replies of a mailbox service, of every kind: what is understood is understood again.

use connectoid_protocol::mailbox::{
    Checked, CheckedMany, Done, Received, Refusal, Reply, ReplyError, ServiceInfo, parse_reply,
};

pub(super) fn run(json: &[u8]) {
    read::<Done>(json);
    read::<Checked>(json);
    read::<CheckedMany>(json);
    read::<Received>(json);
    if let Some(info) = ServiceInfo::parse(json) {
        assert_eq!(ServiceInfo::parse(&info.to_json()), Some(info));
    }
}

fn read<T: Reply + PartialEq>(json: &[u8]) {
    match parse_reply::<T>(json) {
        Ok(reply) => assert!(parse_reply::<T>(&reply.to_json()).is_ok_and(|again| again == reply)),
        Err(ReplyError::Refused(refusal)) => {
            assert_eq!(parse_reply::<Done>(&refusal.to_json(None)), Err(ReplyError::Refused(refusal)));
            assert_eq!(Refusal::parse(refusal.as_str()), Some(refusal));
        }
        Err(_) => {}
    }
}
