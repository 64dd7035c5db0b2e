//! The Kotlin packages: their tests, and their actor.

use std::fs;

use crate::{
    command::{self, Result, exists, root},
    natives::{self, Profile},
};

const MAVEN: [&str; 2] = ["--batch-mode", "--no-transfer-progress"];

/// Tests the Kotlin packages with the real library and service, and makes their API reference. In CI they must run;
/// elsewhere a missing JDK or Maven is named.
pub(crate) fn test() -> Result {
    if !is_possible() {
        return Ok(());
    }
    natives::run(Profile::Debug)?;
    command::run("mvn", &[&MAVEN[..], &["verify", "dokka:dokka"]].concat(), "kotlin")
}

/// Measures, with the library as it is shipped.
pub(crate) fn figures() -> Result {
    command::run("cargo", &["build", "--quiet", "--workspace"], ".")?;
    natives::run(Profile::Embedded)?;
    let goals = ["test", "--projects", "connectoid-jvm", "-Dtest=Figures"];
    command::run("mvn", &[&MAVEN[..], &goals].concat(), "kotlin")
}

/// Builds the actor of the scenarios; gives the command that runs it.
pub(crate) fn actor() -> Result<Option<String>> {
    const CLASSPATH: &str = "target/scenarios/kotlin.classpath";
    if !is_possible() {
        return Ok(None);
    }
    natives::run(Profile::Debug)?;
    let list = format!("-Dmdep.outputFile={}", root().join(CLASSPATH).display());
    let goals = ["test-compile", "dependency:build-classpath", "-Dmdep.includeScope=test", &list];
    let module = ["--quiet", "--projects", "connectoid-jvm"];
    command::run("mvn", &[&MAVEN[..], &module, &goals].concat(), "kotlin")?;
    let jars = fs::read_to_string(root().join(CLASSPATH)).map_err(|error| format!("{CLASSPATH}: {error}"))?;
    let classes = root().join("kotlin/connectoid-jvm/target");
    let classes = classes.display();
    Ok(Some(format!(
        "java -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -cp {classes}/classes:{classes}/test-classes:{} \
         io.github.connectoid.ActorKt",
        jars.trim()
    )))
}

fn is_possible() -> bool {
    let there = exists("mvn") && exists("javac");
    if !there && std::env::var_os("CI").is_none() {
        eprintln!("skipped: Kotlin needs a JDK of version 17 or later, and Maven");
        return false;
    }
    true
}
