//! How things look: for people, or as one JSON object per line.

use std::{
    io::{IsTerminal, Write},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connectoid::{
    Error, Event, EventKind,
    api::{
        ConnectionState, Diagnosis, GroupInfo, GroupSync, HistoryEntry, PairState, PeerInfo, Record, Verified,
    },
};
use serde::Serialize;

/// Prints to standard output; errors and hints go to standard error.
pub(crate) struct Show {
    json: bool,
    color: bool,
}

impl Show {
    pub(crate) fn new(json: bool) -> Self {
        let color = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        Self { json, color }
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// One JSON object, or a line for people.
    pub(crate) fn value(&self, value: &impl Serialize, line: impl FnOnce() -> String) {
        if self.json {
            print(&serde_json::to_string(value).unwrap_or_default());
        } else {
            print(&line());
        }
    }

    /// A line that only people want.
    pub(crate) fn note(&self, line: &str) {
        if !self.json {
            print(line);
        }
    }

    pub(crate) fn error(&self, error: &Error) {
        if self.json {
            eprintln!("{}", serde_json::json!({"error": error}));
        } else {
            let label = if std::io::stderr().is_terminal() { "\x1b[31merror:\x1b[0m" } else { "error:" };
            eprintln!("{label} {} ({})", error.message, error.kind_name());
        }
    }

    pub(crate) fn event(&self, event: &Event) {
        self.value(event, || format!("{} {}", clock(event.at), describe(&event.kind)));
    }

    pub(crate) fn peers(&self, peers: &[PeerInfo]) {
        if peers.is_empty() {
            self.note("You share with nobody yet. `connectoid share NICKNAME --group NAME` makes a link.");
        }
        for peer in peers {
            self.value(peer, || peer_lines(peer));
        }
    }

    pub(crate) fn groups(&self, groups: &[GroupInfo]) {
        if groups.is_empty() {
            self.note("You are in no group yet.");
        }
        for group in groups {
            self.value(group, || group_lines(group));
        }
    }

    pub(crate) fn record(&self, record: &Record) {
        self.value(record, || format!("{}  {}", record.id, self.strong(&fields(record))));
    }

    pub(crate) fn history(&self, versions: &[HistoryEntry]) {
        for version in versions {
            self.value(version, || version_line(version));
        }
    }

    pub(crate) fn diagnosis(&self, diagnosis: &Diagnosis) {
        if self.json {
            print(&serde_json::to_string(diagnosis).unwrap_or_default());
            return;
        }
        if diagnosis.findings.is_empty() {
            print("All is well.");
        }
        for finding in &diagnosis.findings {
            print(&format!("{}: {}", self.strong(&finding.about), finding.message));
        }
        if !diagnosis.trace.is_empty() {
            print("\nWhat happened lately (safe to pass on: no links, keys or addresses):");
            diagnosis.trace.iter().for_each(|line| print(&format!("  {line}")));
        }
    }

    fn strong(&self, text: &str) -> String {
        if self.color { format!("\x1b[1m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// A reader that has gone away, such as `head`, is no error of ours.
fn print(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn fields(record: &Record) -> String {
    serde_json::to_string(&record.fields).unwrap_or_default()
}

/// A time of day, UTC.
fn clock(at: u64) -> String {
    let seconds = at / 1_000_000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// How long ago.
fn ago(at: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let passed = now.saturating_sub(Duration::from_micros(at));
    if passed.as_secs() < 2 {
        "just now".to_owned()
    } else {
        format!("{} ago", humantime::format_duration(Duration::from_secs(passed.as_secs())))
    }
}

fn peer_lines(peer: &PeerInfo) -> String {
    let state = match (peer.state, peer.connection) {
        (PairState::Invited, _) => "has not opened the link yet",
        (PairState::Refused, _) => "the link is not open to you",
        (PairState::Opening, _) => "has not answered yet",
        (_, ConnectionState::Connected) => "connected",
        (_, ConnectionState::Connecting) => "connecting",
        _ => "resting",
    };
    let verified = match peer.verified {
        Verified::InPersonQr => ", link scanned in person",
        Verified::Sas => ", emoji compared",
        Verified::LinkQuery => ", known by a link that its web host could read",
        _ => "",
    };
    let mut lines = vec![format!("{}: {state}{verified}", peer.nickname)];
    if peer.alarms > 0 {
        lines.push(format!("  ALARM: {} other(s) tried to open the link", peer.alarms));
    }
    lines.extend(peer.problem.as_ref().map(|problem| format!("  last problem: {}", problem.message)));
    lines.extend(peer.groups.iter().map(sync_line));
    lines.join("\n")
}

fn sync_line(sync: &GroupSync) -> String {
    let synced = sync.last_synced_at.map_or_else(|| "never".to_owned(), ago);
    match sync.lacks {
        0 => format!("  {}: has everything (synced {synced})", sync.name),
        lacks => format!("  {}: lacks {lacks} change(s) (last synced {synced})", sync.name),
    }
}

fn group_lines(group: &GroupInfo) -> String {
    let role = |role| format!("{role:?}").to_lowercase();
    let own = group.role.map_or_else(|| "no longer a member".to_owned(), role);
    let members = group.members.iter().map(|member| {
        let name = member
            .nickname
            .clone()
            .unwrap_or_else(|| format!("user {}", &member.user[..8.min(member.user.len())]));
        format!("{name} ({})", role(member.role))
    });
    format!("{} ({own}): {}\n  id {}", group.name, members.collect::<Vec<_>>().join(", "), group.id)
}

fn version_line(version: &HistoryEntry) -> String {
    let what = match (&version.field, &version.value) {
        (Some(field), Some(value)) => format!("{field} = {value}"),
        _ => "deleted".to_owned(),
    };
    let who = version.nickname.clone().unwrap_or_else(|| "somebody".to_owned());
    let outcome = if version.winning {
        "wins".to_owned()
    } else {
        format!("lost: {}", version.why.as_deref().unwrap_or(""))
    };
    format!("{}  {what}  by {who}  ({outcome})", clock(version.stamp))
}

/// An event in words.
pub(crate) fn describe(event: &EventKind) -> String {
    match event {
        EventKind::Paired { nickname } => format!("{nickname} and you have met: you share now"),
        EventKind::Connected { nickname } => format!("connected to {nickname}"),
        EventKind::Disconnected { nickname, problem: None } => format!("the connection to {nickname} rests"),
        EventKind::Disconnected { nickname, problem: Some(problem) } => {
            format!("disconnected from {nickname}: {}", problem.message)
        }
        EventKind::ConnectFailed { nickname, problem } => {
            format!("could not connect to {nickname}: {}", problem.message)
        }
        EventKind::OpenRefused { nickname, problem, .. } => {
            format!("the link of {nickname} is not open to you: {}", problem.message)
        }
        EventKind::LinkOpenedAgain { nickname, .. } => {
            format!(
                "ALARM: somebody else tried to open the link that you made for {nickname}; it was refused. Compare emoji with {nickname}: `connectoid verify {nickname}`"
            )
        }
        EventKind::Changed { records, .. } if records.is_empty() => "many records changed".to_owned(),
        EventKind::Changed { records, .. } => {
            let named = records.iter().take(5).map(|(collection, id)| format!("{collection}/{id}"));
            let more =
                if records.len() > 5 { format!(" and {} more", records.len() - 5) } else { String::new() };
            format!("changed: {}{more}", named.collect::<Vec<_>>().join(", "))
        }
        EventKind::Joined { name, .. } => format!("you are now in the group {name}"),
        EventKind::Removed { .. } => "you were removed from a group".to_owned(),
        EventKind::MembersChanged { .. } => "the members of a group changed".to_owned(),
        EventKind::Synced { nickname, .. } => format!("you and {nickname} have the same"),
        EventKind::Message { nickname, data } => {
            format!("{nickname} says: {}", String::from_utf8_lossy(data))
        }
        EventKind::Emojis { nickname, emojis, names } => {
            format!("compare with {nickname}: {emojis}\n         {}", names.join(", "))
        }
        EventKind::Unshared { nickname } => format!("{nickname} stopped sharing with you"),
        EventKind::Restored { nickname } => format!(
            "this data folder is an older copy: {nickname} knew more of it. What {nickname} has comes back; \
             peers that cannot be reached any more need a new link"
        ),
        EventKind::ServiceProblem { service, problem } => format!("{service}: {}", problem.message),
        EventKind::Resync {} => "some events were missed".to_owned(),
        _ => "something happened that this version cannot describe".to_owned(),
    }
}
