//! The listener: takes connections, within limits, until it is told to stop.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    caller::Peer,
    connection::{self, Protocols},
};
use crate::{
    rules::{
        Network,
        headcount::{Headcount, Presence},
    },
    stop::Stopping,
};

/// How long open requests may take to end when the service stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after the system refused to hand out a connection, typically for want of files.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

/// A place among the connections. A WebSocket keeps it when the HTTP that led to it has ended.
pub(super) struct Place {
    _presence: Presence,
    _open: mpsc::Sender<()>,
}

/// Serves connections.
pub struct Server {
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    router: Router,
    count: Arc<Headcount>,
    stopping: Stopping,
}

impl Server {
    /// A server on `listener` that stops when it is told to.
    pub fn new(
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        router: Router,
        count: Arc<Headcount>,
        stopping: Stopping,
    ) -> Self {
        Self { listener, tls, router, count, stopping }
    }

    /// Serves until told to stop, then lets open requests end.
    pub async fn run(self) {
        let protocols = Arc::new(Protocols::new());
        let mut connections = JoinSet::new();
        let (open, mut all_closed) = mpsc::channel(1);
        let mut stopping = self.stopping.clone();
        loop {
            tokio::select! {
                () = stopping.stopped() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        let network = Network::of(address.ip());
                        self.serve(stream, network, open.clone(), &protocols, &mut connections);
                    }
                    Err(error) => pause(&error).await,
                },
            }
        }
        drop((self.listener, open));
        let ended = async {
            while connections.join_next().await.is_some() {}
            // Nothing is ever sent: it ends when the last connection has given its place up.
            while all_closed.recv().await.is_some() {}
        };
        if tokio::time::timeout(STOP_TIMEOUT, ended).await.is_err() {
            tracing::warn!(connections = connections.len(), "stopped with requests still open");
            connections.shutdown().await;
        }
    }

    /// Serves one connection beside the others, unless there are too many: then it is closed at once.
    fn serve(
        &self,
        stream: TcpStream,
        network: Network,
        open: mpsc::Sender<()>,
        protocols: &Arc<Protocols>,
        connections: &mut JoinSet<()>,
    ) {
        let Some(presence) = self.count.enter(network) else {
            tracing::debug!("too many connections");
            return;
        };
        let (tls, router) = (self.tls.clone(), self.router.clone());
        let (protocols, stopping) = (protocols.clone(), self.stopping.clone());
        let peer = Peer { network, _place: Arc::new(Place { _presence: presence, _open: open }) };
        connections.spawn(async move {
            connection::serve(stream, peer, tls, router, &protocols, stopping).await;
        });
    }
}

/// One connection that failed while it waited is no reason to stop, but a lack of files must not turn
/// into a busy loop.
async fn pause(error: &io::Error) {
    tracing::warn!(kind = %error.kind(), "cannot accept a connection");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
