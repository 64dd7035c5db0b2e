//! What each command does.

use std::{
    io::{IsTerminal, Read},
    path::Path,
    time::Duration,
};

use connectoid::{
    Error, ErrorKind, EventKind, Placement, Result, Role,
    api::{Command, Credentials, Reply, SharedLink, Write, parse_fields},
    files,
    qr::Qr,
};
use tokio::time::timeout;

use crate::{
    args::{Cli, Cmd},
    demo, doctor, hints,
    run::{self, Plan},
    session::{Events, Session},
    show::Show,
};

/// The longest link read from standard input.
const MAX_INPUT: u64 = 64 << 10;

pub(crate) async fn carry_out(cli: Cli, show: &Show) -> Result<()> {
    let Cli { common, command } = cli;
    match command {
        Cmd::Demo => unless_ended(demo::tell(show), show).await,
        Cmd::Serve { listen, public_url } => serve(&common.mailbox(), listen, public_url, show).await,
        Cmd::Run { duration, until, background, idle } => {
            run::run(&common, Plan { duration, until, background, idle }, show).await
        }
        command => {
            let session = Session::open(&common, command.begins(), show).await?;
            let names = command.names();
            let is_share = matches!(command, Cmd::Share { .. });
            let services = common.services.clone();
            let result = unless_ended(with_session(&session, command, services, show), show).await;
            if let Err(error) = &result {
                hints::after(error, names, &session, show).await;
                if is_share && error.kind == ErrorKind::Usage {
                    hints::of_services(&common, show);
                }
            }
            session.close().await;
            result
        }
    }
}

/// Goes on only as long as somebody may read what it brings.
async fn unless_ended(work: impl Future<Output = Result<()>>, show: &Show) -> Result<()> {
    tokio::select! {
        result = work => result,
        () = show.output().ended() => Ok(()),
    }
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
        Cmd::Doctor { nickname, wait } => doctor::examine(session, nickname, wait, show).await,
        Cmd::Send { nickname, text, wait } => {
            let send =
                session.dispatch(Command::Send { nickname: nickname.clone(), data: text.into_bytes() });
            in_time(wait, send).await??;
            show.value(&serde_json::json!({"received": true}), || format!("{nickname} has it"));
            Ok(())
        }
        Cmd::Share { qr, ref qr_file, .. } => {
            let qr_file = qr_file.clone();
            let Reply::Link(link) = session.dispatch(to_command(command, services)?).await? else {
                return Err(unexpected());
            };
            show_link(&link, qr, qr_file.as_deref(), show)?;
            doctor::warn_of_services(session, show).await
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
        Cmd::Put { group, collection, id, fields, replace } => {
            let fields = parse_fields(&fields)?;
            let write = if replace {
                Write::Replace { collection, id, fields }
            } else {
                Write::Put { collection, id, fields }
            };
            Command::Commit { group, writes: vec![write] }
        }
        Cmd::RemoveFields { group, collection, id, fields } => {
            Command::Commit { group, writes: vec![Write::RemoveFields { collection, id, fields }] }
        }
        Cmd::AddMember { nickname, group, read_only } => {
            let role = if read_only { Role::Reader } else { Role::Writer };
            Command::AddMember { nickname, group, role }
        }
        Cmd::RemoveMember { nickname, group } => Command::RemoveMember { nickname, group },
        Cmd::Accept { group } => Command::AcceptInvitation { group },
        Cmd::Leave { group } => Command::LeaveGroup { group },
        Cmd::Forget { group } => Command::ForgetGroup { group },
        Cmd::Delete { group, collection, id } => {
            Command::Commit { group, writes: vec![Write::Delete { collection, id }] }
        }
        Cmd::Get { group, collection, id } => Command::Get { group, collection, id },
        Cmd::History { group, collection, id } => Command::History { group, collection, id },
        _ => return Err(unexpected()),
    })
}

pub(crate) fn show_reply(reply: Reply, show: &Show) -> Result<()> {
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
        show.picture(&Qr::new(&link.link)?.to_terminal());
    }
    let Some(file) = file else { return Ok(()) };
    let code = Qr::new(&link.link)?;
    let image = match file.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => code.to_svg().into_bytes(),
        Some("png") => code.to_png(8)?,
        _ => return Err(Error::new(ErrorKind::Usage, "a QR code is written to a .svg or .png file")),
    };
    let failed = |error: std::io::Error| {
        let message = format!("{}: {}", file.display(), files::reason(&error));
        Error::new(ErrorKind::StorageUnavailable, message)
    };
    // A link is a secret, and so is its picture.
    files::write(file, &image).map_err(failed)
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
        Err(problem)
    }
}

pub(crate) fn unexpected() -> Error {
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
    show.prompt(&format!("Does {nickname} see the same emoji? [y/N] "));
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

async fn serve(
    data: &Path,
    listen: std::net::SocketAddr,
    public_urls: Vec<String>,
    show: &Show,
) -> Result<()> {
    use connectoid_service::{Config, Service, StartError, Storage};
    let mut config = Config::new(listen, Storage::Directory(data.to_owned()));
    config.public_urls = public_urls;
    let failed = |error: StartError| match error {
        StartError::Listen(error) => Error::new(
            ErrorKind::Usage,
            format!("{listen} cannot be listened on: {error}; name another address with --listen"),
        ),
        StartError::PublicUrl(_) | StartError::WorkBits => {
            Error::new(ErrorKind::Usage, format!("the service cannot start: {error}"))
        }
        error => Error::new(
            ErrorKind::StorageUnavailable,
            format!("{}: the service cannot start: {error}", data.display()),
        ),
    };
    let service = Service::start(config).await.map_err(failed)?;
    show.address(&service.url());
    tokio::select! {
        () = run::stop_signal() => {}
        () = show.output().ended() => {}
    }
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
