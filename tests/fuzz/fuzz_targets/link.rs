//! A text with a link in it: what is found is an address that stands in the text, and it can be given on.

#![no_main]

use connectoid_protocol::{address::Address, link};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(address) = Address::parse(text) {
        assert!(address.as_text() == text);
        assert!(Address::restore(text, address.box_id()).is_ok());
    }
    let Ok((address, placement)) = link::parse(text) else { return };
    assert!(text.contains(address.as_text()));
    assert!((1..=3).contains(&address.services().len()));
    for base in ["https://app.example/open", "app:open?a#b"] {
        let (read, found) = link::parse(&link::to_url(base, &address, placement)).unwrap();
        assert!(read.as_text() == address.as_text() && read.box_id() == address.box_id());
        assert_eq!(found, placement);
    }
});
