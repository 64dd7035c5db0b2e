//! The typed Dart of the package in `flutter/`, from the schema.
//!
//! | file | what | seen by apps |
//! |---|---|---|
//! | `exceptions.g.dart` | a class for each kind of error | yes |
//! | `types.g.dart` | what calls take and replies and events are made of | yes |
//! | `events.g.dart` | a class for each event | yes |
//! | `calls.g.dart` | a class for each method | no |
//! | `replies.g.dart` | a class for each reply, page and request to the app | no |
//!
//! The files are parts of two libraries that are written by hand: `lib/src/model.dart` and `lib/src/protocol.dart`.

mod classes;
mod exceptions;
mod schema;
mod text;
mod types;
mod unions;

use serde_json::Value;

use schema::{Direction, Schema};
use text::Text;
use unions::Union;

/// Where the files belong, in the root of the project.
pub(crate) const FOLDER: &str = "flutter/lib/src/generated";

const EVENT: Union = Union {
    schema: "Event",
    dart: "Event",
    tag: "event",
    suffix: "Event",
    direction: Direction::Read,
    factories: false,
};
const WRITE: Union = Union {
    schema: "Write",
    dart: "Write",
    tag: "op",
    suffix: "Write",
    direction: Direction::Written,
    factories: true,
};
const CALL: Union = Union {
    schema: "Call",
    dart: "Call",
    tag: "method",
    suffix: "Call",
    direction: Direction::Written,
    factories: false,
};
const REPLY: Union = Union {
    schema: "Reply",
    dart: "Reply",
    tag: "reply",
    suffix: "Reply",
    direction: Direction::Read,
    factories: false,
};
const REQUEST: Union = Union {
    schema: "HostRequest",
    dart: "HostRequest",
    tag: "request",
    suffix: "Request",
    direction: Direction::Read,
    factories: false,
};

/// The classes of data that apps read, and those that they write.
const READ: [&str; 11] = [
    "Diagnosis",
    "Finding",
    "GroupInfo",
    "GroupSync",
    "HistoryEntry",
    "LogLine",
    "MemberInfo",
    "Observed",
    "PeerInfo",
    "Record",
    "SharedLink",
];
const WRITTEN: [&str; 2] = ["IceServer", "Opening"];

/// What is said otherwise in Dart: unions, exceptions, fields of other classes.
const ELSEWHERE: [&str; 8] =
    ["Call", "Error", "ErrorKind", "Event", "HostRequest", "Page", "Reply", "Storage"];

/// The files with their names.
pub(crate) fn generate(schema: &Value) -> Result<Vec<(&'static str, String)>, String> {
    let schema = Schema::new(schema)?;
    Ok(vec![
        ("calls.g.dart", part("protocol", |text| CALL.generate(&schema, text))?),
        ("events.g.dart", part("model", |text| EVENT.generate(&schema, text))?),
        ("exceptions.g.dart", part("model", |text| exceptions::generate(&schema, text))?),
        ("replies.g.dart", part("protocol", |text| replies(&schema, text))?),
        ("types.g.dart", part("model", |text| all_types(&schema, text))?),
    ])
}

fn part(library: &str, write: impl FnOnce(&mut Text) -> Result<(), String>) -> Result<String, String> {
    let mut text = Text::default();
    text.line("// Generated from bindings/c/schema.json by `cargo xtask bindings`.");
    text.blank();
    text.line(&format!("part of '../{library}.dart';"));
    write(&mut text)?;
    Ok(text.finish())
}

fn replies(schema: &Schema<'_>, text: &mut Text) -> Result<(), String> {
    REPLY.generate(schema, text)?;
    classes::generate(schema, "Page", Direction::Read, text)?;
    REQUEST.generate(schema, text)
}

fn all_types(schema: &Schema<'_>, text: &mut Text) -> Result<(), String> {
    for name in schema.names() {
        if schema.is_enum(name) && name != "ErrorKind" {
            types::generate_enum(schema, name, text)?;
        } else if READ.contains(&name) {
            classes::generate(schema, name, Direction::Read, text)?;
        } else if WRITTEN.contains(&name) {
            classes::generate(schema, name, Direction::Written, text)?;
        } else if name == WRITE.schema {
            WRITE.generate(schema, text)?;
        } else if !ELSEWHERE.contains(&name) {
            return Err(format!("what is {name} in Dart? Say so in bindings/generate/src/dart/mod.rs"));
        }
    }
    Ok(())
}
