//! The Swift package: its generated part, its tests, and a toolchain for them.
//!
//! A `swift` on the path is used. Without one, Debian's is installed into a folder of its own, `target/swift/root`,
//! and used by `chroot`: that needs Linux, root, and debootstrap. What is mounted there is seen by that one command
//! alone, and gone with it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{
    command::{self, Result, exists, root},
    natives::{self, Profile},
    newcomer::{Fresh, Readme, expect},
    service::Service,
};

/// Where Debian is installed.
const ROOT: &str = "target/swift/root";

/// The first release of Debian that has Swift.
const RELEASE: &str = "trixie";

/// The toolchain, and what it links with.
const PACKAGES: [&str; 3] = ["swiftlang", "libc6-dev", "libstdc++-14-dev"];

/// Where the code goes that is generated for Swift; SwiftPM wants it inside the package. Git ignores it.
const BINDINGS: &str = "swift/Sources/ConnectoidBindings/ConnectoidBindings.swift";
const HEADER: &str = "swift/Sources/ConnectoidFFI/ConnectoidFFI.h";

/// What is written by hand.
const SOURCES: [&str; 5] =
    ["Package.swift", "Sources/Connectoid", "Sources/ConnectoidActor", "Sources/ConnectoidFigures", "Tests"];

/// What the documentation is made of, and the documentation, in the package.
const GRAPHS: &str = ".build/graphs";
const DOCUMENTATION: &str = ".build/documentation";

/// What CI does with the package; or installs the toolchain, or builds the actor or the documentation alone.
pub(crate) fn run(what: Option<&str>) -> Result {
    match what {
        None => return test(),
        Some("toolchain") => return Toolchain::installed().map(|_| ()),
        Some(_) => {}
    }
    let Some(toolchain) = Toolchain::find()? else {
        return Err(format!("there is no Swift: {INSTALL}"));
    };
    natives::run(Profile::Debug)?;
    match what {
        Some("actor") => toolchain.run("swift", &["build", "--product", "ConnectoidActor"]),
        Some("docs") => document(&toolchain),
        _ => Err("cargo xtask swift [toolchain|actor|docs]".into()),
    }
}

/// Checks the format of the package, tests it with the real library and service, and makes its documentation. In CI
/// that must be possible; elsewhere a missing toolchain is named.
pub(crate) fn test() -> Result {
    let Some(toolchain) = Toolchain::find()? else {
        eprintln!("skipped: the tests in Swift need Swift 6.0 or later: {INSTALL}");
        return Ok(());
    };
    // Other versions than Debian's have other opinions.
    if matches!(toolchain, Toolchain::In(_)) {
        let lint = ["format", "lint", "--strict", "--recursive"];
        toolchain.run("swift", &[lint.as_slice(), &SOURCES].concat())?;
    }
    natives::run(Profile::Debug)?;
    // Side by side, they would not know whose leaks they see.
    toolchain.run("swift", &["test", "--no-parallel"])?;
    document(&toolchain)?;
    newcomer(&toolchain)
}

/// Does what the README says in a folder that knows nothing of this repository.
fn newcomer(toolchain: &Toolchain) -> Result {
    const FOLDER: &str = "connectoid-newcomer";
    let readme = Readme::read("swift/README.md")?;
    let project = project()?;
    let package = readme.block("swift", "dependencies: [")?.replace("…/connectoid", text(&project)?);
    // In a Debian of its own, the folder is outside this project as well.
    let outside = match toolchain {
        Toolchain::OnPath => std::env::temp_dir(),
        Toolchain::In(debian) => debian.join("tmp"),
    };
    let fresh = Fresh::make(outside.join(FOLDER))?;
    fresh.write("Package.swift", &package)?;
    fresh.write("Sources/shopping/QuickStart.swift", &readme.block("swift", "func quickStart")?)?;
    fresh.write("Sources/shopping/Shopping.swift", &readme.block("swift", "@main struct Shopping")?)?;
    let service = Service::start()?;
    let folder = match toolchain {
        Toolchain::OnPath => text(fresh.path())?.to_owned(),
        Toolchain::In(_) => format!("/tmp/{FOLDER}"),
    };
    let arguments = ["run", "--package-path", &folder, "shopping", &service.url, &format!("{folder}/nodes")];
    expect(&toolchain.output("swift", &arguments)?, "milk: 2")
}

