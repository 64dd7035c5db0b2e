//! Exceptions: a class for each kind of error.

use connectoid::ErrorKind;
use serde_json::Value;

use super::{
    schema::Schema,
    text::{Text, camel, pascal},
};

/// Who is at fault, in the order of Rust.
const BLAMES: [(&str, &str); 5] = [
    ("usage", "The caller."),
    ("peer", "The other side, or the way to it."),
    ("service", "The mailbox service, or the way to it."),
    ("storage", "This device's storage."),
    ("internal", "This SDK."),
];

pub(crate) fn generate(schema: &Schema<'_>, text: &mut Text) -> Result<(), String> {
    let kinds = schema.variants("ErrorKind")?;
    blames(text);
    base(kinds, text);
    for kind in kinds {
        let value = kind["const"].as_str().unwrap_or_default();
        let name = class(value);
        text.blank();
        text.doc(&schema.doc(kind));
        text.block(&format!("final class {name} extends ConnectoidException {{"), "}", |text| {
            text.doc("Makes one.");
            text.line(&format!("const {name}(String message)"));
            text.line(&format!(
                "  : super._('{value}', message, Blame.{});",
                blame(kind).unwrap_or_default()
            ));
        });
        blame(kind)?;
    }
    text.blank();
    text.doc("A kind that this version of the package does not know. Update it.");
    text.block("final class UnknownException extends ConnectoidException {", "}", |text| {
        text.doc("Makes one.");
        text.line("const UnknownException(String kind, String message)");
        text.line("  : super._(kind, message, Blame.internal);");
    });
    Ok(())
}

fn base(kinds: &[Value], text: &mut Text) {
    text.blank();
    text.doc(
        "What went wrong. There is one class for each kind, which says what to do; the kinds are the same in every \
         language of this SDK.",
    );
    text.line("///");
    text.doc("Nothing in it is secret: no link, key or address.");
    text.block("sealed class ConnectoidException extends Data implements Exception {", "}", |text| {
        text.line("const ConnectoidException._(this.kind, this.message, this.blame);");
        text.blank();
        text.doc("Makes one of a kind.");
        text.block(
            "factory ConnectoidException(String kind, String message) => switch (kind) {",
            "};",
            |text| {
                for kind in kinds.iter().filter_map(|kind| kind["const"].as_str()) {
                    text.line(&format!("'{kind}' => {}(message),", class(kind)));
                }
                text.line("_ => UnknownException(kind, message),");
            },
        );
        text.blank();
        text.doc("Reads it from JSON.");
        text.line("factory ConnectoidException.fromJson(Map<String, Object?> json) =>");
        text.line("    ConnectoidException(json['kind'] as String, json['message'] as String);");
        for (doc, field) in [
            ("The kind's name in every language: `link_used`, …", "String kind"),
            ("What went wrong and what to do, for people. In English; without secrets.", "String message"),
            ("Who is at fault.", "Blame blame"),
        ] {
            text.blank();
            text.doc(doc);
            text.line(&format!("final {field};"));
        }
        text.blank();
        text.line("@override");
        text.line("List<Object?> get values => [kind, message];");
        text.blank();
        text.line("@override");
        text.line(
            "Map<String, Object?> toJson([BytesBuilder? beside]) => {'kind': kind, 'message': message};",
        );
        text.blank();
        text.line("@override");
        text.line("String toString() => '$runtimeType: $message';");
    });
}

fn blames(text: &mut Text) {
    text.blank();
    text.doc("Who is at fault.");
    text.block("enum Blame {", "}", |text| {
        for (index, (name, doc)) in BLAMES.iter().enumerate() {
            if index > 0 {
                text.blank();
            }
            text.doc(doc);
            text.line(&format!("{},", camel(name)));
        }
    });
}

/// The class of a kind. `TimeoutException` is Dart's own.
pub(crate) fn class(kind: &str) -> String {
    let name = if kind == "timeout" { "TimedOut".to_owned() } else { pascal(kind) };
    name + "Exception"
}

/// Who is at fault, as Rust says.
fn blame(kind: &Value) -> Result<String, String> {
    let value = &kind["const"];
    let known: ErrorKind =
        serde_json::from_value(value.clone()).map_err(|_| format!("{value} is no kind of error"))?;
    let blame = serde_json::to_value(known.blame()).map_err(|error| error.to_string())?;
    let name = blame.as_str().unwrap_or_default();
    let listed = BLAMES.iter().any(|(listed, _)| *listed == name);
    listed.then(|| name.to_owned()).ok_or_else(|| format!("the blame {name} is not listed"))
}
