//! Two connections in one process, over loopback. Everything waits for events; the limit only catches a hang.

mod honest;

use std::future::{Future, poll_fn};
use std::net::{IpAddr, Ipv4Addr};
use std::task::Poll;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::*;
use crate::rtc::{DescriptionFault, IceServer, MAX_MESSAGE, RtcEvent, sdp::MAX_SDP};

/// Far longer than any test takes.
const HANG: Duration = Duration::from_mins(1);

async fn limited<T>(future: impl Future<Output = T>) -> T {
    timeout(HANG, future).await.expect("nothing happened for a minute")
}

fn config(host: u8) -> RtcConfig {
    RtcConfig { bind: vec![IpAddr::V4(Ipv4Addr::new(127, 0, 0, host))], ..RtcConfig::default() }
}

struct Side {
    connection: Connection,
    incoming: Incoming,
    #[cfg_attr(not(target_os = "linux"), allow(dead_code, reason = "looked at on Linux only"))]
    port: u16,
}

impl Side {
    fn new(connection: Connection, incoming: Incoming, sdp: &str) -> Side {
        let mut candidates = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
        let port = candidates.next().and_then(|candidate| candidate.split(' ').nth(5)).unwrap();
        Side { connection, incoming, port: port.parse().unwrap() }
    }

    async fn next(&mut self) -> RtcEvent {
        limited(self.incoming.next()).await.expect("an event")
    }

    async fn opened(&mut self) -> ([u8; 32], [u8; 32]) {
        match self.next().await {
            RtcEvent::Open { local_certificate, remote_certificate } => {
                (local_certificate, remote_certificate)
            }
            other => panic!("expected Open, got {other:?}"),
        }
    }

    async fn message(&mut self) -> (Channel, Bytes) {
        match self.next().await {
            RtcEvent::Message { channel, data } => (channel, data),
            other => panic!("expected a message, got {other:?}"),
        }
    }

    /// Passes over messages until the end.
    async fn closed(&mut self) -> CloseReason {
        loop {
            if let RtcEvent::Closed { reason } = self.next().await {
                assert_eq!(limited(self.incoming.next()).await, None);
                return reason;
            }
        }
    }

    async fn send(&self, channel: Channel, text: &'static str) {
        limited(self.connection.send(channel, Bytes::from_static(text.as_bytes()))).await.unwrap();
    }
}

/// Two sides whose descriptions have been exchanged, the answer as `change` makes it.
async fn exchanged(host: u8, change: impl Fn(String) -> String) -> (Side, Side) {
    let config = config(host);
    let (connection, incoming, offer) = limited(Connection::offer(&config)).await.unwrap();
    let offerer = Side::new(connection, incoming, &offer);
    let (connection, incoming, answer) = limited(Connection::answer(&config, &offer)).await.unwrap();
    let answerer = Side::new(connection, incoming, &answer);
    limited(offerer.connection.accept_answer(&change(answer))).await.unwrap();
    (offerer, answerer)
}

async fn open_on(host: u8) -> (Side, Side) {
    let (mut a, mut b) = exchanged(host, |answer| answer).await;
    let (ours, theirs) = tokio::join!(a.opened(), b.opened());
    assert_eq!(ours, (theirs.1, theirs.0), "each side sees the certificate the other presented");
    (a, b)
}

async fn open() -> (Side, Side) {
    open_on(1).await
}

#[tokio::test]
async fn carries_messages_both_ways_on_every_channel() {
    let (mut a, mut b) = open().await;
    for channel in Channel::ALL {
        a.send(channel, "there").await;
        assert_eq!(b.message().await, (channel, Bytes::from_static(b"there")));
        b.send(channel, "and back").await;
        assert_eq!(a.message().await, (channel, Bytes::from_static(b"and back")));
    }
}

