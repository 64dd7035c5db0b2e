//! What calls and events carry, in the languages whose types are written by hand. Dart's are generated.

use std::fs;

use serde_json::Value;

use super::{Style, declares, event_names, variants};
use crate::command::{Result, root};

/// A structure of the schema, and what Kotlin and Swift call it.
const STRUCTURES: [(&str, &str, &str); 12] = [
    ("PeerInfo", "Peer", "Peer"),
    ("GroupSync", "GroupSync", "GroupSync"),
    ("GroupInfo", "Group", "GroupInfo"),
    ("MemberInfo", "Member", "Member"),
    ("HistoryEntry", "Version", "Version"),
    ("Record", "Record", "Record"),
    ("Observed", "RecordChange", "RecordChange"),
    ("SharedLink", "SharedLink", "SharedLink"),
    ("Diagnosis", "Diagnosis", "Diagnosis"),
    ("Finding", "Finding", "Finding"),
    ("Opening", "Settings", "NodeSettings"),
    ("IceServer", "IceServer", "IceServer"),
];

/// What has another name in both, since it is of another kind there.
const RENAMED: [(&str, &str); 1] = [("storage", "folder")];

/// What is no setting there but another argument.
const ARGUMENTS: [&str; 1] = ["host_key_store"];

/// Enumerations, called the same everywhere.
const ENUMERATIONS: [&str; 7] =
    ["Role", "Side", "Pace", "PairState", "Verified", "ConnectionState", "Placement"];

/// A language whose types are written by hand.
struct Language {
    name: &'static str,
    folder: &'static str,
    structure: fn(&str) -> String,
    enumeration: fn(&str) -> String,
    variant: fn(&str) -> String,
    /// Where a type ends.
    end: &'static str,
    /// Where what an event carries begins, and how one thing of it does.
    event: fn(&str) -> String,
    carried: fn(&str) -> String,
}

const KOTLIN: Language = Language {
    name: "Kotlin",
    folder: "kotlin/connectoid-jvm/src/main/kotlin/io/github/connectoid",
    structure: |name| format!("public data class {name}("),
    enumeration: |name| format!("public enum class {name} {{"),
    variant: |name| format!("{},", name.to_uppercase()),
    // It may have a body behind what it is made of; then the documentation of the next follows.
    end: "\n/**",
    event: |name| format!(" class {}(", Style::Pascal("").spell(name)),
    carried: |name| format!("val {}:", Style::Camel.spell(name)),
};

const SWIFT: Language = Language {
    name: "Swift",
    folder: "swift/Sources/Connectoid",
    structure: |name| format!("public struct {name}:"),
    enumeration: |name| format!("public enum {name}:"),
    variant: |name| format!("case {}", Style::Camel.spell(name)),
    end: "\n}",
    event: |name| format!("    case {}(", Style::Camel.spell(name)),
    carried: |name| format!("{}:", Style::Camel.spell(name)),
};

/// Compares both with the schema.
pub(super) fn check(schema: &Value) -> Result {
    for language in [KOTLIN, SWIFT] {
        let source = source(language.folder)?;
        check_in(&language, &source, schema).map_err(|problem| format!("{}: {problem}", language.name))?;
    }
    Ok(())
}

fn check_in(language: &Language, source: &str, schema: &Value) -> Result {
    for (noun, kotlin, swift) in STRUCTURES {
        let name = if language.name == "Kotlin" { kotlin } else { swift };
        let body = body(source, &(language.structure)(name), &[language.end])?;
        for field in fields(&schema["$defs"][noun]) {
            let renamed = RENAMED.iter().find(|(old, _)| *old == field).map_or(field, |(_, new)| new);
            declares(body, &Style::Camel.spell(renamed), |_| true)
                .map_err(|problem| format!("{name}: {problem}"))?;
        }
    }
    for name in ENUMERATIONS {
        let body = body(source, &(language.enumeration)(name), &["\n}"])?;
        for variant in variants(schema, name).filter_map(|variant| variant["const"].as_str()) {
            has_line(body, &(language.variant)(variant)).map_err(|problem| format!("{name}: {problem}"))?;
        }
    }
    let events = variants(schema, "Event").zip(event_names(schema));
    for (event, name) in events {
        let carried: Vec<&str> = fields(event).filter(|field| *field != "event").collect();
        if carried.is_empty() {
            continue;
        }
        let body = body(source, &(language.event)(name), &[")\n", ") :"])?;
        let lacking = carried.iter().find(|field| !body.contains(&(language.carried)(field)));
        if let Some(field) = lacking {
            return Err(format!("the event {name} lacks {field}"));
        }
    }
    Ok(())
}

fn fields(structure: &Value) -> impl Iterator<Item = &str> {
    let properties = structure["properties"].as_object();
    properties
        .into_iter()
        .flat_map(|all| all.keys())
        .map(String::as_str)
        .filter(|name| !ARGUMENTS.contains(name))
}

/// What stands behind a beginning, up to the first end.
fn body<'a>(source: &'a str, beginning: &str, ends: &[&str]) -> Result<&'a str> {
    let (_, rest) = source.split_once(beginning).ok_or_else(|| format!("`{beginning}` is missing"))?;
    let end = ends.iter().filter_map(|end| rest.find(end)).min().unwrap_or(rest.len());
    Ok(&rest[..end])
}

fn has_line(body: &str, beginning: &str) -> Result {
    let begins = |line: &str| {
        let rest = line.trim().strip_prefix(beginning);
        rest.is_some_and(|rest| !rest.starts_with(|letter: char| letter.is_alphanumeric()))
    };
    if body.lines().any(begins) { Ok(()) } else { Err(format!("`{beginning}` is missing")) }
}

/// All files of a folder, one behind the other.
fn source(folder: &str) -> Result<String> {
    let failed = |error| format!("{folder}: {error}");
    let entries = fs::read_dir(root().join(folder)).map_err(failed)?;
    let files = entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file());
    files.map(|path| fs::read_to_string(path).map_err(failed)).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PEER: &str = "public struct Peer: Sendable {\n    /// x\n    public let nickname: String\n}\n";

    #[test]
    fn a_body_ends_where_its_type_does() {
        let two = format!("{PEER}public struct Other: Sendable {{\n    public let user: String\n}}\n");
        let body = body(&two, "public struct Peer:", &["\n}"]).unwrap();
        assert!(body.contains("nickname") && !body.contains("user"));
    }

    #[test]
    fn what_is_forgotten_is_named() {
        let schema = json!({"$defs": {"PeerInfo": {"properties": {"nickname": {}, "last_seen": {}}}}});
        assert_eq!(check_in(&SWIFT, PEER, &schema).unwrap_err(), "Peer: lastSeen is missing");
        assert!(has_line("    case linkQuery = \"x\"", "case linkQuery").is_ok());
        assert!(has_line("    case linkQuery", "case link").is_err());
    }
}
