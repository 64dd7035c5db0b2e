//! The schema, read as what Dart needs to know of it.

use serde_json::{Map, Value};

use super::{
    exceptions,
    text::{camel, pascal},
    types::Type,
};

/// Types with another name in Dart than in the schema: those of Flutter's widgets are avoided.
const NAMES: [(&str, &str); 8] = [
    ("ConnectionState", "PeerConnection"),
    ("Error", "ConnectoidException"),
    ("GroupInfo", "Group"),
    ("HistoryEntry", "Version"),
    ("MemberInfo", "Member"),
    ("Observed", "RecordChange"),
    ("Opening", "Settings"),
    ("PeerInfo", "Peer"),
];

/// Fields that apps do not set.
const SKIPPED: [(&str, &str); 1] = [("Opening", "host_key_store")];

/// Integers that are µs since the epoch.
const TIMES: [&str; 8] =
    ["at", "expires", "held_until", "kept_until", "last_synced_at", "stamp", "until", "used_at"];

/// Integers that are seconds.
const DURATIONS: [&str; 3] = ["expires_in", "idle_timeout", "poll_interval"];

/// What the schema says of JSON or of Rust, and what of it is so in Dart.
const PHRASES: [(&str, &str); 9] = [
    (", in µs since the epoch", ""),
    (" in µs since the epoch by", " by"),
    (", in µs since the epoch by", ", by"),
    (", in seconds", ""),
    ("; in JSON, whole seconds", ""),
    ("`Debug` shows no link.", "Its text does not show the link."),
    (
        "Neither its address nor its credential appears in `Debug`.",
        "Its text shows neither address nor credential.",
    ),
    ("bytes as `{\"$bytes\":\"<base64url>\"}`", "bytes as `Uint8List`"),
    ("Settings as JSON. Only `storage` is required.", "Everything about a node that an app may decide."),
];

/// Whether apps read a type or write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    Read,
    Written,
}

/// A field of a class.
pub(crate) struct Field {
    /// Its name in JSON.
    pub(crate) json: String,
    /// Its name in Dart.
    pub(crate) dart: String,
    pub(crate) ty: Type,
    /// Whether it may be null in Dart.
    pub(crate) nullable: bool,
    /// What it is in Dart if it is not given.
    pub(crate) default: Option<String>,
    pub(crate) doc: String,
}

pub(crate) struct Schema<'a> {
    types: &'a Map<String, Value>,
    methods: Vec<&'a str>,
}

impl<'a> Schema<'a> {
    pub(crate) fn new(schema: &'a Value) -> Result<Self, String> {
        let types = schema["$defs"].as_object().ok_or("the schema has no types")?;
        let methods = schema["methods"].as_array().ok_or("the schema has no methods")?;
        let methods = methods.iter().filter_map(|method| method["name"].as_str()).collect();
        Ok(Self { types, methods })
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &'a str> {
        self.types.keys().map(String::as_str)
    }

