//! What the app is asked for: to keep the master secret where the platform keeps secrets.
//!
//! Each question has an id. The app answers when it can, from any thread, by [`crate::Session::complete`]; the SDK
//! stops waiting after [`connectoid::keystore::KEY_STORE_TIMEOUT`].

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use connectoid::{
    MasterSecret, VaultError,
    keystore::{KeyStore, KeyStoreFuture},
};
use serde::Serialize;
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use crate::message::{Message, Outlet};

/// What the app is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "request", rename_all = "snake_case")]
pub enum HostRequest {
    /// The secret that was kept: answer with its 32 bytes, or with none if none was ever kept.
    LoadSecret,
    /// Keep the 32 bytes beside; they must be durable when this is answered, with no bytes.
    SaveSecret,
}

/// What the app says: bytes, or what went wrong.
pub(crate) type Answer = Result<Zeroizing<Vec<u8>>, String>;

/// The app as a key store.
pub(crate) struct Host {
    outlet: Arc<dyn Outlet>,
    questions: Mutex<Questions>,
}

#[derive(Default)]
struct Questions {
    asked: u64,
    /// Nobody answers any more.
    over: bool,
    open: HashMap<u64, oneshot::Sender<Answer>>,
}

impl Host {
    pub(crate) fn new(outlet: Arc<dyn Outlet>) -> Self {
        Self { outlet, questions: Mutex::default() }
    }

    /// Answers a question; false if it is not open.
    pub(crate) fn complete(&self, id: u64, answer: Answer) -> bool {
        let asker = self.lock().open.remove(&id);
        asker.is_some_and(|asker| asker.send(answer).is_ok())
    }

    /// Fails all questions, and those to come.
    pub(crate) fn end(&self) {
        let mut questions = self.lock();
        questions.over = true;
        questions.open.clear();
    }

    async fn ask(&self, request: HostRequest, bytes: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let gone = || VaultError::KeyStore("it was not waited for".to_owned());
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut questions = self.lock();
            if questions.over {
                return Err(gone());
            }
            questions.asked += 1;
            let id = questions.asked;
            questions.open.insert(id, answer);
            id
        };
        let _open = Open { host: self, id };
        let message =
            Message::secret(id, &request, bytes).map_err(|error| VaultError::KeyStore(error.message))?;
        self.outlet.deliver(message);
        answered.await.map_err(|_| gone())?.map_err(VaultError::KeyStore)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Questions> {
        self.questions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a question that is not waited for any more.
struct Open<'a> {
    host: &'a Host,
    id: u64,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.host.lock().open.remove(&self.id);
    }
}

impl KeyStore for Host {
    fn load(&self) -> KeyStoreFuture<'_, Option<MasterSecret>> {
        Box::pin(async {
            let bytes = self.ask(HostRequest::LoadSecret, Vec::new()).await?;
            if bytes.is_empty() {
                return Ok(None);
            }
            let bytes = <[u8; 32]>::try_from(bytes.as_slice())
                .map_err(|_| VaultError::KeyStore(format!("it gave {} bytes instead of 32", bytes.len())))?;
            Ok(Some(MasterSecret::from_bytes(bytes)))
        })
    }

    fn save<'a>(&'a self, secret: &'a MasterSecret) -> KeyStoreFuture<'a, ()> {
        Box::pin(async { self.ask(HostRequest::SaveSecret, secret.as_bytes().to_vec()).await.map(|_| ()) })
    }
}
