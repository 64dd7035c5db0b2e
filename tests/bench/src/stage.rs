//! A service, nodes, and waiting for what they tell.

use std::{path::Path, time::Duration};

use connectoid::{EventKind, EventStream, Node, Settings, Share};
use connectoid_service::{Config, RunningService, Service, Storage};
use tempfile::TempDir;

use crate::report::Outcome;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(3);

/// The name of the group that is shared, at the node that made it.
pub(crate) const GROUP: &str = "g";

/// The collection that is written to.
pub(crate) const COLLECTION: &str = "c";

/// A running service and the folder in which everything is.
pub(crate) struct Stage {
    folder: TempDir,
    service: RunningService,
    nodes: u32,
}

/// Two nodes that share a group, connected and synced.
pub(crate) struct Pair {
    pub alice: Node,
    pub bob: Node,
    pub at_alice: EventStream,
    pub at_bob: EventStream,
}

impl Stage {
    pub(crate) async fn new() -> Outcome<Self> {
        let folder = TempDir::new()?;
        let storage = Storage::Directory(folder.path().join("service"));
        let service = Service::start(Config::new(([127, 0, 0, 1], 0).into(), storage)).await?;
        Ok(Self { folder, service, nodes: 0 })
    }

    pub(crate) fn url(&self) -> String {
        self.service.url()
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A new node.
    pub(crate) async fn node(&mut self) -> Outcome<Node> {
        self.nodes += 1;
        let folder = self.folder.path().join(format!("node{}", self.nodes));
        Ok(Node::open(settings(&folder, &self.url())).await?)
    }

    /// Two new nodes that are synced and stay connected.
    pub(crate) async fn pair(&mut self) -> Outcome<Pair> {
        let (alice, bob) = (self.node().await?, self.node().await?);
        let link = alice.share(Share::new("bob", GROUP)).await?.link;
        let (mut at_alice, mut at_bob) = (alice.events(), bob.events());
        bob.open_link(&link, "alice").await?;
        let synced = |event: &EventKind| matches!(event, EventKind::Synced { .. });
        until(&mut at_bob, "bob to be synced", synced).await?;
        until(&mut at_alice, "alice to be synced", synced).await?;
        Ok(Pair { alice, bob, at_alice, at_bob })
    }
}

impl Pair {
    pub(crate) async fn close(self) {
        self.alice.close().await;
        self.bob.close().await;
    }
}

/// The settings of a node that is reachable over loopback only and does not rest by itself.
pub(crate) fn settings(folder: &Path, service: &str) -> Settings {
    let mut settings = Settings::in_folder(folder);
    settings.services = vec![service.to_owned()];
    settings.bind = vec![[127, 0, 0, 1].into()];
    settings.loopback = true;
    settings.idle_timeout = Duration::from_hours(1);
    settings
}

/// Waits for an event.
pub(crate) async fn until(
    events: &mut EventStream,
    what: &str,
    is_it: impl Fn(&EventKind) -> bool,
) -> Outcome<EventKind> {
    let search = async {
        while let Some(event) = events.next().await {
            if is_it(&event.kind) {
                return Ok(event.kind);
            }
        }
        Err("the node closed".into())
    };
    tokio::time::timeout(PATIENCE, search).await.map_err(|_| format!("waited in vain for {what}"))?
}

/// Waits until a record is told to have changed.
pub(crate) async fn until_changed(events: &mut EventStream, id: &str) -> Outcome {
    let is_it = |event: &EventKind| matches!(event, EventKind::Changed { records, .. } if records.iter().any(|(_, changed)| changed == id));
    until(events, "a record to arrive", is_it).await.map(|_| ())
}
