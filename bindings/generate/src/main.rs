//! Writes what is generated of the bindings, from the one definition in Rust: `bindings/c/schema.json`,
//! `bindings/c/METHODS.md`, `bindings/c/include/connectoid.h`, `docs/errors.md` and the typed Dart in
//! `flutter/lib/src/generated`. With `--check`, compares instead of writing.
//! `cargo xtask bindings` and `cargo xtask check` run it.

mod dart;
mod errors;
mod header;
mod methods;
mod schema;

use std::{fs, path::Path, process::ExitCode};

fn main() -> ExitCode {
    let check = std::env::args().nth(1).as_deref() == Some("--check");
    match generate(check) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

fn generate(check: bool) -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let schema = schema::generate()?;
    let text = serde_json::to_string_pretty(&schema).map_err(|error| error.to_string())? + "\n";
    let mut files = vec![
        ("bindings/c/schema.json".to_owned(), text),
        ("bindings/c/METHODS.md".to_owned(), methods::generate(&schema)?),
        ("bindings/c/include/connectoid.h".to_owned(), header::generate(&root.join("bindings/c"))?),
    ];
    files.push(("docs/errors.md".to_owned(), errors::generate(&schema)?));
    let dart = dart::generate(&schema)?;
    files.extend(dart.into_iter().map(|(name, content)| (format!("{}/{name}", dart::FOLDER), content)));
    for (name, content) in files {
        let path = root.join(&name);
        let present = fs::read_to_string(&path).unwrap_or_default();
        if check && present != content {
            return Err(format!("{name} is stale: run `cargo xtask bindings`"));
        }
        if present != content {
            fs::write(&path, content).map_err(|error| format!("{}: {error}", path.display()))?;
            eprintln!("wrote {name}");
        }
    }
    Ok(())
}
