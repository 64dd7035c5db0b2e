//! Values as JSON, for apps.

use super::{BYTES_KEY, INT_BOUND, MAX_NESTING, Value, ValueError};
use crate::encoding::{base64url, parse_base64url};

impl Value {
    /// Takes JSON. A number is an integer if it is one, however it is written; `{"$bytes": "…"}` gives
    /// bytes. Whoever reads the JSON from a text looks at that by [`check_numbers`](super::check_numbers) first: here,
    /// what the reader could not hold is rounded already.
    ///
    /// # Errors
    /// [`ValueError`] for integers of 2^53 and more, which JSON readers would silently round, for
    /// misused `$bytes` and for deep nesting.
    pub fn from_json(json: serde_json::Value) -> Result<Self, ValueError> {
        from_json_within(json, MAX_NESTING)
    }

    /// Gives JSON, from which [`Value::from_json`] makes the same value again.
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Int(number) => (*number).into(),
            Self::Float(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::Bytes(bytes) => serde_json::json!({ BYTES_KEY: base64url(bytes) }),
            Self::Array(items) => items.iter().map(Self::to_json).collect(),
            Self::Map(map) => map.iter().map(|(key, value)| (key.clone(), value.to_json())).collect(),
        }
    }
}

fn from_json_within(json: serde_json::Value, nesting: usize) -> Result<Value, ValueError> {
    Ok(match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(value) => Value::Bool(value),
        serde_json::Value::Number(number) => from_json_number(&number)?,
        serde_json::Value::String(text) => Value::Text(text),
        serde_json::Value::Array(items) => {
            let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
            Value::Array(
                items.into_iter().map(|item| from_json_within(item, inner)).collect::<Result<_, _>>()?,
            )
        }
        serde_json::Value::Object(map) if map.contains_key(BYTES_KEY) => from_json_bytes(&map)?,
        serde_json::Value::Object(map) => {
            let inner = nesting.checked_sub(1).ok_or(ValueError::TooDeep)?;
            let entries = map.into_iter().map(|(key, item)| Ok((key, from_json_within(item, inner)?)));
            Value::Map(entries.collect::<Result<_, ValueError>>()?)
        }
    })
}

fn from_json_number(number: &serde_json::Number) -> Result<Value, ValueError> {
    if number.is_u64() || number.is_i64() {
        let int = number.as_i64().filter(|int| -INT_BOUND < *int && *int < INT_BOUND);
        return int.map(Value::Int).ok_or(ValueError::TooGreat);
    }
    Value::number(number.as_f64().ok_or(ValueError::BadFloat)?)
}

fn from_json_bytes(map: &serde_json::Map<String, serde_json::Value>) -> Result<Value, ValueError> {
    match map.get(BYTES_KEY) {
        Some(serde_json::Value::String(text)) if map.len() == 1 => {
            parse_base64url(text).map(Value::Bytes).map_err(|_| ValueError::ReservedKey)
        }
        _ => Err(ValueError::ReservedKey),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::value::tests::any_value;

    #[test]
    fn numbers_have_one_form() {
        for (json, value) in [
            (json!(1.0), Value::Int(1)),
            (json!(-7), Value::Int(-7)),
            (json!(1e300), Value::Float(1e300)),
            (json!(0.1), Value::Float(0.1)),
        ] {
            assert_eq!(Value::from_json(json).unwrap(), value);
        }
        assert_eq!(Value::from_json(json!(9_007_199_254_740_992_u64)), Err(ValueError::TooGreat));
        assert_eq!(Value::from_json(json!(u64::MAX)), Err(ValueError::TooGreat));
        assert_eq!(Value::from_json(json!(-0.0)), Err(ValueError::BadFloat));
    }

    #[test]
    fn bytes_are_marked() {
        assert_eq!(Value::from_json(json!({"$bytes": "-_8"})), Ok(Value::Bytes(vec![0xfb, 0xff])));
        for wrong in [json!({"$bytes": "-_9"}), json!({"$bytes": 1}), json!({"$bytes": "", "a": 1})] {
            assert_eq!(Value::from_json(wrong), Err(ValueError::ReservedKey));
        }
    }

    #[test]
    fn deep_json_is_refused() {
        let deep = (0..=MAX_NESTING).fold(json!(1), |inner, _| json!([inner]));
        assert_eq!(Value::from_json(deep), Err(ValueError::TooDeep));
    }

    proptest! {
        #[test]
        fn json_and_back(value in any_value()) {
            prop_assert_eq!(Value::from_json(value.to_json()), Ok(value));
        }
    }
}
