//! A peer that keeps to ICE, DTLS and the beginning of SCTP, and then says by hand whatever it likes.
//!
//! The library does the keeping: it answers an offer of ours, and its ciphers and its socket are tapped. With the
//! cipher's key and the socket, records can be made that the other side takes for the library's.

use std::net::UdpSocket;
use std::pin::Pin;
use std::sync::Mutex;

use rtc::crypto::{AeadCipher, CryptoError};
use webrtc::peer_connection::PeerConnectionEventHandler;
use webrtc::runtime::{
    AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
};

use super::*;
use crate::rtc::guard::provider::Provider;

/// The first number of the records made by hand: far beyond those that the library has sent.
const FIRST_RECORD: u64 = 1 << 20;

/// When a HEARTBEAT without answer is sent again.
const REPEAT: Duration = Duration::from_millis(100);

pub(super) struct Attacker {
    tap: Arc<Tap>,
    victim: SocketAddr,
    record: u64,
    /// The next TSN to be sent.
    pub(super) tsn: u32,
    barriers: u32,
    /// Bytes sent by hand, as datagrams.
    pub(super) wire: usize,
    _library: Arc<dyn PeerConnection>,
}

/// What the taps have told.
#[derive(Default)]
struct Tap {
    socket: Mutex<Option<UdpSocket>>,
    sealed: Mutex<Sealed>,
    /// The last HEARTBEAT that was answered.
    answered: watch::Sender<u32>,
    established: watch::Sender<bool>,
}

#[derive(Default)]
struct Sealed {
    cipher: Option<Arc<Mutex<Box<dyn AeadCipher>>>>,
    salt: [u8; 4],
    tag: u32,
    tsn: u32,
}

impl Attacker {
    /// Connects to one who offers, up to the point where both have an SCTP association.
    pub(super) async fn open(config: &RtcConfig) -> (Attacker, Side) {
        let (connection, incoming, offer) = limited(Connection::offer(config)).await.unwrap();
        let victim = Side::new(connection, incoming, &offer);
        let tap = Arc::new(Tap::default());
        let (library, answer) = Box::pin(answer(&tap, config.bind[0], &offer)).await;
        victim.connection.accept_answer(&answer).await.unwrap();
        let mut established = tap.established.subscribe();
        limited(established.wait_for(|established| *established)).await.unwrap();
        let tsn = tap.sealed.lock().unwrap().tsn;
        let attacker = Attacker {
            victim: SocketAddr::new(config.bind[0], victim.port),
            record: FIRST_RECORD,
            tsn,
            barriers: 0,
            wire: 0,
            _library: library,
            tap,
        };
        (attacker, victim)
    }

    /// Sends an SCTP packet with these chunks.
    pub(super) fn send(&mut self, chunks: &[u8]) {
        let sealed = self.tap.sealed.lock().unwrap();
        let mut packet = [&[0x13, 0x88, 0x13, 0x88], &sealed.tag.to_be_bytes()[..], &[0; 4], chunks].concat();
        let sum = crc32c(&packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        let number = &self.record.to_be_bytes()[2..];
        let len = u16::try_from(packet.len()).unwrap();
        let header = [&[0, 1], number, &[23, 0xfe, 0xfd], &len.to_be_bytes()].concat();
        let nonce = [&sealed.salt[..], &self.record.to_be_bytes()].concat();
        let mut tag = [0; 16];
        let cipher = sealed.cipher.as_ref().unwrap();
        cipher.lock().unwrap().seal_in_place(&nonce, &header, &mut packet, &mut tag).unwrap();
        let len = (len + 24).to_be_bytes();
        let start = [&[23, 0xfe, 0xfd, 0, 1], number, &len, &nonce[4..]].concat();
        let datagram = [&start[..], &packet, &tag].concat();
        drop(sealed);
        self.record += 1;
        self.wire += datagram.len();
        // Once the other side is gone, the system says so here.
        let _ = self.tap.socket.lock().unwrap().as_ref().unwrap().send_to(&datagram, self.victim);
    }

    /// Waits until all that was sent has been looked at, or until the other side has closed, and why.
    pub(super) async fn looked_at(
        &mut self,
        closed: &mut tokio::task::JoinHandle<CloseReason>,
    ) -> Option<CloseReason> {
        self.barriers += 1;
        let barriers = self.barriers;
        let information = [&[0, 1, 0, 8], &barriers.to_be_bytes()[..]].concat();
        let mut answered = self.tap.answered.subscribe();
        loop {
            self.send(&chunk(4, 0, &information));
            tokio::select! {
                _ = answered.wait_for(|answered| *answered >= barriers) => return None,
                reason = &mut *closed => return Some(reason.unwrap()),
                // The answer was lost among others.
                () = tokio::time::sleep(REPEAT) => {}
            }
        }
    }

    /// A DATA chunk with the next TSN.
    pub(super) fn data(&mut self, flags: u8, stream: u16, ssn: u16, data: &[u8]) -> Vec<u8> {
        let tsn = self.tsn.to_be_bytes();
        self.tsn = self.tsn.wrapping_add(1);
        let value = [&tsn[..], &stream.to_be_bytes(), &ssn.to_be_bytes(), &[0, 0, 0, 53], data].concat();
        chunk(0, flags, &value)
    }
}

/// A chunk with its padding.
pub(super) fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).unwrap().to_be_bytes();
    let mut chunk = [&[kind, flags], &len, value].concat();
    chunk.resize(chunk.len().next_multiple_of(4), 0);
    chunk
}

