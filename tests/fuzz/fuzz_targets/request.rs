//! Requests to a mailbox service: what is understood is understood again when it is written anew.

#![no_main]

use connectoid_protocol::mailbox::Request;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    if let Ok(request) = Request::parse(json) {
        assert_eq!(Request::parse(&request.to_json()), Ok(request));
    }
});
