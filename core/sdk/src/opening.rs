//! What a node needs before it can run: its folder for itself, its master secret, its settings in the engine's units.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use futures_util::future::{Either, select};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::{
    Error, ErrorKind, MasterSecret, OsRandom, Result,
    engine::{EngineConfig, Helpers, check_services},
    folder::{FolderLock, Found, KEY},
    keystore::{FileKeyStore, KEY_STORE_TIMEOUT, KeyStore, KeyStoreFuture, NoKeyStore},
    settings::{Settings, Storage},
};

/// The quickest pace in the background: below it a node would keep its service, and its battery, busy.
const MIN_POLL_INTERVAL: Duration = Duration::from_secs(1);

/// What longer times count as, in µs: one that can still be added to what a clock says.
const FOREVER: u64 = u64::MAX / 4;

/// Takes the folder of a node that has one.
pub(crate) fn lock_folder(storage: &Storage) -> Result<Option<FolderLock>> {
    let Storage::Folder(folder) = storage else { return Ok(None) };
    let in_use = || Error::new(ErrorKind::StorageUnavailable, "another node uses this data folder");
    FolderLock::take(folder)?.ok_or_else(in_use).map(Some)
}

/// Asks the key store for the master secret; a new folder gets a new one.
pub(crate) async fn master_secret(
    settings: &mut Settings,
    lock: Option<&FolderLock>,
) -> Result<MasterSecret> {
    // It stays nowhere else.
    let passphrase = settings.passphrase.take().map(Zeroizing::new);
    let store: Arc<dyn KeyStore> = match (&settings.key_store, &settings.storage) {
        (Some(store), _) => store.clone(),
        (None, Storage::Folder(folder)) => Arc::new(FileKeyStore::sealed(folder.join(KEY), passphrase)),
        (None, Storage::Memory) => Arc::new(NoKeyStore),
    };
    let kept = in_time(store.load()).await?;
    if let Some(lock) = lock {
        let found = lock.look()?;
        lock.may_begin(found, kept.is_some(), settings.key_store.is_some())?;
        if found != Found::Database {
            lock.begin()?;
        }
    }
    if let Some(secret) = kept {
        return Ok(secret);
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
    check_services(&settings.services)?;
    let has_server = |scheme: &str| {
        settings.ice_servers.iter().flat_map(|server| &server.urls).any(|url| url.starts_with(scheme))
    };
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX).min(FOREVER);
    Ok(EngineConfig {
        services: settings.services.clone(),
        service_ext: settings.service_ext.clone(),
        link_base: settings.link_base.clone(),
        poll_interval: micros(settings.poll_interval),
        pace: settings.pace,
        idle_timeout: micros(settings.idle_timeout),
        group_quota: settings.group_quota,
        helpers: Helpers { stun: has_server("stun:"), turn: has_server("turn:") },
    })
}
