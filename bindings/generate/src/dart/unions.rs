//! Types with variants, which a tag in the JSON tells apart: sealed classes.

use super::{
    classes::Class,
    schema::{Direction, Field, Schema, dart_name, referred},
    text::{Text, camel, pascal},
};

/// A type with variants.
pub(crate) struct Union {
    /// Its name in the schema.
    pub(crate) schema: &'static str,
    /// Its name in Dart.
    pub(crate) dart: &'static str,
    /// The field of the JSON that tells variants apart.
    pub(crate) tag: &'static str,
    /// What the names of variants end with.
    pub(crate) suffix: &'static str,
    pub(crate) direction: Direction,
    /// Whether variants can be made by the type's name: `Write.put(…)`.
    pub(crate) factories: bool,
}

/// One of the variants.
struct Variant<'a> {
    /// Its tag in JSON.
    value: &'a str,
    /// Its name in Dart.
    name: String,
    doc: String,
    fields: Vec<Field>,
    /// The type that it consists of, if it is one of its own: its names in the schema and in Dart.
    wrapped: Option<(&'a str, String)>,
}

impl Union {
    pub(crate) fn generate(&self, schema: &Schema<'_>, text: &mut Text) -> Result<(), String> {
        let own = schema.get(self.schema)?;
        let inherited = schema.fields(self.schema, own, self.tag, self.direction)?;
        let variants = self.variants(schema)?;
        text.blank();
        text.doc(&schema.doc(own));
        text.block(&format!("sealed class {} extends Data {{", self.dart), "}", |text| {
            self.base(schema, &inherited, &variants, text);
        });
        for Variant { value, name, doc, fields, wrapped } in variants {
            if let Some((_, wrapped)) = wrapped {
                self.wrapper(&name, &wrapped, &doc, text);
                continue;
            }
            let tag = Some((self.tag, value));
            let (base, direction) = (self.dart, self.direction);
            Class { name, base, inherited: &inherited, fields, tag, direction, doc }.generate(text);
        }
        if self.direction == Direction::Read {
            self.unknown(&inherited, text);
        }
        Ok(())
    }

