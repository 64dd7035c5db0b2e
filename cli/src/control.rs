//! The way to a node that another process holds.
//!
//! `connectoid run` listens on a loopback port and writes the port and a random token into
//! `control.json` in its data folder, which only its owner can read. A client sends the token first,
//! is greeted, then sends one [`Command`] as JSON per line, and gets one result per line. After `"events"` it gets events
//! instead. So whatever can be said to a node in this process can be said to that one, in the same words.
//!
//! The file may be a leftover of a process that was killed, and its port may be somebody else's by now. So it is read
//! only while the folder is locked, which says that a node lives, and nobody is waited for without an end.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use connectoid::{
    Error, ErrorKind, Event, Node, Result,
    api::{Command, Reply},
    files,
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex, Semaphore},
    task::JoinHandle,
    time::timeout,
};

const FILE: &str = "control.json";

/// The longest line: a page of 10,000 records of several KiB.
const MAX_LINE: u64 = 256 << 20;

/// The longest line of somebody who has not shown the token yet.
const MAX_TOKEN_LINE: u64 = 256;

/// How long a stranger at the port may take to say something: a busy machine, many times over.
const GREETING_TIME: Duration = Duration::from_secs(3);

/// How many strangers at the port may be about to show the token; more wait. Each takes a file descriptor, of which the
/// node needs some itself.
const MAX_STRANGERS: usize = 64;

/// How long the other process may take to answer what it need not wait for itself: a long list from a slow disk, several
/// times over.
const ANSWER_TIME: Duration = Duration::from_mins(1);

/// The pause after no connection could be taken, as without free file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// What a process that holds the folder says to who has the token.
const GREETING: &str = "connectoid";

#[derive(Serialize, Deserialize)]
struct ControlFile {
    port: u16,
    token: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Command(Command),
    Events,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Reply(Reply),
    Error(Error),
}

/// Listens for other processes until dropped.
pub(crate) struct Server {
    task: JoinHandle<()>,
    path: PathBuf,
}

