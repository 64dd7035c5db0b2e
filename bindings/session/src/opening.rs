//! The settings of a session.

use connectoid::Settings;
use serde::{Deserialize, Deserializer, de::Error};
use serde_json::{Map, Value};

/// Settings as JSON. Only `storage` is required.
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Opening {
    /// Those of the node.
    #[cfg_attr(feature = "schema", schemars(flatten))]
    pub settings: Settings,
    /// Whether the app keeps the master secret: then it is asked by requests ([`crate::HostRequest`]). By default the
    /// secret is kept in a file of the data folder, under `passphrase` if there is one.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub host_key_store: bool,
}

/// What is no setting is refused, which Serde's `flatten` cannot do.
impl<'de> Deserialize<'de> for Opening {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut fields = Map::deserialize(deserializer)?;
        let host_key_store = match fields.remove("host_key_store") {
            None => false,
            Some(Value::Bool(is)) => is,
            Some(_) => return Err(D::Error::custom("`host_key_store`: expected a boolean")),
        };
        let settings = Settings::deserialize(Value::Object(fields)).map_err(D::Error::custom)?;
        Ok(Self { settings, host_key_store })
    }
}

#[cfg(test)]
mod tests {
    use connectoid_engine::calls::read;

    use super::*;

    #[test]
    fn a_misspelt_setting_is_refused_by_name() {
        let refusal = |json| read::<Opening>(json).err().map(|error| error.message);
        let said = refusal(r#"{"storage":"memory","service":["https://a"]}"#).unwrap();
        assert!(said.contains("unknown field `service`, expected one of `storage`, `services`"), "{said}");
        assert!(refusal(r#"{"storage":"memory","host_key_store":"yes"}"#).is_some());
        assert!(refusal(r#"{"storage":"memory","host_key_store":true}"#).is_none());
    }
}
