//! The facade: one async method for everything that a node can do.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use connectoid_protocol::{handshake::Identity, link::Placement, membership::Role, poll::Pace};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use rand_core::Rng;
use tokio::sync::{broadcast, oneshot};

use crate::{
    Error, ErrorKind, MasterSecret, OsRandom, Result, Vault,
    api::{
        Command, Credentials, Diagnosis, Finding, GroupInfo, HistoryEntry, PeerInfo, Record, Reply,
        SharedLink, Write,
    },
    changes::Changes,
    collection::GroupHandle,
    driver::{self, EngineHandle, Hands},
    engine::{Engine, EngineConfig},
    events::{EVENT_QUEUE, EventHandler, EventStream, Subscription, Told},
    files,
    folder::{self, FolderLock, Found},
    observe::Observer,
    opening::{engine_config, lock_folder, master_secret},
    reads,
    rtc::RtcConfig,
    settings::{Settings, Storage},
    store::{Limit, Reader, Store},
    threads::Threads,
};

/// A node: this user on this device, with everybody it shares with.
///
/// Clones are handles to the same node. It is closed by [`Node::close`], or when the last handle is
/// dropped.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    engine: EngineHandle,
    /// Given back when the node is closed.
    reader: Mutex<Option<Reader>>,
    /// The engine's thread has the only strong one: its end ends all streams of events.
    listeners: broadcast::WeakSender<Arc<Told>>,
    identity: Identity,
    threads: Arc<Threads>,
    /// Where the data is, unless it is in memory.
    folder: Option<PathBuf>,
}

/// What to share, with whom, and how.
#[derive(Debug, Clone)]
pub struct Share {
    /// What this user calls the person; unique on this node.
    pub nickname: String,
    /// The name or id of the group to share; made if no group has the name.
    pub group: String,
    /// What the person may do there.
    pub role: Role,
    /// How long the link works; 24 hours if not given, at most 30 days.
    pub expires_in: Option<Duration>,
    /// Other services than the node's, for this link.
    pub services: Vec<String>,
    /// Another link base than the node's, for this link.
    pub link_base: Option<String>,
    /// Where in the URL the address stands.
    pub placement: Placement,
}

impl Share {
    /// Shares a group with a person, who may write to it.
    pub fn new(nickname: impl Into<String>, group: impl Into<String>) -> Self {
        Self {
            nickname: nickname.into(),
            group: group.into(),
            role: Role::Writer,
            expires_in: None,
            services: Vec::new(),
            link_base: None,
            placement: Placement::Fragment,
        }
    }

    /// The person may read only.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.role = Role::Reader;
        self
    }
}

impl Node {
    /// Opens the node of a data folder, or makes one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::StorageUnavailable`] if the folder cannot be used or another node uses it,
    /// [`crate::ErrorKind::StorageCorrupt`], [`crate::ErrorKind::WrongKey`] for a wrong passphrase or a missing key,
    /// [`crate::ErrorKind::Timeout`] if the key store did not answer, and [`crate::ErrorKind::Usage`] for settings that
    /// cannot be.
    pub async fn open(settings: Settings) -> Result<Self> {
        let config = engine_config(&settings)?;
        let lock = lock_folder(&settings.storage)?;
        Self::open_locked(settings, config, lock).await
    }

    /// As [`Node::open`], for a folder that the caller has taken already.
    ///
    /// # Errors
    /// As there.
    #[doc(hidden)]
    pub async fn open_in(mut settings: Settings, lock: FolderLock) -> Result<Self> {
        settings.storage = Storage::Folder(lock.folder().to_owned());
        let config = engine_config(&settings)?;
        Self::open_locked(settings, config, Some(lock)).await
    }

