//! Setting a connection up, and the handle to it.

#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use rtc::crypto::default_provider;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;
use webrtc::data_channel::RTCDataChannelInit;
use webrtc::error::Error;
use webrtc::peer_connection::{
    PeerConnection, PeerConnectionBuilder, RTCConfigurationBuilder, RTCSessionDescription,
};

use super::flow::{DataChannels, Flow};
use super::guard::provider::Provider;
use super::guard::watch::Watch;
use super::handler::Handler;
use super::lifecycle::{Lease, Lifecycle};
use super::runtime::{DriverRuntime, Pulse};
use super::{
    Channel, CloseReason, Incoming, RtcConfig, RtcError, certificate, ice, interfaces, sdp, servers,
};

/// How long an SDP waits for its candidates. Local ones take a moment, a STUN or TURN server a few round
/// trips; one that has not answered by then is done without, so that devices in one network still meet soon
/// when the internet is away.
const GATHER_LIMIT: Duration = Duration::from_secs(1);

/// How long a close waits for what was sent to be acknowledged, so that a parting word arrives: a round trip
/// of most networks.
const LINGER: Duration = Duration::from_millis(250);

/// A direct connection to a peer. Clones share it; when the last is dropped, it closes.
#[derive(Clone)]
pub(crate) struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    peer: Arc<dyn PeerConnection>,
    flow: Flow,
    /// Offering, and not answered yet.
    awaits_answer: watch::Sender<bool>,
    loopback: bool,
    lease: Lease,
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("ended", &self.inner.lease.0.reason()).finish_non_exhaustive()
    }
}

impl Connection {
    /// Starts a connection and returns the offer for the peer, with every candidate in it.
    ///
    /// # Errors
    /// [`RtcError::Server`] for a server that cannot be used, [`RtcError::Setup`] when this device gives no
    /// sockets.
    pub(crate) async fn offer(config: &RtcConfig) -> Result<(Connection, Incoming, String), RtcError> {
        // The peer's number of addresses is unknown yet; it is guessed to be ours.
        let addresses = interfaces::addresses(config);
        let (connection, incoming, gathered) = Connection::start(config, &addresses, addresses.len()).await?;
        let peer = &connection.inner.peer;
        let offer = peer.create_offer(None).await.map_err(RtcError::Setup)?;
        let text = connection.describe(offer, gathered).await?;
        connection.inner.awaits_answer.send_replace(true);
        Ok((connection, incoming, text))
    }

    /// Starts a connection in answer to a peer's offer and returns the answer for the peer.
    ///
    /// # Errors
    /// [`RtcError::Description`] and [`RtcError::Rejected`] for an offer that cannot be used, and those of
    /// [`Connection::offer`].
    pub(crate) async fn answer(
        config: &RtcConfig,
        offer_sdp: &str,
    ) -> Result<(Connection, Incoming, String), RtcError> {
        let addresses = interfaces::addresses(config);
        let offer = sdp::check(offer_sdp, addresses.iter().any(IpAddr::is_loopback))?;
        let (connection, incoming, gathered) =
            Connection::start(config, &addresses, offer.candidates).await?;
        let peer = &connection.inner.peer;
        let offer = RTCSessionDescription::offer(offer.text).map_err(RtcError::Rejected)?;
        peer.set_remote_description(offer).await.map_err(RtcError::Rejected)?;
        let answer = peer.create_answer(None).await.map_err(RtcError::Rejected)?;
        let text = connection.describe(answer, gathered).await?;
        Ok((connection, incoming, text))
    }

    /// Takes the peer's answer to this side's offer; the connection then opens, or not: the caller sets a
    /// limit.
    ///
    /// # Errors
    /// [`RtcError::UnexpectedAnswer`] unless an offer awaits one; [`RtcError::Description`] and
    /// [`RtcError::Rejected`] for an answer that cannot be used.
    pub(crate) async fn accept_answer(&self, answer_sdp: &str) -> Result<(), RtcError> {
        let answer = sdp::check(answer_sdp, self.inner.loopback)?;
        let answer = RTCSessionDescription::answer(answer.text).map_err(RtcError::Rejected)?;
        if !self.inner.awaits_answer.send_replace(false) {
            return Err(RtcError::UnexpectedAnswer);
        }
        self.inner.peer.set_remote_description(answer).await.map_err(RtcError::Rejected)
    }

    /// Sends a message of at most [`MAX_MESSAGE`](super::MAX_MESSAGE) bytes, waiting for room. Messages of
    /// one channel arrive in order and once, as long as the connection lives; success does not mean that it
    /// arrived.
    ///
    /// # Errors
    /// [`RtcError::MessageTooLarge`], [`RtcError::NotOpen`] before `Open`, [`RtcError::Closed`].
    pub(crate) async fn send(&self, channel: Channel, message: Bytes) -> Result<(), RtcError> {
        self.inner.flow.send(channel, message).await
    }

    /// Closes the connection and returns when its sockets and tasks are gone. Waits up to a quarter of a
    /// second for what was sent to be acknowledged. Closing again does no harm.
    pub(crate) async fn close(&self) {
        let life = &self.inner.lease.0;
        if life.reason().is_none() {
            // Running out of time is the expected end of a close whose peer is gone.
            let _ = timeout(LINGER, self.inner.flow.drained()).await;
            life.end(CloseReason::Local);
        }
        life.released().await;
    }

