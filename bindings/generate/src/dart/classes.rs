//! Classes of data.

use super::{
    schema::{Direction, Field, Schema, dart_name},
    text::Text,
    types::Type,
};

/// Fields that are secret: the text of an object leaves them out.
const SECRET: [(&str, &str); 10] = [
    ("IceServer", "credential"),
    ("IceServer", "urls"),
    ("IceServer", "username"),
    ("OpenCall", "link"),
    ("QrCall", "link"),
    ("Settings", "bind"),
    ("Settings", "ice_servers"),
    ("Settings", "passphrase"),
    ("Settings", "service_ext"),
    ("SharedLink", "link"),
];

/// A class to be written.
pub(crate) struct Class<'a> {
    pub(crate) name: String,
    /// What it extends.
    pub(crate) base: &'a str,
    /// The fields of what it extends.
    pub(crate) inherited: &'a [Field],
    pub(crate) fields: Vec<Field>,
    /// The name and value in JSON that tell it from the other variants.
    pub(crate) tag: Option<(&'a str, &'a str)>,
    pub(crate) direction: Direction,
    pub(crate) doc: String,
}

pub(crate) fn generate(
    schema: &Schema<'_>,
    name: &str,
    direction: Direction,
    text: &mut Text,
) -> Result<(), String> {
    let fields = schema.fields(name, schema.get(name)?, "", direction)?;
    let doc = schema.doc(schema.get(name)?);
    Class { name: dart_name(name), base: "Data", inherited: &[], fields, tag: None, direction, doc }
        .generate(text);
    Ok(())
}

impl Class<'_> {
    pub(crate) fn generate(&self, text: &mut Text) {
        text.blank();
        text.doc(&self.doc);
        text.block(&format!("final class {} extends {} {{", self.name, self.base), "}", |text| {
            self.constructor(text);
            if self.direction == Direction::Read {
                self.reading(text);
            }
            for field in &self.fields {
                text.blank();
                text.doc(&field.doc);
                text.line(&format!("final {} {};", field.ty.dart(field.nullable), field.dart));
            }
            self.values(text);
            self.to_json(text);
        });
    }

    fn all(&self) -> impl Iterator<Item = &Field> {
        self.inherited.iter().chain(&self.fields)
    }

    fn carries_bytes(&self) -> bool {
        self.fields.iter().any(|field| field.ty.carries_bytes())
    }

    fn constructor(&self, text: &mut Text) {
        text.doc("Makes one.");
        if self.all().next().is_none() {
            return text.line(&format!("const {}();", self.name));
        }
        text.list(&format!("const {}({{", self.name), &self.parameters(), "});");
    }

    fn parameters(&self) -> Vec<String> {
        let inherited = self.inherited.iter().map(|field| format!("required super.{}", field.dart));
        let own = self.fields.iter().map(|field| match &field.default {
            Some(default) => format!("this.{} = {default}", field.dart),
            None if field.nullable && field.ty != Type::Storage => format!("this.{}", field.dart),
            None => format!("required this.{}", field.dart),
        });
        inherited.chain(own).collect()
    }

    fn reading(&self, text: &mut Text) {
        let beside = if self.carries_bytes() { ", [Uint8List? beside]" } else { "" };
        text.blank();
        text.doc("Reads it from JSON.");
        let head = format!("factory {}.fromJson(Map<String, Object?> json{beside}) =>", self.name);
        if self.all().next().is_none() {
            return text.line(&format!("{head} const {}();", self.name));
        }
        let arguments: Vec<String> = self
            .all()
            .map(|field| {
                format!(
                    "{}: {}",
                    field.dart,
                    field.ty.read(&format!("json['{}']", field.json), field.nullable)
                )
            })
            .collect();
        text.list(&format!("{head} {}(", self.name), &arguments, ");");
    }

    fn values(&self, text: &mut Text) {
        text.blank();
        text.line("@override");
        let names: Vec<String> = self.all().map(|field| field.dart.clone()).collect();
        text.list("List<Object?> get values => [", &names, "];");
        let secret: Vec<String> = self
            .fields
            .iter()
            .filter(|field| {
                let place = (self.name.as_str(), field.json.as_str());
                SECRET.contains(&place) || field.ty == Type::Bytes
            })
            .map(|field| format!("'{}'", field.json))
            .collect();
        if !secret.is_empty() {
            text.blank();
            text.line("@override");
            text.list("Set<String> get hidden => const {", &secret, "};");
        }
    }

    fn to_json(&self, text: &mut Text) {
        text.blank();
        text.line("@override");
        let tag = self.tag.map(|(name, value)| format!("'{name}': '{value}'"));
        // The bytes of a call lie beside, alone; they are no field of its JSON.
        let written = self.all().filter(|field| self.direction == Direction::Read || field.ty != Type::Bytes);
        let members: Vec<String> = tag.into_iter().chain(written.map(member)).collect();
        text.list("Map<String, Object?> toJson([BytesBuilder? beside]) => {", &members, "};");
        let bytes = self.fields.iter().find(|field| field.ty == Type::Bytes);
        if let (Some(bytes), Direction::Written) = (bytes, self.direction) {
            text.blank();
            text.line("@override");
            text.line(&format!("Uint8List get bytes => {};", bytes.dart));
        }
    }
}

fn member(field: &Field) -> String {
    let (json, name) = (&field.json, &field.dart);
    if field.nullable && field.ty != Type::Storage {
        format!("if ({name} case final {name}?) '{json}': {}", field.ty.write(name))
    } else {
        format!("'{json}': {}", field.ty.write(name))
    }
}
