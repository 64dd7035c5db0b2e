//! What is measured on, and what the system says of a process. Linux only.

use std::{fs, process::Command};

use crate::report::Outcome;

/// The load average over the last minute, as the system prints it.
pub(crate) fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// The machine in words that name nobody.
pub(crate) fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpu = field("/proc/cpuinfo", "model name").unwrap_or_default();
    let memory = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let gib = kib(&memory).unwrap_or(0.0) / 1024.0 / 1024.0;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!(
        "{cores} cores ({cpu}), {gib:.0} GiB of memory, Linux {}, {}, profile `{}`",
        // What follows the version names a builder, not a kernel.
        kernel.trim().split('-').next().unwrap_or_default(),
        said_by("rustc", "--version"),
        profile().unwrap_or_default(),
    )
}

/// The profile in which this program was built: the folder in which it is.
fn profile() -> Option<String> {
    let program = std::env::current_exe().ok()?;
    Some(program.parent()?.file_name()?.to_string_lossy().into_owned())
}

/// Today, in UTC.
pub(crate) fn date() -> String {
    said_by("date", "-uI")
}

/// A line of `/proc/self/status`, in MiB.
pub(crate) fn own_memory(name: &str) -> Outcome<f64> {
    let value = field("/proc/self/status", name).and_then(|text| kib(&text));
    Ok(value.ok_or_else(|| format!("the system does not say {name}"))? / 1024.0)
}

/// The time that all threads of this process have run, in ms.
pub(crate) fn own_cpu_ms() -> Outcome<f64> {
    let mut nanoseconds = 0.0;
    for thread in fs::read_dir("/proc/self/task")? {
        let text = fs::read_to_string(thread?.path().join("schedstat"))?;
        nanoseconds += text.split(' ').next().unwrap_or_default().parse::<f64>()?;
    }
    Ok(nanoseconds / 1e6)
}

fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn kib(text: &str) -> Option<f64> {
    text.strip_suffix("kB")?.trim().parse().ok()
}

fn said_by(program: &str, argument: &str) -> String {
    let output = Command::new(program).arg(argument).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    text.unwrap_or_else(|_| format!("{program} unknown"))
}
