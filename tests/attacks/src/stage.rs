//! Who is there: a service, the victim, and a friend of the victim's.

use connectoid::{EventKind, Node, Settings, Share};
use connectoid_engine::{
    EventKind as Event, Role,
    api::{Command, Reply},
};
use connectoid_protocol::{link::Placement, user::GroupId};
use connectoid_service::{Config, RunningService, Service, Storage};
use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    Outcome, PATIENCE,
    hostile::Hostile,
    meter::{Friend, Meter},
    victim::Victim,
};

/// How many bytes a group may take at the victim.
pub(crate) const QUOTA: u64 = 16 << 20;

/// What the attacker calls the group, and so does its victim.
pub(crate) const GROUP: &str = "plan";

/// What the victim calls the attacker.
pub(crate) const ATTACKER: &str = "eve";

pub(crate) struct Stage {
    pub(crate) victim: Victim,
    pub(crate) friend: Node,
    service: RunningService,
    _folder: TempDir,
}

impl Stage {
    pub(crate) async fn new() -> Outcome<Self> {
        let folder = TempDir::new()?;
        let service = Service::start(Config::new(([127, 0, 0, 1], 0).into(), Storage::Memory)).await?;
        let victim = Victim::start(&folder.path().join("victim"), &service.url(), QUOTA).await?;
        let mut settings = Settings::in_memory();
        settings.services = vec![service.url()];
        settings.bind = vec![[127, 0, 0, 1].into()];
        settings.loopback = true;
        let friend = Node::open(settings).await?;
        let link = friend.share(Share::new("victim", "friends")).await?.link;
        let mut events = friend.events();
        victim.call(json!({"method": "open", "link": link, "nickname": "friend"})).await?;
        let met = async {
            while let Some(event) = events.next().await {
                if matches!(event.kind, EventKind::Synced { .. }) {
                    return Ok(());
                }
            }
            Err("the friend is gone")
        };
        timeout(PATIENCE, met).await.map_err(|_| "victim and friend do not meet")??;
        Ok(Self { victim, friend, service, _folder: folder })
    }

    /// Measures from now on what the attack costs the victim.
    pub(crate) async fn meter(&self, sent: u64) -> Outcome<Meter<'_>> {
        Meter::start(&self.victim.process, self.friend.clone(), sent).await
    }

    /// A peer that has shared a group with the victim, which takes part in it. Both have the same.
    pub(crate) async fn attacker(&self) -> Outcome<(Hostile, GroupId)> {
        let mut hostile = self.stranger()?;
        let group = self.share(&hostile).await?;
        hostile.event("the victim", |event| matches!(event, Event::Synced { .. })).await?;
        Ok((hostile, group))
    }

    /// A peer that has not met the victim yet.
    pub(crate) fn stranger(&self) -> Outcome<Hostile> {
        Hostile::start(&self.service.url())
    }

    /// Has the victim open a link of a peer's.
    pub(crate) async fn share(&self, hostile: &Hostile) -> Outcome<GroupId> {
        let share = Command::Share {
            nickname: "victim".to_owned(),
            group: GROUP.to_owned(),
            role: Role::Writer,
            expires_in: None,
            services: Vec::new(),
            link_base: None,
            placement: Placement::Fragment,
        };
        let Reply::Link(link) = hostile.call(share).await? else { return Err("no link".into()) };
        let open = json!({"method": "open", "link": link.link, "nickname": ATTACKER});
        self.victim.call(open).await?;
        Ok(GroupId::parse(&link.group)?)
    }
}

/// A message is served that the victim's app has taken.
impl Friend for Node {
    async fn is_served(&self) -> bool {
        self.send("victim", b"ping".to_vec()).await.is_ok()
    }
}
