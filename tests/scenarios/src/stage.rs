//! A stage: a mailbox service, and a folder for each person.

use connectoid_service::{Config, RunningService, Service, Storage};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    actor::{Actor, Failed, Step},
    cast::Cast,
};

/// Where one story is played.
pub struct Stage {
    cast: Cast,
    folder: TempDir,
    service: RunningService,
}

impl Stage {
    /// Sets one up.
    pub async fn new(cast: Cast) -> Step<Self> {
        let config = Config::new(([127, 0, 0, 1], 0).into(), Storage::Memory);
        let service = Service::start(config).await.map_err(|error| Failed::Otherwise(error.to_string()))?;
        Ok(Self { cast, folder: TempDir::new()?, service })
    }

    /// Alice comes on.
    pub fn alice(&self) -> Step<Actor> {
        Actor::enter("Alice", &self.cast.alice.command)
    }

    /// Bob comes on.
    pub fn bob(&self) -> Step<Actor> {
        Actor::enter("Bob", &self.cast.bob.command)
    }

    /// Somebody else comes on.
    pub fn other(&self, name: &str) -> Step<Actor> {
        Actor::enter(name, &self.cast.bob.command)
    }

    /// The settings of a person: data in a folder of its own, the service of this stage.
    pub fn settings(&self, person: &str) -> Value {
        json!({
            "storage": {"folder": self.folder.path().join(person)},
            "services": [self.service.url()],
            "loopback": true,
        })
    }

    /// Two people on the stage, with their nodes open.
    pub async fn both(&self) -> Step<(Actor, Actor)> {
        let (mut alice, mut bob) = (self.alice()?, self.bob()?);
        alice.open(self.settings("alice")).await?;
        bob.open(self.settings("bob")).await?;
        Ok((alice, bob))
    }

    /// Takes the service away.
    pub async fn end(self) {
        self.service.shutdown().await;
    }
}
