//! A peer that keeps to ICE, DTLS and the beginning of SCTP, and then says by hand whatever it likes.
//!
//! The library does the keeping: it answers an offer of the victim's, and its ciphers and its socket are tapped. With the
//! cipher's key and the socket, records can be made that the other side takes for the library's.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rtc::{
    crypto::{AeadCipher, CryptoError, SignatureScheme, default_provider},
    peer_connection::{
        certificate::{CertificateParams, RTCCertificate},
        configuration::setting_engine::SettingEngineBuilder,
    },
};
use tokio::{
    sync::{Notify, watch},
    time::{sleep, timeout},
};
use webrtc::{
    peer_connection::{
        PeerConnection, PeerConnectionBuilder, PeerConnectionEventHandler, RTCConfigurationBuilder,
        RTCIceGatheringState, RTCSessionDescription,
    },
    runtime::{
        AsyncInterval, AsyncTcpListener, AsyncTcpStream, AsyncUdpSocket, JoinHandle, Runtime, TokioRuntime,
    },
};

use crate::{Outcome, PATIENCE, rtc::guard::provider::Provider};

/// The first number of the records made by hand: far beyond those that the library has sent.
const FIRST_RECORD: u64 = 1 << 20;

/// When a HEARTBEAT without answer is sent again.
const REPEAT: Duration = Duration::from_millis(100);

/// The peer, once SCTP is set up.
pub(crate) struct Raw {
    tap: Arc<Tap>,
    victim: SocketAddr,
    record: u64,
    /// The next TSN to be sent.
    pub(crate) tsn: u32,
    barriers: u32,
    /// Bytes sent by hand, as datagrams.
    pub(crate) wire: u64,
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

impl Raw {
    /// Answers an offer, by whose candidate the victim is reached.
    pub(crate) async fn answer(offer: &str) -> Outcome<(Self, String)> {
        let victim = candidate(offer).ok_or("no candidate")?;
        let tap = Arc::new(Tap::default());
        let (library, answer) = Box::pin(answer(&tap, offer)).await?;
        let raw = Self { victim, record: FIRST_RECORD, tsn: 0, barriers: 0, wire: 0, _library: library, tap };
        Ok((raw, answer))
    }

    /// Waits until both sides have an SCTP association.
    pub(crate) async fn established(&mut self) -> Outcome {
        let mut established = self.tap.established.subscribe();
        timeout(PATIENCE, established.wait_for(|established| *established))
            .await
            .map_err(|_| "no SCTP")??;
        self.tsn = lock(&self.tap.sealed).tsn;
        Ok(())
    }

    /// Sends an SCTP packet with these chunks.
    pub(crate) fn send(&mut self, chunks: &[u8]) -> Outcome {
        let sealed = lock(&self.tap.sealed);
        let mut packet = [&[0x13, 0x88, 0x13, 0x88], &sealed.tag.to_be_bytes()[..], &[0; 4], chunks].concat();
        let sum = crc32c(&packet);
        packet[8..12].copy_from_slice(&sum.to_le_bytes());
        let number = &self.record.to_be_bytes()[2..];
        let len = u16::try_from(packet.len())?;
        let header = [&[0, 1], number, &[23, 0xfe, 0xfd], &len.to_be_bytes()].concat();
        let nonce = [&sealed.salt[..], &self.record.to_be_bytes()].concat();
        let mut tag = [0; 16];
        let cipher = sealed.cipher.as_ref().ok_or("no key")?;
        lock(cipher)
            .seal_in_place(&nonce, &header, &mut packet, &mut tag)
            .map_err(|error| error.to_string())?;
        let len = (len + 24).to_be_bytes();
        let start = [&[23, 0xfe, 0xfd, 0, 1], number, &len, &nonce[4..]].concat();
        let datagram = [&start[..], &packet, &tag].concat();
        drop(sealed);
        self.record += 1;
        self.wire += datagram.len() as u64;
        // Once the other side is gone, the system says so here.
        let _ = lock(&self.tap.socket).as_ref().ok_or("no socket")?.send_to(&datagram, self.victim);
        Ok(())
    }

    /// Waits until all that was sent has been looked at, or until `gone`; says which.
    pub(crate) async fn looked_at(&mut self, gone: &mut watch::Receiver<bool>) -> Outcome<bool> {
        self.barriers += 1;
        let barriers = self.barriers;
        let information = [&[0, 1, 0, 8], &barriers.to_be_bytes()[..]].concat();
        let mut answered = self.tap.answered.subscribe();
        for _ in 0..PATIENCE.as_millis() / REPEAT.as_millis() {
            self.send(&chunk(4, 0, &information))?;
            tokio::select! {
                _ = answered.wait_for(|answered| *answered >= barriers) => return Ok(true),
                _ = gone.wait_for(|gone| *gone) => return Ok(false),
                // The answer was lost among others.
                () = sleep(REPEAT) => {}
            }
        }
        Err("the victim neither answers nor closes".into())
    }

