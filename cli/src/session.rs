//! The node that a command talks to: its own, or the one that `connectoid run` holds on the same folder.

use std::{path::Path, time::Duration};

use connectoid::{
    Error, ErrorKind, Event, EventStream, IceServer, Node, Pace, Result, Settings,
    api::{Command, Reply},
};

use crate::{args::Common, config, control};

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
    /// Talks to the running node of the folder, or opens the folder.
    pub(crate) async fn open(common: &Common) -> Result<Self> {
        if let Some(client) = control::Client::connect(&common.data).await {
            return Ok(Self::Other(client));
        }
        Ok(Self::Own(open_node(common, Pace::Foreground, Duration::from_secs(30)).await?))
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

/// Opens the node of the folder in this process.
pub(crate) async fn open_node(common: &Common, pace: Pace, idle: Duration) -> Result<Node> {
    let config = config::load(common)?;
    let mut settings = Settings::in_folder(&common.data);
    settings.services = config.services;
    settings.ice_servers = config.ice_servers.iter().map(|url| ice_server(url)).collect::<Result<_>>()?;
    settings.loopback = config.loopback;
    settings.pace = pace;
    settings.idle_timeout = idle;
    settings.passphrase = passphrase(common.passphrase_env.as_deref())?;
    "connectoid://open".clone_into(&mut settings.link_base);
    Node::open(settings).await.map_err(|error| explain(error, &common.data))
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
