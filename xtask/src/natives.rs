//! `cargo xtask natives`: the library for other languages, and the code that is generated from it.
//!
//! The generated code is not kept in the repository: it is of no use without the very library it was generated from
//! (which it checks when it is loaded), and who has that has just built it. So there is no copy to go stale.
//! What is written, in `target/bindings`:
//!
//! | folder | what |
//! |---|---|
//! | `kotlin/` | the Kotlin side of `bindings/uniffi` |
//! | `swift/` | the Swift side; what is changed in it goes into the package (see `swift.rs`) |
//! | `natives/PLATFORM/` | the library, as JNA looks for it in a jar |

use std::fs;

use crate::{
    command::{self, Result, root},
    kotlin, swift,
};

const FOLDER: &str = "target/bindings";

/// One folder for each platform.
pub(crate) const NATIVES: &str = "target/bindings/natives";

/// How Cargo builds the library of a package as it is shipped. Alone: with all its kinds at once, for Rust too, it cannot
/// be optimized as a whole, and is larger by a fourth. And without what it takes to unwind through SQLite and ring, 97 kB:
/// a panic never gets there, since functions of Rust that C calls back do not let it through.
pub(crate) fn shipped(package: &str) -> [&str; 9] {
    let no_tables = "env.CFLAGS=\"-fno-asynchronous-unwind-tables\"";
    ["rustc", "--profile", "embedded", "--package", package, "--crate-type", "cdylib", "--config", no_tables]
}

/// Which build of the library.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    /// Quick to build: for tests.
    Debug,
    /// Quick to run, and small: for packages.
    Embedded,
}

impl Profile {
    /// The folder in `target` with what was built.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Debug => "target/debug",
            Self::Embedded => "target/embedded",
        }
    }
}

/// Builds the library of this machine and generates what belongs to it.
pub(crate) fn run(profile: Profile) -> Result {
    match profile {
        // As the other tests are built, so that little has to be built twice.
        Profile::Debug => command::run("cargo", &["build", "--quiet", "--workspace"], ".")?,
        Profile::Embedded => {
            eprintln!("building the library as it is shipped, as small as it gets: this takes some minutes");
            // With its names, from which the code is generated.
            let library = [&shipped("connectoid-ffi")[..], &["--", "-C", "strip=none"]].concat();
            command::run("cargo", &library, ".")?;
            eprintln!("building what generates code from it");
            command::run("cargo", &["build", "--package", "connectoid-uniffi-bindgen"], ".")?;
        }
    }
    let library = format!("{}/{}", profile.folder(), library_name());
    generate(&library)?;
    keep(&library, &format!("{NATIVES}/{}", platform()))?;
    if profile == Profile::Embedded {
        command::run("strip", &["-x", &format!("{NATIVES}/{}/{}", platform(), library_name())], ".")?;
    }
    Ok(())
}

fn generate(library: &str) -> Result {
    let generator = root().join("target/debug/uniffi-bindgen");
    let generator = generator.to_str().ok_or("the project's path is no text")?;
    kotlin::generate(generator, library, &format!("{FOLDER}/kotlin"))?;
    swift::generate(generator, library, &format!("{FOLDER}/swift"))
}

/// Changes generated code: what stands so many times in it becomes something else.
pub(crate) fn changed(code: &str, changes: &[(usize, &str, &str)]) -> Result<String> {
    let mut code = code.to_owned();
    for (times, old, new) in changes {
        if code.matches(old).count() != *times {
            return Err(format!(
                "the generator writes otherwise now; see whether this is still to be changed:\n{old}"
            ));
        }
        code = code.replace(old, new);
    }
    Ok(code)
}

/// Puts the library where the packages take it from.
fn keep(library: &str, folder: &str) -> Result {
    let folder = root().join(folder);
    let failed = |error| format!("{}: {error}", folder.display());
    fs::create_dir_all(&folder).map_err(failed)?;
    fs::copy(root().join(library), folder.join(library_name())).map_err(failed)?;
    Ok(())
}

pub(crate) fn library_name() -> String {
    use std::env::consts::{DLL_PREFIX, DLL_SUFFIX};
    format!("{DLL_PREFIX}connectoid_ffi{DLL_SUFFIX}")
}

/// This machine's platform, as JNA names it.
pub(crate) fn platform() -> String {
    let system = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    let architecture = match std::env::consts::ARCH {
        "x86_64" => "x86-64",
        other => other,
    };
    format!("{system}-{architecture}")
}