    /// A DATA chunk with the next TSN.
    pub(crate) fn data(&mut self, flags: u8, stream: u16, ssn: u16, data: &[u8]) -> Vec<u8> {
        let tsn = self.tsn.to_be_bytes();
        self.tsn = self.tsn.wrapping_add(1);
        let value = [&tsn[..], &stream.to_be_bytes(), &ssn.to_be_bytes(), &[0, 0, 0, 53], data].concat();
        chunk(0, flags, &value)
    }
}

/// The number at the beginning of some bytes.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// A chunk with its padding.
pub(crate) fn chunk(kind: u8, flags: u8, value: &[u8]) -> Vec<u8> {
    let len = u16::try_from(4 + value.len()).unwrap_or(u16::MAX).to_be_bytes();
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

/// The address of the first candidate of a description.
fn candidate(sdp: &str) -> Option<SocketAddr> {
    let mut fields = sdp.lines().find_map(|line| line.strip_prefix("a=candidate:"))?.split(' ').skip(4);
    Some(SocketAddr::new(fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}

/// A panic in between is the end of the run anyhow.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The library's answer to an offer, with everything tapped.
async fn answer(tap: &Arc<Tap>, offer: &str) -> Outcome<(Arc<dyn PeerConnection>, String)> {
    let provider = default_provider().map_err(|error| error.to_string())?;
    let params = CertificateParams::new(vec!["attacker".to_owned()])?;
    let certificate = RTCCertificate::generate(provider.crypto(), SignatureScheme::EcdsaP256Sha256, params)?;
    let tapped = Arc::clone(tap);
    let wrap = Box::new(move |cipher| -> Box<dyn AeadCipher> {
        Box::new(TappedCipher { inner: Arc::new(Mutex::new(cipher)), tap: Arc::clone(&tapped) })
    });
    let gathered = Arc::new(Notify::new());
    let settings = SettingEngineBuilder::new().with_crypto_provider(Provider::new(provider, wrap)).build();
    let peer = PeerConnectionBuilder::new()
        .with_configuration(RTCConfigurationBuilder::new().with_certificates(vec![certificate]).build())
        .with_setting_engine(settings)
        .with_runtime(Arc::new(TappedRuntime(Arc::clone(tap))))
        .with_handler(Arc::new(Gathering(Arc::clone(&gathered))))
        .with_udp_addrs(vec![SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0)]);
    let peer: Arc<dyn PeerConnection> = Arc::new(Box::pin(peer.build()).await?);
    peer.set_remote_description(RTCSessionDescription::offer(offer.to_owned())?).await?;
    let answer = peer.create_answer(None).await?;
    peer.set_local_description(answer).await?;
    timeout(PATIENCE, gathered.notified()).await?;
    let answer = peer.local_description().await.ok_or("no description")?.sdp;
    Ok((peer, answer))
}

struct Gathering(Arc<Notify>);

#[async_trait::async_trait]
impl PeerConnectionEventHandler for Gathering {
    async fn on_ice_gathering_state_change(&self, state: RTCIceGatheringState) {
        if state == RTCIceGatheringState::Complete {
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
        lock(&self.inner).tag_len()
    }

    fn seal_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &mut [u8],
    ) -> Result<(), CryptoError> {
        if aad[8] == 23 {
            let mut sealed = lock(&self.tap.sealed);
            sealed.cipher = Some(Arc::clone(&self.inner));
            sealed.salt.copy_from_slice(&nonce[..4]);
            sealed.tag = number(&text[4..]);
            if text[12] == 1 {
                sealed.tsn = number(&text[28..]);
            }
        }
        lock(&self.inner).seal_in_place(nonce, aad, text, tag)
    }

    fn open_in_place(
        &mut self,
        nonce: &[u8],
        aad: &[u8],
        text: &mut [u8],
        tag: &[u8],
    ) -> Result<(), CryptoError> {
        lock(&self.inner).open_in_place(nonce, aad, text, tag)?;
        if aad[8] == 23 {
            match text[12] {
                5 => {
                    self.tap.answered.send_replace(number(&text[20..]));
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
        *lock(&self.0.socket) = Some(socket.try_clone()?);
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
