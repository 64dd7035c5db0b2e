//! The jar and the AAR, and a Maven repository with them, `target/packages/maven`, from which an app takes either as one
//! dependency.

use std::fs;

use super::{FFI, FOLDER, VERSION, build_natives, copy, make, platforms::PLATFORMS, remove};
use crate::{
    command::{self, Result, root},
    natives::{self, NATIVES},
};

/// What the AAR depends on, and the property of `kotlin/pom.xml` with the version of each.
const VERSIONS: [&str; 4] = ["kotlin", "coroutines", "serialization", "jna"];

/// The jar, with the library of this machine inside, and those for other desktops that are there.
pub(super) fn jvm() -> Result {
    build_natives()?;
    for platform in &PLATFORMS {
        let Some(name) = platform.jna.filter(|name| *name != natives::platform()) else { continue };
        if let Some(library) = platform.library(&FFI)? {
            copy(&library, &format!("{NATIVES}/{name}/libconnectoid_ffi.{}", platform.ending))?;
        }
    }
    // The first is what both modules have in common.
    let repository = format!("-DaltDeploymentRepository=packages::{}", repository());
    maven(&["deploy", &repository], ".,connectoid-jvm")?;
    let name = format!("connectoid-jvm-{VERSION}.jar");
    copy(&format!("kotlin/connectoid-jvm/target/{name}"), &format!("{FOLDER}/{name}"))
}

/// The AAR: a zip of the classes, the manifest, the rules for R8, and a library for each platform of Android.
pub(super) fn android() -> Result {
    const STAGE: &str = "target/packages/android";
    build_natives()?;
    maven(&["package"], "connectoid-jvm,connectoid-android")?;
    remove(STAGE)?;
    make(STAGE)?;
    for file in ["AndroidManifest.xml", "proguard.txt"] {
        copy(&format!("kotlin/connectoid-android/src/main/aar/{file}"), &format!("{STAGE}/{file}"))?;
    }
    // Tools of Android look for it even if there are no resources.
    fs::write(root().join(STAGE).join("R.txt"), "").map_err(|error| format!("R.txt: {error}"))?;
    classes(&format!("{STAGE}/classes.jar"))?;
    let mut is_empty = true;
    for platform in &PLATFORMS {
        let Some(name) = platform.android else { continue };
        if let Some(library) = platform.library(&FFI)? {
            copy(&library, &format!("{STAGE}/jni/{name}/libconnectoid_ffi.so"))?;
            is_empty = false;
        }
    }
    let note = if is_empty { "-without-libraries" } else { "" };
    let aar = format!("{FOLDER}/connectoid-android-{VERSION}{note}.aar");
    command::run("jar", &["--create", "--no-manifest", "--file", &aar, "-C", STAGE, "."], ".")?;
    if is_empty { Ok(()) } else { deploy(&aar) }
}

/// Puts the AAR into the repository, with what it depends on.
fn deploy(aar: &str) -> Result {
    let read = |file: &str| fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"));
    let versions = read("kotlin/pom.xml")?;
    let mut pom = read("kotlin/connectoid-android/src/main/aar/pom.xml")?.replace("@VERSION@", VERSION);
    for name in VERSIONS {
        let found =
            versions.split_once(&format!("<{name}.version>")).and_then(|(_, rest)| rest.split_once('<'));
        let (version, _) = found.ok_or_else(|| format!("kotlin/pom.xml has no {name}.version"))?;
        pom = pom.replace(&format!("@{}@", name.to_uppercase()), version);
    }
    let file = root().join(FOLDER).join("connectoid-android.pom");
    fs::write(&file, pom).map_err(|error| format!("{}: {error}", file.display()))?;
    let arguments = [
        format!("-Dfile={}", root().join(aar).display()),
        format!("-DpomFile={}", file.display()),
        format!("-Durl={}", repository()),
    ];
    let arguments = arguments.each_ref().map(String::as_str);
    let goal = ["--quiet", "--batch-mode", "--non-recursive", "deploy:deploy-file"];
    command::run("mvn", &[&goal[..], &arguments].concat(), "kotlin")
}

fn repository() -> String {
    format!("file://{}", root().join(FOLDER).join("maven").display())
}

/// The classes of both modules, without the desktops' libraries.
fn classes(jar: &str) -> Result {
    let folder = |module: &str| format!("kotlin/{module}/target/classes");
    let (jvm, android) = (folder("connectoid-jvm"), folder("connectoid-android"));
    let parts = ["-C", &jvm, "io", "-C", &jvm, "META-INF", "-C", &android, "io", "-C", &android, "META-INF"];
    command::run("jar", &[["--create", "--no-manifest", "--file", jar].as_slice(), &parts].concat(), ".")
}

/// Builds modules. Their tests run with the debug build, by `cargo xtask test`.
fn maven(goal: &[&str], modules: &str) -> Result {
    let arguments = ["--quiet", "--batch-mode", "-Dmaven.test.skip", "--projects", modules, "clean"];
    command::run("mvn", &[&arguments, goal].concat(), "kotlin")
}
