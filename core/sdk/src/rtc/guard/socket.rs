//! Where the guard sees what comes from the network: in the sockets that the library is given.
//!
//! Most is encrypted and looked at once it was opened (`watch`). The rest is counted here: the DTLS handshake,
//! which the library gathers before anybody has proved anything, and records of keys that there are not yet, which
//! it keeps until there are. What is too much is dropped, and ends nothing: such datagrams can come from anybody
//! who knows the address. RTP, which nobody speaks here, is dropped at once.
//!
//! What leaves is looked at for one thing. A peer's SDP names addresses, which the library then checks many times a second
//! ("checks", ICE's requests by STUN), whoever is there. So of those to an address from which nothing has come, most are
//! left out (`checks`).

use std::collections::HashSet;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use webrtc::runtime::{AsyncUdpSocket, RecvMeta, Transmit};

use super::checks::{self, Checks};
use super::watch::Watch;

/// Bytes of datagrams that belong to the handshake, in all. One takes 3 KB; its flights are repeated after 1 s,
/// 2 s, 4 s and so on, for the 20 s that an attempt may take.
const MAX_HANDSHAKE: usize = 64 * 1024;

/// Addresses that anything is taken from, per socket: those of the peer, which its SDP names or its NATs make up, and
/// of STUN and TURN servers. The library keeps each address that answers as a candidate of its own.
const MAX_SENDERS: usize = 256;

/// The header of a DTLS record: type, version, epoch, number, length (RFC 6347 §4.1).
const RECORD_HEADER: usize = 13;

/// A socket of the library under watch.
#[derive(Debug)]
pub(in crate::rtc) struct Socket {
    inner: Arc<dyn AsyncUdpSocket>,
    watch: Arc<Watch>,
    handshake: AtomicUsize,
    senders: Mutex<HashSet<SocketAddr>>,
    checks: Mutex<Checks>,
}

impl Socket {
    pub(in crate::rtc) fn new(inner: Arc<dyn AsyncUdpSocket>, watch: Arc<Watch>) -> Arc<Socket> {
        Arc::new(Socket {
            inner,
            watch,
            handshake: AtomicUsize::new(0),
            senders: Mutex::default(),
            checks: Mutex::default(),
        })
    }

    fn takes(&self, datagram: &[u8]) -> bool {
        // A TURN server puts four bytes before what it relays (ChannelData, RFC 8656 §12.4).
        let content = match datagram {
            [64..=79, _, _, _, content @ ..] => content,
            datagram => datagram,
        };
        match content.first() {
            Some(0..=3) => true,
            Some(20..=63) => self.is_data(content) || self.take_handshake(content.len()),
            _ => false,
        }
    }

    fn knows(&self, sender: SocketAddr) -> bool {
        let mut senders = lock(&self.senders);
        senders.contains(&sender) || (senders.len() < MAX_SENDERS && senders.insert(sender))
    }

    fn sends(&self, datagram: &[u8], to: SocketAddr) -> bool {
        !checks::is_check(datagram)
            || lock(&self.senders).contains(&to)
            || lock(&self.checks).may_go(to, Instant::now())
    }

    fn is_data(&self, records: &[u8]) -> bool {
        self.watch.is_encrypted() && is_encrypted(records)
    }

    fn take_handshake(&self, len: usize) -> bool {
        let take = |taken: usize| Some(taken + len).filter(|taken| *taken <= MAX_HANDSHAKE);
        self.handshake.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }
}

/// Sets and maps are whole again after every change.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether all records of a datagram are of epoch 1: the keys of the handshake, which are never changed.
fn is_encrypted(mut records: &[u8]) -> bool {
    while !records.is_empty() {
        let Some(header) = records.first_chunk::<RECORD_HEADER>() else { return false };
        let len = usize::from(u16::from_be_bytes([header[11], header[12]]));
        let Some(rest) = records.get(RECORD_HEADER + len..).filter(|_| header[3..5] == [0, 1]) else {
            return false;
        };
        records = rest;
    }
    true
}

