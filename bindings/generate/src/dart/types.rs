//! Types of fields, and how they are read from JSON and written as JSON; enums.

use super::{
    schema::{Schema, dart_name},
    text::{Text, camel},
};

/// The type of a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Type {
    Text,
    Int,
    Bool,
    /// `DateTime`; in JSON, µs since the epoch.
    Time,
    /// `Duration`; in JSON, whole seconds.
    Seconds,
    /// Bytes, which lie beside the JSON.
    Bytes,
    /// The fields of a record.
    Fields,
    /// A value in a field of a record.
    Any,
    /// Pairs of collection and id.
    Keys,
    Problem,
    /// A folder, or none.
    Storage,
    Enum(String),
    Class {
        name: String,
        carries_bytes: bool,
    },
    List(Box<Self>),
}

impl Type {
    /// In Dart.
    pub(crate) fn dart(&self, nullable: bool) -> String {
        let name = match self {
            Self::Text | Self::Storage => "String".to_owned(),
            Self::Int => "int".to_owned(),
            Self::Bool => "bool".to_owned(),
            Self::Time => "DateTime".to_owned(),
            Self::Seconds => "Duration".to_owned(),
            Self::Bytes => "Uint8List".to_owned(),
            Self::Fields => "Map<String, Object?>".to_owned(),
            Self::Any => return "Object?".to_owned(),
            Self::Keys => "List<RecordKey>".to_owned(),
            Self::Problem => "ConnectoidException".to_owned(),
            Self::Enum(name) | Self::Class { name, .. } => name.clone(),
            Self::List(item) => format!("List<{}>", item.dart(false)),
        };
        if nullable { name + "?" } else { name }
    }

    /// Whether a value may have bytes in it.
    pub(crate) fn carries_bytes(&self) -> bool {
        match self {
            Self::Bytes | Self::Fields | Self::Any => true,
            Self::Class { carries_bytes, .. } => *carries_bytes,
            Self::List(item) => item.carries_bytes(),
            _ => false,
        }
    }

    /// An expression that reads it from JSON.
    pub(crate) fn read(&self, json: &str, nullable: bool) -> String {
        let null = if nullable { "OrNull" } else { "" };
        match self {
            Self::Text | Self::Int | Self::Bool | Self::Storage => {
                format!("{json} as {}", self.dart(nullable))
            }
            Self::Time => format!("readTime{null}({json})"),
            Self::Seconds => format!("readSeconds{null}({json})"),
            Self::Bytes => format!("readBytes({json}, beside)"),
            Self::Fields => format!("readFields({json}, beside)"),
            Self::Any => format!("readValue({json}, beside)"),
            Self::Keys => format!("readKeys({json})"),
            Self::Enum(name) if nullable => format!("{json} == null ? null : {name}.fromJson({json})"),
            Self::Enum(name) => format!("{name}.fromJson({json})"),
            Self::Problem | Self::Class { .. } if nullable => {
                format!("readOrNull({json}, {})", self.reader())
            }
            Self::Problem | Self::Class { .. } => format!("read({json}, {})", self.reader()),
            Self::List(item) if **item == Self::Text => format!("readTexts({json})"),
            Self::List(item) => format!("readList({json}, {})", item.reader()),
        }
    }

    /// What makes a value of a JSON object.
    fn reader(&self) -> String {
        let name = self.dart(false);
        if self.carries_bytes() {
            format!("(json) => {name}.fromJson(json, beside)")
        } else {
            format!("{name}.fromJson")
        }
    }

    /// An expression that writes it as JSON; `value` is not null.
    pub(crate) fn write(&self, value: &str) -> String {
        let beside = if self.carries_bytes() { "beside" } else { "" };
        match self {
            Self::Text | Self::Int | Self::Bool => value.to_owned(),
            Self::Time => format!("{value}.microsecondsSinceEpoch"),
            Self::Seconds => format!("writeSeconds({value})"),
            Self::Bytes => format!("writeBytes({value})"),
            Self::Fields | Self::Any => format!("writeValue({value}, beside)"),
            Self::Keys => format!("[for (final (:collection, :id) in {value}) [collection, id]]"),
            Self::Storage => format!("{value} == null ? 'memory' : {{'folder': {value}}}"),
            Self::Enum(_) => format!("{value}.json"),
            Self::Problem | Self::Class { .. } => format!("{value}.toJson({beside})"),
            Self::List(item) if **item == Self::Text => value.to_owned(),
            Self::List(item) => format!("[for (final item in {value}) {}]", item.write("item")),
        }
    }
}

pub(crate) fn generate_enum(schema: &Schema<'_>, name: &str, text: &mut Text) -> Result<(), String> {
    let dart = dart_name(name);
    text.blank();
    text.doc(&schema.doc(schema.get(name)?));
    let variants = schema.variants(name)?;
    text.block(&format!("enum {dart} {{"), "}", |text| {
        for variant in variants {
            let value = variant["const"].as_str().unwrap_or_default();
            text.doc(&schema.doc(variant));
            text.line(&format!("{}('{value}'),", camel(value)));
            text.blank();
        }
        text.doc("One that this version of the package does not know.");
        text.line("unknown('unknown');");
        text.blank();
        text.line(&format!("const {dart}(this.json);"));
        text.blank();
        text.doc("Reads it from JSON.");
        text.line(&format!("static {dart} fromJson(Object? json) =>"));
        text.line("    values.firstWhere((value) => value.json == json, orElse: () => unknown);");
        text.blank();
        text.doc("Its name in JSON, which is the same in every language of this SDK.");
        text.line("final String json;");
    });
    Ok(())
}
