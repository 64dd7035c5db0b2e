//! What is said in words: peers, groups, records and events, as lines for people.

use std::{
    fmt::Write,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use connectoid::{
    EventKind,
    api::{
        Acceptance, ConnectionState, GroupInfo, GroupSync, HistoryEntry, PairState, PeerInfo, Record,
        Verified,
    },
};

pub(crate) fn fields(record: &Record) -> String {
    crate::plain::json(&record.fields)
}

/// A time of day, UTC.
pub(crate) fn clock(at: u64) -> String {
    let seconds = at / 1_000_000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{hour:02}:{minute:02}:{second:02}")
}

/// A date and a time of day, UTC.
fn date(at: u64) -> String {
    // A peer's clock may say anything, also what is no date.
    UNIX_EPOCH.checked_add(Duration::from_micros(at)).map_or_else(
        || at.to_string(),
        |time| {
            let mut text = String::new();
            match write!(text, "{}", humantime::format_rfc3339_seconds(time)) {
                Ok(()) => text,
                Err(_) => at.to_string(),
            }
        },
    )
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

pub(crate) fn peer_lines(peer: &PeerInfo) -> Vec<String> {
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
    lines
}

fn sync_line(sync: &GroupSync) -> String {
    let synced = sync.last_synced_at.map_or_else(|| "never".to_owned(), ago);
    let until = until_words(sync.held_until);
    match sync.acceptance {
        Acceptance::Invited => return format!("  {}: invited, has not accepted yet", sync.name),
        Acceptance::Left => return format!("  {}: has left, or declined", sync.name),
        Acceptance::Full => {
            return format!("  {}: has no room for more; lacks {} change(s)", sync.name, sync.lacks);
        }
        _ => {}
    }
    match (sync.lacks, sync.held) {
        (0, 0) => format!("  {}: has everything (synced {synced})", sync.name),
        (lacks, 0) => format!("  {}: lacks {lacks} change(s){until} (last synced {synced})", sync.name),
        (lacks, held) => format!(
            "  {}: lacks {lacks} change(s); {held} of its changes wait here{until} (last synced {synced})",
            sync.name
        ),
    }
}

/// Until when something waits, as a date and time of day, UTC.
fn until_words(at: Option<u64>) -> String {
    let date = |at| humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_micros(at));
    at.map(|at| format!(", until {} at the latest", date(at))).unwrap_or_default()
}

fn clock_words(nickname: Option<&str>, ahead: i64, held: u64, until: Option<u64>) -> String {
    let off = humantime::format_duration(Duration::from_secs(ahead.unsigned_abs() / 1_000_000));
    let way = if ahead < 0 { "behind" } else { "ahead" };
    let until = until_words(until);
    match (nickname, held) {
        (None, _) => {
            format!(
                "the clock of this device is {off} {way}; set it. What is shared goes by the service's clock"
            )
        }
        (Some(nickname), 0) => format!("the clock of {nickname}'s device is {off} {way}"),
        (Some(nickname), held) => {
            format!(
                "{held} change(s) shared with {nickname} wait{until}: a clock was wrong ({off} {way} now)"
            )
        }
    }
}

pub(crate) fn group_lines(group: &GroupInfo) -> Vec<String> {
    let role = |role| format!("{role:?}").to_lowercase();
    let own = match (group.acceptance, group.role) {
        (_, None) => "no longer a member".to_owned(),
        (Acceptance::Invited, _) => "invited; accept or leave".to_owned(),
        (Acceptance::Left, _) => "left".to_owned(),
        (Acceptance::Full, Some(own)) => format!("{}, no room for more", role(own)),
        (_, Some(own)) => role(own),
    };
    let members = group.members.iter().map(|member| {
        let name = member
            .nickname
            .clone()
            .unwrap_or_else(|| format!("user {}", member.user.chars().take(8).collect::<String>()));
        format!("{name} ({})", role(member.role))
    });
    let members = members.collect::<Vec<_>>().join(", ");
    vec![format!("{} ({own}): {members}", group.name), format!("  id {}", group.id)]
}

pub(crate) fn version_line(version: &HistoryEntry) -> String {
    let what = match (&version.field, &version.value) {
        (None, _) => "deleted".to_owned(),
        (Some(field), _) if version.removed => format!("{field} removed"),
        (Some(field), _) if version.left_out => {
            format!("{field}, a value that is not shown: there are too many")
        }
        (Some(field), value) => {
            format!("{field} = {}", crate::plain::json(value.as_ref().unwrap_or(&serde_json::Value::Null)))
        }
    };
    let who = version.nickname.clone().unwrap_or_else(|| "somebody".to_owned());
    let outcome = if version.winning {
        "wins".to_owned()
    } else {
        format!("lost: {}", version.why.as_deref().unwrap_or(""))
    };
    format!("{}  {what}  by {who}  ({outcome})", date(version.stamp))
}

/// An event in words.
pub(crate) fn event_lines(event: &EventKind) -> Vec<String> {
    match event {
        EventKind::Emojis { nickname, emojis, names } => {
            vec![format!("compare with {nickname}: {emojis}"), format!("         {}", names.join(", "))]
        }
        other => vec![describe(other)],
    }
}

fn describe(event: &EventKind) -> String {
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
        EventKind::Invited { group, name, nickname } => {
            let who = nickname.as_deref().unwrap_or("somebody");
            format!("{who} invites you to the group {name}: `connectoid accept {group}`, or `leave`")
        }
        EventKind::Acceptance { nickname, acceptance, .. } => match acceptance {
            Acceptance::Invited => format!("{nickname} is invited to a group, and has not accepted yet"),
            Acceptance::Left => format!("{nickname} has left a group, or declined the invitation"),
            Acceptance::Full => format!("{nickname}'s device has no room for more of a group"),
            _ => format!("{nickname} takes part in a group"),
        },
        EventKind::GroupRoom { full: true, bytes, .. } => {
            format!(
                "a group takes as much room as it may ({} MiB): what others write is not received",
                bytes >> 20
            )
        }
        EventKind::GroupRoom { bytes, quota, .. } => {
            format!("a group takes {} MiB of the {} MiB that it may", bytes >> 20, quota >> 20)
        }
        EventKind::Joined { name, .. } => format!("you are now in the group {name}"),
        EventKind::Removed { .. } => "you were removed from a group".to_owned(),
        EventKind::MembersChanged { .. } => "the members of a group changed".to_owned(),
        EventKind::Synced { nickname, .. } => format!("you and {nickname} have the same"),
        EventKind::Message { nickname, data } => {
            format!("{nickname} says: {}", String::from_utf8_lossy(data))
        }
        EventKind::Unshared { nickname } => format!("{nickname} stopped sharing with you"),
        EventKind::ClockSkew { nickname, ahead, held, until } => {
            clock_words(nickname.as_deref(), *ahead, *held, *until)
        }
        EventKind::Restored { nickname } => format!(
            "this data folder is an older copy: {nickname} knew more of it. What {nickname} has comes back; \
             peers that cannot be reached any more need a new link"
        ),
        EventKind::ServiceProblem { service, problem } => format!("{service}: {}", problem.message),
        EventKind::Resync {} => "some events were missed".to_owned(),
        _ => "something happened that this version cannot describe".to_owned(),
    }
}
