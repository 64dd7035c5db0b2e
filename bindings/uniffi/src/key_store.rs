//! Where the app keeps the master secret of a data folder.

use std::sync::Arc;

use connectoid::{
    MasterSecret, VaultError,
    keystore::{self, KeyStoreFuture},
};
use zeroize::Zeroizing;

use crate::error::HostError;

/// Keeps the master secret of one data folder, where the platform has a key store. Called when a node opens, and given
/// two minutes: a person may have to unlock it. If the node's opening is cancelled or takes too long, so is the call.
#[uniffi::export(with_foreign)]
#[async_trait::async_trait]
pub trait KeyStore: Send + Sync {
    /// The secret, 32 bytes; or none if none was ever kept.
    async fn load(&self) -> Result<Option<Vec<u8>>, HostError>;

    /// Keeps a secret; it must be durable when this returns.
    async fn save(&self, secret: Vec<u8>) -> Result<(), HostError>;
}

/// The app's key store as one of the SDK's.
pub(crate) fn adapted(store: Arc<dyn KeyStore>) -> Arc<dyn keystore::KeyStore> {
    Arc::new(Adapted(store))
}

struct Adapted(Arc<dyn KeyStore>);

impl keystore::KeyStore for Adapted {
    fn load(&self) -> KeyStoreFuture<'_, Option<MasterSecret>> {
        Box::pin(async {
            let Some(secret) = self.0.load().await.map_err(failed)? else { return Ok(None) };
            let secret = Zeroizing::new(secret);
            let wrong = || VaultError::KeyStore(format!("it gave {} bytes instead of 32", secret.len()));
            let bytes = secret.as_slice().try_into().map_err(|_| wrong())?;
            Ok(Some(MasterSecret::from_bytes(bytes)))
        })
    }

    fn save<'a>(&'a self, secret: &'a MasterSecret) -> KeyStoreFuture<'a, ()> {
        Box::pin(async { self.0.save(secret.as_bytes().to_vec()).await.map_err(failed) })
    }
}

fn failed(error: HostError) -> VaultError {
    let HostError::Failed { reason } = error;
    VaultError::KeyStore(reason)
}
