//! What each command does.

use std::{
    io::{IsTerminal, Read, Write as _},
    path::Path,
    time::Duration,
};

use connectoid::{
    Error, ErrorKind, EventKind, Placement, Result, Role,
    api::{Command, Credentials, Reply, SharedLink, Write},
    qr::Qr,
};
use tokio::time::timeout;

use crate::{
    args::{Cli, Cmd},
    demo,
    run::{self, Plan},
    session::{Events, Session},
    show::Show,
};

/// The longest link read from standard input.
const MAX_INPUT: u64 = 64 << 10;

pub(crate) async fn carry_out(cli: Cli, show: &Show) -> Result<()> {
    match cli.command {
        Cmd::Demo => return demo::tell(show).await,
        Cmd::Serve { listen, public_url } => return serve(&cli.common.data, listen, public_url).await,
        Cmd::Run { duration, until, background, idle } => {
            return run::run(&cli.common, Plan { duration, until, background, idle }, show).await;
        }
        _ => {}
    }
    let session = Session::open(&cli.common).await?;
    let result = with_session(&session, cli.command, cli.common.services, show).await;
    session.close().await;
    result
}

async fn with_session(session: &Session, command: Cmd, services: Vec<String>, show: &Show) -> Result<()> {
    match command {
        Cmd::Open { link, nickname, in_person, wait } => {
            let link = if link == "-" { read_input()? } else { link };
            open(session, Credentials { link, nickname, in_person }, wait, show).await
        }
        Cmd::Verify { nickname, yes, no, wait } => {
            let answer = if yes { Some(true) } else { no.then_some(false) };
            verify(session, &nickname, answer, wait, show).await
        }
        Cmd::Doctor { nickname, wait } => doctor(session, nickname, wait, show).await,
        Cmd::Send { nickname, text, wait } => {
            let send =
                session.dispatch(Command::Send { nickname: nickname.clone(), data: text.into_bytes() });
            in_time(wait, send).await??;
            show.value(&serde_json::json!({"received": true}), || format!("{nickname} has it"));
            Ok(())
        }
        Cmd::Share { qr, ref qr_file, .. } => {
            let qr_file = qr_file.clone();
            let reply = session.dispatch(to_command(command, services)?).await?;
            if let Reply::Link(link) = reply {
                show_link(&link, qr, qr_file.as_deref(), show)
            } else {
                Ok(())
            }
        }
        Cmd::List { group, collection, limit } => list(session, &group, &collection, limit, show).await,
        command => {
            let command = to_command(command, services)?;
            show_reply(session.dispatch(command).await?, show)
        }
    }
}

/// The commands that are one word to the node.
fn to_command(command: Cmd, services: Vec<String>) -> Result<Command> {
    Ok(match command {
        Cmd::Share { nickname, group, read_only, link_base, expires, query, .. } => Command::Share {
            nickname,
            group,
            role: if read_only { Role::Reader } else { Role::Writer },
            expires_in: Some(expires.as_secs()),
            services,
            link_base,
            placement: if query { Placement::Query } else { Placement::Fragment },
        },
        Cmd::Peers => Command::Peers,
        Cmd::Unshare { nickname } => Command::Unshare { nickname },
        Cmd::Groups => Command::Groups,
        Cmd::Put { group, collection, id, fields } => {
            let malformed =
                |_| Error::new(ErrorKind::Usage, "the fields are a JSON object, such as '{\"count\": 2}'");
            let fields = serde_json::from_str(&fields).map_err(malformed)?;
            Command::Commit { group, writes: vec![Write::Put { collection, id, fields }] }
        }
        Cmd::AddMember { nickname, group, read_only } => {
            let role = if read_only { Role::Reader } else { Role::Writer };
            Command::AddMember { nickname, group, role }
        }
        Cmd::RemoveMember { nickname, group } => Command::RemoveMember { nickname, group },
        Cmd::Delete { group, collection, id } => {
            Command::Commit { group, writes: vec![Write::Delete { collection, id }] }
        }
        Cmd::Get { group, collection, id } => Command::Get { group, collection, id },
        Cmd::History { group, collection, id } => Command::History { group, collection, id },
        _ => return Err(unexpected()),
    })
}

fn show_reply(reply: Reply, show: &Show) -> Result<()> {
    match reply {
        Reply::Done {} => show.value(&serde_json::json!({"done": true}), || "done".to_owned()),
        Reply::Peers { peers } => show.peers(&peers),
        Reply::Groups { groups } => show.groups(&groups),
        Reply::Record { record: Some(record) } => show.record(&record),
        Reply::Record { record: None } => {
            return Err(Error::new(ErrorKind::Usage, "there is no such record"));
        }
        Reply::History { versions } => show.history(&versions),
        Reply::Diagnosis(diagnosis) => show.diagnosis(&diagnosis),
        other => show.value(&other, || "done".to_owned()),
    }
    Ok(())
}

/// Shows records, a part at a time: a collection may have more than one answer can hold.
async fn list(session: &Session, group: &str, collection: &str, mut limit: usize, show: &Show) -> Result<()> {
    const AT_ONCE: usize = 1000;
    let mut after = None;
    while limit > 0 {
        let (group, collection, asked) = (group.to_owned(), collection.to_owned(), limit.min(AT_ONCE));
        let command = Command::List { group, collection, after, limit: asked };
        let Reply::Records { records } = session.dispatch(command).await? else { return Err(unexpected()) };
        for record in &records {
            show.record(record);
        }
        if records.len() < asked {
            break;
        }
        limit -= records.len();
        after = records.last().map(|record| record.id.clone());
    }
    Ok(())
}