    async fn open_locked(
        mut settings: Settings,
        config: EngineConfig,
        lock: Option<FolderLock>,
    ) -> Result<Self> {
        let roots = driver::Roots::new(settings.service_roots.as_deref())?;
        let secret = master_secret(&mut settings, lock.as_ref()).await?;
        let threads = Threads::start()?;
        let (opened, opening) = oneshot::channel();
        threads.handle().clone().spawn(async move {
            // Is carried out even if nobody waits any more: half open is no state to be in. The node is dropped then.
            let _ = opened.send(Self::start(settings, config, roots, lock, secret, threads).await);
        });
        opening.await.map_err(|_| Error::internal("the node could not be started"))?
    }

    async fn start(
        settings: Settings,
        config: EngineConfig,
        roots: driver::Roots,
        lock: Option<FolderLock>,
        secret: MasterSecret,
        threads: Arc<Threads>,
    ) -> Result<Self> {
        let listeners = broadcast::Sender::new(EVENT_QUEUE);
        let handle = threads.handle().clone();
        let folder = lock.as_ref().map(|lock| lock.folder().to_owned());
        let engine = move |lock: Option<&FolderLock>, now| {
            let store = open_store(lock)?;
            let mut seed = [0; 32];
            OsRandom.fill_bytes(&mut seed);
            let engine = Engine::new(store, Vault::new(&secret), config, ChaCha20Rng::from_seed(seed), now)?;
            lock.map_or(Ok(()), FolderLock::founded)?;
            Ok(engine)
        };
        let rtc =
            RtcConfig { ice_servers: settings.ice_servers, bind: settings.bind, loopback: settings.loopback };
        let (hands_handle, weak) = (handle.clone(), listeners.downgrade());
        let native = driver::Native::new(roots)?;
        let hands = move |reports| Hands::new(hands_handle, rtc, native, listeners, reports);
        let (engine, reader, identity) = driver::start(handle, lock, engine, hands).await?;
        let reader = Mutex::new(Some(reader));
        let inner = Inner { engine, reader, listeners: weak, identity, threads, folder };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// This user's id, by which peers know it.
    pub fn user_id(&self) -> String {
        self.inner.identity.user.to_string()
    }

    /// Makes a link for a person. The group is made if there is none of that name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for a nickname that is taken, [`crate::ErrorKind::NotPermitted`] if the group is
    /// another user's.
    pub async fn share(&self, share: Share) -> Result<SharedLink> {
        let command = Command::Share {
            nickname: share.nickname,
            group: share.group,
            role: share.role,
            expires_in: share.expires_in.map(|duration| duration.as_secs()),
            services: share.services,
            link_base: share.link_base,
            placement: share.placement,
        };
        match self.dispatch(command).await? {
            Reply::Link(link) => Ok(link),
            _ => Err(unexpected()),
        }
    }

    /// Opens a link that a person sent; `text` may have other words around it. Returns when the node has
    /// taken note of it; [`crate::EventKind::Paired`] or [`crate::EventKind::OpenRefused`] says how it went. Opening
    /// the same link again tries again, as long as the two have not met.
    ///
    /// # Errors
    /// [`crate::ErrorKind::LinkMalformed`]; [`crate::ErrorKind::AlreadyShared`] if the two have met by this link;
    /// [`crate::ErrorKind::LinkOwn`] if this node made it; [`crate::ErrorKind::LinkRevoked`] if it was opened here
    /// before, and the share has ended; [`crate::ErrorKind::Usage`] for a nickname that is taken.
    pub async fn open_link(&self, text: &str, nickname: &str) -> Result<()> {
        self.open_credentials(text, nickname, false).await
    }

    /// As [`Node::open_link`], for a link that was scanned as a QR code from the person's own device, in that
    /// person's presence: no messenger could swap it, so the peer counts as [`Verified::InPersonQr`](crate::api::Verified).
    ///
    /// # Errors
    /// As [`Node::open_link`].
    pub async fn open_link_in_person(&self, text: &str, nickname: &str) -> Result<()> {
        self.open_credentials(text, nickname, true).await
    }

    async fn open_credentials(&self, text: &str, nickname: &str, in_person: bool) -> Result<()> {
        let credentials = Credentials { link: text.to_owned(), nickname: nickname.to_owned(), in_person };
        self.done(Command::Open(credentials)).await
    }

    /// Everybody this node shares with, and how well each group is replicated to them.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn peers(&self) -> Result<Vec<PeerInfo>> {
        match self.dispatch(Command::Peers).await? {
            Reply::Peers { peers } => Ok(peers),
            _ => Err(unexpected()),
        }
    }