/// The checksum of SCTP (RFC 9260, appendix A).
fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82f6_3b78 & (crc & 1).wrapping_neg()))
    })
}

/// The library's answer to an offer, with everything tapped.
async fn answer(tap: &Arc<Tap>, address: IpAddr, offer: &str) -> (Arc<dyn PeerConnection>, String) {
    let provider = default_provider().unwrap();
    let (certificate, _) = certificate::generate(&*provider).unwrap();
    let tapped = Arc::clone(tap);
    let wrap = Box::new(move |cipher| -> Box<dyn AeadCipher> {
        Box::new(TappedCipher { inner: Arc::new(Mutex::new(cipher)), tap: Arc::clone(&tapped) })
    });
    let gathered = Arc::new(tokio::sync::Notify::new());
    let peer = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().with_certificates(vec![certificate]).build())
        .with_setting_engine(ice::settings(1, 1, Provider::new(provider, wrap)))
        .with_runtime(Arc::new(TappedRuntime(Arc::clone(tap))))
        .with_handler(Arc::new(Gathering(Arc::clone(&gathered))))
        .with_udp_addrs(vec![SocketAddr::new(address, 0)]);
    let peer: Arc<dyn PeerConnection> = Arc::new(Box::pin(peer.build()).await.unwrap());
    peer.set_remote_description(RTCSessionDescription::offer(offer.to_owned()).unwrap()).await.unwrap();
    let answer = peer.create_answer(None).await.unwrap();
    peer.set_local_description(answer).await.unwrap();
    limited(gathered.notified()).await;
    let answer = peer.local_description().await.unwrap().sdp;
    (peer, answer)
}

struct Gathering(Arc<tokio::sync::Notify>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Gathering {
    async fn on_ice_gathering_state_change(&self, state: webrtc::peer_connection::RTCIceGatheringState) {
        if state == webrtc::peer_connection::RTCIceGatheringState::Complete {
            self.0.notify_one();
        }
    }
}

struct TappedCipher {
    inner: Arc<Mutex<Box<dyn AeadCipher>>>,
    tap: Arc<Tap>,
}

impl AeadCipher for TappedCipher {
    fn tag_len(&self) -> usize {
        self.inner.lock().unwrap().tag_len()
    }

    fn seal_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), CryptoError> {
        if aad[8] == 23 {
            let mut sealed = self.tap.sealed.lock().unwrap();
            sealed.cipher = Some(Arc::clone(&self.inner));
            sealed.salt.copy_from_slice(&nonce[..4]);
            sealed.tag = u32::from_be_bytes(text[4..8].try_into().unwrap());
            if text[12] == 1 {
                sealed.tsn = u32::from_be_bytes(text[28..32].try_into().unwrap());
            }
        }
        self.inner.lock().unwrap().seal_in_place(nonce, aad, text, tag)
    }

    fn open_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), CryptoError> {
        self.inner.lock().unwrap().open_in_place(nonce, aad, text, tag)?;
        if aad[8] == 23 {
            match text[12] {
                5 => {
                    let barrier = u32::from_be_bytes(text[20..24].try_into().unwrap());
                    self.tap.answered.send_replace(barrier);
                }
                11 => {
                    self.tap.established.send_replace(true);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// tokio's runtime, with a second handle to the socket.
struct TappedRuntime(Arc<Tap>);

impl fmt::Debug for TappedRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TappedRuntime")
    }
}

impl Runtime for TappedRuntime {
    fn wrap_udp_socket(&self, socket: UdpSocket) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
        *self.0.socket.lock().unwrap() = Some(socket.try_clone()?);
        TokioRuntime.wrap_udp_socket(socket)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Box<dyn JoinHandle> {
        TokioRuntime.spawn(future)
    }

    fn wrap_tcp_listener(
        &self,
        listener: std::net::TcpListener,
    ) -> std::io::Result<Arc<dyn AsyncTcpListener>> {
        TokioRuntime.wrap_tcp_listener(listener)
    }

    fn connect_tcp<'a>(
        &'a self,
        remote: SocketAddr,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<Arc<dyn AsyncTcpStream>>> + Send + 'a>> {
        TokioRuntime.connect_tcp(remote)
    }

    fn resolve_host<'a>(
        &'a self,
        host: &'a str,
    ) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send + 'a>> {
        TokioRuntime.resolve_host(host)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'static>> {
        TokioRuntime.sleep(duration)
    }

    fn interval(&self, period: Duration) -> Box<dyn AsyncInterval> {
        TokioRuntime.interval(period)
    }

    fn block_on(&self, future: Pin<Box<dyn Future<Output = ()> + '_>>) {
        TokioRuntime.block_on(future);
    }
}