/// Measures, with the library as it is shipped.
pub(crate) fn figures() -> Result {
    let Some(toolchain) = Toolchain::find()? else {
        return Err(format!("there is no Swift: {INSTALL}"));
    };
    natives::run(Profile::Embedded)?;
    toolchain.run("swift", &["run", "-c", "release", "ConnectoidFigures"])
}

/// Builds the actor of the scenarios; gives the command that runs it.
pub(crate) fn actor() -> Result<Option<String>> {
    const SCRIPT: &str = "target/scenarios/actor-swift";
    let Some(toolchain) = Toolchain::find()? else {
        eprintln!("skipped: stories in Swift need Swift 6.0 or later: {INSTALL}");
        return Ok(None);
    };
    run(Some("actor"))?;
    let project = project()?;
    let program = format!("{}/swift/.build/debug/ConnectoidActor", text(&project)?);
    let Toolchain::In(debian) = toolchain else { return Ok(Some(program)) };
    let (debian, project) = (text(&debian)?, text(&project)?);
    let script = format!(
        "#!/bin/sh\nexec unshare --mount --propagation private sh -euc '{MOUNT}' sh '{debian}' '{project}' '{program}'\n"
    );
    update(SCRIPT, &script)?;
    Ok(Some(format!("sh {SCRIPT}")))
}

/// Makes the documentation: every public name has its own, and every link in it leads somewhere.
fn document(toolchain: &Toolchain) -> Result {
    toolchain.run("swift", &["package", "dump-symbol-graph", "--minimum-access-level", "public"])?;
    // SwiftPM writes it beside what it built.
    let graph = read(&root().join("swift/.build/debug/../symbolgraph/Connectoid.symbols.json"))?;
    undocumented(&graph)?;
    update(&format!("swift/{GRAPHS}/Connectoid.symbols.json"), &graph)?;
    let names =
        ["--fallback-display-name", "Connectoid", "--fallback-bundle-identifier", "io.github.connectoid"];
    let folders =
        ["--additional-symbol-graph-dir", GRAPHS, "--output-path", DOCUMENTATION, "--warnings-as-errors"];
    let docc = match toolchain {
        Toolchain::OnPath => "docc",
        Toolchain::In(_) => "/usr/libexec/swift/bin/docc",
    };
    if matches!(toolchain, Toolchain::OnPath) && !exists(docc) {
        let missing = "the documentation for Swift needs docc, which comes with the toolchains of swift.org";
        if std::env::var_os("CI").is_some() {
            return Err(missing.into());
        }
        eprintln!("skipped: {missing}");
        return Ok(());
    }
    let convert = ["convert", "Sources/Connectoid/Connectoid.docc"];
    toolchain.run(docc, &[convert.as_slice(), &names, &folders].concat())
}

/// Refuses public names without documentation. What the compiler adds by itself has none.
fn undocumented(graph: &str) -> Result {
    let graph: Value = serde_json::from_str(graph).map_err(|error| error.to_string())?;
    let symbols = graph["symbols"].as_array().ok_or("the symbol graph lists nothing")?;
    let added = |symbol: &&Value| {
        symbol["identifier"]["precise"].as_str().is_some_and(|name| name.contains("SYNTHESIZED"))
    };
    match symbols.iter().find(|symbol| symbol.get("docComment").is_none() && !added(symbol)) {
        Some(symbol) => Err(format!("not documented in Swift: {}", symbol["pathComponents"])),
        None => Ok(()),
    }
}

const INSTALL: &str =
    "install it from swift.org, or (on Debian, as root, with debootstrap) by `cargo xtask swift toolchain`";

/// Generates the Swift side from a library and puts it into the package.
pub(crate) fn generate(generator: &str, library: &str, folder: &str) -> Result {
    let arguments = ["generate", "--language", "swift", "--no-format", "--out-dir", folder, library];
    command::run(generator, &arguments, ".")?;
    let bindings = read(&root().join(folder).join("ConnectoidBindings.swift"))?;
    let header = read(&root().join(folder).join("ConnectoidFFI.h"))?;
    update(BINDINGS, &taking(&cancellable(&bindings)?)?)?;
    update(HEADER, &header)
}