    /// Stops sharing with a person: both sides delete the keys, the link is dead, and the person is
    /// removed from the groups that this user owns. What the person has already, it keeps.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname.
    pub async fn unshare(&self, nickname: &str) -> Result<()> {
        self.done(Command::Unshare { nickname: nickname.to_owned() }).await
    }

    /// Connects to a person now. Not needed for sync, which connects by itself.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname or one that has not opened its link yet.
    pub async fn connect(&self, nickname: &str) -> Result<()> {
        self.done(Command::Connect { nickname: nickname.to_owned() }).await
    }

    /// Closes the connection to a person. New data opens it again.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname.
    pub async fn disconnect(&self, nickname: &str) -> Result<()> {
        self.done(Command::Disconnect { nickname: nickname.to_owned() }).await
    }

    /// Starts comparing emoji with a person: [`crate::EventKind::Emojis`] brings them, on both sides.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname.
    pub async fn verify(&self, nickname: &str) -> Result<()> {
        self.done(Command::Verify { nickname: nickname.to_owned() }).await
    }

    /// Says whether the emoji on both sides were the same.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] if there are none to confirm.
    pub async fn confirm_verify(&self, nickname: &str, same: bool) -> Result<()> {
        self.done(Command::ConfirmVerify { nickname: nickname.to_owned(), same }).await
    }

    /// Makes a group that nobody else is in yet; returns its id.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for a name that is taken.
    pub async fn create_group(&self, name: &str) -> Result<String> {
        match self.dispatch(Command::CreateGroup { name: name.to_owned() }).await? {
            Reply::Group { id } => Ok(id),
            _ => Err(unexpected()),
        }
    }

    /// Makes a peer a member of a group, or gives it another role there. A link brings the peer into its first
    /// group; this is for the others: the peer's user is invited, and takes part once that is accepted
    /// ([`Node::accept_invitation`] there, [`EventKind::Acceptance`](crate::EventKind::Acceptance) here).
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname or group, or a peer that has not been met yet;
    /// [`crate::ErrorKind::NotPermitted`] if this user does not own the group.
    pub async fn add_member(&self, nickname: &str, group: &str, role: Role) -> Result<()> {
        let (nickname, group) = (nickname.to_owned(), group.to_owned());
        self.done(Command::AddMember { nickname, group, role }).await
    }

    /// Ends a peer's membership of a group. What the peer has of it, it keeps.
    ///
    /// # Errors
    /// As for [`Node::add_member`].
    pub async fn remove_member(&self, nickname: &str, group: &str) -> Result<()> {
        let (nickname, group) = (nickname.to_owned(), group.to_owned());
        self.done(Command::RemoveMember { nickname, group }).await
    }

    /// Takes part in a group that a peer has made this user a member of
    /// ([`EventKind::Invited`](crate::EventKind::Invited)), or that was left. What is in it comes when its members are
    /// reached. `group` is its id; or its name, with the owner's `nickname/` before it if several have that name.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group, or a name that several invitations have;
    /// [`crate::ErrorKind::NotPermitted`] if this user is no member any more.
    pub async fn accept_invitation(&self, group: &str) -> Result<()> {
        self.done(Command::AcceptInvitation { group: group.to_owned() }).await
    }

    /// Takes no part in a group any more, or declines an invitation. What is here of it stays and can be read; nothing of
    /// it is received or given any more. Its members are told, and it can be accepted again.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group; [`crate::ErrorKind::NotPermitted`] for its owner.
    pub async fn leave_group(&self, group: &str) -> Result<()> {
        self.done(Command::LeaveGroup { group: group.to_owned() }).await
    }

