//! A running service: everything put together.

use std::{
    io,
    net::SocketAddr,
    path::Path,
    sync::{Arc, Weak},
    time::Duration,
};

use connectoid_protocol::work::MAX_WORK_BITS;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::{
    config::{Config, Storage},
    data::{self, DataError, DataLock},
    http::{App, Certificate, Server, TlsError},
    mailbox::{Entrance, Mailbox},
    rules::{
        headcount::Headcount,
        origin::{NotAnOrigin, Origins},
        question::Secret,
    },
    stop::{Stop, Stopping},
    store::{Capacity, MemoryStore, OpenError, SqliteStore, Store},
};

/// How often expired messages and boxes are removed, numbers logged, and the certificate's files looked at.
const UPKEEP_INTERVAL: Duration = Duration::from_mins(1);

/// The service cannot start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen: {0}")]
    Listen(#[source] io::Error),
    /// The data directory cannot be used.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The database cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The certificate cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// No client would do so much work.
    #[error("proof of work: at most {MAX_WORK_BITS} bits")]
    WorkBits,
    /// A public URL is none.
    #[error("public URL: {0}")]
    PublicUrl(#[from] NotAnOrigin),
}

/// Starts services.
#[derive(Debug)]
pub struct Service;

/// A service that runs until it is shut down or dropped.
pub struct RunningService {
    address: SocketAddr,
    scheme: &'static str,
    stop: Stop,
    mailbox: Weak<Mailbox>,
    certificate: Option<Arc<Certificate>>,
    task: JoinHandle<()>,
}

impl Service {
    /// Starts a service inside the current Tokio runtime. When this returns, it accepts connections.
    ///
    /// # Errors
    /// [`StartError`].
    pub async fn start(config: Config) -> Result<RunningService, StartError> {
        if config.pow_bits > MAX_WORK_BITS {
            return Err(StartError::WorkBits);
        }
        let origins = Origins::new(config.public_urls.iter().map(String::as_str))?;
        if origins.is_empty() && !config.listen.ip().is_loopback() {
            tracing::warn!("no public URL is set: a malicious service could pass questions on");
        }
        let certificate = config.tls.clone().map(Certificate::load).transpose()?;
        let tls = certificate.as_ref().map(Certificate::acceptor).transpose()?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let listener = TcpListener::bind(config.listen).await.map_err(StartError::Listen)?;
        let address = listener.local_addr().map_err(StartError::Listen)?;
        let (store, secret, lock) = open(&config.storage, config.limits.capacity)?;
        let (stop, stopping) = Stop::new();
        let mailbox = Arc::new(Mailbox::new(
            store,
            secret,
            origins,
            Entrance::new(&config),
            &config.limits,
            config.clock.clone(),
            stopping.clone(),
        ));
        let router = App::new(mailbox.clone(), &config, stopping.clone()).into_router();
        let server = Server::new(listener, tls, router, connection_count(&config), stopping.clone());
        let weak = Arc::downgrade(&mailbox);
        let task = tokio::spawn(run(server, mailbox, certificate.clone(), lock, stopping));
        tracing::info!(version = env!("CARGO_PKG_VERSION"), "started");
        Ok(RunningService { address, scheme, stop, mailbox: weak, certificate, task })
    }
}

impl RunningService {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of the address where it listens. With TLS, clients need a name that the certificate bears.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// How many checks wait for something to arrive.
    pub fn waiting(&self) -> usize {
        self.mailbox.upgrade().map_or(0, |mailbox| mailbox.waiting())
    }

    /// Reads the certificate's files anew, without waiting until it is noticed that they have changed. One
    /// that is of no use is logged, and the old one stays.
    pub async fn renew_certificate(&self) {
        if let Some(certificate) = self.certificate.clone() {
            log_renewal(off_thread(move || Some(certificate.renew())).await);
        }
    }

    /// Stops taking requests, lets those that are open end, and closes the store.
    pub async fn shutdown(self) {
        self.stop.stop();
        if self.task.await.is_err() {
            tracing::error!("the service has panicked");
        }
    }
}

/// Behind a proxy all connections come from there.
fn connection_count(config: &Config) -> Arc<Headcount> {
    let limits = &config.limits;
    let per_client = if config.trust_proxy { limits.connections } else { limits.connections_per_client };
    Headcount::new(limits.connections, per_client)
}

type Opened = (Arc<dyn Store>, Secret, Option<DataLock>);

fn open(storage: &Storage, capacity: Capacity) -> Result<Opened, StartError> {
    match storage {
        Storage::Memory => Ok((Arc::new(MemoryStore::new(capacity)), data::fresh_secret()?, None)),
        Storage::Directory(directory) => open_directory(directory, capacity),
    }
}

fn open_directory(directory: &Path, capacity: Capacity) -> Result<Opened, StartError> {
    let lock = DataLock::take(directory)?;
    let secret = data::secret(directory)?;
    let store = SqliteStore::open(directory, capacity)?;
    Ok((Arc::new(store), secret, Some(lock)))
}

/// Serves, then closes the store, then gives the directory up.
async fn run(
    server: Server,
    mailbox: Arc<Mailbox>,
    certificate: Option<Arc<Certificate>>,
    lock: Option<DataLock>,
    stopping: Stopping,
) {
    let upkeep = tokio::spawn(upkeep(mailbox.clone(), certificate, stopping));
    server.run().await;
    if upkeep.await.is_err() {
        tracing::error!("the upkeep has panicked");
    }
    let closed = tokio::task::spawn_blocking(move || drop((mailbox, lock)));
    if closed.await.is_err() {
        tracing::error!("the store has panicked");
    }
    tracing::info!("stopped");
}

async fn upkeep(mailbox: Arc<Mailbox>, certificate: Option<Arc<Certificate>>, mut stopping: Stopping) {
    let mut ticks = tokio::time::interval(UPKEEP_INTERVAL);
    loop {
        tokio::select! {
            () = stopping.stopped() => return,
            _ = ticks.tick() => {}
        }
        if mailbox.sweep().await.is_err() {
            tracing::warn!("what has expired was not removed");
        }
        report(&mailbox).await;
        if let Some(certificate) = certificate.clone() {
            log_renewal(off_thread(move || certificate.renew_if_changed()).await);
        }
    }
}

/// Reads files where nothing else waits.
async fn off_thread(read: impl FnOnce() -> Renewal + Send + 'static) -> Renewal {
    tokio::task::spawn_blocking(read).await.unwrap_or_else(|_| {
        tracing::error!("reading the certificate has panicked");
        None
    })
}

/// How a certificate was renewed, if it was tried.
type Renewal = Option<Result<(), TlsError>>;

fn log_renewal(renewal: Renewal) {
    match renewal {
        Some(Ok(())) => tracing::info!("the certificate was renewed"),
        Some(Err(error)) => tracing::error!(%error, "the new certificate is of no use; the old one stays"),
        None => {}
    }
}

async fn report(mailbox: &Mailbox) {
    let counts = mailbox.counts();
    if counts == crate::mailbox::Counts::default() {
        return;
    }
    if let Ok(totals) = mailbox.totals().await {
        tracing::info!(
            sent = counts.sent,
            checked = counts.checked,
            found = counts.found,
            received = counts.received,
            dropped = counts.dropped,
            too_often = counts.too_often,
            refused = counts.refused,
            boxes = totals.boxes,
            stored = totals.length,
            "in the last minute"
        );
    }
}
