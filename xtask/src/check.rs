//! `cargo xtask check`: what must hold of every commit, without running the tests.

use std::{fs, path::Path};

use crate::{
    bindings,
    command::{self, Result, output, root, run_with},
    licences, parity,
};

/// What the protocol crate may not depend on, directly or not: it is pure.
const IMPURE: [&str; 10] = [
    "tokio",
    "mio",
    "socket2",
    "hyper",
    "rusqlite",
    "libsqlite3-sys",
    "webrtc",
    "rtc",
    "rustls",
    "getrandom",
];

/// Module documentation may point at private items: it is read in the source too.
const DOC_FLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links";

/// No source file is longer, in lines.
const MAX_LINES: usize = 1000;

/// Half of the source files are shorter, in lines.
const MEDIAN_LINES: usize = 200;

pub(crate) fn run() -> Result {
    command::run("cargo", &["fmt", "--all", "--check"], ".")?;
    command::run(
        "cargo",
        &["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"],
        ".",
    )?;
    run_with("cargo", &["doc", "--workspace", "--no-deps", "--quiet"], ".", &[("RUSTDOCFLAGS", DOC_FLAGS)])?;
    purity()?;
    scripts()?;
    licences::check()?;
    sizes()?;
    bindings::check()?;
    parity::check()?;
    eprintln!("all checks passed");
    Ok(())
}

/// Scripts that only a vendor's machine can run are at least well-formed.
fn scripts() -> Result {
    let files = output("git", &["ls-files", "*.sh"])?;
    files.lines().try_for_each(|file| command::run("bash", &["-n", file], "."))
}

fn purity() -> Result {
    let arguments = ["tree", "--package", "connectoid-protocol", "--edges", "normal", "--prefix", "none"];
    let tree = output("cargo", &arguments)?;
    let impure = tree.lines().filter_map(|line| line.split(' ').next()).find(|name| IMPURE.contains(name));
    match impure {
        Some(name) => Err(format!("connectoid-protocol is pure and may not depend on {name}")),
        None => Ok(()),
    }
}

fn sizes() -> Result {
    let mut files = Vec::new();
    for folder in ["bindings", "core", "service", "cli", "xtask", "tests"] {
        collect(&root().join(folder), &mut files);
    }
    files.sort_unstable();
    let (longest, path) = files.last().cloned().ok_or("there are no source files")?;
    let median = files[files.len() / 2].0;
    if longest > MAX_LINES {
        return Err(format!("{path} has {longest} lines; split it"));
    }
    if median > MEDIAN_LINES {
        return Err(format!("the median source file has {median} lines; keep it below {MEDIAN_LINES}"));
    }
    eprintln!("{} source files, median {median} lines, longest {longest} ({path})", files.len());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<(usize, String)>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if path.is_dir() && !matches!(name, "target" | "node_modules") {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let lines = fs::read_to_string(&path).unwrap_or_default().lines().count();
            files.push((lines, path.strip_prefix(root()).unwrap_or(&path).display().to_string()));
        }
    }
}
