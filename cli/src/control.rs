//! The way to a node that another process holds.
//!
//! `connectoid run` listens on a loopback port and writes the port and a random token into
//! `control.json` in its data folder, which only its owner can read. A client sends the token first,
//! then one [`Command`] as JSON per line, and gets one result per line. After `"events"` it gets events
//! instead. So whatever can be said to a node in this process can be said to that one, in the same words.

use std::{
    fs,
    path::{Path, PathBuf},
};

use connectoid::{
    Error, ErrorKind, Event, Node, Result,
    api::{Command, Reply},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use subtle::ConstantTimeEq;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::Mutex,
    task::JoinHandle,
};

use crate::config::control_file;

const FILE: &str = "control.json";

/// The longest line: a page of 10,000 records of several KiB.
const MAX_LINE: u64 = 256 << 20;

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
            Error::new(
                ErrorKind::StorageUnavailable,
                format!("other commands cannot be listened for: {error}"),
            )
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let file = ControlFile { port, token: random_token()? };
        let path = data.join(FILE);
        control_file(&path, &serde_json::to_vec(&file).unwrap_or_default()).map_err(failed)?;
        let node = node.clone();
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, node.clone(), file.token.clone()));
            }
        });
        Ok(Self { task, path })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        // If it stays, the next command finds nobody listening and opens the folder itself.
        let _ = fs::remove_file(&self.path);
    }
}

async fn serve(stream: TcpStream, node: Node, token: String) {
    let mut line = Line::new(stream);
    let known =
        line.read::<String>().await.is_some_and(|said| said.as_bytes().ct_eq(token.as_bytes()).into());
    if !known {
        return;
    }
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
    /// Connects to whoever holds the folder, if anybody listens there.
    pub(crate) async fn connect(data: &Path) -> Option<Self> {
        let file: ControlFile = serde_json::from_slice(&fs::read(data.join(FILE)).ok()?).ok()?;
        let line = dial(file.port, &file.token).await.ok()?;
        Some(Self { port: file.port, token: file.token, line: Mutex::new(line) })
    }

    pub(crate) async fn dispatch(&self, command: Command) -> Result<Reply> {
        let mut line = self.line.lock().await;
        line.write(&Said::Command(command)).await.map_err(|_| gone())?;
        match line.read().await.ok_or_else(gone)? {
            Answer::Reply(reply) => Ok(reply),
            Answer::Error(error) => Err(error),
        }
    }

    pub(crate) async fn events(&self) -> Result<Events> {
        let mut line = dial(self.port, &self.token).await.map_err(|_| gone())?;
        line.write(&Said::Events).await.map_err(|_| gone())?;
        line.read::<String>().await.ok_or_else(gone)?;
        Ok(Events(line))
    }
}

/// The events of that node.
pub(crate) struct Events(Line);

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Event> {
        self.0.read().await
    }
}

async fn dial(port: u16, token: &str) -> std::io::Result<Line> {
    let mut line = Line::new(TcpStream::connect(("127.0.0.1", port)).await?);
    line.write(&token).await?;
    Ok(line)
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
        let mut line = Vec::new();
        (&mut self.reader).take(MAX_LINE).read_until(b'\n', &mut line).await.ok()?;
        serde_json::from_slice(&line).ok()
    }

    async fn write(&mut self, value: &impl Serialize) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(value).unwrap_or_default();
        line.push(b'\n');
        self.writer.write_all(&line).await
    }
}
