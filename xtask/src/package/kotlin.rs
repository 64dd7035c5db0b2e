//! The jar and the AAR.

use std::fs;

use super::{ELSEWHERE, FOLDER, VERSION, build_natives, built_elsewhere, copy, make, remove};
use crate::command::{self, Result, root};

/// The jar, with the library inside.
pub(super) fn jvm() -> Result {
    build_natives()?;
    maven("connectoid-jvm")?;
    let name = format!("connectoid-jvm-{VERSION}.jar");
    copy(&format!("kotlin/connectoid-jvm/target/{name}"), &format!("{FOLDER}/{name}"))
}

/// The AAR: a zip of the classes, the manifest, the rules for R8, and a library for each platform of Android.
pub(super) fn android() -> Result {
    const STAGE: &str = "target/packages/android";
    build_natives()?;
    maven("connectoid-jvm,connectoid-android")?;
    remove(STAGE)?;
    make(STAGE)?;
    for file in ["AndroidManifest.xml", "proguard.txt"] {
        copy(&format!("kotlin/connectoid-android/src/main/aar/{file}"), &format!("{STAGE}/{file}"))?;
    }
    // Tools of Android look for it even if there are no resources.
    fs::write(root().join(STAGE).join("R.txt"), "").map_err(|error| format!("R.txt: {error}"))?;
    classes(&format!("{STAGE}/classes.jar"))?;
    let mut is_empty = true;
    for platform in &ELSEWHERE {
        let Some(name) = platform.android else { continue };
        if let Some(library) = built_elsewhere(platform, "connectoid-ffi", "connectoid_ffi")? {
            copy(&library, &format!("{STAGE}/jni/{name}/libconnectoid_ffi.so"))?;
            is_empty = false;
        }
    }
    let note = if is_empty { "-without-libraries" } else { "" };
    let aar = format!("{FOLDER}/connectoid-android-{VERSION}{note}.aar");
    command::run("jar", &["--create", "--no-manifest", "--file", &aar, "-C", STAGE, "."], ".")
}

/// The classes of both modules, without the desktops' libraries.
fn classes(jar: &str) -> Result {
    let folder = |module: &str| format!("kotlin/{module}/target/classes");
    let (jvm, android) = (folder("connectoid-jvm"), folder("connectoid-android"));
    let parts = ["-C", &jvm, "io", "-C", &jvm, "META-INF", "-C", &android, "io", "-C", &android, "META-INF"];
    command::run("jar", &[["--create", "--no-manifest", "--file", jar].as_slice(), &parts].concat(), ".")
}

/// Packages modules. Their tests run with the debug build, by `cargo xtask test`.
fn maven(modules: &str) -> Result {
    let arguments =
        ["--quiet", "--batch-mode", "clean", "package", "-Dmaven.test.skip", "--projects", modules];
    command::run("mvn", &arguments, "kotlin")
}