/// Cancelling a task of Swift does nothing to the call that it waits for. Here, what is generated learns to cancel the
/// future in Rust too, which the library offers for every type of result.
fn cancellable(code: &str) -> Result<String> {
    const FREE: &str = "freeFunc: ffi_connectoid_ffi_rust_future_free_";
    const CHANGES: [(usize, &str, &str); 4] = [
        (
            1,
            "    freeFunc: (UInt64) -> (),\n",
            "    freeFunc: (UInt64) -> (),\n    cancelFunc: @escaping (UInt64) -> (),\n",
        ),
        (
            1,
            "    var pollResult: Int8;\n    repeat {\n",
            "    await withTaskCancellationHandler {\n    var pollResult: Int8;\n    repeat {\n",
        ),
        (
            1,
            "    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n",
            "    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n    } onCancel: {\n        cancelFunc(rustFuture)\n    }\n",
        ),
        (1, "fatalError(\"Cancellation not supported yet\")", "throw CancellationError()"),
    ];
    if !code.contains(FREE) {
        return Err(format!(
            "the generator writes no {FREE} any more; see whether xtask/src/swift.rs is right"
        ));
    }
    let code = natives::changed(code, &CHANGES)?;
    let lines = code.lines().flat_map(|line| {
        let cancel = line.contains(FREE).then(|| line.replace("free", "cancel"));
        [Some(line.to_owned()), cancel].into_iter().flatten()
    });
    Ok(lines.map(|line| line + "\n").collect())
}

/// What the library hands to a listener is freed when it is read. A listener that is gone by the time at which its task
/// begins would not read it; here, the task takes hold of it before. And what a task that was cancelled throws is of
/// interest to nobody, and its text would stay in memory.
fn taking(code: &str) -> Result<String> {
    /// Two methods of each of three objects.
    const METHODS: usize = 6;
    const MAKE_CALL: &str = "            let makeCall = {\n                () async throws";
    const GUARD: &str = "guard let uniffiObj = ";
    const THROWN: &str =
        "handleError(CALL_UNEXPECTED_ERROR, FfiConverterString.lower(String(describing: error)))";
    const THROWN_IF_NOT_CANCELLED: &str = "let reason = error is CancellationError \
        ? RustBuffer() : FfiConverterString.lower(String(describing: error))
            handleError(CALL_UNEXPECTED_ERROR, reason)";
    let code =
        natives::changed(code, &[(METHODS, MAKE_CALL, MAKE_CALL), (2, THROWN, THROWN_IF_NOT_CANCELLED)])?;
    let mut methods = code.split(MAKE_CALL);
    let mut taking = methods.next().unwrap_or_default().to_owned();
    for method in methods {
        let object = method.split_once(GUARD).and_then(|(_, rest)| rest.split_once(" else {"));
        let (object, _) =
            object.ok_or("listeners are asked otherwise now; see whether this is to be changed")?;
        taking.extend([
            &format!("            let uniffiTaken = {object}\n{MAKE_CALL}"),
            &*method.replacen(object, "uniffiTaken", 1),
        ]);
    }
    Ok(taking)
}

/// Writes a file if it is not so already, so that nothing is compiled in vain.
fn update(file: &str, text: &str) -> Result {
    let path = root().join(file);
    let failed = |error| format!("{file}: {error}");
    if fs::read_to_string(&path).is_ok_and(|there| there == text) {
        return Ok(());
    }
    path.parent().map_or(Ok(()), fs::create_dir_all).map_err(failed)?;
    fs::write(path, text).map_err(failed)
}

