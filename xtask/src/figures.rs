//! `cargo xtask figures`: what it costs to reach the SDK from each language, and how large the libraries are.
//!
//! Every language has a program that prints lines of one form, and names what is the same alike: what, padded to
//! [`WIDTH`], then the figure with its unit.

use std::{collections::BTreeMap, fs};

use crate::{
    command::{self, Result, output, root},
    dart, kotlin,
    natives::{self, NATIVES},
    package,
    service::{self, Service},
    swift,
};

const DOCUMENT: &str = "docs/benchmarks-languages.md";

/// Where the figure stands in a line.
const WIDTH: usize = 56;

/// As they are named here, and to a reader.
const LANGUAGES: [(&str, &str); 4] =
    [("c", "C"), ("kotlin", "Kotlin (JVM)"), ("swift", "Swift"), ("dart", "Dart (32-bit VM)")];

/// A bound of a figure, in its unit.
#[derive(Clone, Copy)]
enum Target {
    AtMost(f64),
    AtLeast(f64),
}

use Target::{AtLeast, AtMost};

/// What is held against a target: the row, the language, and the bound.
const TARGETS: [(&str, &str, Target); 16] = [
    ("a call that returns a text", "kotlin", AtMost(46.0)),
    ("a call that reads a record", "kotlin", AtMost(184.0)),
    ("a call that reads a record", "swift", AtMost(14.0)),
    ("a call that reads a record", "dart", AtMost(12.0)),
    ("a callback: an event told to one more listener", "kotlin", AtMost(170.0)),
    ("a callback: an event told to one more listener", "swift", AtMost(0.17)),
    ("a callback: a call that is refused, one of 100", "dart", AtMost(90.0)),
    ("1 MiB of bytes in 8 records, written and read back", "kotlin", AtMost(30_000.0)),
    ("1 MiB of bytes in 8 records, written and read back", "swift", AtMost(24_000.0)),
    ("1 MiB of bytes in 8 records, written and read back", "dart", AtMost(6_000.0)),
    ("a list of 10,000 records, as they come", "kotlin", AtMost(100_000.0)),
    ("a list of 10,000 records, with all fields", "dart", AtMost(100_000.0)),
    ("64 MiB as messages of 256 KiB", "c", AtLeast(50.0)),
    ("64 MiB as messages of 256 KiB", "kotlin", AtLeast(50.0)),
    ("64 MiB as messages of 256 KiB", "swift", AtLeast(50.0)),
    ("64 MiB as messages of 256 KiB", "dart", AtLeast(20.0)),
];

/// Prints the figures of one language, or writes the document with those of all.
pub(crate) fn run(language: Option<&str>) -> Result {
    service::build()?;
    match language {
        None => write(),
        Some("c") => c(),
        Some("dart") => dart::figures(),
        Some("kotlin") => kotlin::figures(),
        Some("swift") => swift::figures(),
        _ => Err("cargo xtask figures [c|kotlin|swift|dart]".into()),
    }
}

/// One after another, so that none disturbs another.
fn write() -> Result {
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let program = program.to_str().ok_or("the project's path is no text")?;
    let mut rows: Vec<String> = Vec::new();
    let mut figures = BTreeMap::new();
    for (language, _) in LANGUAGES {
        for line in output(program, &["figures", language])?.lines() {
            let Some((what, figure)) = parsed(line) else { continue };
            if !rows.contains(&what) {
                rows.push(what.clone());
            }
            let figure = format!("{figure}{}", verdict(&what, language, &figure));
            figures.insert((what, language), figure);
        }
    }
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let head = HEAD.replace("@LOAD@", load.split(' ').next().unwrap_or("unknown"));
    let names = LANGUAGES.map(|(_, name)| name).join(" | ");
    let rows = rows.iter().map(|what| {
        let figure = |(language, _)| figures.get(&(what.clone(), language)).map_or("–", String::as_str);
        format!("| {what} | {} |\n", LANGUAGES.map(figure).join(" | "))
    });
    let table: String = rows.collect();
    let text = format!("{head}| | {names} |\n|---|---|---|---|---|\n{table}{}{TAIL}", sizes()?);
    fs::write(root().join(DOCUMENT), text).map_err(|error| format!("{DOCUMENT}: {error}"))
}

fn parsed(line: &str) -> Option<(String, String)> {
    let (at, _) = line.char_indices().nth(WIDTH)?;
    let (what, figure) = line.split_at(at);
    let is_figure = ["µs", "MB/s"].iter().any(|unit| figure.ends_with(unit));
    is_figure.then(|| (what.trim().to_owned(), figure.trim().to_owned()))
}

/// Whether a figure meets its target, if it has one.
fn verdict(what: &str, language: &str, figure: &str) -> &'static str {
    let target = TARGETS.iter().find(|(row, column, _)| (*row, *column) == (what, language));
    let value: Option<f64> = figure.split(' ').next().and_then(|number| number.parse().ok());
    let (Some((.., target)), Some(value)) = (target, value) else { return "" };
    let is_met = match target {
        AtMost(bound) => value <= *bound,
        AtLeast(bound) => value >= *bound,
    };
    if is_met { " (met)" } else { " (missed)" }
}

