//! What each part of the checks and tests takes, so that one that has grown is seen.
//!
//! Every part says its name when it begins and writes its time into `target/phases.tsv`. `.ci/run` has this file read at
//! the end, beside `xtask/phases.tsv`, where the times of a machine with two cores are kept. Whoever makes a part longer
//! sees it there, and writes down the new time, or mends it.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::command::{Result, root};

/// What was measured since `.ci/run` began.
const MEASURED: &str = "target/phases.tsv";

/// What is expected.
const EXPECTED: &str = "xtask/phases.tsv";

/// When `.ci/run` began, in s since the epoch.
const STARTED: &str = "CONNECTOID_CI_STARTED";

/// CI is stopped after 90 minutes, and machines differ by half: beyond this, one is told.
const WARN_AFTER: Duration = Duration::from_hours(1);

/// Beyond this, CI fails by itself, while there is still time to say which part it was.
const FAIL_AFTER: Duration = Duration::from_mins(80);

/// A part has grown if it takes half as long again as expected, and a minute more: machines differ.
const GROWN: (f64, f64) = (1.5, 60.0);

/// Runs a part and writes down how long it took.
pub(crate) fn run(name: &str, part: impl FnOnce() -> Result) -> Result {
    eprintln!("── {name}");
    let began = Instant::now();
    let result = part();
    let took = began.elapsed();
    eprintln!("── {name}: {:.0} s", took.as_secs_f64());
    write_down(name, took)?;
    result
}

fn write_down(name: &str, took: Duration) -> Result {
    let path = root().join(MEASURED);
    let written = OpenOptions::new().create(true).append(true).open(&path);
    written
        .and_then(|mut file| writeln!(file, "{name}\t{:.0}", took.as_secs_f64()))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Shows what each part took, and fails if all together were too near to CI's limit.
pub(crate) fn show() -> Result {
    let measured = read(MEASURED)?;
    let expected = read(EXPECTED)?;
    eprintln!("{:<28} {:>6} {:>9}", "part", "took", "expected");
    let mut grown = Vec::new();
    for (name, took) in &measured {
        let usual = expected.iter().find(|(known, _)| known == name).map(|(_, seconds)| *seconds);
        let shown = usual.map_or("?".to_owned(), |seconds| format!("{seconds:.0} s"));
        eprintln!("{name:<28} {:>6} {shown:>9}", format!("{took:.0} s"));
        if usual.is_none_or(|usual| *took > usual * GROWN.0 && *took > usual + GROWN.1) {
            grown.push(name.as_str());
        }
    }
    if !grown.is_empty() {
        eprintln!("grown, or new: {}; mend it, or write the new time into {EXPECTED}", grown.join(", "));
    }
    budget()
}

fn budget() -> Result {
    let Some(started) = std::env::var(STARTED).ok().and_then(|text| text.parse::<u64>().ok()) else {
        return Ok(());
    };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let took = now.saturating_sub(Duration::from_secs(started));
    let minutes = took.as_secs() / 60;
    if took >= FAIL_AFTER {
        return Err(format!(
            "CI took {minutes} min, and is stopped after 90: see above which part to shorten"
        ));
    }
    if took >= WARN_AFTER {
        eprintln!("WARNING: CI took {minutes} min of the 90 that it may: see above which part to shorten");
    } else {
        eprintln!("all of it took {minutes} min");
    }
    Ok(())
}

fn read(file: &str) -> Result<Vec<(String, f64)>> {
    let text = fs::read_to_string(root().join(file)).map_err(|error| format!("{file}: {error}"))?;
    let line = |line: &str| {
        let (name, seconds) = line.split_once('\t')?;
        Some((name.to_owned(), seconds.parse().ok()?))
    };
    text.lines().map(|text| line(text).ok_or(format!("{file}: not a name and seconds: {text}"))).collect()
}
