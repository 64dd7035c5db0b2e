//! The node: opening, closing, and what the platform tells it.

use std::sync::{Arc, Mutex, PoisonError};

use crate::{
    error::NodeError,
    key_store::{self, KeyStore},
    settings::{Pace, Settings},
};

/// A node: this user on this device, with everybody it shares with.
///
/// Its methods may be called from any thread. It is closed by `shut_down`, or when the last handle is dropped.
#[derive(uniffi::Object)]
pub struct Node {
    /// None once it is closed, so that nothing of it stays while the other language still holds the handle.
    open: Mutex<Option<connectoid::Node>>,
    user_id: String,
}

impl Node {
    /// The node, if it is open.
    pub(crate) fn open_node(&self) -> Result<connectoid::Node, NodeError> {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner).clone();
        open.ok_or_else(|| connectoid::Error::new(connectoid::ErrorKind::Closed, "the node is closed").into())
    }
}

#[uniffi::export]
impl Node {
    /// Opens the node of a data folder, or makes one. Without a key store, the master secret is kept in a file in the
    /// data folder, under the passphrase if there is one.
    #[uniffi::constructor]
    pub async fn open(
        settings: Settings,
        key_store: Option<Arc<dyn KeyStore>>,
    ) -> Result<Arc<Self>, NodeError> {
        let mut settings: connectoid::Settings = settings.try_into()?;
        settings.key_store = key_store.map(key_store::adapted);
        let node = connectoid::Node::open(settings).await?;
        Ok(Arc::new(Self { user_id: node.user_id(), open: Mutex::new(Some(node)) }))
    }

    /// This user's id, by which peers know it.
    pub fn user_id(&self) -> Result<String, NodeError> {
        Ok(self.user_id.clone())
    }

    /// The app came to the foreground or went to the background.
    pub async fn set_pace(&self, pace: Pace) -> Result<(), NodeError> {
        Ok(self.open_node()?.set_pace(pace.into()).await?)
    }

    /// The network has changed: open connections move to the new one.
    pub async fn network_changed(&self) -> Result<(), NodeError> {
        Ok(self.open_node()?.network_changed().await?)
    }

    /// Looks into the mailboxes now, and connects to everybody who lacks something.
    pub async fn sync_now(&self) -> Result<(), NodeError> {
        Ok(self.open_node()?.sync_now().await?)
    }

    /// Closes the node: connections are closed, the data folder is free for another node. Every later call fails with
    /// `Closed`; closing again does nothing.
    pub async fn shut_down(&self) -> Result<(), NodeError> {
        let Ok(node) = self.open_node() else { return Ok(()) };
        // Whoever closes it at the same time waits for the same end.
        node.close().await;
        self.open.lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
    }
}
