//! Compiles the C programs of this folder without a warning, links them to the library as an app would, and runs them
//! against a real service; under valgrind too, where it is installed. In CI it must be.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, OnceLock, PoisonError},
};

use connectoid_service::{Config, RunningService, Service, Storage};
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Valgrind's own exit code when it finds something.
const FOUND: &str = "--error-exitcode=99";

/// Programs that measure memory, or whose timing valgrind would spoil, run alone.
static ALONE: Mutex<()> = Mutex::new(());

struct Stage {
    folder: TempDir,
    service: RunningService,
    /// Serves it.
    _runtime: Runtime,
}

impl Stage {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let config = Config::new(([127, 0, 0, 1], 0).into(), Storage::Memory);
        let service = runtime.block_on(Service::start(config)).unwrap();
        Self { folder: TempDir::new().unwrap(), service, _runtime: runtime }
    }

    fn url(&self) -> String {
        self.service.url()
    }

    /// A fresh folder.
    fn folder(&self, name: &str) -> String {
        let folder = self.folder.path().join(name);
        std::fs::create_dir(&folder).unwrap();
        folder.to_str().unwrap().to_owned()
    }

    fn compile(&self, source: &str) -> PathBuf {
        let program = self.folder.path().join(Path::new(source).file_stem().unwrap());
        compile("cc", &["-std=c11", "-D_GNU_SOURCE"], source, &program);
        program
    }
}

fn crate_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where libconnectoid is: built apart from the features that tests bring in, with the rest of the workspace, as all that
/// tests other languages is, so that little has to be built twice.
fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--workspace", "--target-dir"]).arg(target);
        // Build scripts look at these, so that all would be built anew for the test, and again without.
        let ours = |name: &str| ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.starts_with(start));
        for name in env::vars().map(|(name, _)| name).filter(|name| ours(name)) {
            cargo.env_remove(name);
        }
        run(cargo.current_dir(crate_folder()));
        target.join("debug")
    })
}

fn compile(compiler: &str, flags: &[&str], source: &str, program: &Path) {
    let library = library_folder();
    let mut command = Command::new(compiler);
    command
        .args(flags)
        .args(["-Wall", "-Wextra", "-Werror", "-pedantic", "-g", "-O1", "-pthread", "-o"])
        .arg(program);
    command.arg(crate_folder().join(source)).arg("-I").arg(crate_folder().join("include"));
    command.arg("-L").arg(library).arg("-lconnectoid").arg(format!("-Wl,-rpath,{}", library.display()));
    run(&mut command);
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}: {}\n{out}{err}", output.status);
    out.into_owned()
}

/// Whether a program is there. In CI it has to be; elsewhere, what is skipped is named.
fn has(program: &str, what_for: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    assert!(there || env::var_os("CI").is_none(), "{program} is missing");
    if !there {
        eprintln!("skipped: {what_for} needs {program}");
    }
    there
}

fn run_under_valgrind(program: &Path, arguments: &[impl AsRef<OsStr>]) {
    let mut command = Command::new("valgrind");
    command.args([
        FOUND,
        "--quiet",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite",
        "--fair-sched=try",
    ]);
    let known = crate_folder().join("tests/valgrind.supp");
    command.arg("--show-leak-kinds=definite").arg(format!("--suppressions={}", known.display()));
    run(command.arg(program).args(arguments));
}

/// Runs a program by itself, and under valgrind.
fn prove(
    source: &str,
    arguments: impl Fn(&Stage, &str) -> Vec<String>,
    under_valgrind: impl Fn(&Stage, &str) -> Vec<String>,
) {
    let stage = Stage::new();
    let program = stage.compile(source);
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    run(Command::new(&program).args(arguments(&stage, "plain")));
    if has("valgrind", "looking for leaks and bad accesses") {
        run_under_valgrind(&program, &under_valgrind(&stage, "valgrind"));
    }
}

#[test]
fn a_whole_story() {
    let arguments = |stage: &Stage, _: &str| vec![stage.url()];
    prove("tests/story.c", arguments, arguments);
}

#[test]
fn bad_input_is_an_error() {
    let none = |_: &Stage, _: &str| Vec::new();
    prove("tests/abuse.c", none, none);
}

