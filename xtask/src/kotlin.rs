//! The Kotlin packages: their generated part, their tests, and their actor.

use std::fs;

use crate::{
    command::{self, Result, exists, root},
    natives::{self, Profile},
    newcomer::{Fresh, Readme, expect},
    service::Service,
};

const MAVEN: [&str; 2] = ["--batch-mode", "--no-transfer-progress"];

/// Tests the Kotlin packages with the real library and service, and makes their API reference. In CI they must run;
/// elsewhere a missing JDK or Maven is named.
pub(crate) fn test() -> Result {
    if !is_possible() {
        return Ok(());
    }
    natives::run(Profile::Debug)?;
    command::run("mvn", &[&MAVEN[..], &["verify", "dokka:dokka"]].concat(), "kotlin")?;
    newcomer()
}

/// Does what the README says in a folder that knows nothing of this repository, with a package as it is published, but
/// for the library in it, which is that of the tests.
fn newcomer() -> Result {
    let repository = root().join("target/newcomer/maven");
    let repository = format!("file://{}", repository.display());
    let target = format!("-DaltDeploymentRepository=newcomer::{repository}");
    let deploy = ["--quiet", "-Dmaven.test.skip", "--projects", ".,connectoid-jvm", "deploy", &target];
    command::run("mvn", &[&MAVEN[..], &deploy].concat(), "kotlin")?;
    let readme = Readme::read("kotlin/README.md")?;
    let published = "file://…/connectoid/target/packages/maven";
    let fresh =
        Fresh::make(std::env::temp_dir().join(format!("connectoid-newcomer-{}", std::process::id())))?;
    fresh.write("pom.xml", &readme.block("xml", "<dependency>")?.replace(published, &repository))?;
    fresh.write("src/main/kotlin/QuickStart.kt", &readme.block("kotlin", "fun quickStart")?)?;
    fresh.write("src/main/kotlin/Main.kt", &readme.block("kotlin", "fun main")?)?;
    let service = Service::start()?;
    let project = fresh.path().join("pom.xml").display().to_string();
    let nodes = fresh.path().join("nodes").display().to_string();
    // What deploying has left in the machine's own repository would hide the one that the README names.
    let purge = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:purge-local-repository";
    let ours = "-DmanualInclude=io.github.connectoid:connectoid-jvm,io.github.connectoid:connectoid";
    command::run("mvn", &[&MAVEN[..], &["--quiet", "--file", &project, purge, ours]].concat(), ".")?;
    let arguments = format!("-Dexec.args={} {nodes}", service.url);
    let printed = command::output(
        "mvn",
        &[&MAVEN[..], &["--quiet", "--file", &project, "compile", "exec:java", &arguments]].concat(),
    )?;
    // Some builds of Maven put the terminal's colours back, whether or not there is a terminal.
    expect(&printed.replace("\u{1b}[0m", ""), "milk: 2")
}

/// Measures, with the library as it is shipped.
pub(crate) fn figures() -> Result {
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

/// Generates the Kotlin side from a library into a folder.
pub(crate) fn generate(generator: &str, library: &str, folder: &str) -> Result {
    let arguments = ["generate", "--language", "kotlin", "--no-format", "--out-dir", folder, library];
    command::run(generator, &arguments, ".")?;
    let file = format!("{folder}/io/github/connectoid/ffi/connectoid.kt");
    let path = root().join(&file);
    let failed = |error| format!("{file}: {error}");
    let code = fs::read_to_string(&path).map_err(failed)?;
    fs::write(&path, mended(&code)?).map_err(failed)
}

/// What is generated leaks where coroutines are cancelled at a bad moment, and is slow where it calls; here it learns
/// better.
fn mended(code: &str) -> Result<String> {
    natives::changed(
        code,
        &[
            // A coroutine that is cancelled before it has started never runs; then the library is not answered, and
            // what waits for the answer, with the whole runtime behind it, stays in memory. Started atomically, it runs
            // and is cancelled.
            (
                2,
                "GlobalScope.launch coroutineBlock@",
                "GlobalScope.launch(start = kotlinx.coroutines.CoroutineStart.ATOMIC) coroutineBlock@",
            ),
            // A result that is ready when the coroutine is cancelled is nobody's.
            (1, FREE, &format!("{TAKE_BACK}{FREE}")),
            // To make a structure of JNA's takes longer than all the rest of a call.
            (1, CALL, REUSE),
            // Where an argument is refused, the library is not called, and does not take the handle that was made for it.
            (8, HAND_OVER, TAKE_HANDLE_BACK),
            (8, "private class UniffiCleanAction", "internal class UniffiCleanAction"),
            // The JVM itself writes UTF-8 many times as fast as an encoder, but takes lone surrogates.
            (1, ENCODE, &format!("{ENCODE_AT_ONCE}{ENCODE}")),
            // What is generated never asks for the check that it and the library belong together.
            (1, LOAD, &format!("{CHECK}{LOAD}")),
            (1, RESUME, RESUME_ELSEWHERE),
            // The library waits for an answer, also where an `Error` or a text that is no UTF-8 is all there is.
            (1, THROWN, ANY_THROWN),
            (1, UNEXPECTED, UNEXPECTED_AS_UTF8),
        ],
    )
    .and_then(|code| attached(&code))
}

/// A thread of the library that calls back becomes one of the JVM, and stays one until it ends: by itself, JNA makes and
/// removes a thread of the JVM for each call.
fn attached(code: &str) -> Result<String> {
    /// One for each method of a listener or key store, two for each of those, and two for all.
    const CALLBACKS: usize = 17;
    const ATTACH: &str = "    init { com.sun.jna.Native.setCallbackThreadInitializer(this, com.sun.jna.CallbackThreadInitializer(true, false, \"connectoid\")) }\n";
    let is_callback = |line: &str| {
        line.trim_start().starts_with("internal object ") && line.contains(": Uniffi") && line.ends_with('{')
    };
    if code.lines().filter(|line| is_callback(line)).count() != CALLBACKS {
        return Err("other callbacks are generated now; see whether they are still to be changed".into());
    }
    let after = |line| if is_callback(line) { ATTACH } else { "" };
    Ok(code.lines().flat_map(|line| [line, "\n", after(line)]).collect())
}

/// The body of every call.
const CALL: &str = "    var status = UniffiRustCallStatus()
    val return_value = callback(status)
    uniffiCheckCallStatus(errorHandler, status)
    return return_value
}
";