fn read(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// A way to run `swift`.
enum Toolchain {
    /// As a program of this machine.
    OnPath,
    /// In this Debian.
    In(PathBuf),
}

impl Toolchain {
    /// The toolchain; in CI, it is installed if there is none.
    fn find() -> Result<Option<Self>> {
        let there = exists("swift") || root().join(ROOT).join(COMPLETE).exists();
        if !there && std::env::var_os("CI").is_none() {
            return Ok(None);
        }
        Self::installed().map(Some)
    }

    /// The toolchain, which is installed if there is none.
    fn installed() -> Result<Self> {
        if exists("swift") {
            return Ok(Self::OnPath);
        }
        let debian = root().join(ROOT);
        if !debian.join(COMPLETE).exists() {
            install(&debian)?;
        }
        // What is mounted is named by real paths.
        let debian = debian.canonicalize().map_err(|error| format!("{ROOT}: {error}"))?;
        Ok(Self::In(debian))
    }

    /// What a program of the toolchain prints.
    fn output(&self, program: &str, arguments: &[&str]) -> Result<String> {
        match self {
            Self::OnPath => command::output(program, arguments),
            Self::In(debian) => {
                let project = project()?;
                let inside = [&[text(debian)?, text(&project)?, program], arguments].concat();
                command::output("unshare", &[ALONE.as_slice(), &[MOUNT, "sh"], &inside].concat())
            }
        }
    }

    /// Runs a program of the toolchain in the package.
    fn run(&self, program: &str, arguments: &[&str]) -> Result {
        let project = project()?;
        let service = project.join("target/debug/connectoid-service");
        let variables = [("CONNECTOID_SERVICE", text(&service)?)];
        match self {
            Self::OnPath => command::run_with(program, arguments, "swift", &variables),
            Self::In(debian) => {
                let folder = format!("--chdir={}/swift", text(&project)?);
                enter(debian, &[&["env", &folder, program], arguments].concat(), &variables)
            }
        }
    }
}

/// Marks a Debian that is complete.
const COMPLETE: &str = "etc/connectoid-complete";

/// Installs Debian with Swift. What an earlier attempt left is removed.
fn install(debian: &Path) -> Result {
    if debian.exists() {
        fs::remove_dir_all(debian).map_err(|error| format!("{}: {error}", debian.display()))?;
    }
    fs::create_dir_all(debian).map_err(|error| format!("{}: {error}", debian.display()))?;
    let variant = "--variant=minbase";
    alone("exec \"$@\"", &["debootstrap", variant, RELEASE, text(debian)?, &mirror()?], &[])?;
    fs::copy("/etc/resolv.conf", debian.join("etc/resolv.conf"))
        .map_err(|error| format!("resolv.conf: {error}"))?;
    let quiet = [("DEBIAN_FRONTEND", "noninteractive")];
    enter(debian, &["apt-get", "update", "-q"], &quiet)?;
    enter(
        debian,
        &[&["apt-get", "install", "-qy", "--no-install-recommends"], PACKAGES.as_slice()].concat(),
        &quiet,
    )?;
    enter(debian, &["apt-get", "clean"], &quiet)?;
    fs::write(debian.join(COMPLETE), "").map_err(|error| format!("{COMPLETE}: {error}"))
}

/// The mirror of Debian that this machine uses.
fn mirror() -> Result<String> {
    let format = "$(ORIGIN) $(COMPONENT) $(REPO_URI)";
    let targets = command::output("apt-get", &["indextargets", "--format", format, "Created-By: Packages"])?;
    let mirror = targets.lines().find_map(|line| line.strip_prefix("Debian main "));
    mirror.map(str::to_owned).ok_or_else(|| "apt knows no mirror of Debian; try `apt-get update`".into())
}

/// Goes into a Debian, with this project at the same path as outside, and runs a command there.
const MOUNT: &str = r#"debian=$1 project=$2; shift 2
        mount -t proc proc "$debian/proc"
        mount --rbind /dev "$debian/dev"
        mkdir -p "$debian$project"
        mount --bind "$project" "$debian$project"
        exec chroot "$debian" "$@""#;

/// Runs a command in a Debian, with this project at the same path as outside.
fn enter(debian: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Result {
    alone(MOUNT, &[&[text(debian)?, text(&project()?)?], arguments].concat(), variables)
}

/// How `unshare` runs a script for the shell, which follows with its arguments.
const ALONE: [&str; 5] = ["--mount", "--propagation", "private", "sh", "-euc"];

/// Runs a script for the shell whose mounts nobody else sees.
fn alone(script: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Result {
    command::run_with("unshare", &[ALONE.as_slice(), &[script, "sh"], arguments].concat(), ".", variables)
}

/// The project's folder by its real path, which is the same inside.
fn project() -> Result<PathBuf> {
    root().canonicalize().map_err(|error| format!("the project's folder: {error}"))
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| format!("{} is no text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_learn_to_cancel() {
        let code = "    freeFunc: (UInt64) -> (),\n    var pollResult: Int8;\n    repeat {\n    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\nfatalError(\"Cancellation not supported yet\")\n  freeFunc: ffi_connectoid_ffi_rust_future_free_u64,\n";
        let changed = cancellable(code).unwrap();
        assert!(changed.contains("  cancelFunc: ffi_connectoid_ffi_rust_future_cancel_u64,\n"));
        assert!(changed.contains("throw CancellationError()"));
        assert!(cancellable(&changed).is_err() && cancellable("").is_err());
    }
}
