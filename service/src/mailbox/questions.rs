//! Sealing questions, as seldom as possible.
//!
//! Sealing takes milliseconds of CPU, which makes it a lever against the service. A question is
//! therefore sealed once per box, origin and minute, whoever asks; new ones are rationed per client and
//! in all ([`super::admission`]); and few are sealed at a time, on threads that serve no requests.

use std::sync::Arc;

use connectoid_protocol::{
    boxes::BoxId,
    encoding::base64url,
    mailbox::{Refusal, RequestError},
    question::{self, NONCE_LEN},
};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
use tokio::sync::{OnceCell, Semaphore};

use super::unavailable;
use crate::rules::{
    Micros, Refused,
    cache::Cache,
    question::{Secret, minute},
};

/// How many sealed questions are kept: some 10 MB when full.
const CACHED: usize = 20_000;

/// A box, the origin for which it is asked, and the minute.
type Key = (BoxId, Arc<str>, u64);

pub(super) struct Questions {
    secret: Secret,
    sealed: Cache<Key, Arc<OnceCell<Arc<str>>>>,
    turns: Semaphore,
}

impl Questions {
    pub(super) fn new(secret: Secret) -> Self {
        Self { secret, sealed: Cache::new(CACHED), turns: Semaphore::new(sealing_threads()) }
    }

    /// The question to a box in base64url. `admit` is called before a new one is sealed.
    pub(super) async fn ask(
        &self,
        id: BoxId,
        origin: Arc<str>,
        now: Micros,
        admit: impl FnOnce() -> Result<(), Refused>,
    ) -> Result<Arc<str>, Refused> {
        let key = (id, origin.clone(), minute(now));
        let cell = self.sealed.with_or_insert(key, Arc::default, |cell| cell.clone());
        let sealed = cell.get_or_try_init(|| async {
            admit()?;
            let nonce = self.secret.nonce(&origin, &id, minute(now));
            let _turn = self.turns.acquire().await.map_err(|_| unavailable())?;
            let sealing = tokio::task::spawn_blocking(move || seal(&id, &origin, &nonce));
            sealing.await.map_err(|_| unavailable())?
        });
        sealed.await.cloned()
    }

    pub(super) fn accepts(&self, origin: &str, id: &BoxId, now: Micros, answer: &[u8; NONCE_LEN]) -> bool {
        self.secret.accepts(origin, id, now, answer)
    }
}

fn seal(id: &BoxId, origin: &str, nonce: &[u8; NONCE_LEN]) -> Result<Arc<str>, Refused> {
    let mut seed = <ChaCha20Rng as SeedableRng>::Seed::default();
    getrandom::fill(&mut seed).map_err(|error| {
        tracing::error!(%error, "no randomness");
        Refused::finally(Refusal::Unavailable)
    })?;
    let mut rng = ChaCha20Rng::from_seed(seed);
    let sealed = question::seal(id, origin, nonce, &mut rng).map_err(|_| Refused::from(RequestError::Box))?;
    Ok(base64url(&sealed).into())
}

/// Half of the cores, so that the rest go on serving.
fn sealing_threads() -> usize {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    (cores / 2).max(1)
}
