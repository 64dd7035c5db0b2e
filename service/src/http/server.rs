//! The listener: takes connections, within limits, until it is told to stop.

use std::{io, sync::Arc, time::Duration};

use axum::Router;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::connection::{self, Protocols};
use crate::{
    rules::{Network, headcount::Headcount},
    stop::Stopping,
};

/// How long open requests may take to end when the service stops.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);

/// How long to wait after the system refused to hand out a connection, typically for want of files.
const ACCEPT_RETRY: Duration = Duration::from_millis(100);

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
        let mut stopping = self.stopping.clone();
        loop {
            tokio::select! {
                () = stopping.stopped() => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, address)) => {
                        self.serve(stream, Network::of(address.ip()), &protocols, &mut connections);
                    }
                    Err(error) => pause(&error).await,
                },
            }
        }
        drop(self.listener);
        let ended = async { while connections.join_next().await.is_some() {} };
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
        protocols: &Arc<Protocols>,
        connections: &mut JoinSet<()>,
    ) {
        let Some(presence) = self.count.enter(network) else {
            tracing::debug!("too many connections");
            return;
        };
        let (tls, router) = (self.tls.clone(), self.router.clone());
        let (protocols, stopping) = (protocols.clone(), self.stopping.clone());
        connections.spawn(async move {
            connection::serve(stream, network, tls, router, &protocols, stopping).await;
            drop(presence);
        });
    }
}

/// One connection that failed while it waited is no reason to stop, but a lack of files must not turn
/// into a busy loop.
async fn pause(error: &io::Error) {
    tracing::warn!(kind = %error.kind(), "cannot accept a connection");
    tokio::time::sleep(ACCEPT_RETRY).await;
}