#[tokio::test]
async fn carries_the_smallest_and_the_largest_message() {
    let (a, mut b) = open().await;
    for size in [0, 1, MAX_MESSAGE] {
        let message = Bytes::from(vec![7; size]);
        a.connection.send(Channel::App, message.clone()).await.unwrap();
        assert_eq!(b.message().await, (Channel::App, message));
    }
    let error = a.connection.send(Channel::App, Bytes::from(vec![7; MAX_MESSAGE + 1])).await.unwrap_err();
    assert!(matches!(error, RtcError::MessageTooLarge { size } if size == MAX_MESSAGE + 1), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_transfer_arrives_whole_and_in_order() {
    const CHUNKS: u32 = 400;
    let (a, mut b) = open().await;
    let chunk = |number: u32| -> Bytes {
        let seed = Sha256::digest(number.to_be_bytes());
        seed.iter().copied().cycle().take(MAX_MESSAGE - 1000 + number as usize).collect()
    };
    let sending = tokio::spawn(async move {
        for number in 0..CHUNKS {
            a.connection.send(Channel::Blob, chunk(number)).await.unwrap();
        }
        a
    });
    for number in 0..CHUNKS {
        assert!(b.message().await.1 == chunk(number), "chunk {number} differs");
    }
    limited(sending).await.unwrap();
}

#[tokio::test]
async fn messages_wait_for_a_late_consumer() {
    let (mut a, mut b) = exchanged(1, |answer| answer).await;
    a.opened().await;
    for _ in 0..100 {
        a.send(Channel::Sync, "early").await;
        a.send(Channel::App, "early").await;
    }
    limited(a.connection.inner.flow.drained()).await;
    b.opened().await;
    let mut counts = [0; Channel::ALL.len()];
    for _ in 0..200 {
        counts[b.message().await.0.index()] += 1;
    }
    assert_eq!(counts, [0, 100, 100, 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_that_stops_reading_stops_the_sender() {
    /// More than every buffer on the way holds together.
    const MESSAGES: u32 = 16 * 1024;
    let (a, mut b) = open().await;
    let numbered = |number: u32| Bytes::from(number.to_be_bytes().repeat(256));
    let mut sending = tokio::spawn(async move {
        for number in 0..MESSAGES {
            a.connection.send(Channel::Blob, numbered(number)).await.unwrap();
        }
        a
    });
    // That something does not happen can only be told by waiting.
    assert!(timeout(Duration::from_secs(2), &mut sending).await.is_err(), "the sender was not stopped");
    for number in 0..MESSAGES {
        assert_eq!(b.message().await.1, numbered(number));
    }
    limited(sending).await.unwrap();
}

#[tokio::test]
async fn small_messages_pass_a_large_transfer() {
    let (a, mut b) = open().await;
    let bulk = a.connection.clone();
    // The consumer is not reading, so this gets stuck in the middle.
    let stuck = tokio::spawn(async move {
        while bulk.send(Channel::Blob, Bytes::from(vec![0; MAX_MESSAGE])).await.is_ok() {}
    });
    while a.connection.inner.flow.has_room() {
        tokio::task::yield_now().await;
    }
    a.send(Channel::Control, "urgent").await;
    while b.message().await.0 != Channel::Control {}
    limited(a.connection.close()).await;
    limited(stuck).await.unwrap();
}

#[tokio::test]
async fn a_tampered_fingerprint_opens_nothing() {
    let tamper = |answer: String| {
        let (before, after) = answer.split_once("sha-256 ").unwrap();
        let digit = if after.starts_with('0') { "1" } else { "0" };
        format!("{before}sha-256 {digit}{}", &after[1..])
    };
    let (mut a, mut b) = exchanged(1, tamper).await;
    // An attempt that works opens in milliseconds; that this one never does can only be told by waiting.
    let outcome = timeout(Duration::from_secs(2), async {
        tokio::select! { event = a.incoming.next() => event, event = b.incoming.next() => event }
    });
    let outcome = outcome.await;
    assert!(!matches!(outcome, Ok(Some(RtcEvent::Open { .. }))), "{outcome:?}");
    let error = a.connection.send(Channel::App, Bytes::new()).await.unwrap_err();
    assert!(matches!(error, RtcError::NotOpen | RtcError::Closed(_)), "{error}");
    limited(async { tokio::join!(a.connection.close(), b.connection.close()) }).await;
}

#[tokio::test]
async fn a_close_is_seen_by_the_peer_after_the_parting_word() {
    let (a, mut b) = open().await;
    a.send(Channel::Control, "goodbye").await;
    limited(a.connection.close()).await;
    assert_eq!(b.message().await.1, Bytes::from_static(b"goodbye"));
    assert_eq!(b.closed().await, CloseReason::Remote);
    let error = b.connection.send(Channel::App, Bytes::new()).await.unwrap_err();
    assert!(matches!(error, RtcError::Closed(CloseReason::Remote)), "{error}");
    limited(b.connection.close()).await;
}

#[tokio::test]
async fn a_close_ends_this_side_too_and_may_be_repeated() {
    let (mut a, _b) = open().await;
    limited(async { tokio::join!(a.connection.close(), a.connection.close()) }).await;
    limited(a.connection.close()).await;
    assert_eq!(a.closed().await, CloseReason::Local);
    let error = a.connection.send(Channel::App, Bytes::new()).await.unwrap_err();
    assert!(matches!(error, RtcError::Closed(CloseReason::Local)), "{error}");
}

#[tokio::test]
async fn a_close_releases_senders_that_wait() {
    let (a, _b) = open().await;
    let sender = a.connection.clone();
    let sending = tokio::spawn(async move {
        loop {
            if let Err(error) = sender.send(Channel::Blob, Bytes::from(vec![0; MAX_MESSAGE])).await {
                return error;
            }
        }
    });
    while a.connection.inner.flow.has_room() {
        tokio::task::yield_now().await;
    }
    limited(a.connection.close()).await;
    assert!(matches!(limited(sending).await.unwrap(), RtcError::Closed(CloseReason::Local)));
}

#[tokio::test]
async fn dropping_either_half_closes() {
    let (a, mut b) = open().await;
    let Side { connection, mut incoming, .. } = a;
    drop(connection);
    assert_eq!(limited(incoming.next()).await, Some(RtcEvent::Closed { reason: CloseReason::Local }));
    assert_eq!(b.closed().await, CloseReason::Remote);

    let (a, mut b) = open().await;
    drop(a.incoming);
    assert_eq!(b.closed().await, CloseReason::Remote);
    let error = a.connection.send(Channel::App, Bytes::new()).await.unwrap_err();
    assert!(matches!(error, RtcError::Closed(CloseReason::Local)), "{error}");
}

#[tokio::test]
async fn a_peer_that_opens_channels_of_its_own_is_disconnected() {
    let (a, mut b) = open().await;
    let _uninvited = a.connection.inner.peer.create_data_channel("mine", None).await.unwrap();
    assert_eq!(b.closed().await, CloseReason::PeerMisbehaved);
}

#[tokio::test]
async fn what_is_not_open_cannot_send() {
    let (connection, _incoming, _offer) = Connection::offer(&config(1)).await.unwrap();
    let error = connection.send(Channel::App, Bytes::new()).await.unwrap_err();
    assert!(matches!(error, RtcError::NotOpen), "{error}");
}

#[tokio::test]
async fn bad_descriptions_are_refused() {
    let config = config(1);
    let (_offerer, _incoming, offer) = Connection::offer(&config).await.unwrap();
    let large = format!("{offer}{}", "a=x\r\n".repeat(MAX_SDP / 5));
    for (sdp, fault) in [
        ("garbage", DescriptionFault::NotSdp),
        (large.as_str(), DescriptionFault::TooLarge),
        (&offer.replace("m=application", "m=audio"), DescriptionFault::NotDataChannels),
        (&offer.replace("sha-256", "sha-1"), DescriptionFault::NoFingerprint),
    ] {
        let error = Connection::answer(&config, sdp).await.unwrap_err();
        assert!(matches!(error, RtcError::Description(found) if found == fault), "{error}");
    }
    let error = Connection::answer(&config, &offer.replace("ice-ufrag", "x-ufrag")).await.unwrap_err();
    assert!(matches!(error, RtcError::Rejected(_)), "{error}");
}

#[tokio::test]
async fn an_answer_is_taken_once_and_only_by_the_offerer() {
    let config = config(1);
    let (offerer, _incoming, offer) = Connection::offer(&config).await.unwrap();
    let (answerer, _incoming, answer) = Connection::answer(&config, &offer).await.unwrap();
    assert!(matches!(answerer.accept_answer(&answer).await, Err(RtcError::UnexpectedAnswer)));
    offerer.accept_answer(&answer).await.unwrap();
    assert!(matches!(offerer.accept_answer(&answer).await, Err(RtcError::UnexpectedAnswer)));
}

/// Answers one STUN request (RFC 8489): success, with an XOR-MAPPED-ADDRESS of 203.0.113.7:4242.
async fn answer_stun(server: tokio::net::UdpSocket) {
    let mut request = [0; 1500];
    let (_, client) = limited(server.recv_from(&mut request)).await.unwrap();
    let cookie = [0x21, 0x12, 0xa4, 0x42];
    let mut response = vec![0x01, 0x01, 0, 12];
    response.extend_from_slice(&request[4..20]);
    response.extend_from_slice(&[0x00, 0x20, 0, 8, 0, 1]);
    response.extend(4242_u16.to_be_bytes().iter().zip(cookie).map(|(byte, mask)| byte ^ mask));
    response.extend([203, 0, 113, 7].iter().zip(cookie).map(|(byte, mask)| byte ^ mask));
    server.send_to(&response, client).await.unwrap();
}

#[tokio::test]
async fn a_stun_server_tells_the_outside_address() {
    let server = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let urls = vec![format!("stun:{}", server.local_addr().unwrap())];
    let answering = tokio::spawn(answer_stun(server));
    let config = RtcConfig { ice_servers: vec![IceServer { urls, ..IceServer::default() }], ..config(1) };
    let (_connection, _incoming, offer) = limited(Connection::offer(&config)).await.unwrap();
    assert!(offer.lines().any(|line| line.contains("203.0.113.7 4242 typ srflx")), "{offer}");
    assert!(offer.lines().all(|line| !line.contains(" 2 udp ")), "{offer}");
    answering.await.unwrap();
}

/// Whether the UDP port of a candidate can be bound again, which it can once its socket is closed.
#[cfg(target_os = "linux")]
fn is_free(host: u8, side: &Side) -> bool {
    std::net::UdpSocket::bind((Ipv4Addr::new(127, 0, 0, host), side.port)).is_ok()
}

/// Waits until the tasks of this test's runtime are as few as before. The sockets live in them.
async fn nothing_left(tasks: usize) {
    limited(async {
        while tokio::runtime::Handle::current().metrics().num_alive_tasks() > tasks {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

// Only Linux lets a test have an address of its own, where nobody else takes the port in between.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn closing_leaves_nothing_behind() {
    const HOST: u8 = 71;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    for cycle in 0..50 {
        let (a, b) = open_on(HOST).await;
        assert!(!is_free(HOST, &a) && !is_free(HOST, &b));
        if cycle % 2 == 0 {
            limited(async { tokio::join!(a.connection.close(), b.connection.close()) }).await;
            assert!(is_free(HOST, &a) && is_free(HOST, &b), "a close returns when all is released");
        }
        let ports = [a.port, b.port];
        drop((a, b));
        nothing_left(tasks).await;
        for port in ports {
            std::net::UdpSocket::bind((Ipv4Addr::new(127, 0, 0, HOST), port)).unwrap();
        }
    }
}

#[tokio::test]
async fn giving_up_halfway_leaves_nothing_behind() {
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let config = config(1);
    // Cancelled after every number of steps until one that suffices.
    for steps in 0.. {
        let mut offer = Box::pin(Connection::offer(&config));
        let mut done = false;
        for _ in 0..steps {
            done = poll_fn(|cx| Poll::Ready(offer.as_mut().poll(cx).is_ready())).await;
            if done {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(offer);
        nothing_left(tasks).await;
        if done {
            break;
        }
    }
    // A refused offer, too.
    let (_, _, offer) = Connection::offer(&config).await.unwrap();
    Connection::answer(&config, &offer.replace("ice-ufrag", "x-ufrag")).await.unwrap_err();
    nothing_left(tasks).await;
}
