//! A value read from CBOR has no second spelling, keeps the rules, and survives JSON.

use connectoid_protocol::value::Value;

pub(super) fn run(bytes: &[u8]) {
    if let Ok(value) = Value::decode(bytes) {
        assert_eq!(value.encode(), bytes);
        assert_eq!(value.check(), Ok(()));
        assert_eq!(Value::from_json(value.to_json()), Ok(value));
    }
    if let Ok(json) = serde_json::from_slice(bytes)
        && let Ok(value) = Value::from_json(json)
    {
        assert_eq!(value.check(), Ok(()));
        assert_eq!(Value::decode(&value.encode()), Ok(value));
    }
}