#[test]
fn threads_call_at_once() {
    let none = |_: &Stage, _: &str| Vec::new();
    prove("tests/threads.c", none, none);
}

#[test]
fn the_app_keeps_the_secret() {
    let arguments = |stage: &Stage, name: &str| vec![stage.url(), stage.folder(name)];
    prove("tests/keystore.c", arguments, arguments);
}

#[test]
fn nothing_grows() {
    let counted = |cycles: &'static str, events: &'static str| {
        move |stage: &Stage, _: &str| vec![stage.url(), cycles.to_owned(), events.to_owned()]
    };
    prove("tests/flat.c", counted("1000", "100000"), counted("10", "100"));
}

#[test]
fn the_example_shares() {
    let stage = Stage::new();
    let program = stage.compile("examples/share.c");
    let said = run(Command::new(&program).args([stage.url(), stage.folder("nodes")]));
    assert_eq!(
        said,
        "bob has {\"reply\":\"record\",\"record\":{\"id\":\"milk\",\"fields\":{\"count\":2}}}\n"
    );
    if has("valgrind", "the example") {
        run_under_valgrind(&program, &[stage.url(), stage.folder("watched nodes")]);
    }
}

#[test]
fn the_readme_has_the_example() {
    let (_, part) = include_str!("../examples/share.c").split_once("begins here. */\n").unwrap();
    let (part, _) = part.split_once("  /* The README ends").unwrap();
    assert!(include_str!("../README.md").contains(&format!("```c\n{part}```")));
}

/// As `cargo xtask package c` does it.
#[cfg(target_os = "linux")]
#[path = "../../../xtask/src/package/prefix.rs"]
mod prefix;

#[cfg(target_os = "linux")]
#[test]
fn an_installation_is_found() {
    let stage = Stage::new();
    let prefix = stage.folder.path().join("prefix");
    let root = crate_folder().join("../..");
    let library = library_folder().join("libconnectoid.so");
    prefix::install(&library, env!("CARGO_PKG_VERSION"), &root, &prefix).unwrap();
    let example = crate_folder().join("examples");
    let mut programs = Vec::new();
    if has("pkg-config", "looking for the library") {
        let mut pkg_config = Command::new("pkg-config");
        pkg_config
            .args(["--cflags", "--libs", "connectoid"])
            .env("PKG_CONFIG_PATH", prefix.join("lib/pkgconfig"));
        let flags = run(&mut pkg_config);
        let program = stage.folder.path().join("by-pkg-config");
        run(Command::new("cc")
            .arg(example.join("share.c"))
            .arg("-o")
            .arg(&program)
            .args(flags.split_whitespace()));
        programs.push(program);
    }
    if has("cmake", "looking for the library") {
        let build = stage.folder.path().join("build");
        let mut configure = Command::new("cmake");
        configure.arg("-S").arg(&example).arg("-B").arg(&build);
        run(configure.arg(format!("-DCMAKE_PREFIX_PATH={}", prefix.display())));
        run(Command::new("cmake").arg("--build").arg(&build));
        programs.push(build.join("share"));
    }
    // Programs go to machines where the library is in another place.
    let elsewhere = stage.folder.path().join("elsewhere");
    std::fs::rename(&prefix, &elsewhere).unwrap();
    for (number, program) in programs.iter().enumerate() {
        let folder = stage.folder(&number.to_string());
        let mut command = Command::new(program);
        command.args([stage.url(), folder]).env("LD_LIBRARY_PATH", elsewhere.join("lib"));
        assert!(run(&mut command).contains(r#""record":{"id":"milk","fields":{"count":2}}"#));
    }
}

#[test]
fn the_header_is_clean_in_c_and_in_cpp() {
    let stage = Stage::new();
    for (compiler, standard, name) in [("cc", "-std=c11", "h.c"), ("c++", "-std=c++17", "h.cc")] {
        if !has(compiler, "compiling the header") {
            continue;
        }
        let source = stage.folder.path().join(name);
        let text = "#include \"connectoid.h\"\nint main(void) { return connectoid_version()[0] == 0; }\n";
        std::fs::write(&source, text).unwrap();
        compile(compiler, &[standard], source.to_str().unwrap(), &stage.folder.path().join("h"));
        run(&mut Command::new(stage.folder.path().join("h")));
    }
}