    /// Leaves a group and deletes what is here of it. Only a new link brings it back.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group; [`crate::ErrorKind::NotPermitted`] for its owner while it has
    /// other members.
    pub async fn forget_group(&self, group: &str) -> Result<()> {
        self.done(Command::ForgetGroup { group: group.to_owned() }).await
    }

    /// The groups this user is in, was in, or is invited to.
    ///
    /// # Errors
    /// Storage errors.
    pub async fn groups(&self) -> Result<Vec<GroupInfo>> {
        match self.dispatch(Command::Groups).await? {
            Reply::Groups { groups } => Ok(groups),
            _ => Err(unexpected()),
        }
    }

    /// Sets fields of a record; fields that are not named stay: [`Node::replace`] makes the record exactly what is
    /// given, [`Node::remove_fields`] takes fields away. Durable when this returns.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] if `fields` is no JSON object or cannot be stored (an app that reads them from a text
    /// does so by [`parse_fields`](crate::api::parse_fields), which refuses numbers that would be rounded),
    /// [`crate::ErrorKind::NotPermitted`] if this user may only read.
    pub async fn put(
        &self,
        group: &str,
        collection: &str,
        id: &str,
        fields: serde_json::Value,
    ) -> Result<()> {
        let (collection, id, fields) = (collection.to_owned(), id.to_owned(), object(fields)?);
        self.commit(group, vec![Write::Put { collection, id, fields }]).await
    }

    /// Makes a record exactly this: fields that it shows here and that are not named go. Only what differs is written,
    /// so an edit of another field that a peer made meanwhile survives; if nothing differs, nothing is written. Durable
    /// when this returns.
    ///
    /// # Errors
    /// As for [`Node::put`].
    pub async fn replace(
        &self,
        group: &str,
        collection: &str,
        id: &str,
        fields: serde_json::Value,
    ) -> Result<()> {
        let (collection, id, fields) = (collection.to_owned(), id.to_owned(), object(fields)?);
        self.commit(group, vec![Write::Replace { collection, id, fields }]).await
    }

    /// Removes fields of a record, whether it has them or not; a record without fields does not exist. Durable when
    /// this returns.
    ///
    /// # Errors
    /// As for [`Node::put`]; [`crate::ErrorKind::Usage`] if no field is named.
    pub async fn remove_fields(
        &self,
        group: &str,
        collection: &str,
        id: &str,
        fields: &[&str],
    ) -> Result<()> {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        let (collection, id) = (collection.to_owned(), id.to_owned());
        self.commit(group, vec![Write::RemoveFields { collection, id, fields }]).await
    }

    /// Deletes a record. Durable when this returns.
    ///
    /// # Errors
    /// As for [`Node::put`].
    pub async fn delete(&self, group: &str, collection: &str, id: &str) -> Result<()> {
        self.commit(group, vec![Write::Delete { collection: collection.to_owned(), id: id.to_owned() }]).await
    }

    /// Writes several records: all of them or none, here and at every peer. At most 1,000 writes and
    /// 256 KiB.
    ///
    /// # Errors
    /// As for [`Node::put`].
    pub async fn commit(&self, group: &str, writes: Vec<Write>) -> Result<()> {
        self.done(Command::Commit { group: group.to_owned(), writes }).await
    }

    /// Reads a record. Does not wait: it is a future so that every platform can treat it like the rest.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group.
    #[allow(clippy::unused_async, reason = "see the documentation")]
    pub async fn record(&self, group: &str, collection: &str, id: &str) -> Result<Option<Record>> {
        self.read(|reader| reads::record(reader, group, collection, id))
    }