/// A call may call back, and that call again, so a thread may need several. One with an error is not used again.
const REUSE: &str = "    val unused = uniffiUnusedStatuses.get()
    val status = unused.removeLastOrNull() ?: UniffiRustCallStatus()
    val return_value = callback(status)
    uniffiCheckCallStatus(errorHandler, status)
    unused.addLast(status)
    return return_value
}

private val uniffiUnusedStatuses = ThreadLocal.withInitial { ArrayDeque<UniffiRustCallStatus>() }
";

/// How a method gets the handle that it hands over.
const HAND_OVER: &str = "            return block(this.uniffiCloneHandle())
";

const TAKE_HANDLE_BACK: &str = "            val own = this.uniffiCloneHandle()
            try {
                return block(own)
            } catch (refused: kotlin.Exception) {
                val isArgument =
                    refused is java.nio.charset.CharacterCodingException || refused is IllegalArgumentException
                if (isArgument) UniffiCleanAction(own).run()
                throw refused
            }
";

/// How a text becomes UTF-8, with an error for lone surrogates.
const ENCODE: &str = "        return Charsets.UTF_8.newEncoder().run {
";

const ENCODE_AT_ONCE: &str =
    "        if (value.none(Char::isSurrogate)) return ByteBuffer.wrap(value.toByteArray(Charsets.UTF_8))
";

const LOAD: &str = "        Native.register(UniffiLib::class.java, ";

const CHECK: &str = "        IntegrityCheckingUniffiLib.ensureInitialized()\n";

/// How a coroutine goes on when the library has a result for it.
const RESUME: &str = "        uniffiContinuationHandleMap.remove(data).resume(pollResult)\n";

/// A coroutine without a dispatcher would go on right here: on a thread of the library's, which has other things to do
/// than to run the app, and would wait for itself if the app closed the node.
const RESUME_ELSEWHERE: &str = "        val continuation = uniffiContinuationHandleMap.remove(data)
        val dispatcher = continuation.context[kotlin.coroutines.ContinuationInterceptor]
        if (dispatcher == null || dispatcher === kotlinx.coroutines.Dispatchers.Unconfined) {
            kotlinx.coroutines.Dispatchers.Default.dispatch(
                kotlin.coroutines.EmptyCoroutineContext,
                Runnable { continuation.resume(pollResult) },
            )
        } else {
            continuation.resume(pollResult)
        }
";

/// How a listener of the app's is answered for.
const THROWN: &str = "        } catch(e: kotlin.Exception) {
            if (e is E) {
";

const ANY_THROWN: &str = "        } catch(e: Throwable) {
            if (e is E) {
";

const UNEXPECTED: &str = "            } else {
                handleError(
                    UniffiRustCallStatus.create(
                        UNIFFI_CALL_UNEXPECTED_ERROR,
                        FfiConverterString.lower(e.toString()),
";

/// Where the call was cancelled, nobody hears of it, and a text would stay in memory.
const UNEXPECTED_AS_UTF8: &str = "            } else {
                val isCancelled = e is kotlin.coroutines.cancellation.CancellationException
                handleError(
                    UniffiRustCallStatus.create(
                        UNIFFI_CALL_UNEXPECTED_ERROR,
                        if (isCancelled) RustBuffer.ByValue()
                        else FfiConverterString.lower(e.toString().encodeToByteArray().decodeToString()),
";

/// How every asynchronous call ends.
const FREE: &str = "    } finally {
        freeFunc(rustFuture)
    }
";

/// Where there is no result yet, taking it fails.
const TAKE_BACK: &str = "    } catch (cancelled: kotlin.coroutines.cancellation.CancellationException) {
        try {
            val result = uniffiRustCallWithError(errorHandler, { status -> completeFunc(rustFuture, status) })
            if (result is RustBuffer.ByValue) RustBuffer.free(result) else (liftFunc(result) as? AutoCloseable)?.close()
        } catch (_: kotlin.Exception) {
        }
        throw cancelled
";
