//! What whoever ships a library has to pass on: the licences of all that is linked into it, which ask for that.
//!
//! The form is that of Flutter's `LICENSE` files, from which an app shows them: sections apart by a line of 80 hyphens,
//! each with the names of those whom it concerns, an empty line, and the text.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{C, FFI, FOLDER};
use crate::command::{Result, output, root};

/// Where they are written.
pub(super) const FILE: &str = "target/packages/THIRD-PARTY.txt";

/// How the names of files with licences begin.
const FILES: [&str; 5] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE"];

/// What is linked into everything in Rust, and is in no list of packages; whose it is.
const STANDARD_LIBRARY: (&str, &str) =
    ("The standard library of Rust", "Copyright (c) The Rust Project Contributors");

/// Our own, in the same form.
pub(super) fn own() -> Result<String> {
    Ok(section(["connectoid"], &format!("{}\n\n{}", read("LICENSE-MIT")?, read("LICENSE-APACHE")?)))
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(root().join(name)).map_err(|error| format!("{name}: {error}"))
}

/// Writes those of others.
pub(super) fn write() -> Result {
    super::make(FOLDER)?;
    fs::write(root().join(FILE), others()?).map_err(|error| format!("{FILE}: {error}"))
}

/// Of others.
fn others() -> Result<String> {
    let json = output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let linked = linked(&metadata)?;
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for package in list(&metadata["packages"]).filter(|package| !package["source"].is_null()) {
        if !linked.contains(text(&package["id"])) {
            continue;
        }
        let name = format!("{} {}", text(&package["name"]), text(&package["version"]));
        for licence in licences(package)? {
            texts.entry(licence).or_default().insert(name.clone());
        }
    }
    let mut sections: Vec<String> =
        texts.iter().map(|(text, names)| section(names.iter().map(String::as_str), text)).collect();
    let (name, owners) = STANDARD_LIBRARY;
    let mit = read("LICENSE-MIT")?;
    let (_, terms) = mit.split_once("Permission is hereby").ok_or("LICENSE-MIT is another text")?;
    sections.push(section([name], &format!("{owners}\n\nPermission is hereby{terms}")));
    sections.sort_unstable();
    Ok(sections.concat())
}

/// The ids of all packages that are linked into the libraries, on whatever platform.
fn linked(metadata: &Value) -> Result<BTreeSet<&str>> {
    let nodes: BTreeMap<&str, &Value> =
        list(&metadata["resolve"]["nodes"]).map(|node| (text(&node["id"]), node)).collect();
    let ours = [C.package, FFI.package];
    let roots = list(&metadata["packages"]).filter(|package| ours.contains(&text(&package["name"])));
    let mut waiting: Vec<&str> = roots.map(|package| text(&package["id"])).collect();
    let mut found = BTreeSet::new();
    while let Some(id) = waiting.pop() {
        if !found.insert(id) {
            continue;
        }
        let node = nodes.get(id).ok_or_else(|| format!("cargo metadata does not resolve {id}"))?;
        let linked = |dependency: &&Value| list(&dependency["dep_kinds"]).any(|kind| kind["kind"].is_null());
        waiting.extend(list(&node["deps"]).filter(linked).map(|dependency| text(&dependency["pkg"])));
    }
    Ok(found)
}

/// The texts that come with a package, of which the shortest if it leaves the choice; if there are none, what it says of
/// itself.
fn licences(package: &Value) -> Result<Vec<String>> {
    let manifest = Path::new(text(&package["manifest_path"]));
    let folder = manifest.parent().ok_or("a package has no folder")?;
    let failed = |error| format!("{}: {error}", folder.display());
    let mut files: Vec<_> = fs::read_dir(folder)
        .map_err(failed)?
        .flatten()
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().to_uppercase();
            entry.path().is_file() && FILES.iter().any(|start| name.starts_with(start))
        })
        .map(|entry| entry.path())
        .collect();
    files.sort_unstable();
    let licence = text(&package["license"]);
    let is_mit = |file: &PathBuf| file.file_name().is_some_and(|name| name.to_string_lossy().contains("MIT"));
    let is_free_to_choose = licence.contains(" OR ") || licence.contains('/');
    let mit = files.iter().position(is_mit).filter(|_| is_free_to_choose);
    if let Some(at) = mit {
        files = vec![files.swap_remove(at)];
    }
    if files.is_empty() {
        return Ok(vec![format!("{licence} <{}>", text(&package["repository"]))]);
    }
    files
        .iter()
        .map(|file| fs::read_to_string(file).map(|text| text.trim().to_owned()).map_err(failed))
        .collect()
}

fn section<'a>(names: impl IntoIterator<Item = &'a str>, text: &str) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    format!("{}\n\n{}\n{}\n", names.join("\n"), text.trim(), "-".repeat(80))
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_linked_is_found_and_what_only_builds_is_not() {
        let dependency = |id: &str, kind: Value| json!({"pkg": id, "dep_kinds": [{"kind": kind}]});
        let metadata = json!({
            "packages": [{"id": "c", "name": "connectoid-c"}, {"id": "f", "name": "connectoid-ffi"}],
            "resolve": {"nodes": [
                {"id": "c", "deps": [dependency("sdk", Value::Null), dependency("cc", json!("build"))]},
                {"id": "f", "deps": [dependency("sdk", Value::Null), dependency("proptest", json!("dev"))]},
                {"id": "sdk", "deps": [dependency("ring", Value::Null)]},
                {"id": "ring", "deps": []},
                {"id": "cc", "deps": []},
                {"id": "proptest", "deps": []},
            ]},
        });
        assert_eq!(linked(&metadata).unwrap(), ["c", "f", "ring", "sdk"].into());
    }
}