    pub(crate) fn get(&self, name: &str) -> Result<&'a Value, String> {
        self.types.get(name).ok_or_else(|| format!("the schema has no type {name}"))
    }

    /// The variants of a type.
    pub(crate) fn variants(&self, name: &str) -> Result<&'a [Value], String> {
        let variants = self.get(name)?["oneOf"].as_array();
        variants.map(Vec::as_slice).ok_or_else(|| format!("{name} has no variants"))
    }

    /// Whether a type is one of several texts.
    pub(crate) fn is_enum(&self, name: &str) -> bool {
        self.variants(name).is_ok_and(|variants| variants.iter().all(|variant| variant["const"].is_string()))
    }

    /// The fields of a class or variant, without its tag; those that must be given first.
    pub(crate) fn fields(
        &self,
        owner: &str,
        schema: &Value,
        tag: &str,
        direction: Direction,
    ) -> Result<Vec<Field>, String> {
        let mut fields = Vec::new();
        let extended = referred(schema).filter(|_| direction == Direction::Written);
        for part in [Some(schema), extended.map(|name| self.get(name)).transpose()?].into_iter().flatten() {
            for (name, field) in part["properties"].as_object().into_iter().flatten() {
                if name != tag && !SKIPPED.contains(&(owner, name.as_str())) {
                    let required =
                        part["required"].as_array().is_some_and(|all| all.iter().any(|one| one == name));
                    fields.push(self.field(name, field, required, direction)?);
                }
            }
        }
        let may_be_missing =
            |field: &Field| field.default.is_some() || field.nullable && field.ty != Type::Storage;
        fields.sort_by_key(|field| direction == Direction::Written && may_be_missing(field));
        Ok(fields)
    }

    fn field(
        &self,
        name: &str,
        schema: &Value,
        required: bool,
        direction: Direction,
    ) -> Result<Field, String> {
        let (ty, mut nullable) = self.field_type(name, schema)?;
        let mut default = None;
        if !required && ty != Type::Bytes {
            default =
                (direction == Direction::Written).then(|| default_of(&ty, &schema["default"])).flatten();
            nullable |= default.is_none();
        }
        let mut doc = self.doc(schema);
        if ty == Type::Storage {
            return Ok(Field {
                json: name.to_owned(),
                dart: "folder".to_owned(),
                ty,
                nullable: true,
                default,
                doc: "Where the data is kept; one node at a time uses a folder. Null for a node that forgets everything when it is closed.".to_owned(),
            });
        }
        if doc.is_empty() {
            return Err(format!("{name} has no description"));
        }
        if nullable && !doc.contains("none") && !doc.contains("if") {
            doc = format!("{} Null if there is none.", doc.trim_end());
        }
        Ok(Field { json: name.to_owned(), dart: camel(name), ty, nullable, default, doc })
    }

    /// The type of a field, and whether null is one of its values.
    fn field_type(&self, name: &str, schema: &Value) -> Result<(Type, bool), String> {
        if let Some([inner, _]) = schema["anyOf"].as_array().map(Vec::as_slice) {
            return Ok((self.field_type(name, inner)?.0, true));
        }
        if let Some(referred) = referred(schema) {
            return Ok((self.referred_type(referred), false));
        }
        let named = |ty: &Value| ty.as_str().map(str::to_owned);
        let (kind, nullable) = match &schema["type"] {
            Value::Array(kinds) => (kinds.first().and_then(named), true),
            kind => (named(kind), false),
        };
        let ty = match kind.as_deref() {
            None => return Ok((Type::Any, true)),
            Some("string") if schema["contentEncoding"].is_string() => Type::Bytes,
            Some("string") => Type::Text,
            Some("boolean") => Type::Bool,
            Some("integer") => integer(name, schema)?,
            Some("array") if schema["items"]["prefixItems"].is_array() => Type::Keys,
            Some("array") => Type::List(Box::new(self.field_type(name, &schema["items"])?.0)),
            Some("object") => Type::Fields,
            Some(other) => return Err(format!("{name} is a {other}, which has no counterpart in Dart")),
        };
        Ok((ty, nullable))
    }

    fn referred_type(&self, name: &str) -> Type {
        match name {
            "Error" => Type::Problem,
            "ErrorKind" => Type::Text,
            "Storage" => Type::Storage,
            _ if self.is_enum(name) => Type::Enum(dart_name(name)),
            _ => Type::Class { name: dart_name(name), carries_bytes: self.carries_bytes(name) },
        }
    }

    /// Whether values of a type may have bytes in them, which lie beside the JSON.
    pub(crate) fn carries_bytes(&self, name: &str) -> bool {
        let Ok(schema) = self.get(name) else { return false };
        let variants = schema["oneOf"].as_array().map_or(std::slice::from_ref(schema), Vec::as_slice);
        let mut fields =
            variants.iter().flat_map(|variant| variant["properties"].as_object().into_iter().flatten());
        fields.any(|(name, field)| self.field_type(name, field).is_ok_and(|(ty, _)| ty.carries_bytes()))
    }

    /// What a type, variant or field is for, in the words of Dart.
    pub(crate) fn doc(&self, schema: &Value) -> String {
        let mut doc = schema["description"].as_str().unwrap_or_default().to_owned();
        for (said, meant) in PHRASES {
            doc = doc.replace(said, meant);
        }
        let parts = doc.split('`').enumerate();
        parts.map(|(index, part)| if index % 2 == 0 { part.to_owned() } else { self.mention(part) }).collect()
    }

    /// A name in a text.
    fn mention(&self, name: &str) -> String {
        let is_tag = |union: &str, tag: &str| {
            self.variants(union)
                .is_ok_and(|all| all.iter().any(|one| one["properties"][tag]["const"] == name))
        };
        let is_kind =
            self.variants("ErrorKind").is_ok_and(|kinds| kinds.iter().any(|kind| kind["const"] == name));
        if self.methods.contains(&name) {
            format!("`Node.{}`", camel(name))
        } else if is_tag("Event", "event") {
            format!("[{}Event]", pascal(name))
        } else if is_kind {
            format!("[{}]", exceptions::class(name))
        } else if self.types.contains_key(name) {
            format!("[{}]", dart_name(name))
        } else {
            format!("`{name}`")
        }
    }
}

/// The type that a schema refers to.
pub(crate) fn referred(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.strip_prefix("#/$defs/")
}

/// What a type is called in Dart.
pub(crate) fn dart_name(name: &str) -> String {
    NAMES.iter().find(|(schema, _)| *schema == name).map_or(name, |(_, dart)| dart).to_owned()
}

fn integer(name: &str, schema: &Value) -> Result<Type, String> {
    let doc = schema["description"].as_str().unwrap_or_default();
    let (time, duration) = (TIMES.contains(&name), DURATIONS.contains(&name));
    if time != doc.contains("epoch") || duration != doc.contains("seconds") {
        return Err(format!(
            "{name}: time, duration or number? Say so in bindings/generate/src/dart/schema.rs"
        ));
    }
    Ok(match (time, duration) {
        (true, _) => Type::Time,
        (_, true) => Type::Seconds,
        _ => Type::Int,
    })
}

/// What a field is that is not given, as a constant of Dart; none if it is null then.
fn default_of(ty: &Type, default: &Value) -> Option<String> {
    match (ty, default) {
        (Type::List(_), _) => Some("const []".to_owned()),
        (Type::Bool, _) => Some(default.as_bool().unwrap_or_default().to_string()),
        (Type::Enum(name), Value::String(value)) => Some(format!("{name}.{}", camel(value))),
        (Type::Seconds, Value::Object(duration)) => {
            Some(format!("const Duration(seconds: {})", duration["secs"]))
        }
        (_, Value::String(text)) => Some(format!("'{text}'")),
        (_, Value::Number(number)) => Some(number.to_string()),
        _ => None,
    }
}
