//! The proof that no language lacks anything: each method of `Node`, each event and each kind of error is in C, Kotlin,
//! Swift and Dart, with documentation, and carries there what it carries in Rust.

mod types;

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::command::{Result, root};

/// How an app in C reaches what a method of `Node` does.
#[derive(Clone, Copy)]
enum InC {
    /// By calls with the same name.
    SameName,
    /// By calls of this method.
    Call(&'static str),
    /// By a function, or messages of a kind, of the header.
    Header(&'static str),
}

/// What a language with methods of its own calls it.
#[derive(Clone, Copy)]
enum Typed {
    /// The same, in its own spelling: `confirmVerify`.
    SameName,
    /// It has no use for it, since it has this.
    Instead(&'static str),
}

use InC::{Call, Header};

/// Every method of `Node`, and the way to it from other languages. A method that is missing here fails the check.
const METHODS: [(&str, InC, Typed); 38] = [
    ("open", Header("connectoid_open"), Typed::SameName),
    ("user_id", InC::SameName, Typed::SameName),
    ("share", InC::SameName, Typed::SameName),
    ("open_link", Call("open"), Typed::SameName),
    ("open_link_in_person", Call("open"), Typed::SameName),
    ("peers", InC::SameName, Typed::SameName),
    ("unshare", InC::SameName, Typed::SameName),
    ("connect", InC::SameName, Typed::SameName),
    ("disconnect", InC::SameName, Typed::SameName),
    ("verify", InC::SameName, Typed::SameName),
    ("confirm_verify", InC::SameName, Typed::SameName),
    ("create_group", InC::SameName, Typed::SameName),
    ("groups", InC::SameName, Typed::SameName),
    ("add_member", InC::SameName, Typed::SameName),
    ("remove_member", InC::SameName, Typed::SameName),
    ("accept_invitation", InC::SameName, Typed::SameName),
    ("leave_group", InC::SameName, Typed::SameName),
    ("forget_group", InC::SameName, Typed::SameName),
    ("put", Call("commit"), Typed::SameName),
    ("replace", Call("commit"), Typed::SameName),
    ("remove_fields", Call("commit"), Typed::SameName),
    ("delete", Call("commit"), Typed::SameName),
    ("commit", InC::SameName, Typed::SameName),
    ("record", Call("get"), Typed::SameName),
    ("list", InC::SameName, Typed::SameName),
    ("history", InC::SameName, Typed::SameName),
    ("send", InC::SameName, Typed::SameName),
    ("diagnose", Call("doctor"), Typed::SameName),
    ("set_pace", InC::SameName, Typed::SameName),
    ("network_changed", InC::SameName, Typed::SameName),
    ("sync_now", InC::SameName, Typed::SameName),
    ("dispatch", Header("connectoid_call"), Typed::Instead("share")),
    ("events", Header("CONNECTOID_KIND_EVENT"), Typed::SameName),
    ("subscribe", Header("CONNECTOID_KIND_EVENT"), Typed::Instead("events")),
    ("observe", Call("changes"), Typed::SameName),
    ("changes", InC::SameName, Typed::SameName),
    // A handle is no call: each call says its group and collection.
    ("group", Header("connectoid_call"), Typed::SameName),
    ("close", Header("connectoid_close"), Typed::SameName),
];

/// Calls that are not methods of `Node` in Rust, since they need no node there.
const OTHER_CALLS: [&str; 1] = ["qr"];

/// A language with methods of its own.
struct Language {
    name: &'static str,
    /// The file with the methods of `Node`.
    node: &'static str,
    /// Whether what an app may use is called public; in Dart, it has no underscore.
    says_public: bool,
    /// The file that draws QR codes, and what does it.
    qr: (&'static str, &'static str),
    /// The file with what follows the log.
    log: &'static str,
    /// The file with the events, and what stands around the name of one.
    events: (&'static str, Style),
    /// The file with the kinds of errors, likewise.
    errors: (&'static str, Style),
}

/// How the name `link_used` is written.
#[derive(Clone, Copy)]
enum Style {
    /// `linkUsed`
    Camel,
    /// `LinkUsed`, with an ending.
    Pascal(&'static str),
}

const LANGUAGES: [Language; 3] = [
    Language {
        name: "Kotlin",
        node: "kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid/Node.kt",
        says_public: true,
        qr: ("kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid/Qr.kt", "Qr"),
        log: "kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid/ConnectoidLog.kt",
        events: ("kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid/Event.kt", Style::Pascal("")),
        errors: (
            "kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid/ConnectoidException.kt",
            Style::Pascal(""),
        ),
    },
    Language {
        name: "Swift",
        node: "swift/Sources/Connectoid/Node.swift",
        says_public: true,
        qr: ("swift/Sources/Connectoid/QRCode.swift", "QRCode"),
        log: "swift/Sources/Connectoid/ConnectoidLog.swift",
        events: ("swift/Sources/Connectoid/Event.swift", Style::Camel),
        errors: ("swift/Sources/Connectoid/ConnectoidError.swift", Style::Camel),
    },
    Language {
        name: "Dart",
        node: "flutter/lib/src/node.dart",
        says_public: false,
        qr: ("flutter/lib/src/node.dart", "qr"),
        log: "flutter/lib/src/log.dart",
        events: ("flutter/lib/src/generated/events.g.dart", Style::Pascal("Event")),
        errors: ("flutter/lib/src/generated/exceptions.g.dart", Style::Pascal("Exception")),
    },
];

/// Compares the languages with Rust.
pub(crate) fn check() -> Result {
    let facade = read("core/sdk/src/node.rs")?;
    let schema: Value =
        serde_json::from_str(&read("bindings/c/schema.json")?).map_err(|error| error.to_string())?;
    table_is_complete(&facade)?;
    in_c(&schema)?;
    handed_on(&schema)?;
    types::check(&schema)?;
    LANGUAGES.iter().try_for_each(|language| in_language(language, &schema))
}

fn table_is_complete(facade: &str) -> Result {
    let there: BTreeSet<&str> = methods(facade).collect();
    let listed: BTreeSet<&str> = METHODS.iter().map(|(name, ..)| *name).collect();
    match there.symmetric_difference(&listed).next() {
        Some(name) => {
            Err(format!("Node::{name} is in only one of core/sdk/src/node.rs and xtask/src/parity.rs"))
        }
        None => Ok(()),
    }
}

fn in_c(schema: &Value) -> Result {
    let header = read("bindings/c/include/connectoid.h")?;
    let listed = schema["methods"].as_array().ok_or("schema.json lists no methods")?;
    let calls: BTreeSet<&str> = listed.iter().filter_map(|method| method["name"].as_str()).collect();
    let mut reached: BTreeSet<&str> = OTHER_CALLS.into();
    for (name, way, _) in METHODS {
        let there = match way {
            Header(text) => header.contains(text),
            InC::SameName | Call(_) => {
                let call = if let Call(call) = way { call } else { name };
                reached.insert(call);
                calls.contains(call)
            }
        };
        if !there {
            return Err(format!("C has no way to {name}, against the table of xtask/src/parity.rs"));
        }
    }
    if let Some(call) = calls.difference(&reached).next() {
        return Err(format!("the call {call} of C has no counterpart among the methods of Node"));
    }
    let described = |variant: &&Value| variant["description"].as_str().is_some_and(|text| !text.is_empty());
    match ["Event", "ErrorKind"].iter().flat_map(|name| variants(schema, name)).find(|one| !described(one)) {
        Some(variant) => Err(format!("not described in schema.json: {variant}")),
        None => Ok(()),
    }
}

/// Kotlin and Swift get by way of UniFFI what Rust has; there, what is forgotten would become "unknown".
fn handed_on(schema: &Value) -> Result {
    let events = read("bindings/uniffi/src/event.rs")?;
    let errors = read("bindings/uniffi/src/error.rs")?;
    let lacks = |file: &str, name: &&str| {
        let name = Style::Pascal("").spell(name);
        !file.contains(&format!("Kind::{name} ")) || !file.contains(&format!("Self::{name}"))
    };
    let lost_event = event_names(schema).into_iter().find(|name| lacks(&events, name));
    match lost_event.or_else(|| error_names(schema).into_iter().find(|name| lacks(&errors, name))) {
        Some(name) => Err(format!("bindings/uniffi does not hand on {name}")),
        None => Ok(()),
    }
}

fn in_language(language: &Language, schema: &Value) -> Result {
    let node = read(language.node)?;
    let lacks = |what: String| format!("{}: {what}", language.name);
    for (name, _, typed) in METHODS {
        let name = match typed {
            Typed::SameName => name,
            Typed::Instead(other) => other,
        };
        let is_public = |line: &str| {
            !language.says_public || line.starts_with("public ") || line.starts_with("override ")
        };
        declares(&node, &Style::Camel.spell(name), is_public).map_err(lacks)?;
    }
    let anything = |_: &str| true;
    declares(&read(language.qr.0)?, language.qr.1, anything).map_err(lacks)?;
    declares(&read(language.log)?, "follow", anything).map_err(lacks)?;
    let (file, style) = language.events;
    let events = read(file)?;
    for event in event_names(schema) {
        declares(&events, &style.spell(event), anything).map_err(lacks)?;
    }
    let (file, style) = language.errors;
    let errors = read(file)?;
    for kind in error_names(schema) {
        // `TimeoutException` is another thing in Dart.
        let kind = if language.name == "Dart" && kind == "timeout" { "timed_out" } else { kind };
        declares(&errors, &style.spell(kind), anything).map_err(lacks)?;
    }
    Ok(())
}

fn variants<'a>(schema: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    schema["$defs"][name]["oneOf"].as_array().into_iter().flatten()
}

fn event_names(schema: &Value) -> Vec<&str> {
    variants(schema, "Event").filter_map(|variant| variant["properties"]["event"]["const"].as_str()).collect()
}

fn error_names(schema: &Value) -> Vec<&str> {
    variants(schema, "ErrorKind").filter_map(|variant| variant["const"].as_str()).collect()
}

/// That a file declares a name, in a line that is right, with documentation above.
fn declares(file: &str, name: &str, is_right: impl Fn(&str) -> bool) -> Result {
    let lines: Vec<&str> = file.lines().map(str::trim).collect();
    let declared = |line: &str| declares_here(line, name) && is_right(line);
    let places: Vec<usize> = (0..lines.len()).filter(|at| declared(lines[*at])).collect();
    if places.is_empty() {
        return Err(format!("{name} is missing"));
    }
    let documented = |at: &usize| {
        let above = lines[..*at].iter().rev().find(|line| !line.starts_with('@'));
        above.is_some_and(|line| line.starts_with("///") || line.ends_with("*/"))
    };
    if places.iter().any(documented) { Ok(()) } else { Err(format!("{name} has no documentation")) }
}

fn declares_here(line: &str, name: &str) -> bool {
    // What stands before a name that is declared: a word of the language, or in Dart the type.
    const BEFORE: [&str; 11] =
        ["fun ", "func ", "val ", "var ", "let ", "case ", "class ", "object ", "> ", "String ", "Handle "];
    if line.starts_with('/') || line.starts_with('*') {
        return false;
    }
    line.match_indices(name).any(|(at, _)| {
        let after = line[at + name.len()..].chars().next();
        let before = line[..at].trim_end_matches('`');
        BEFORE.iter().any(|word| before.ends_with(word))
            && !after.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

impl Style {
    fn spell(self, name: &str) -> String {
        let mut words = name.split('_');
        let mut spelled = match self {
            Self::Camel => words.next().unwrap_or_default().to_owned(),
            Self::Pascal(_) => String::new(),
        };
        for word in words {
            let (first, rest) = word.split_at(1);
            spelled.extend([&first.to_uppercase(), rest]);
        }
        match self {
            Self::Camel => spelled,
            Self::Pascal(ending) => spelled + ending,
        }
    }
}

/// The public methods in the `impl Node` of the facade, without those that are hidden: they are for bindings.
fn methods(facade: &str) -> impl Iterator<Item = &str> {
    let body = facade.split_once("\nimpl Node {").map(|(_, rest)| rest).unwrap_or_default();
    let body = body.split_once("\n}\n").map(|(body, _)| body).unwrap_or_default();
    let mut hidden = false;
    body.lines().filter_map(move |line| {
        hidden |= line == "    #[doc(hidden)]";
        let rest = line.strip_prefix("    pub ")?;
        if std::mem::take(&mut hidden) {
            return None;
        }
        let rest = rest.strip_prefix("async ").unwrap_or(rest).strip_prefix("fn ")?;
        rest.split(['(', '<']).next()
    })
}

fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).map_err(|error| format!("{path}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_are_found() {
        let facade = "impl Other {\n    pub fn no() {}\n}\n\nimpl Node {\n    /// x\n    pub async fn a(\n        &self,\n    ) {\n        pub_fn();\n    }\n\n    fn private() {}\n\n    #[doc(hidden)]\n    #[x]\n    pub fn hidden() {}\n\n    pub fn b<T>(&self) {}\n}\n\nimpl X {\n    pub fn c() {}\n}\n";
        assert_eq!(methods(facade).collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_declared_is_found_and_what_is_mentioned_is_not() {
        let any = |_: &str| true;
        let kotlin = "/** Reads `peers`. */\npublic suspend fun openLink(text: String): Unit = peers()\n";
        assert!(declares(kotlin, "openLink", any).is_ok());
        let is_private = |line: &str| line.starts_with("private");
        assert_eq!(declares(kotlin, "openLink", is_private).unwrap_err(), "openLink is missing");
        assert_eq!(declares(kotlin, "peers", any).unwrap_err(), "peers is missing");
        assert_eq!(declares(kotlin, "open", any).unwrap_err(), "open is missing");
        let swift =
            "public var events: Int { 1 }\n\n/// x\n@Sendable\npublic func close() {}\ncase `internal`\n";
        assert_eq!(declares(swift, "events", any).unwrap_err(), "events has no documentation");
        assert_eq!(declares(swift, "internal", any).unwrap_err(), "internal has no documentation");
        assert!(declares(swift, "close", any).is_ok());
        let dart = "  /// x\n  CancelableFuture<List<Peer>> peers() => x;\n  /// y\n  final String userId;\n";
        assert!(declares(dart, "peers", any).is_ok() && declares(dart, "userId", any).is_ok());
    }

    #[test]
    fn names_are_spelled() {
        assert_eq!(Style::Camel.spell("open_link"), "openLink");
        assert_eq!(Style::Pascal("Exception").spell("link_used"), "LinkUsedException");
    }
}
