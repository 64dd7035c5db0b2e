//! The service beside other servers, as scripts in `peers` measure it: each prints one JSON object.

use std::{fmt::Write as _, path::Path, process::Stdio, time::Duration};

use serde_json::{Map, Value};
use tokio::{process::Command, time::timeout};

use super::install;
use crate::report::{Outcome, Report};

/// The scripts, by their folders.
const SCRIPTS: [&str; 2] = ["mailbox", "nginx"];

/// A script needs less, the installation of what it compares with included.
const PATIENCE: Duration = Duration::from_mins(5);

/// What each script says, and what the columns are called.
const COLUMNS: [(&str, &str); 4] =
    [("metric", "what"), ("ours", "ours"), ("theirs", "theirs"), ("ratio", "ours ÷ theirs")];

pub(crate) async fn measure(report: &mut Report) -> Outcome {
    let mut compared = Vec::new();
    for script in SCRIPTS {
        match run(script).await {
            Ok(figures) => compared.push(figures),
            Err(problem) => report.lack(format!("`peers/{script}/run.sh` measured nothing: {problem}")),
        }
    }
    if !compared.is_empty() {
        report.add_section(section(compared)?);
    }
    Ok(())
}

async fn run(script: &str) -> Outcome<Map<String, Value>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(script).join("run.sh");
    let mut command = Command::new("bash");
    command.arg(script).stdin(Stdio::null()).kill_on_drop(true);
    let text = timeout(PATIENCE, install::output(&mut command));
    Ok(serde_json::from_str(&text.await.map_err(|_| "it took too long")??)?)
}

fn section(compared: Vec<Map<String, Value>>) -> Outcome<String> {
    let mut text = "## The service beside others\n\n".to_owned();
    writeln!(text, "| {} | more |", COLUMNS.map(|(_, title)| title).join(" | "))?;
    writeln!(text, "|{}", "---|".repeat(COLUMNS.len() + 1))?;
    for mut figures in compared {
        let cells =
            COLUMNS.map(|(field, _)| figures.remove(field).map_or_else(|| "–".to_owned(), |v| plain(&v)));
        let more: Vec<String> = figures
            .iter()
            .map(|(field, value)| format!("{} {}", field.replace('_', " "), plain(value)))
            .collect();
        writeln!(text, "| {} | {} |", cells.join(" | "), more.join("; "))?;
    }
    Ok(text)
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn figures_become_a_row() {
        let figures = json!({"metric": "checks", "ours": 3, "theirs": 6, "ratio": 0.5, "p50_ms": [1, 2.5]});
        let rows = section(vec![figures.as_object().unwrap().clone()]).unwrap();
        assert!(
            rows.ends_with("|---|---|---|---|---|\n| checks | 3 | 6 | 0.5 | p50 ms 1, 2.5 |\n"),
            "{rows}"
        );
    }
}