    /// Builds the library's connection with its four channels. `remote` is how many candidates the peer has.
    async fn start(
        config: &RtcConfig,
        addresses: &[IpAddr],
        remote: usize,
    ) -> Result<(Connection, Incoming, watch::Receiver<bool>), RtcError> {
        let ice_servers = servers::resolve(&config.ice_servers).await?;
        let provider =
            default_provider().map_err(|error| RtcError::Setup(Error::Crypto(error.to_string())))?;
        let (certificate, local_certificate) = certificate::generate(&*provider)?;
        let library = RTCConfigurationBuilder::new()
            .with_ice_servers(ice_servers)
            .with_certificates(vec![certificate])
            .build();
        let life = Lifecycle::new();
        let lease = Lease(Arc::clone(&life));
        let watch = Watch::new(Arc::clone(&life));
        let (runtime, pulse) = DriverRuntime::new(Arc::clone(&watch));
        let provider = Provider::new(provider, Watch::wrap(&watch));
        let (handler, gathered) = Handler::new(Arc::clone(&life), Arc::clone(&pulse));
        let builder = PeerConnectionBuilder::new()
            .with_configuration(library)
            .with_setting_engine(ice::settings(addresses.len(), remote, provider))
            .with_runtime(runtime)
            .with_handler(handler)
            .with_udp_addrs(addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect());
        let peer = build(builder, Arc::clone(&life), Arc::clone(&pulse)).await?;
        let channels = create_channels(&*peer).await?;
        let flow = Flow::new(channels.clone(), Arc::clone(&life), Arc::clone(&pulse));
        let incoming = Incoming::new(channels, local_certificate, Arc::clone(&peer), life, pulse, watch);
        let inner = Inner {
            peer,
            flow,
            awaits_answer: watch::Sender::new(false),
            loopback: addresses.iter().any(IpAddr::is_loopback),
            lease,
        };
        Ok((Connection { inner: Arc::new(inner) }, incoming, gathered))
    }

    /// Applies our description and returns it with the candidates.
    async fn describe(
        &self,
        description: RTCSessionDescription,
        mut gathered: watch::Receiver<bool>,
    ) -> Result<String, RtcError> {
        let peer = &self.inner.peer;
        peer.set_local_description(description).await.map_err(RtcError::Setup)?;
        // Out of time, or the driver is gone: what is known is used, and a dead connection reports itself.
        let _ = timeout(GATHER_LIMIT, gathered.wait_for(|complete| *complete)).await;
        let description =
            peer.local_description().await.ok_or(RtcError::Setup(Error::ErrConnectionClosed))?;
        Ok(sdp::trim(&description.sdp))
    }
}

/// Builds the library's connection inside the task that will also close it, so that a caller that gives up
/// halfway leaves nothing behind.
async fn build(
    builder: PeerConnectionBuilder<SocketAddr>,
    life: Arc<Lifecycle>,
    pulse: Arc<Pulse>,
) -> Result<Arc<dyn PeerConnection>, RtcError> {
    let (built, outcome) = oneshot::channel();
    tokio::spawn(supervise(builder, life, pulse, built));
    match outcome.await {
        Ok(result) => result.map_err(RtcError::Setup),
        Err(_) => Err(RtcError::Setup(Error::ErrConnectionClosed)),
    }
}

type Built = oneshot::Sender<Result<Arc<dyn PeerConnection>, Error>>;

/// Owns the library's connection from its first moment to its last.
async fn supervise(
    builder: PeerConnectionBuilder<SocketAddr>,
    life: Arc<Lifecycle>,
    pulse: Arc<Pulse>,
    built: Built,
) {
    let peer: Arc<dyn PeerConnection> = match Box::pin(builder.build()).await {
        Ok(peer) => Arc::new(peer),
        Err(error) => {
            life.release();
            // A caller that has gone needs no error; its lease has ended the connection.
            let _ = built.send(Err(error));
            return;
        }
    };
    // A caller that has gone is told apart by its lease, which ends the connection below.
    let _ = built.send(Ok(Arc::clone(&peer)));
    tokio::select! {
        () = life.ending() => {}
        () = pulse.stopped() => life.end(CloseReason::Failed),
    }
    if let Err(error) = peer.close().await {
        tracing::warn!(%error, "the library did not close cleanly");
    }
    pulse.stopped().await;
    life.release();
    pulse.wake();
}

async fn create_channels(peer: &dyn PeerConnection) -> Result<DataChannels, RtcError> {
    let [control, sync, app, blob] = Channel::ALL.map(|channel| {
        let options =
            RTCDataChannelInit { negotiated: Some(channel as u16), ..RTCDataChannelInit::default() };
        peer.create_data_channel(channel.label(), Some(options))
    });
    Ok([
        control.await.map_err(RtcError::Setup)?,
        sync.await.map_err(RtcError::Setup)?,
        app.await.map_err(RtcError::Setup)?,
        blob.await.map_err(RtcError::Setup)?,
    ])
}
