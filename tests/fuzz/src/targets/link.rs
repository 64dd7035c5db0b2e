//! A text with a link in it: what is found is whole, can be given on, and nothing is found in a part of it.

use connectoid_protocol::{address::Address, link};

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(address) = Address::parse(text) {
        assert!(address.as_text() == text);
        assert!(Address::restore(text, address.box_id()).is_ok());
        assert!(link::parse(&link::to_value(&address)).unwrap().0.as_text() == text);
    }
    let Ok((address, placement)) = link::parse(text) else { return };
    assert!((1..=3).contains(&address.services().len()));
    for base in ["https://app.example/open", "app:open?a#b"] {
        let url = link::to_url(base, &address, placement);
        let (read, found) = link::parse(&url).unwrap();
        assert!(read.as_text() == address.as_text() && read.box_id() == address.box_id());
        assert_eq!(found, placement);
        assert!(placement == link::Placement::Query || link::parse(&url[..url.len() - 1]).is_err());
    }
}