fn sizes() -> Result<String> {
    let bytes = |file: &str| {
        let length = fs::metadata(root().join(file)).map_err(|error| format!("{file}: {error}"))?.len();
        Ok::<_, String>(length)
    };
    let c = bytes(&package::c_library())?;
    let ffi = bytes(&format!("{NATIVES}/{}/{}", natives::platform(), natives::library_name()))?;
    Ok(format!(
        "\n| library as it is shipped (profile `embedded`, stripped, {}) | bytes |\n|---|---|\n\
         | `libconnectoid`, the C ABI, beneath C and Dart | {c} |\n\
         | `libconnectoid_ffi`, beneath Kotlin and Swift | {ffi} |\n",
        natives::platform()
    ))
}

/// The program in C, linked to what is shipped.
fn c() -> Result {
    const PROGRAM: &str = "target/packages/figures-c";
    package::run(Some("c"))?;
    let folder = root().join(package::c_installation()).join("lib");
    let (search, rpath) = (format!("-L{}", folder.display()), format!("-Wl,-rpath,{}", folder.display()));
    let flags = ["-std=c11", "-D_GNU_SOURCE", "-O2", "-pthread", "-Ibindings/c/include"];
    let rest = ["bindings/c/tests/bench.c", "-o", PROGRAM, &search, "-lconnectoid", &rpath];
    command::run("cc", &[flags.as_slice(), &rest].concat(), ".")?;
    let service = Service::start()?;
    command::run(&root().join(PROGRAM).display().to_string(), &[&service.url], ".")
}

const HEAD: &str = "# What crossing to a language costs

Written by `cargo xtask figures`. The SDK's own figures are in [benchmarks.md](benchmarks.md); here is what it costs to \
reach it from each language: the time of a call until its answer is there, in the manner of the language, with the \
library as it is shipped, nodes in memory and a service on one machine of two cores. Lists, and bytes there and back, \
are the best of several readings, everything else is a mean. The load of the machine in the last minute, with the benchmark's own part, was \
@LOAD@.

";

const TAIL: &str = "
A record that is read goes through the store, so it is more than a call: most of it in Swift's column is SQLite's part. An event is \
measured with the write that causes it and that write's own reply. Targets: a list of 10,000 records in 100,000 µs from \
Kotlin and Dart, 64 MiB at 50 MB/s, in the 32-bit VM at 20, and from Kotlin, where JNA is between, a call that returns a \
text in 46 µs; a record in 184 µs from Kotlin, 14 from Swift and 12 from Dart, a callback in 170 µs from Kotlin, 0.17 from \
Swift and 90 from Dart, and 1 MiB there and back in 30,000 µs from Kotlin, 24,000 from Swift and 6,000 from Dart. That MiB \
is written to the store and read again, which is most of what C's column says, and crosses as Base64 in JSON to Kotlin and \
Swift.

What is missed was set by prototypes of something simpler. Dart's record came from a function that returned at once: \
here, no function of the C ABI waits for a node or its disk, so that nothing holds up an isolate, and an answer \
crosses to a thread of the node and back, which is nearly all of the time, as in C's column. Dart's MiB was an echo, \
without a store; what Dart adds to C's column is less. Swift's callback was a function without a result: here, a \
listener is an `async` method whose end is waited for, and gets many events at once, so that it sets the pace.

What an app for Android brings, by `cargo xtask package android` on 2026-11-22: the library for each of its platforms, and \
the classes for all. The NDK was not at hand: Clang and LLD 14 linked against libraries without content, made of the lists \
of names that Android's C library publishes for API 26, and LLVM's unwinder. So the sizes are those of the real code, but \
nothing of it has been run.

| in the AAR | bytes | compressed |
|---|---|---|
| `arm64-v8a` | 7,374,056 | 3,771,530 |
| `armeabi-v7a` | 5,511,676 | 3,404,762 |
| `x86_64` | 8,345,216 | 4,023,460 |
| classes, manifest, rules | 765,011 | 680,978 |
| all of it | 21,995,959 | 11,882,078 |

What the parts of the library are is in [benchmarks.md](benchmarks.md#what-the-size-is-made-of).

`cargo xtask figures c`, `kotlin`, `swift` or `dart` prints those of one language.
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_held_against_their_targets() {
        let list = "a list of 10,000 records, with all fields";
        assert_eq!(verdict(list, "dart", "100000.0 µs"), " (met)");
        assert_eq!(verdict(list, "dart", "100000.1 µs"), " (missed)");
        assert_eq!(verdict(list, "swift", "100000.1 µs"), "");
        assert_eq!(verdict("64 MiB as messages of 256 KiB", "c", "49 MB/s"), " (missed)");
    }

    #[test]
    fn lines_with_figures_are_told_from_others() {
        let line = format!("{:55} {:8.1} µs", "a write", 12.5);
        assert_eq!(parsed(&line), Some(("a write".to_owned(), "12.5 µs".to_owned())));
        assert_eq!(
            parsed("[INFO] Tests run: 3, and some words that make a line as long as one of figures"),
            None
        );
        assert_eq!(parsed("short µs"), None);
    }
}
