//! Honest peers at their most demanding: nothing they do may look like an attack.

use tokio::net::UdpSocket;

use super::*;

/// What each side sends of large messages, in all.
const MUCH: usize = 64 * 1024 * 1024;

/// As many messages as fill this, from a task of its own.
fn send_all(side: &Side, channel: Channel, count: usize, len: usize) -> tokio::task::JoinHandle<()> {
    let connection = side.connection.clone();
    tokio::spawn(async move {
        for _ in 0..count {
            connection.send(channel, Bytes::from(vec![7; len])).await.unwrap();
        }
    })
}

async fn receive(side: &mut Side, count: usize, len: usize) {
    for _ in 0..count {
        assert_eq!(side.message().await.1.len(), len);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn much_both_ways_at_once() {
    let count = MUCH / MAX_MESSAGE;
    let (mut a, mut b) = open().await;
    let sending =
        [send_all(&a, Channel::Blob, count, MAX_MESSAGE), send_all(&b, Channel::Blob, count, MAX_MESSAGE)];
    tokio::join!(receive(&mut a, count, MAX_MESSAGE), receive(&mut b, count, MAX_MESSAGE));
    for sending in sending {
        limited(sending).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_tiny_messages() {
    const COUNT: usize = 100_000;
    let (a, mut b) = open().await;
    let sending = send_all(&a, Channel::App, COUNT, 1);
    receive(&mut b, COUNT, 1).await;
    limited(sending).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_pauses() {
    for (count, len) in [(MUCH / MAX_MESSAGE, MAX_MESSAGE), (100_000, 16)] {
        let (a, mut b) = open().await;
        let mut sending = send_all(&a, Channel::Sync, count, len);
        // That the sender is stopped can only be told by waiting.
        let stopped = timeout(Duration::from_secs(1), &mut sending).await.is_err();
        receive(&mut b, count, len).await;
        if stopped {
            limited(sending).await.unwrap();
        }
    }
}

/// Passes on what comes from one side to the other, except every twentieth datagram.
async fn pass_on(from: Arc<UdpSocket>, by: Arc<UdpSocket>, to: u16) {
    let mut datagram = vec![0; 2000];
    for count in 1_u64.. {
        let len = from.recv(&mut datagram).await.unwrap();
        if count % 20 != 0 {
            by.send_to(&datagram[..len], (Ipv4Addr::LOCALHOST, to)).await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_path_that_loses_every_twentieth_datagram() {
    // SCTP repairs some losses only after a second.
    let count = 5;
    let config = config(1);
    let [at_a, at_b] = [
        Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()),
        Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()),
    ];
    // Each side knows the other by the socket that passes on what it gets to that other.
    let instead = |sdp: &str, port: u16, by: &UdpSocket| {
        sdp.replace(
            &format!(" 127.0.0.1 {port} "),
            &format!(" 127.0.0.1 {} ", by.local_addr().unwrap().port()),
        )
    };
    let (connection, incoming, offer) = limited(Connection::offer(&config)).await.unwrap();
    let mut a = Side::new(connection, incoming, &offer);
    let offer = instead(&offer, a.port, &at_a);
    let (connection, incoming, answer) = limited(Connection::answer(&config, &offer)).await.unwrap();
    let mut b = Side::new(connection, incoming, &answer);
    let ways = [
        tokio::spawn(pass_on(Arc::clone(&at_a), Arc::clone(&at_b), a.port)),
        tokio::spawn(pass_on(Arc::clone(&at_b), Arc::clone(&at_a), b.port)),
    ];
    a.connection.accept_answer(&instead(&answer, b.port, &at_b)).await.unwrap();
    tokio::join!(a.opened(), b.opened());
    let sending =
        [send_all(&a, Channel::Blob, count, MAX_MESSAGE), send_all(&b, Channel::Blob, count, MAX_MESSAGE)];
    tokio::join!(receive(&mut a, count, MAX_MESSAGE), receive(&mut b, count, MAX_MESSAGE));
    for sending in sending {
        limited(sending).await.unwrap();
    }
    for way in ways {
        way.abort();
    }
}
