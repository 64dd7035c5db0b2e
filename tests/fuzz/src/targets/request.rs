//! Requests to a mailbox service: what is understood is understood again when it is written anew.

use connectoid_protocol::mailbox::Request;

pub(super) fn run(json: &[u8]) {
    if let Ok(request) = Request::parse(json) {
        assert_eq!(Request::parse(&request.to_json()), Ok(request));
    }
}
