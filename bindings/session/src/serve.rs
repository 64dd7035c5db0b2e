//! The thread of a session: carries out calls, one task each.

use std::sync::Arc;

use connectoid::{Error, EventStream, Node, Result, api::Reply};
use connectoid_engine::calls::{self, Call, Changes, Encoded};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use zeroize::Zeroizing;

use crate::{
    message::{Kind, Message},
    opening::Opening,
    ready::Ready,
    shared::{Replier, Shared, closed},
};

/// What the thread is told.
pub(crate) enum Order {
    Call { replier: Replier, cancelled: oneshot::Receiver<Error>, json: String, bytes: Vec<u8> },
    Close(Replier),
}

impl Order {
    /// The call was not taken after all.
    pub(crate) fn forget(self) {
        match self {
            Self::Call { replier, .. } | Self::Close(replier) => replier.forget(),
        }
    }
}

/// The first call.
pub(crate) struct ToOpen {
    pub(crate) settings: Zeroizing<String>,
    pub(crate) replier: Replier,
    pub(crate) cancelled: oneshot::Receiver<Error>,
}

/// Serves until the session is released.
pub(crate) async fn serve(shared: Arc<Shared>, to_open: ToOpen, mut orders: mpsc::UnboundedReceiver<Order>) {
    let ready = Arc::new(Ready::new());
    let open_id = to_open.replier.id();
    let mut open = Some(tokio::spawn(open(shared.clone(), ready.clone(), to_open)));
    while let Some(order) = orders.recv().await {
        match order {
            Order::Call { replier, cancelled, json, bytes } => {
                let (shared, ready) = (shared.clone(), ready.clone());
                tokio::spawn(async move {
                    let work = carry_out(&shared, &ready, replier.id(), json, bytes);
                    let result = tokio::select! {
                        biased;
                        Ok(error) = cancelled => Err(error),
                        result = work => result,
                    };
                    replier.reply(result);
                });
            }
            Order::Close(replier) => {
                tokio::spawn(close(shared.clone(), ready.clone(), open_id, open.take(), replier));
            }
        }
    }
    end(&shared, &ready, open_id, open).await;
}

async fn carry_out(shared: &Shared, ready: &Ready, id: u64, json: String, bytes: Vec<u8>) -> Result<Encoded> {
    let node = ready.node().await?;
    match calls::parse(&json, bytes)? {
        Call::Command(command) => {
            let method = command.name();
            let reply = node.dispatch(command).await?;
            debug_assert!(
                calls::is_promised(method, &reply),
                "{method} is answered otherwise than METHODS says"
            );
            Encoded::reply(reply)
        }
        Call::Changes(followed) => Err(follow(shared, node, id, &followed).await),
    }
}

/// Delivers the pages of an observer until there are no more; says why.
async fn follow(shared: &Shared, node: &Node, id: u64, followed: &Changes) -> Error {
    let mut changes = node.changes(&followed.group, &followed.collection);
    loop {
        let page = match changes.next().await {
            None => return closed(),
            Some(records) => records.and_then(Encoded::page),
        };
        // Not before there is a page: observers that have told all would keep others from telling anything.
        let Ok(permit) = shared.pages.clone().acquire_owned().await else { return closed() };
        match page {
            Ok(page) => shared.outlet.deliver(Message::new(Kind::Page, id, page, Some(permit))),
            Err(error) => return error,
        }
    }
}

/// Opens the node. The work is never dropped half done; who takes the call back has the key store's questions fail, and
/// a node that opens nevertheless is closed.
///
/// Returns the task that delivers events.
async fn open(shared: Arc<Shared>, ready: Arc<Ready>, to_open: ToOpen) -> Option<JoinHandle<()>> {
    let ToOpen { settings, replier, mut cancelled } = to_open;
    // However this ends, nobody waits for ever.
    let waiting = Waiting(ready);
    let work = open_node(&shared, &settings);
    tokio::pin!(work);
    let result = tokio::select! {
        result = &mut work => result,
        Ok(error) = &mut cancelled => {
            shared.host.end();
            if let Ok(node) = work.await {
                node.close().await;
            }
            Err(error)
        }
    };
    let events = result.as_ref().map(|node| tokio::spawn(tell(shared.clone(), node.events()))).ok();
    waiting.0.set(result.as_ref().ok().cloned());
    replier.reply(result.and_then(|node| Encoded::reply(Reply::User { id: node.user_id() })));
    events
}

struct Waiting(Arc<Ready>);

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.set(None);
    }
}

async fn open_node(shared: &Shared, settings: &str) -> Result<Node> {
    let Opening { mut settings, host_key_store } = calls::read(settings)?;
    if host_key_store {
        settings.key_store = Some(shared.host.clone());
    }
    Node::open(settings).await
}

async fn tell(shared: Arc<Shared>, mut events: EventStream) {
    while let Some(event) = events.next().await {
        // When the node is closed, the last events are delivered without waiting.
        let permit = shared.events.clone().acquire_owned().await.ok();
        if let Ok(content) = Encoded::event(event) {
            shared.outlet.deliver(Message::new(Kind::Event, 0, content, permit));
        }
    }
}

async fn close(
    shared: Arc<Shared>,
    ready: Arc<Ready>,
    open_id: u64,
    open: Option<JoinHandle<Option<JoinHandle<()>>>>,
    replier: Replier,
) {
    end(&shared, &ready, open_id, open).await;
    shared.set_closed();
    replier.reply(Encoded::reply(Reply::Done {}));
}

/// Closes the node, answers all calls, delivers all events.
async fn end(shared: &Shared, ready: &Ready, open_id: u64, open: Option<JoinHandle<Option<JoinHandle<()>>>>) {
    if ready.now().is_none() {
        // Only while it is being opened is there such a call.
        shared.end(open_id, closed());
    }
    if let Ok(node) = ready.node().await {
        node.close().await;
    }
    shared.events.close();
    if let Some(open) = open
        && let Ok(Some(events)) = open.await
    {
        // A task that panicked has ended as well.
        let _ = events.await;
    }
    shared.end_all().await;
}
