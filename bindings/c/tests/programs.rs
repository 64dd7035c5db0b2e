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

/// Where libconnectoid was built: apart from the features that tests bring in, with the rest of the workspace, as all that
/// tests other languages is, so that little has to be built twice.
fn built_in() -> &'static Path {
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

/// The library as it is installed: programs look for it by the name that has the version in it.
fn library_folder() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let prefix = Path::new(env!("CARGO_TARGET_TMPDIR")).join("connectoid-c");
        if prefix.exists() {
            std::fs::remove_dir_all(&prefix).unwrap();
        }
        install(&prefix);
        prefix.join("lib")
    })
}

fn install(prefix: &Path) {
    let library = built_in().join(format!("libconnectoid{}", env::consts::DLL_SUFFIX));
    prefix::install(&library, env!("CARGO_PKG_VERSION"), &crate_folder().join("../.."), prefix).unwrap();
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
fn the_log_tells_and_names_nothing_secret() {
    let arguments = |stage: &Stage, _: &str| vec![stage.url()];
    prove("tests/log.c", arguments, arguments);
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
#[path = "../../../xtask/src/package/prefix.rs"]
mod prefix;

/// What the README says is done, in a folder with the unpacked tarball and nothing else.
#[cfg(target_os = "linux")]
#[test]
fn the_readme_leads_to_a_program_that_starts() {
    if !has("pkg-config", "looking for the library") || !has("cmake", "looking for the library") {
        return;
    }
    let stage = Stage::new();
    let readme = std::fs::read_to_string(crate_folder().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```sh\n").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    let (_, prefix) = block.split_once("PREFIX=$PWD/").unwrap();
    let fresh = stage.folder.path().join("fresh");
    std::fs::create_dir(&fresh).unwrap();
    install(&fresh.join(prefix.lines().next().unwrap()));
    // What makes and unpacks the tarball has been done.
    let rest: Vec<_> = block.lines().filter(|line| !line.contains(".tar.gz")).collect();
    let script = rest.join("\n").replace("http://127.0.0.1:8765", &stage.url());
    let said = run(Command::new("sh").args(["-euc", &script]).current_dir(&fresh));
    let found = said.matches(r#""record":{"id":"milk","fields":{"count":2}}"#).count();
    assert_eq!(found, 2, "by pkg-config and by CMake: {said}");
}

/// A program is for those versions of the library that go together, and starts wherever that is.
#[cfg(target_os = "linux")]
#[test]
fn programs_ask_for_a_version_of_the_library() {
    let stage = Stage::new();
    let program = stage.compile("examples/share.c");
    let lib = library_folder();
    let series =
        format!("libconnectoid.so.{}.{}", env!("CARGO_PKG_VERSION_MAJOR"), env!("CARGO_PKG_VERSION_MINOR"));
    let needed = run(Command::new("readelf").arg("-d").arg(&program));
    assert!(needed.contains(&format!("[{series}]")), "{needed}");
    assert_eq!(
        std::fs::read_link(lib.join(&series)).unwrap().to_str(),
        Some(concat!("libconnectoid.so.", env!("CARGO_PKG_VERSION")))
    );
}

/// In the tarball, other files stand beside the README than in the repository.
#[test]
fn the_links_of_an_installed_readme_lead_somewhere() {
    let folder = library_folder().parent().unwrap().join("share/doc/connectoid");
    for page in ["README.md", "METHODS.md"] {
        let text = std::fs::read_to_string(folder.join(page)).unwrap();
        let mut links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).peekable();
        assert!(links.peek().is_some());
        for link in links.filter(|link| !link.starts_with("https://") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            assert!(folder.join(file).exists(), "{page}: {link}");
        }
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
