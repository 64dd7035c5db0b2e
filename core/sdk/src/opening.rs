//! What a node needs before it can run: its folder for itself, its master secret, its settings in the engine's units.

use std::{
    fs::{self, File, TryLockError},
    path::Path,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::{
    engine::EngineConfig,
    entropy::OsRandom,
    error::{Error, ErrorKind, Result},
    keystore::{FileKeyStore, KEY_STORE_TIMEOUT, KeyStore, KeyStoreFuture, NoKeyStore},
    settings::{Settings, Storage},
    vault::{MasterSecret, VaultError},
};

/// The quickest pace in the background: below it a node would keep its service, and its battery, busy.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What longer times count as, in µs: one that can still be added to what a clock says.
const FOREVER: u64 = u64::MAX / 4;

/// Keeps other nodes out of a data folder, until it is dropped.
pub(crate) struct FolderLock(File);

impl Drop for FolderLock {
    fn drop(&mut self) {
        // A process that is being started elsewhere in this one may hold the file as well, for a moment: it is not
        // enough to close it. What fails here, the end of the process mends.
        let _ = self.0.unlock();
    }
}

pub(crate) fn lock_folder(storage: &Storage) -> Result<Option<FolderLock>> {
    let Storage::Folder(folder) = storage else { return Ok(None) };
    let unusable =
        |_| Error::new(ErrorKind::StorageUnavailable, "the data folder cannot be made or written to");
    make_folder(folder).map_err(unusable)?;
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))
        .map_err(unusable)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock(file))),
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::StorageUnavailable, "another node uses this data folder"))
        }
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Asks the key store for the master secret; a new folder gets a new one.
pub(crate) async fn master_secret(settings: &mut Settings) -> Result<MasterSecret> {
    // It stays nowhere else.
    let passphrase = settings.passphrase.take().map(Zeroizing::new);
    let store: Arc<dyn KeyStore> = match (&settings.key_store, &settings.storage) {
        (Some(store), _) => store.clone(),
        (None, Storage::Folder(folder)) => Arc::new(FileKeyStore::sealed(folder.join("key"), passphrase)),
        (None, Storage::Memory) => Arc::new(NoKeyStore),
    };
    if let Some(secret) = in_time(store.load()).await? {
        return Ok(secret);
    }
    if let Storage::Folder(folder) = &settings.storage
        && folder.join("connectoid.db").exists()
    {
        return Err(VaultError::Missing.into());
    }
    let secret = MasterSecret::generate(&mut OsRandom);
    in_time(store.save(&secret)).await?;
    Ok(secret)
}

/// Gives a key store its time, on whatever executor the app uses.
async fn in_time<T>(work: KeyStoreFuture<'_, T>) -> Result<T> {
    let (over, timer) = oneshot::channel::<()>();
    let watchdog = thread::Builder::new().name("connectoid-timer".to_owned());
    let (stop, stopped) = mpsc::channel::<()>();
    watchdog
        .spawn(move || {
            if stopped.recv_timeout(KEY_STORE_TIMEOUT) == Err(mpsc::RecvTimeoutError::Timeout) {
                // The key store may have answered at the last moment.
                let _ = over.send(());
            }
        })
        .map_err(|_| Error::internal("threads could not be started"))?;
    tokio::pin!(work);
    let result = select(work, timer).await;
    drop(stop);
    match result {
        Either::Left((result, _)) => Ok(result?),
        Either::Right(_) => {
            Err(Error::new(ErrorKind::Timeout, "the key store did not answer within two minutes"))
        }
    }
}

pub(crate) fn engine_config(settings: &Settings) -> Result<EngineConfig> {
    if settings.poll_interval < MIN_POLL_INTERVAL {
        return Err(Error::usage("poll_interval is shorter than a second"));
    }
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(FOREVER);
    Ok(EngineConfig {
        services: settings.services.clone(),
        service_ext: settings.service_ext.clone(),
        link_base: settings.link_base.clone(),
        poll_interval: micros(settings.poll_interval),
        pace: settings.pace,
        idle_timeout: micros(settings.idle_timeout),
    })
}