    /// Reads records of a collection in the order of their ids, at most 10,000, those behind `after`. Does
    /// not wait, as [`Node::record`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group.
    #[allow(clippy::unused_async, reason = "see the documentation")]
    pub async fn list(
        &self,
        group: &str,
        collection: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<Record>> {
        self.read(|reader| reads::list(reader, group, collection, after, limit))
    }

    /// Reads all versions of a record that are still kept, the losing ones too, and why they lost.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown group.
    pub async fn history(&self, group: &str, collection: &str, id: &str) -> Result<Vec<HistoryEntry>> {
        let (group, collection, id) = (group.to_owned(), collection.to_owned(), id.to_owned());
        match self.dispatch(Command::History { group, collection, id }).await? {
            Reply::History { versions } => Ok(versions),
            _ => Err(unexpected()),
        }
    }

    /// Sends a message to a person's app, of at most 256 KiB. Returns when that app has it; dropping the
    /// future takes the message back if it was not sent yet. Messages are not kept over a restart: what
    /// must not be lost belongs into a record.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Unanswered`] if the app there did not take it, as nobody was listening for events or too
    /// slowly, or if 64 messages wait for the peer already: send it again later;
    /// [`crate::ErrorKind::PeerSilent`] if the connection broke before the message was confirmed: it may or may not
    /// have arrived.
    pub async fn send(&self, nickname: &str, data: Vec<u8>) -> Result<()> {
        self.done(Command::Send { nickname: nickname.to_owned(), data }).await
    }

    /// Finds out why connections do not come about.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Usage`] for an unknown nickname.
    pub async fn diagnose(&self, nickname: Option<&str>) -> Result<Diagnosis> {
        match self.dispatch(Command::Doctor { nickname: nickname.map(str::to_owned) }).await? {
            Reply::Diagnosis(diagnosis) => Ok(diagnosis),
            _ => Err(unexpected()),
        }
    }

    /// The app came to the foreground or went to the background.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`].
    pub async fn set_pace(&self, pace: Pace) -> Result<()> {
        self.done(Command::SetPace { pace }).await
    }

    /// The network has changed: open connections move to the new one.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`].
    pub async fn network_changed(&self) -> Result<()> {
        self.done(Command::NetworkChanged).await
    }

    /// Looks into the mailboxes now, and connects to everybody who lacks something.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Closed`].
    pub async fn sync_now(&self) -> Result<()> {
        self.done(Command::SyncNow).await
    }

    /// The one dispatch: every method above is a [`Command`] and comes through here.
    ///
    /// # Errors
    /// Those of the command.
    pub async fn dispatch(&self, command: Command) -> Result<Reply> {
        match command {
            Command::Get { group, collection, id } => {
                Ok(Reply::Record { record: self.record(&group, &collection, &id).await? })
            }
            Command::List { group, collection, after, limit } => {
                Ok(Reply::Records { records: self.list(&group, &collection, after.as_deref(), limit).await? })
            }
            command => {
                let mut reply = self.inner.engine.call(command).await?;
                if let Reply::Diagnosis(diagnosis) = &mut reply {
                    diagnosis.findings.extend(self.folder_finding());
                }
                Ok(reply)
            }
        }
    }

    /// Whether others of this machine can look into the data folder, which only its owner can mend.
    fn folder_finding(&self) -> Option<Finding> {
        let folder = self.inner.folder.as_deref().filter(|folder| files::is_open_to_others(folder))?;
        let message = format!(
            "other users of this machine can look into {}; take their permissions away (mode 0700)",
            folder.display()
        );
        Some(Finding { about: "storage".to_owned(), kind: ErrorKind::StorageUnavailable, message })
    }

    /// What happens from now on, in order. A message of a peer's app is confirmed to the peer when the first stream or
    /// subscription has given it out; while there is none, messages are lost, and their senders told so.
    pub fn events(&self) -> EventStream {
        EventStream::new(self.listen())
    }

    /// The same without messages.
    pub(crate) fn changes_of_state(&self) -> EventStream {
        EventStream::without_messages(self.listen())
    }

    fn listen(&self) -> broadcast::Receiver<Arc<Told>> {
        let listeners = self.inner.listeners.upgrade();
        // Of a closed node there is a stream that has ended.
        listeners.map_or_else(|| broadcast::channel(1).1, |listeners| listeners.subscribe())
    }

    /// Calls a handler for what happens from now on, in order, until the subscription is dropped. One that panics is
    /// logged, and called for the next event.
    pub fn subscribe(&self, handler: Arc<dyn EventHandler>) -> Subscription {
        let mut events = self.events();
        self.spawn(async move {
            while let Some(event) = events.next().await {
                if catch_unwind(AssertUnwindSafe(|| handler.on_event(event))).is_err() {
                    tracing::error!("a handler of events panicked; it is told the next one all the same");
                }
            }
        })
    }

    /// Runs a task on the node's threads until it ends or the subscription is dropped, even when the node is closed
    /// before: for bindings, which hand over events and observations in ways of their own, and the end of them too. It
    /// must not block.
    #[doc(hidden)]
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> Subscription {
        Subscription(self.inner.threads.spawn(task))
    }

    /// The records of a collection in the order of their ids, now and again whenever they have changed, until the
    /// observer is dropped: what a list on the screen shows.
    pub fn observe(&self, group: &str, collection: &str) -> Observer {
        Observer::new(self.changes(group, collection))
    }

    /// Follows a collection record by record: first all that there are, then what changes, as it is by then, until
    /// this is dropped. For collections that are too large to hold; [`Node::observe`] is simpler.
    pub fn changes(&self, group: &str, collection: &str) -> Changes {
        Changes::new(self.clone(), group, collection)
    }

    /// A handle for a group, by its name or id, which need not exist yet:
    /// `node.group("shopping").collection("items")`.
    pub fn group(&self, name: &str) -> GroupHandle {
        GroupHandle::new(self.clone(), name)
    }

    /// Closes the node: connections are closed, the data folder is free for another node. Every later call
    /// fails with [`crate::ErrorKind::Closed`]. Closing again waits for the same end; whoever gives it up does not
    /// stop it.
    pub async fn close(&self) {
        self.inner.give_reader_back();
        self.inner.engine.close().await;
    }

    /// As [`Node::list`], but not more than is good to hold at once.
    pub(crate) fn page(
        &self,
        group: &str,
        collection: &str,
        after: Option<&str>,
        limit: Limit,
    ) -> Result<Vec<Record>> {
        self.read(|reader| reads::page(reader, group, collection, after, limit))
    }

    /// The id of a group, if there is one of this name or id.
    pub(crate) fn find_group(&self, name_or_id: &str) -> Result<Option<String>> {
        self.read(|reader| Ok(reads::find_group(reader, name_or_id)?.map(|id| id.to_string())))
    }

    async fn done(&self, command: Command) -> Result<()> {
        self.dispatch(command).await.map(|_| ())
    }

    fn read<T>(&self, read: impl FnOnce(&Reader) -> Result<T>) -> Result<T> {
        let reader = self.inner.reader.lock().unwrap_or_else(PoisonError::into_inner);
        read(reader.as_ref().ok_or_else(Error::closed)?)
    }
}

/// A store that has a user, unless this is the first start.
fn open_store(lock: Option<&FolderLock>) -> Result<Store> {
    let Some(lock) = lock else { return Ok(Store::in_memory()?) };
    let is_new = lock.look()? == Found::Unfinished;
    let store = Store::open(&lock.database())?;
    if is_new || Engine::is_founded(&store)? { Ok(store) } else { Err(folder::lost()) }
}

impl std::fmt::Debug for Node {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Node").finish_non_exhaustive()
    }
}

impl Inner {
    /// Before the engine ends: only the last connection to the store tidies its file up, and only one that may write
    /// can.
    fn give_reader_back(&self) {
        drop(self.reader.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.give_reader_back();
        // Closing waits for the engine, which the thread that drops a node must not: it may be one that serves other
        // tasks. The task keeps its threads.
        let engine = self.engine.clone();
        self.threads.spawn(async move { engine.close().await });
    }
}

fn object(fields: serde_json::Value) -> Result<serde_json::Map<String, serde_json::Value>> {
    match fields {
        serde_json::Value::Object(fields) => Ok(fields),
        _ => Err(Error::usage("a record's fields are a JSON object")),
    }
}

fn unexpected() -> Error {
    Error::internal("the reply is not of the kind that the command calls for")
}
