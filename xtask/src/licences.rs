//! Licences and versions of what the workspace depends on, from `cargo metadata`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::{Result, output};

/// Licences that ask for no more than attribution.
const ALLOWED: [&str; 13] = [
    "MIT",
    "MIT-0",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "ISC",
    "Zlib",
    "Unicode-3.0",
    "CC0-1.0",
    "0BSD",
    "BlueOak-1.0.0",
    "CDLA-Permissive-2.0",
];

/// What has another licence and is used all the same: MPL-2.0 asks to publish changes to these very files, of which there
/// are none.
const EXCEPTED: [(&str, &str); 2] = [("uniffi", "MPL-2.0"), ("cbindgen", "MPL-2.0")];

/// Direct dependencies of which a second version is tolerated: `rtc` and, in tests, `proptest` still use
/// older ones.
const TWICE: [&str; 7] = ["hmac", "base64", "thiserror", "getrandom", "rand", "rand_chacha", "rand_core"];

pub(crate) fn check() -> Result {
    let json = output("cargo", &["metadata", "--format-version", "1", "--locked"])?;
    let metadata: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let packages = metadata["packages"].as_array().ok_or("cargo metadata has no packages")?;
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().unwrap_or_default();
        versions.entry(name).or_default().push(package["version"].as_str().unwrap_or_default());
        let licence = package["license"].as_str().unwrap_or_default();
        if !is_allowed(licence) && !is_excepted(name, licence) {
            return Err(format!(
                "{name} has the licence \"{licence}\", which is not on the list of allowed ones"
            ));
        }
    }
    one_version(packages, &versions)
}

/// Some alternative (`OR`) must consist of allowed licences only (`AND`).
fn is_allowed(licence: &str) -> bool {
    let plain = licence.replace(['(', ')'], "").replace('/', " OR ");
    plain.split(" OR ").any(|choice| choice.split(" AND ").all(|part| ALLOWED.contains(&part.trim())))
}

/// A crate, or one of the crates that it is made of: `uniffi_core`, …
fn is_excepted(name: &str, licence: &str) -> bool {
    let family = name.split('_').next().unwrap_or_default();
    EXCEPTED.contains(&(family, licence))
}

fn one_version(packages: &[Value], versions: &BTreeMap<&str, Vec<&str>>) -> Result {
    let ours = packages.iter().filter(|package| package["source"].is_null());
    let direct = ours.flat_map(|package| package["dependencies"].as_array().into_iter().flatten());
    for name in direct.filter_map(|dependency| dependency["name"].as_str()) {
        let found = versions.get(name).map(Vec::as_slice).unwrap_or_default();
        if found.len() > 1 && !TWICE.contains(&name) {
            return Err(format!("there are several versions of {name}: {}", found.join(", ")));
        }
    }
    Ok(())
}
