//! A node with its disk, which can crash and start again.

use std::path::{Path, PathBuf};

use connectoid_engine::{
    Error, MasterSecret, Pace, Vault,
    api::{Command, Event, Reply},
    engine::{Engine, EngineConfig, Helpers, Input, Output, RequestId},
    store::Store,
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

/// A node.
pub struct Host {
    folder: PathBuf,
    seed: u64,
    starts: u64,
    calls: u64,
    /// How far what this host goes by is ahead of the world's clock, in µs.
    skew: i64,
    /// How far its clock is ahead, which a node does not go by until it starts again, if it was put back.
    set: i64,
    /// The engine, while the host is up.
    engine: Option<Engine>,
    /// What has happened, for the story to look at.
    pub events: Vec<Event>,
    replies: Vec<(RequestId, Result<Reply, Error>)>,
    /// Whether the app takes messages of peers.
    pub takes_messages: bool,
}

impl Host {
    /// A host that is down, with its disk in a folder.
    pub fn new(folder: &Path, seed: u64, skew: i64) -> Self {
        let folder = folder.to_owned();
        Self {
            folder,
            seed,
            starts: 0,
            calls: 0,
            skew,
            set: skew,
            engine: None,
            events: Vec::new(),
            replies: Vec::new(),
            takes_messages: true,
        }
    }

    /// Whether the host is up.
    pub fn is_up(&self) -> bool {
        self.engine.is_some()
    }

    /// Starts the node from its disk.
    ///
    /// # Panics
    /// If the store cannot be opened: a crash must never leave it so.
    #[allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]
    pub fn start(&mut self, now: u64) {
        self.starts += 1;
        self.skew = self.set;
        let store = Store::open(&self.folder.join("node.db")).expect("the store opens after a crash");
        let rng = ChaCha20Rng::seed_from_u64(self.seed.wrapping_mul(1000) + self.starts);
        let vault = Vault::new(&MasterSecret::from_bytes([7; 32]));
        let config = EngineConfig {
            services: vec!["http://mailbox.sim".to_owned()],
            service_ext: None,
            link_base: "sim://open".to_owned(),
            poll_interval: 60_000_000,
            pace: Pace::Background,
            idle_timeout: 20_000_000,
            group_quota: 1 << 30,
            helpers: Helpers::default(),
        };
        let engine =
            Engine::new(store, vault, config, rng, self.clock(now)).expect("the node starts after a crash");
        self.engine = Some(engine);
    }

    /// Stops the node as a power cut does: what was not committed is gone, and nothing is said.
    pub fn crash(&mut self) {
        self.engine = None;
    }

    /// Copies what is on the disk of a host that is down.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]
    pub fn back_up(&self, to: &Path) {
        copy(&self.folder, to);
    }

    /// Puts an older copy back on the disk of a host that is down.
    ///
    /// # Panics
    /// If it cannot be copied.
    #[allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]
    pub fn restore(&mut self, from: &Path) {
        for entry in std::fs::read_dir(&self.folder).expect("the disk can be read") {
            std::fs::remove_file(entry.expect("the disk can be read").path())
                .expect("the disk can be written");
        }
        copy(from, &self.folder);
    }

    /// Hands something to the node and returns what it wants done.
    pub fn step(&mut self, input: Input, now: u64) -> Vec<Output> {
        let clock = self.clock(now);
        let Some(engine) = self.engine.as_mut() else { return Vec::new() };
        engine.step([input], clock);
        let mut asked = Vec::new();
        while let Some(output) = engine.poll_output() {
            match output {
                Output::Reply(request, result) => self.replies.push((request, result)),
                Output::Event(event) => self.events.push(event),
                Output::Message(link, message, event) => {
                    self.events.push(event);
                    if self.takes_messages {
                        // Outputs of this come behind those that are there.
                        engine.step([Input::Handed(link, message, true)], clock);
                    }
                }
                output => asked.push(output),
            }
        }
        asked
    }

    /// Hands a command to the node; its reply is in the second part.
    pub fn call(&mut self, command: Command, now: u64) -> (Vec<Output>, Option<Result<Reply, Error>>) {
        self.calls += 1;
        let request = RequestId(self.calls);
        let asked = self.step(Input::Command(request, command), now);
        let place = self.replies.iter().position(|(answered, _)| *answered == request);
        (asked, place.map(|place| self.replies.remove(place).1))
    }

    /// Takes the replies that came later than their commands.
    pub fn late_replies(&mut self) -> Vec<Result<Reply, Error>> {
        self.replies.drain(..).map(|(_, reply)| reply).collect()
    }

    /// When the node wants to be called, by the world's clock.
    pub fn next_call(&self) -> Option<u64> {
        let at = self.engine.as_ref()?.poll_timeout()?;
        Some(at.saturating_add_signed(-self.skew))
    }

    /// Sets the clock: so far ahead of the world's, in µs. A node follows it forward while it runs, and never back.
    pub fn set_clock(&mut self, skew: i64) {
        self.set = skew;
        self.skew = if self.is_up() { self.skew.max(skew) } else { skew };
    }

    /// This host's clock.
    pub fn clock(&self, now: u64) -> u64 {
        now.saturating_add_signed(self.skew)
    }
}

#[allow(clippy::expect_used, reason = "a simulation that cannot go on has failed")]
fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).expect("the disk can be read") {
        let path = entry.expect("the disk can be read").path();
        let name = path.file_name().expect("a file has a name");
        std::fs::copy(&path, to.join(name)).expect("the disk can be written");
    }
}