fn show_link(link: &SharedLink, qr: bool, file: Option<&Path>, show: &Show) -> Result<()> {
    show.value(link, || link.link.clone());
    if qr && !show.is_json() {
        show.note(&Qr::new(&link.link)?.to_terminal());
    }
    let Some(file) = file else { return Ok(()) };
    let code = Qr::new(&link.link)?;
    let image = match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => code.to_svg().into_bytes(),
        Some("png") => code.to_png(8)?,
        _ => return Err(Error::new(ErrorKind::Usage, "a QR code is written to a .svg or .png file")),
    };
    let failed = |error| Error::new(ErrorKind::StorageUnavailable, format!("{}: {error}", file.display()));
    std::fs::write(file, image).map_err(failed)
}

async fn open(session: &Session, credentials: Credentials, wait: Duration, show: &Show) -> Result<()> {
    let nickname = credentials.nickname.clone();
    let mut events = session.events().await?;
    session.dispatch(Command::Open(credentials)).await?;
    let opened = async {
        while let Some(event) = events.next().await {
            show.event(&event);
            match event.kind {
                EventKind::Synced { nickname: other, .. } if other == nickname => return Ok(()),
                EventKind::OpenRefused { nickname: other, problem, .. } if other == nickname => {
                    return Err(problem);
                }
                _ => {}
            }
        }
        Err(Error::new(ErrorKind::Closed, "the node stopped"))
    };
    if let Ok(result) = timeout(wait, opened).await {
        result
    } else {
        let Reply::Peers { peers } = session.dispatch(Command::Peers).await? else {
            return Err(unexpected());
        };
        let known = peers.into_iter().find(|peer| peer.nickname == nickname).and_then(|peer| peer.problem);
        let problem = known
            .unwrap_or_else(|| Error::new(ErrorKind::Unanswered, format!("{nickname} has not answered yet")));
        let message = format!("{}; `connectoid run` keeps trying", problem.message);
        Err(Error::new(problem.kind, message))
    }
}

fn unexpected() -> Error {
    Error::new(ErrorKind::Internal, "a command without a counterpart")
}

async fn verify(
    session: &Session,
    nickname: &str,
    answer: Option<bool>,
    wait: Duration,
    show: &Show,
) -> Result<()> {
    if let Some(same) = answer {
        return confirm(session, nickname, same, show).await;
    }
    let mut events = session.events().await?;
    session.dispatch(Command::Verify { nickname: nickname.to_owned() }).await?;
    in_time(wait, emojis_for(nickname, &mut events, show)).await??;
    let interactive = std::io::stdin().is_terminal() && !show.is_json();
    if !interactive {
        show.note(&format!("If they are the same: connectoid verify {nickname} --yes"));
        return Ok(());
    }
    print!("Does {nickname} see the same emoji? [y/N] ");
    // A prompt that cannot be shown is followed by an answer that cannot be read.
    let _ = std::io::stdout().flush();
    let mut line = String::new();
    let same = std::io::stdin().read_line(&mut line).is_ok() && matches!(line.trim(), "y" | "Y" | "yes");
    confirm(session, nickname, same, show).await
}

async fn emojis_for(nickname: &str, events: &mut Events, show: &Show) -> Result<()> {
    while let Some(event) = events.next().await {
        match &event.kind {
            EventKind::Emojis { nickname: other, .. } if other == nickname => {
                show.event(&event);
                return Ok(());
            }
            _ => {}
        }
    }
    Err(Error::new(ErrorKind::Closed, "the node stopped"))
}

async fn confirm(session: &Session, nickname: &str, same: bool, show: &Show) -> Result<()> {
    session.dispatch(Command::ConfirmVerify { nickname: nickname.to_owned(), same }).await?;
    if !same {
        let message = format!(
            "the emoji differ: somebody stands between you and {nickname}; unshare and share again by another way"
        );
        return Err(Error::new(ErrorKind::PeerMisbehaved, message));
    }
    show.value(&serde_json::json!({"verified": nickname}), || format!("{nickname} is verified"));
    Ok(())
}

async fn doctor(session: &Session, nickname: Option<String>, wait: Duration, show: &Show) -> Result<()> {
    session.dispatch(Command::SyncNow).await?;
    if let Some(nickname) = &nickname {
        // A peer that cannot be connected to yet is exactly what the doctor will report.
        if let Err(error) = session.dispatch(Command::Connect { nickname: nickname.clone() }).await {
            show.note(&error.message);
        }
    }
    tokio::time::sleep(wait).await;
    show_reply(session.dispatch(Command::Doctor { nickname }).await?, show)
}

async fn serve(data: &Path, listen: std::net::SocketAddr, public_urls: Vec<String>) -> Result<()> {
    use connectoid_service::{Config, Service, Storage};
    let mut config = Config::new(listen, Storage::Directory(data.to_owned()));
    config.public_urls = public_urls;
    let failed =
        |error| Error::new(ErrorKind::StorageUnavailable, format!("the service cannot start: {error}"));
    let service = Service::start(config).await.map_err(failed)?;
    println!("listening on {}", service.url());
    run::stop_signal().await;
    service.shutdown().await;
    Ok(())
}

fn read_input() -> Result<String> {
    let mut text = String::new();
    let failed = |_| Error::new(ErrorKind::Usage, "standard input is not text");
    std::io::stdin().take(MAX_INPUT).read_to_string(&mut text).map_err(failed)?;
    Ok(text)
}

async fn in_time<T>(wait: Duration, work: impl Future<Output = T>) -> Result<T> {
    let late = || {
        Error::new(
            ErrorKind::Timeout,
            format!("nothing came of it within {}", humantime::format_duration(wait)),
        )
    };
    timeout(wait, work).await.map_err(|_| late())
}
