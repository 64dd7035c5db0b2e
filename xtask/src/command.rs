//! Running other programs.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// What a task fails with: a sentence.
pub(crate) type Result<T = ()> = std::result::Result<T, String>;

/// The root of the project.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().map_or_else(|| PathBuf::from("."), Path::to_owned)
}

/// Runs a program in the root, or in a folder below it, and shows what it prints.
pub(crate) fn run(program: &str, arguments: &[&str], folder: &str) -> Result {
    run_with(program, arguments, folder, &[])
}

/// As [`run`], with environment variables.
pub(crate) fn run_with(
    program: &str,
    arguments: &[&str],
    folder: &str,
    variables: &[(&str, &str)],
) -> Result {
    eprintln!("$ {program} {}", arguments.join(" "));
    let status = command(program)
        .args(arguments)
        .envs(variables.iter().copied())
        .current_dir(root().join(folder))
        .status()
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{program} {}` failed", arguments.join(" "))) }
}

/// Runs a program in the root and returns what it prints; what it says of its progress is shown.
pub(crate) fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = command(program)
        .args(arguments)
        .current_dir(root())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|error| format!("`{program}` could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{program} {}` failed", arguments.join(" ")));
    }
    String::from_utf8(output.stdout).map_err(|_| format!("`{program}` printed no text"))
}

/// Where programs look for libraries first. Cargo puts what it built for this one there.
const LIBRARY_PATHS: [&str; 2] = ["LD_LIBRARY_PATH", "DYLD_FALLBACK_LIBRARY_PATH"];

/// A program that does not see for which package this one was started. Build scripts look at that, so that all
/// would be built anew for a task, and again without; and a program that is linked to the library as it is shipped
/// would find the one for tests.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| text.starts_with(start)) {
            command.env_remove(&name);
        }
    }
    let built = root().join("target");
    for name in LIBRARY_PATHS {
        let Some(paths) = std::env::var_os(name) else { continue };
        let others = std::env::split_paths(&paths).filter(|path| !path.starts_with(&built));
        match std::env::join_paths(others) {
            Ok(others) if !others.is_empty() => command.env(name, others),
            _ => command.env_remove(name),
        };
    }
    command
}

/// Whether a program is there.
pub(crate) fn exists(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}