impl Server {
    pub(crate) async fn start(node: &Node, data: &Path) -> Result<Self> {
        let failed = |error: std::io::Error| {
            let message = format!("other commands cannot be listened for: {}", files::reason(&error));
            Error::new(ErrorKind::Internal, message)
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let file = ControlFile { port, token: random_token()? };
        let path = data.join(FILE);
        files::write(&path, &serde_json::to_vec(&file).unwrap_or_default()).map_err(failed)?;
        let task = tokio::spawn(accept(listener, node.clone(), file.token));
        Ok(Self { task, path })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // If it stays, it is passed over as soon as the folder is free.
        let _ = files::remove(&self.path);
    }
}

async fn accept(listener: TcpListener, node: Node, token: String) {
    let places = Arc::new(Semaphore::new(MAX_STRANGERS));
    // The places are never closed.
    while let Ok(place) = places.clone().acquire_owned().await {
        match listener.accept().await {
            Ok((stream, _)) => {
                let (node, token) = (node.clone(), token.clone());
                tokio::spawn(async move {
                    if let Some(line) = let_in(stream, &token).await {
                        drop(place);
                        serve(line, node).await;
                    }
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a command could not be listened to");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Greets who shows the token, in time.
async fn let_in(stream: TcpStream, token: &str) -> Option<Line> {
    let mut line = Line::new(stream);
    let said = timeout(GREETING_TIME, line.read_up_to::<String>(MAX_TOKEN_LINE)).await.ok()??;
    let is_known: bool = said.as_bytes().ct_eq(token.as_bytes()).into();
    (is_known && line.write(&GREETING).await.is_ok()).then_some(line)
}

async fn serve(mut line: Line, node: Node) {
    while let Some(said) = line.read::<Said>().await {
        match said {
            Said::Command(command) => {
                let answer = node.dispatch(command).await.map_or_else(Answer::Error, Answer::Reply);
                if line.write(&answer).await.is_err() {
                    return;
                }
            }
            Said::Events => {
                let mut events = node.events();
                if line.write(&"ready").await.is_err() {
                    return;
                }
                while let Some(event) = events.next().await {
                    if line.write(&event).await.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// A connection to the process that holds the folder.
pub(crate) struct Client {
    port: u16,
    token: String,
    line: Mutex<Line>,
}

impl Client {
    /// Connects to whoever holds the folder, if it listens for commands.
    pub(crate) async fn connect(data: &Path) -> Option<Self> {
        let file: ControlFile = serde_json::from_slice(&fs::read(data.join(FILE)).ok()?).ok()?;
        let line = dial(file.port, &file.token).await?;
        Some(Self { port: file.port, token: file.token, line: Mutex::new(line) })
    }

    /// Has a command carried out. One that waits for a peer takes as long as it takes: its caller has a deadline.
    pub(crate) async fn dispatch(&self, command: Command) -> Result<Reply> {
        let mut line = self.line.lock().await;
        let waits_for_peer = matches!(command, Command::Send { .. });
        line.write(&Said::Command(command)).await.map_err(|_| gone())?;
        let answer = if waits_for_peer {
            line.read().await
        } else {
            timeout(ANSWER_TIME, line.read()).await.map_err(|_| silent())?
        };
        match answer.ok_or_else(gone)? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Error(error) => Err(error),
        }
    }

    pub(crate) async fn events(&self) -> Result<Events> {
        let mut line = dial(self.port, &self.token).await.ok_or_else(gone)?;
        line.write(&Said::Events).await.map_err(|_| gone())?;
        let ready = timeout(ANSWER_TIME, line.read::<String>()).await.map_err(|_| silent())?;
        ready.ok_or_else(gone)?;
        Ok(Events(line))
    }
}

/// Forgets the process that listened before, which is gone: this one holds the folder now.
pub(crate) fn forget(data: &Path) {
    // One that stays is read by others only while this process holds the folder, and found to be of no use.
    let _ = files::remove(&data.join(FILE));
}

/// The events of that node.
pub(crate) struct Events(Line);

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.0.read().await
    }
}

/// `None` if nobody is there, or not who was expected.
async fn dial(port: u16, token: &str) -> Option<Line> {
    let dialled = async {
        let mut line = Line::new(TcpStream::connect(("127.0.0.1", port)).await.ok()?);
        line.write(&token).await.ok()?;
        let greeting = line.read_up_to::<String>(MAX_TOKEN_LINE).await?;
        (greeting == GREETING).then_some(line)
    };
    timeout(GREETING_TIME, dialled).await.ok().flatten()
}

fn silent() -> Error {
    let message = "the running node does not answer; if its process hangs, end it, and try again";
    Error::new(ErrorKind::Timeout, message)
}

fn gone() -> Error {
    Error::new(ErrorKind::Closed, "the running node has stopped; try again")
}

fn random_token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|_| Error::new(ErrorKind::Internal, "there is no randomness"))?;
    Ok(connectoid_protocol::encoding::base64url(&bytes))
}

/// One JSON value per line, in both directions.
struct Line {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
}

impl Line {
    fn new(stream: TcpStream) -> Self {
        // Small lines should not wait for more; a stream that refuses is merely slower.
        let _ = stream.set_nodelay(true);
        let (reader, writer) = stream.into_split();
        Self { reader: BufReader::new(reader), writer }
    }

    /// `None` at the end, and for a line that is too long or not of this kind.
    async fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.read_up_to(MAX_LINE).await
    }

    async fn read_up_to<T: DeserializeOwned>(&mut self, length: u64) -> Option<T> {
        let mut line = Vec::new();
        (&mut self.reader).take(length).read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(&line).ok()
    }

    async fn write(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(value).unwrap_or_default();
        line.push(b'\n');
        self.writer.write_all(&line).await
    }
}
