//! The actor in Rust: see this crate's README.

use std::{
    collections::HashMap,
    io::Write as _,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use connectoid::{
    Error, ErrorKind, Node, Result, Settings, Share,
    api::{Command, ImageFormat, Reply},
    qr::Qr,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    task::AbortHandle,
};

/// What the actor is told.
#[derive(Deserialize)]
struct Order {
    id: u64,
    #[serde(flatten)]
    what: What,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    Open(Box<Settings>),
    Call(Value),
    Cancel(u64),
    Close(bool),
}

/// The call `changes`, which is a stream in Rust.
#[derive(Deserialize)]
struct Follow {
    group: String,
    collection: String,
}

type Running = Arc<Mutex<HashMap<u64, AbortHandle>>>;

#[tokio::main]
async fn main() -> ExitCode {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let mut node: Option<Node> = None;
    let running = Running::default();
    while let Ok(Some(line)) = lines.next_line().await {
        let Ok(Order { id, what }) = serde_json::from_str(&line) else {
            eprintln!("not understood: {line}");
            return ExitCode::FAILURE;
        };
        match what {
            What::Open(settings) => match Node::open(*settings).await {
                Ok(opened) => {
                    tell_events(&opened);
                    answer(id, &Ok(Reply::User { id: opened.user_id() }));
                    node = Some(opened);
                }
                Err(error) => answer(id, &Err(error)),
            },
            What::Call(call) => match &node {
                Some(node) => start(id, node.clone(), call, &running),
                None => answer(id, &Err(Error::new(ErrorKind::Closed, "the node was never open"))),
            },
            What::Cancel(call) => {
                if let Some(task) = lock(&running).remove(&call) {
                    task.abort();
                }
                answer(id, &Ok(Reply::Done {}));
            }
            What::Close(really) => {
                if really && let Some(node) = &node {
                    node.close().await;
                }
                answer(id, &Ok(Reply::Done {}));
            }
        }
    }
    if let Some(node) = node {
        node.close().await;
    }
    ExitCode::SUCCESS
}

fn tell_events(node: &Node) {
    let mut events = node.events();
    tokio::spawn(async move {
        while let Some(event) = events.next().await {
            say(&json!({"event": event}));
        }
    });
}

/// Runs a call by the side, and answers it.
fn start(id: u64, node: Node, call: Value, running: &Running) {
    let task = tokio::spawn(async move {
        if call["method"] == "changes" { follow(id, &node, call).await } else { serve(&node, call).await }
    });
    lock(running).insert(id, task.abort_handle());
    let running = running.clone();
    tokio::spawn(async move {
        let cancelled = |_| Err(Error::new(ErrorKind::Cancelled, "the call was taken back"));
        answer(id, &task.await.unwrap_or_else(cancelled));
        lock(&running).remove(&id);
    });
}

async fn follow(id: u64, node: &Node, call: Value) -> Result<Reply> {
    let Follow { group, collection } = read(call)?;
    let mut observer = node.changes(&group, &collection);
    while let Some(records) = observer.next().await {
        say(&json!({"id": id, "page": {"records": records?}}));
    }
    Err(Error::new(ErrorKind::Closed, "the node was closed"))
}

/// Does what a call says by the node's methods.
#[allow(clippy::too_many_lines, reason = "one line for each method")]
async fn serve(node: &Node, call: Value) -> Result<Reply> {
    let done = |()| Reply::Done {};
    match read(call)? {
        Command::Share { nickname, group, role, expires_in, services, link_base, placement } => {
            let mut share = Share::new(nickname, group);
            share.role = role;
            share.expires_in = expires_in.map(std::time::Duration::from_secs);
            share.services = services;
            share.link_base = link_base;
            share.placement = placement;
            node.share(share).await.map(Reply::Link)
        }
        Command::Open(link) if link.in_person => {
            node.open_link_in_person(&link.link, &link.nickname).await.map(done)
        }
        Command::Open(link) => node.open_link(&link.link, &link.nickname).await.map(done),
        Command::Peers => Ok(Reply::Peers { peers: node.peers().await? }),
        Command::Unshare { nickname } => node.unshare(&nickname).await.map(done),
        Command::Connect { nickname } => node.connect(&nickname).await.map(done),
        Command::Disconnect { nickname } => node.disconnect(&nickname).await.map(done),
        Command::Verify { nickname } => node.verify(&nickname).await.map(done),
        Command::ConfirmVerify { nickname, same } => node.confirm_verify(&nickname, same).await.map(done),
        Command::CreateGroup { name } => Ok(Reply::Group { id: node.create_group(&name).await? }),
        Command::Groups => Ok(Reply::Groups { groups: node.groups().await? }),
        Command::AddMember { nickname, group, role } => {
            node.add_member(&nickname, &group, role).await.map(done)
        }
        Command::RemoveMember { nickname, group } => node.remove_member(&nickname, &group).await.map(done),
        Command::AcceptInvitation { group } => node.accept_invitation(&group).await.map(done),
        Command::LeaveGroup { group } => node.leave_group(&group).await.map(done),
        Command::ForgetGroup { group } => node.forget_group(&group).await.map(done),
        Command::Commit { group, writes } => node.commit(&group, writes).await.map(done),
        Command::Get { group, collection, id } => {
            Ok(Reply::Record { record: node.record(&group, &collection, &id).await? })
        }
        Command::List { group, collection, after, limit } => {
            let records = node.list(&group, &collection, after.as_deref(), limit).await?;
            Ok(Reply::Records { records })
        }
        Command::History { group, collection, id } => {
            Ok(Reply::History { versions: node.history(&group, &collection, &id).await? })
        }
        Command::Send { nickname, data } => node.send(&nickname, data).await.map(done),
        Command::Doctor { nickname } => node.diagnose(nickname.as_deref()).await.map(Reply::Diagnosis),
        Command::SetPace { pace } => node.set_pace(pace).await.map(done),
        Command::NetworkChanged => node.network_changed().await.map(done),
        Command::SyncNow => node.sync_now().await.map(done),
        Command::UserId => Ok(Reply::User { id: node.user_id() }),
        Command::Qr { link, format, scale } => draw(&link, format, scale),
        _ => Err(Error::new(ErrorKind::Usage, "this actor does not know the method")),
    }
}

fn draw(link: &str, format: ImageFormat, scale: usize) -> Result<Reply> {
    let qr = Qr::new(link)?;
    let data = match format {
        ImageFormat::Png => qr.to_png(scale)?,
        _ => qr.to_svg().into_bytes(),
    };
    Ok(Reply::Image { data })
}

fn read<T: serde::de::DeserializeOwned>(value: Value) -> Result<T> {
    serde_json::from_value(value).map_err(|error| Error::new(ErrorKind::Usage, error.to_string()))
}

fn answer(id: u64, result: &Result<Reply>) {
    match result {
        Ok(reply) => say(&json!({"id": id, "reply": reply})),
        Err(error) => say(&json!({"id": id, "error": error})),
    }
}

/// Writes one line. If nobody reads any more, standard input ends too.
fn say(value: &Value) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{value}").and_then(|()| output.flush());
}

fn lock(running: &Running) -> std::sync::MutexGuard<'_, HashMap<u64, AbortHandle>> {
    running.lock().unwrap_or_else(PoisonError::into_inner)
}
