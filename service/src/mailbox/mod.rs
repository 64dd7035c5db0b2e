//! The mailbox: what each operation does, whatever it came over.
//!
//! An operation passes these in order: the API key, the rate limits, the work that a message may have to
//! carry, the box (made if it is new and the client may), the answer where one is due, and the store. Nothing here knows of HTTP.

mod admission;
mod answer;
mod check;
mod entrance;
mod questions;
mod session;
mod stats;
mod waiters;

use std::sync::Arc;

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{Drop, Receive, Received, Refusal, Request, Send},
    question::NONCE_LEN,
};

pub use answer::Answer;
pub use entrance::Entrance;
pub use session::Session;
pub use stats::Counts;

use crate::{
    clock::{Clock, Now},
    config::Limits,
    rules::{
        Micros, Network, Refused,
        origin::Origins,
        question::Secret,
        quota::{Totals, cursor, processed},
    },
    stop::Stopping,
    store::{Appended, Glance, IfMissing, Looked, Store, StoreError},
};
use admission::Admission;
use questions::Questions;
use stats::Stats;
use waiters::Waiters;

/// How long a client should wait after the store failed or was busy.
const STORE_RETRY: std::time::Duration = std::time::Duration::from_secs(5);

/// Who asks, and under which name it reached the service.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The client's network.
    pub network: Network,
    /// `http` or `https`, as the client dialled.
    pub scheme: &'static str,
    /// `Host` or `:authority`.
    pub authority: Option<&'a str>,
}

/// The mailbox.
pub struct Mailbox {
    store: Arc<dyn Store>,
    clock: Clock,
    entrance: Entrance,
    origins: Origins,
    admission: Admission,
    questions: Questions,
    waiters: Waiters,
    stats: Stats,
}

impl Mailbox {
    /// A mailbox over `store`. Checks that wait are answered at once when it is to stop.
    pub fn new(
        store: Arc<dyn Store>,
        secret: Secret,
        origins: Origins,
        entrance: Entrance,
        limits: &Limits,
        clock: Clock,
        stopping: Stopping,
    ) -> Self {
        Self {
            store,
            clock,
            entrance,
            origins,
            admission: Admission::new(limits),
            questions: Questions::new(secret),
            waiters: Waiters::new(limits, stopping),
            stats: Stats::default(),
        }
    }

    /// Does what a request asks.
    ///
    /// # Errors
    /// What the client is to be told instead.
    pub async fn handle(&self, request: Request, caller: Caller<'_>) -> Result<Answer, Refused> {
        let kind = request.kind();
        let result = self.dispatch(request, caller).await;
        self.stats.count(kind, &result);
        result
    }

    /// Removes everything that has expired.
    ///
    /// # Errors
    /// [`StoreError`]; what was not removed will be next time.
    pub async fn sweep(&self) -> Result<(), StoreError> {
        while self.store.sweep(self.clock.now().wall).await? {}
        Ok(())
    }

    /// What the store holds, which takes the store to be working.
    ///
    /// # Errors
    /// [`StoreError`] if it is not.
    pub async fn totals(&self) -> Result<Totals, StoreError> {
        self.store.totals().await
    }

    /// How many checks wait for something to arrive.
    pub fn waiting(&self) -> usize {
        self.waiters.count()
    }

    /// What was done since the last call.
    pub fn counts(&self) -> Counts {
        self.stats.take()
    }

    /// Admits a request that is about no box.
    ///
    /// # Errors
    /// `Too often`.
    pub fn admit(&self, network: Network) -> Result<(), Refused> {
        self.admission.request(&[], network, self.clock.now())
    }

    async fn dispatch(&self, request: Request, caller: Caller<'_>) -> Result<Answer, Refused> {
        self.entrance.judge_key(&request)?;
        match request {
            Request::Send(send) => self.send(send, caller).await,
            Request::Check(check) => self.check(&check, caller).await,
            Request::CheckMany(check) => self.check_many(&check, caller).await,
            Request::Receive(receive) => self.receive(&receive, caller).await,
            Request::Drop(drop) => self.close(&drop, caller).await,
        }
    }

