//! How things look: for people, or as one JSON object per line.
//!
//! All that is printed goes through here, and what is foreign in it through [`mod@crate::plain`].

use connectoid::{
    Error, Event,
    api::{Diagnosis, GroupInfo, HistoryEntry, PeerInfo, Record},
};
use serde::Serialize;

use crate::{
    output::{self, Output},
    plain::{json, plain},
    words,
};

/// Prints to standard output; errors and hints go to standard error.
pub(crate) struct Show {
    json: bool,
    color: bool,
    out: Output,
}

impl Show {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, color: output::has_color(&std::io::stdout()), out: Output::default() }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Where all this goes.
    pub(crate) fn output(&self) -> &Output {
        &self.out
    }

    /// One JSON object, or a line for people.
    pub(crate) fn value(&self, value: &impl Serialize, line: impl FnOnce() -> String) {
        self.lines(value, || vec![line()]);
    }

    /// One JSON object, or lines for people.
    fn lines(&self, value: &impl Serialize, lines: impl FnOnce() -> Vec<String>) {
        if self.json {
            self.out.line(&json(value));
        } else {
            for line in lines() {
                self.out.line(&plain(&line));
            }
        }
    }

    /// A line that only people want.
    pub(crate) fn note(&self, line: &str) {
        if !self.json {
            self.out.line(&plain(line));
        }
    }

    /// Several lines of our own, such as a QR code, that only people want.
    pub(crate) fn picture(&self, lines: &str) {
        for line in lines.lines() {
            self.note(line);
        }
    }

    /// A question whose answer is typed on the same line.
    pub(crate) fn prompt(&self, text: &str) {
        self.out.write(&plain(text));
    }

    /// Where a service listens: the same words for people and programs.
    pub(crate) fn address(&self, url: &str) {
        self.out.line(&format!("listening on {}", plain(url)));
    }

    pub(crate) fn error(&self, error: &Error) {
        if self.json {
            output::complain(&json(&serde_json::json!({"error": error})));
            return;
        }
        let label = if output::has_color(&std::io::stderr()) { "\x1b[31merror:\x1b[0m" } else { "error:" };
        output::complain(&format!("{label} {} ({})", plain(&error.message), error.kind_name()));
    }

    /// Something that went well enough, but may not stay so.
    pub(crate) fn warning(&self, error: &Error) {
        if self.json {
            output::complain(&json(&serde_json::json!({"warning": error})));
        } else {
            output::complain(&format!("warning: {} ({})", plain(&error.message), error.kind_name()));
        }
    }

    /// What a person may do next; programs know by the kind of the error.
    pub(crate) fn hint(&self, text: &str) {
        if !self.json {
            output::complain(&format!("hint: {}", plain(text)));
        }
    }

    pub(crate) fn event(&self, event: &Event) {
        self.lines(event, || {
            let mut lines = words::event_lines(&event.kind);
            lines[0] = format!("{} {}", words::clock(event.at), lines[0]);
            lines
        });
    }

    pub(crate) fn peers(&self, peers: &[PeerInfo]) {
        if peers.is_empty() {
            self.note("You share with nobody yet. `connectoid share NICKNAME --group NAME` makes a link.");
        }
        for peer in peers {
            self.lines(peer, || words::peer_lines(peer));
        }
    }

    pub(crate) fn groups(&self, groups: &[GroupInfo]) {
        if groups.is_empty() {
            self.note("You are in no group yet.");
        }
        for group in groups {
            self.lines(group, || words::group_lines(group));
        }
    }

    pub(crate) fn record(&self, record: &Record) {
        if self.json {
            self.out.line(&json(record));
        } else {
            self.out.line(&format!("{}  {}", plain(&record.id), self.strong(&words::fields(record))));
        }
    }

    pub(crate) fn history(&self, versions: &[HistoryEntry]) {
        for version in versions {
            self.value(version, || words::version_line(version));
        }
    }

    pub(crate) fn diagnosis(&self, diagnosis: &Diagnosis) {
        if self.json {
            self.out.line(&json(diagnosis));
            return;
        }
        if diagnosis.findings.is_empty() {
            self.note("All is well.");
        }
        for finding in &diagnosis.findings {
            self.out.line(&format!("{}: {}", self.strong(&plain(&finding.about)), plain(&finding.message)));
        }
        if !diagnosis.trace.is_empty() {
            self.note("");
            self.note("What happened lately (safe to pass on: no links, keys or addresses):");
            for line in &diagnosis.trace {
                self.note(&format!("  {line}"));
            }
        }
    }

    fn strong(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}