impl AsyncUdpSocket for Socket {
    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.inner.local_addr()
    }

    fn poll_send(&self, cx: &mut Context<'_>, transmit: &Transmit<'_>) -> Poll<io::Result<usize>> {
        if self.sends(transmit.contents, transmit.destination) {
            self.inner.poll_send(cx, transmit)
        } else {
            Poll::Ready(Ok(transmit.contents.len()))
        }
    }

    /// Takes one message at a time, as the library asks. The system may have put several datagrams of one sender
    /// into it; if one of them is refused, all are.
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let ([buf, ..], [meta, ..]) = (bufs, meta) else { return Poll::Ready(Ok(0)) };
        loop {
            if self.watch.is_over() {
                // The driver is about to be closed, and is woken for that.
                return Poll::Pending;
            }
            let (bufs, metas) = (std::slice::from_mut(buf), std::slice::from_mut(meta));
            let count = ready!(self.inner.poll_recv(cx, bufs, metas))?;
            let mut datagrams = buf[..meta.len].chunks(meta.stride.max(1));
            if self.knows(meta.addr) && datagrams.all(|datagram| self.takes(datagram)) {
                return Poll::Ready(Ok(count));
            }
        }
    }

    fn max_gso_segments(&self) -> usize {
        self.inner.max_gso_segments()
    }

    fn max_gro_segments(&self) -> usize {
        self.inner.max_gro_segments()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use webrtc::runtime::{Runtime, TokioRuntime};

    use super::*;
    use crate::rtc::lifecycle::Lifecycle;

    fn record(epoch: u8, len: u16) -> Vec<u8> {
        let [high, low] = len.to_be_bytes();
        let header = [23, 0xfe, 0xfd, 0, epoch, 0, 0, 0, 0, 0, 0, high, low];
        [&header[..], &vec![7; usize::from(len)]].concat()
    }

    fn socket() -> Arc<Socket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        Socket::new(TokioRuntime.wrap_udp_socket(socket).unwrap(), Watch::new(Lifecycle::new()))
    }

    #[test]
    fn only_records_of_the_one_set_of_keys_are_data() {
        assert!(is_encrypted(&record(1, 5)));
        assert!(is_encrypted(&[record(1, 5), record(1, 0)].concat()));
        assert!(!is_encrypted(&[record(1, 5), record(0, 5)].concat()));
        assert!(!is_encrypted(&record(2, 5)));
        let cut = record(1, 5);
        for len in 1..cut.len() {
            assert!(!is_encrypted(&cut[..len]), "{len}");
        }
    }

    #[tokio::test]
    async fn a_handshake_is_short() {
        let socket = socket();
        for epoch in [0, 1, 2] {
            let taken = (0..100).filter(|_| socket.takes(&record(epoch, 1000))).count();
            assert_eq!(taken, if epoch == 0 { MAX_HANDSHAKE / 1013 } else { 0 });
        }
        let relayed = [&[64, 0, 0, 18][..], &record(0, 500)].concat();
        assert!(socket.takes(&relayed), "what is left");
        assert!(!socket.takes(&relayed));
        assert!(socket.takes(&[0, 1, 0, 0]), "STUN");
    }

    #[tokio::test]
    async fn what_nobody_speaks_is_dropped() {
        let socket = socket();
        assert!(!socket.takes(&[]));
        assert!(!socket.takes(&[16; 20]), "ZRTP");
        assert!(!socket.takes(&[128; 20]), "RTP");
        assert!(!socket.takes(&[64, 0, 0, 20, 128, 0]), "the same, relayed");
    }

    #[tokio::test]
    async fn addresses_are_few() {
        let socket = socket();
        let known = |port| socket.knows(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
        assert_eq!((1..1000).filter(|port| known(*port)).count(), MAX_SENDERS);
        assert!(known(1), "one that was there before");
    }
}
