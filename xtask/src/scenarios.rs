//! `cargo xtask scenarios`: the stories of `tests/scenarios`, played in every language whose tools are there.

use std::fs;

use crate::{
    command::{self, Result, root},
    dart, kotlin, swift,
};

/// What actors are built into.
const FOLDER: &str = "target/scenarios";

/// Plays the stories; `only` is the name of one.
pub(crate) fn run(only: Option<&str>) -> Result {
    // As the other tests are built, so that little has to be built twice.
    command::run("cargo", &["build", "--quiet", "--workspace"], ".")?;
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder).map_err(|error| format!("{FOLDER}: {error}"))?;
    let actors = [
        ("Rust", Some("target/debug/connectoid-actor".to_owned())),
        ("C", Some(in_c()?)),
        ("Dart", dart::actor()?),
        ("Kotlin", kotlin::actor()?),
        ("Swift", swift::actor()?),
    ];
    let there = actors.into_iter().filter_map(|(name, actor)| Some(format!("{name}={}", actor?)));
    let mut arguments: Vec<String> = there.collect();
    if let Some(story) = only {
        arguments.extend(["--only".to_owned(), story.to_owned()]);
    }
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    // Inside the project, which actors with a file system of their own see too.
    let temporary = folder.join("tmp");
    fs::create_dir_all(&temporary).map_err(|error| format!("{}: {error}", temporary.display()))?;
    let temporary = temporary.display().to_string();
    let program = "target/debug/connectoid-scenarios";
    command::run_with(program, &arguments, ".", &[("TMPDIR", &temporary)])
}

fn in_c() -> Result<String> {
    let program = format!("{FOLDER}/actor-c");
    // What it looks for when it starts has the series of versions in its name.
    let series = env!("CARGO_PKG_VERSION").rsplit_once('.').map_or("", |(series, _)| series);
    let library = root().join(FOLDER);
    let named = library.join(format!("libconnectoid.so.{series}"));
    if cfg!(target_os = "linux") {
        fs::copy(root().join("target/debug/libconnectoid.so"), &named)
            .map_err(|error| format!("{}: {error}", named.display()))?;
    }
    let arguments = [
        "-std=c11",
        "-D_GNU_SOURCE",
        "-Wall",
        "-Wextra",
        "-Werror",
        "-O1",
        "-pthread",
        "-I",
        "bindings/c/include",
        "tests/scenarios/actors/actor.c",
        "-o",
        &program,
        "-L",
        "target/debug",
        "-lconnectoid",
        &format!("-Wl,-rpath,{},-rpath,{}", library.display(), root().join("target/debug").display()),
    ];
    command::run("cc", &arguments, ".")?;
    Ok(program)
}
