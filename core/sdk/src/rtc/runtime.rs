//! The library's view of the async runtime, with a hand on its pulse.
//!
//! The library lets its user supply the runtime: spawning, sockets, timers. This one is tokio's, with five
//! things added that the library has no setting for:
//!
//! - **Receive buffers** are asked to be [`RECEIVE_BUFFER`] large. What overflows is lost, and SCTP notices a
//!   lost tail only after its retransmission timer of one second.
//! - **A second look while connecting.** The driver's loop is: write packets, handle events, read messages,
//!   sleep. Packets that come of the last two steps would wait for whatever ends the sleep, up to 200 ms at
//!   each of three stages. Until the connection is open, a sleep is therefore preceded by [`EXTRA_PASSES`]
//!   more rounds of the loop.
//! - **A pulse.** Every sleep means that the driver has applied what arrived, so senders that wait for room
//!   look again.
//! - **A guard at the sockets** (see `guard`).
//! - **A notice when the driver task is gone**, however it ended.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use socket2::SockRef;
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, watch};
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use super::guard::socket::Socket;
use super::guard::watch::Watch;

/// The receive buffer asked of the system, in bytes; it may grant less, on Linux at most `net.core.rmem_max`.
/// As large as the largest send window, so that a burst of it fits.
const RECEIVE_BUFFER: usize = 4 * 1024 * 1024;

/// Rounds of the driver's loop before it may sleep, until the connection is open. Handling an event takes one
/// round, and writing what came of it the next.
const EXTRA_PASSES: u8 = 2;

/// What the driver is doing, for those who wait for it.
#[derive(Debug)]
pub(super) struct Pulse {
    open: AtomicBool,
    passes: AtomicU8,
    beat: Notify,
    stopped: watch::Sender<bool>,
}

impl Pulse {
    fn new() -> Pulse {
        Pulse {
            open: AtomicBool::new(false),
            passes: AtomicU8::new(EXTRA_PASSES),
            beat: Notify::new(),
            stopped: watch::Sender::new(false),
        }
    }

    /// The connection is open: the driver may sleep at once from now on.
    pub(super) fn opened(&self) {
        self.open.store(true, Ordering::Release);
    }

    /// Whether [`Pulse::opened`] was said.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// Completes when the driver has next finished a round. To be enabled before looking at what it changes.
    pub(super) fn beat(&self) -> Notified<'_> {
        self.beat.notified()
    }

    /// Makes those who wait for a beat look again.
    pub(super) fn wake(&self) {
        self.beat.notify_waiters();
    }

    /// Waits until the driver task is gone, and its sockets with it.
    pub(super) async fn stopped(&self) {
        // Fails only when the sender is gone, and `self` owns it.
        let _ = self.stopped.subscribe().wait_for(|stopped| *stopped).await;
    }

    /// Whether the driver should make another round instead of sleeping.
    fn take_pass(&self) -> bool {
        !self.is_open()
            && self
                .passes
                .fetch_update(Ordering::AcqRel, Ordering::Acquire, |left| left.checked_sub(1))
                .is_ok()
    }
}

/// The runtime of one connection.
#[derive(Debug)]
pub(super) struct DriverRuntime {
    pulse: Arc<Pulse>,
    watch: Arc<Watch>,
}

impl DriverRuntime {
    pub(super) fn new(watch: Arc<Watch>) -> (Arc<DriverRuntime>, Arc<Pulse>) {
        let pulse = Arc::new(Pulse::new());
        (Arc::new(DriverRuntime { pulse: Arc::clone(&pulse), watch }), pulse)
    }
}

impl Runtime for DriverRuntime {
    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        // The library spawns one task per connection, its driver; it spawns more only for ICE over TCP.
        let notice = StopNotice(Arc::clone(&self.pulse));
        TokioRuntime.spawn(Box::pin(async move {
            let _notice = notice;
            future.await;
        }))
    }

    fn wrap_udp_socket(&self, socket: UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        if let Err(error) = SockRef::from(&socket).set_recv_buffer_size(RECEIVE_BUFFER) {
            tracing::debug!(%error, "the system refused a larger receive buffer");
        }
        let socket = TokioRuntime.wrap_udp_socket(socket)?;
        Ok(Socket::new(socket, Arc::clone(&self.watch)))
    }

    fn wrap_tcp_listener(&self, listener: std::net::TcpListener) -> io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        TokioRuntime.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        self.pulse.wake();
        if self.pulse.take_pass() {
            return TokioRuntime.yield_now();
        }
        Box::pin(Rest { pulse: Arc::clone(&self.pulse), sleep: TokioRuntime.sleep(duration) })
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }

    fn yield_now(&self) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.yield_now()
    }

    fn name(&self) -> &'static str {
        "tokio"
    }
}

/// A real sleep of the driver. Whatever ends it (time, a packet, a request) earns the driver its extra
/// passes.
struct Rest {
    pulse: Arc<Pulse>,
    sleep: Pin<Box<dyn Future<Output = ()> + Send>>,
}

impl Future for Rest {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.sleep.as_mut().poll(cx)
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.pulse.passes.store(EXTRA_PASSES, Ordering::Release);
    }
}

/// Reports the end of the driver task when dropped: finished, aborted or panicked.
struct StopNotice(Arc<Pulse>);

impl Drop for StopNotice {
    fn drop(&mut self) {
        self.0.stopped.send_replace(true);
        self.0.wake();
    }
}
