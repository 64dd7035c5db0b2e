//! The node that a command talks to: its own, or the one that `connectoid run` holds on the same folder.

use std::{path::Path, time::Duration};

use connectoid::{
    Error, ErrorKind, Event, EventStream, FolderLock, IceServer, Node, Pace, Result, Settings,
    api::{Command, Reply},
    files,
    settings::DEFAULT_IDLE_TIMEOUT,
};
use tokio::time::{Instant, sleep};

use crate::{args::Common, config, control, show::Show};

/// How long a folder is waited for that another process holds. Commands hold it for a fraction of a second each; on a
/// busy machine, with several at once, for a few.
const HELD_TIME: Duration = Duration::from_secs(15);

/// How often it is tried meanwhile.
const HELD_PAUSE: Duration = Duration::from_millis(20);

/// See the [module](self).
pub(crate) enum Session {
    /// This process holds the folder.
    Own(Node),
    /// Another process does.
    Other(control::Client),
}

/// Events, from wherever the node is.
pub(crate) enum Events {
    Own(EventStream),
    Other(control::Events),
}

impl Session {
    /// Talks to the running node of the folder, or opens the folder. Only what `begins` makes a new user in a folder that
    /// has none: anything else there is a slip of the pen.
    pub(crate) async fn open(common: &Common, begins: bool, show: &Show) -> Result<Self> {
        let data = common.folder();
        if !begins && FolderLock::is_new(&data) {
            return Err(nothing_there(&data));
        }
        match take(&data).await? {
            Taken::Free(lock) => {
                let node = open_node(common, lock, Pace::Foreground, DEFAULT_IDLE_TIMEOUT).await?;
                if files::is_open_to_others(&data) {
                    show.hint(&format!("other users of this machine can look into {}", data.display()));
                }
                Ok(Self::Own(node))
            }
            Taken::Served(client) => Ok(Self::Other(client)),
        }
    }

    pub(crate) async fn dispatch(&self, command: Command) -> Result<Reply> {
        match self {
            Self::Own(node) => node.dispatch(command).await,
            Self::Other(client) => client.dispatch(command).await,
        }
    }

    pub(crate) async fn events(&self) -> Result<Events> {
        match self {
            Self::Own(node) => Ok(Events::Own(node.events())),
            Self::Other(client) => Ok(Events::Other(client.events().await?)),
        }
    }

    pub(crate) async fn close(self) {
        if let Self::Own(node) = self {
            node.close().await;
        }
    }
}

impl Events {
    pub(crate) async fn next(&mut self) -> Option<Event> {
        match self {
            Self::Own(events) => events.next().await,
            Self::Other(events) => events.next().await,
        }
    }
}

/// Who has a data folder.
pub(crate) enum Taken {
    /// This process, from now on.
    Free(FolderLock),
    /// Another one, which listens for commands.
    Served(control::Client),
}

/// Takes a folder, or finds out who has it. One that somebody holds for a moment, as every command does, is waited for.
pub(crate) async fn take(data: &Path) -> Result<Taken> {
    let deadline = Instant::now() + HELD_TIME;
    loop {
        if let Some(lock) = FolderLock::take(data).map_err(|error| explain(error, data))? {
            control::forget(data);
            return Ok(Taken::Free(lock));
        }
        if let Some(client) = control::Client::connect(data).await {
            return Ok(Taken::Served(client));
        }
        if Instant::now() >= deadline {
            let message = format!(
                "another program has held this folder for {} s, and does not listen for commands; let it end first",
                HELD_TIME.as_secs()
            );
            return Err(explain(Error::new(ErrorKind::StorageUnavailable, message), data));
        }
        sleep(HELD_PAUSE).await;
    }
}

/// Opens the node of a folder in this process.
pub(crate) async fn open_node(common: &Common, lock: FolderLock, pace: Pace, idle: Duration) -> Result<Node> {
    let data = common.folder();
    let loaded = config::load(common, &data)?;
    let config = &loaded.config;
    let mut settings = Settings::in_folder(&data);
    settings.services.clone_from(&config.services);
    settings.ice_servers = config.ice_servers.iter().map(|url| ice_server(url)).collect::<Result<_>>()?;
    settings.service_roots.clone_from(&config.service_roots);
    settings.loopback = config.loopback;
    settings.pace = pace;
    settings.idle_timeout = idle;
    settings.passphrase = passphrase(common.passphrase_env.as_deref())?;
    "connectoid://open".clone_into(&mut settings.link_base);
    let node = Node::open_in(settings, lock).await.map_err(|error| explain(error, &data))?;
    loaded.remember()?;
    Ok(node)
}

fn nothing_there(data: &Path) -> Error {
    let message =
        format!("there is no data in {}; `share` and `open` begin a new user there", data.display());
    Error::new(ErrorKind::Usage, message)
}

fn passphrase(variable: Option<&str>) -> Result<Option<String>> {
    let Some(variable) = variable else { return Ok(None) };
    let missing = |_| Error::new(ErrorKind::Usage, format!("the environment variable {variable} is not set"));
    std::env::var(variable).map(Some).map_err(missing)
}

/// `stun:HOST[:PORT]` or `turn:USER:PASSWORD@HOST[:PORT]`.
fn ice_server(text: &str) -> Result<IceServer> {
    let malformed = || Error::new(ErrorKind::Usage, "an ICE server is stun:HOST or turn:USER:PASSWORD@HOST");
    let mut server = IceServer::default();
    if text.starts_with("stun:") {
        server.urls.push(text.to_owned());
        return Ok(server);
    }
    let (credentials, host) =
        text.strip_prefix("turn:").and_then(|rest| rest.rsplit_once('@')).ok_or_else(malformed)?;
    let (user, password) = credentials.split_once(':').ok_or_else(malformed)?;
    server.urls.push(format!("turn:{host}"));
    user.clone_into(&mut server.username);
    password.clone_into(&mut server.credential);
    Ok(server)
}

fn explain(error: Error, data: &Path) -> Error {
    let storage = error.kind.blame() == connectoid::Blame::Storage;
    if storage { Error::new(error.kind, format!("{}: {}", data.display(), error.message)) } else { error }
}
