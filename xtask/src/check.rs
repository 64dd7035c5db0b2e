//! `cargo xtask check`: what must hold of every commit, without running the tests.

use std::{fs, path::Path};

use crate::{
    bindings,
    command::{self, Result, output, root, run_with},
    licences, parity, phases,
};

/// What does I/O, or runs something. Neither the protocol nor the engine may depend on it, directly or not.
const RUNNING: [&str; 8] = ["tokio", "mio", "socket2", "hyper", "webrtc", "rtc", "rustls", "if-addrs"];

/// What keeps or asks something: the engine's store and randomness, which the protocol may not depend on either.
const KEEPING: [&str; 3] = ["rusqlite", "libsqlite3-sys", "getrandom"];

/// Module documentation may point at private items: it is read in the source too.
const DOC_FLAGS: &str = "-D warnings -A rustdoc::private_intra_doc_links";

/// No source file is longer, in lines.
const MAX_LINES: usize = 1000;

/// Half of the source files are shorter, in lines.
const MEDIAN_LINES: usize = 200;

pub(crate) fn run() -> Result {
    command::run("cargo", &["fmt", "--all", "--check"], ".")?;
    phases::run("lints", || {
        let clippy = ["clippy", "--workspace", "--all-targets", "--quiet", "--", "-D", "warnings"];
        command::run("cargo", &clippy, ".")
    })?;
    phases::run("documentation", || {
        let doc = ["doc", "--workspace", "--no-deps", "--quiet"];
        run_with("cargo", &doc, ".", &[("RUSTDOCFLAGS", DOC_FLAGS)])
    })?;
    purity()?;
    scripts()?;
    licences::check()?;
    sizes()?;
    phases::run("generated files", bindings::check)?;
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
    independent("connectoid-protocol", &[&RUNNING[..], &KEEPING].concat())?;
    independent("connectoid-engine", &RUNNING)
}

fn independent(package: &str, of: &[&str]) -> Result {
    let tree = output("cargo", &["tree", "--package", package, "--edges", "normal", "--prefix", "none"])?;
    let found = tree.lines().filter_map(|line| line.split(' ').next()).find(|name| of.contains(name));
    match found {
        Some(name) => Err(format!("{package} may not depend on {name}")),
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