    async fn send(&self, send: Send, caller: Caller<'_>) -> Result<Answer, Refused> {
        let now = self.clock.now();
        self.admission.request(&[send.id], caller.network, now)?;
        self.entrance.judge_work(&send, now.wall)?;
        let mut appended = self.store.append(send.id, send.data.clone(), IfMissing::Leave, now.wall).await?;
        if appended == Appended::NoBox {
            self.admission.new_box(&send.id, caller.network, now)?;
            appended = self.store.append(send.id, send.data, IfMissing::Create, now.wall).await?;
        }
        match appended {
            Appended::Stored(_) => {
                self.waiters.wake(&send.id);
                Ok(Answer::Done)
            }
            Appended::Refused(refused) => Err(refused),
            Appended::NoBox => Err(unavailable()),
        }
    }

    async fn receive(&self, receive: &Receive, caller: Caller<'_>) -> Result<Answer, Refused> {
        let now = self.clock.now();
        let id = receive.cursor.id;
        self.admission.request(&[id], caller.network, now)?;
        self.judge(&id, &receive.answer, caller, now.wall)?;
        let Some(glance) = self.known(id, now).await? else {
            return Ok(Answer::Received(Received::new(vec![])));
        };
        if glance.closed {
            return Err(Refused::finally(Refusal::Closed));
        }
        if let Some(up_to) = processed(receive.cursor.at, glance.last) {
            self.store.forget(id, up_to);
        }
        let after = cursor(receive.cursor.at, glance.last, now.wall);
        let messages = self.store.read(id, after, receive.limit, now.wall).await?;
        Ok(Answer::Received(Received::new(messages)))
    }

    async fn close(&self, drop: &Drop, caller: Caller<'_>) -> Result<Answer, Refused> {
        let now = self.clock.now();
        self.admission.request(&[drop.id], caller.network, now)?;
        self.judge(&drop.id, &drop.answer, caller, now.wall)?;
        self.store.close(drop.id, now.wall).await?;
        self.waiters.wake(&drop.id);
        Ok(Answer::Done)
    }

    fn judge(
        &self,
        id: &BoxId,
        answer: &[u8; NONCE_LEN],
        caller: Caller<'_>,
        now: Micros,
    ) -> Result<(), Refused> {
        let origin = self.origins.dialled(caller.scheme, caller.authority)?;
        if self.questions.accepts(&origin, id, now, answer) {
            return Ok(());
        }
        Err(Refused::finally(Refusal::WrongAnswer))
    }

    /// The box, if there is one.
    async fn known(&self, id: BoxId, now: Now) -> Result<Option<Glance>, Refused> {
        if let Some(glance) = self.store.glance(&id, now.wall) {
            return Ok(Some(glance));
        }
        match self.store.look(id, IfMissing::Leave, now.wall).await? {
            Looked::Found(glance) => Ok(Some(glance)),
            Looked::Refused(refused) => Err(refused),
            Looked::NoBox => Ok(None),
        }
    }

    /// The box, which is made if there is none.
    async fn look(&self, id: BoxId, caller: Caller<'_>, now: Now) -> Result<Glance, Refused> {
        if let Some(glance) = self.known(id, now).await? {
            return Ok(glance);
        }
        self.admission.new_box(&id, caller.network, now)?;
        match self.store.look(id, IfMissing::Create, now.wall).await? {
            Looked::Found(glance) => Ok(glance),
            Looked::Refused(refused) => Err(refused),
            Looked::NoBox => Err(unavailable()),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(_: StoreError) -> Self {
        unavailable()
    }
}

const fn unavailable() -> Refused {
    Refused::for_now(Refusal::Unavailable, STORE_RETRY)
}