    fn variants<'a>(&self, schema: &Schema<'a>) -> Result<Vec<Variant<'a>>, String> {
        let mut variants = Vec::new();
        for variant in schema.variants(self.schema)? {
            let value = variant["properties"][self.tag]["const"].as_str();
            let value = value.ok_or_else(|| format!("a variant of {} has no tag", self.schema))?;
            let wrapped = referred(variant).filter(|_| self.direction == Direction::Read);
            variants.push(Variant {
                value,
                name: pascal(value) + self.suffix,
                doc: schema.doc(variant),
                fields: schema.fields(self.schema, variant, self.tag, self.direction)?,
                wrapped: wrapped.map(|name| (name, dart_name(name))),
            });
        }
        Ok(variants)
    }

    /// What the class has that the variants extend.
    fn base(&self, schema: &Schema<'_>, inherited: &[Field], variants: &[Variant<'_>], text: &mut Text) {
        self.constructor(inherited, text);
        if self.factories {
            for variant in variants {
                self.factory(variant, text);
            }
        }
        let carries_bytes = schema.carries_bytes(self.schema);
        if self.direction == Direction::Read {
            self.reading(schema, variants, carries_bytes, text);
        }
        for field in inherited {
            text.blank();
            text.doc(&field.doc);
            text.line(&format!("final {} {};", field.ty.dart(field.nullable), field.dart));
        }
        if self.direction == Direction::Written && carries_bytes && !self.factories {
            text.blank();
            text.doc("The bytes that are the call's `data`.");
            text.line("Uint8List? get bytes => null;");
        }
    }

    fn constructor(&self, inherited: &[Field], text: &mut Text) {
        text.doc("For variants.");
        if inherited.is_empty() {
            return text.line(&format!("const {}();", self.dart));
        }
        let parameters: Vec<String> =
            inherited.iter().map(|field| format!("required this.{}", field.dart)).collect();
        text.list(&format!("const {}({{", self.dart), &parameters, "});");
    }

    fn factory(&self, Variant { value, name, doc, fields, .. }: &Variant<'_>, text: &mut Text) {
        text.blank();
        text.doc(doc);
        let parameter = |field: &Field| format!("required {} {}", field.ty.dart(false), field.dart);
        let parameters: Vec<String> = fields.iter().map(parameter).collect();
        let open = format!("const factory {}.{}({{", self.dart, camel(value));
        text.list(&open, &parameters, &format!("}}) = {name};"));
    }

    fn reading(&self, schema: &Schema<'_>, variants: &[Variant<'_>], carries_bytes: bool, text: &mut Text) {
        let beside = if carries_bytes { ", [Uint8List? beside]" } else { "" };
        text.blank();
        text.doc("Reads it from JSON.");
        let head = format!("factory {}.fromJson(Map<String, Object?> json{beside}) =>", self.dart);
        text.block(&format!("{head} switch (json['{}']) {{", self.tag), "};", |text| {
            for Variant { value, name, fields, wrapped, .. } in variants {
                let wrapped = wrapped.as_ref().is_some_and(|(name, _)| schema.carries_bytes(name));
                let carries = wrapped || fields.iter().any(|field| field.ty.carries_bytes());
                let beside = if carries { ", beside" } else { "" };
                text.line(&format!("'{value}' => {name}.fromJson(json{beside}),"));
            }
            text.line(&format!("_ => Unknown{}.fromJson(json),", self.suffix));
        });
    }

    /// A variant that is a type of its own.
    fn wrapper(&self, name: &str, wrapped: &str, doc: &str, text: &mut Text) {
        text.blank();
        text.doc(doc);
        text.block(&format!("final class {name} extends {} {{", self.dart), "}", |text| {
            text.doc("Makes one.");
            text.line(&format!("const {name}(this.value);"));
            text.blank();
            text.doc("Reads it from JSON.");
            text.line(&format!("factory {name}.fromJson(Map<String, Object?> json) =>"));
            text.line(&format!("    {name}({wrapped}.fromJson(json));"));
            text.blank();
            text.doc("What it is about.");
            text.line(&format!("final {wrapped} value;"));
            text.blank();
            text.line("@override");
            text.line("List<Object?> get values => [value];");
            text.blank();
            text.line("@override");
            text.line("Set<String> get hidden => value.hidden;");
            text.blank();
            text.line("@override");
            text.line("Map<String, Object?> toJson([BytesBuilder? beside]) => value.toJson();");
        });
    }

    /// The variant for those that a newer library has.
    fn unknown(&self, inherited: &[Field], text: &mut Text) {
        let name = format!("Unknown{}", self.suffix);
        text.blank();
        text.doc("Something that this version of the package does not know.");
        text.block(&format!("final class {name} extends {} {{", self.dart), "}", |text| {
            let mut parameters: Vec<String> =
                inherited.iter().map(|field| format!("required super.{}", field.dart)).collect();
            parameters.push("required this.json".to_owned());
            text.doc("Makes one.");
            text.list(&format!("const {name}({{"), &parameters, "});");
            text.blank();
            text.doc("Reads it from JSON.");
            let mut arguments: Vec<String> = inherited
                .iter()
                .map(|field| {
                    format!(
                        "{}: {}",
                        field.dart,
                        field.ty.read(&format!("json['{}']", field.json), field.nullable)
                    )
                })
                .collect();
            arguments.push("json: json".to_owned());
            text.list(
                &format!("factory {name}.fromJson(Map<String, Object?> json) => {name}("),
                &arguments,
                ");",
            );
            text.blank();
            text.doc("What it is in JSON.");
            text.line("final Map<String, Object?> json;");
            text.blank();
            text.line("@override");
            text.line("List<Object?> get values => [json];");
            text.blank();
            text.line("@override");
            text.line("Map<String, Object?> toJson([BytesBuilder? beside]) => json;");
        });
    }
}
