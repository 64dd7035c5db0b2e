//! What a check by a single datagram would cost a service: the measurement behind ADR 9.
//!
//! A client sends Q and a cursor (57 bytes), the service looks Q up and answers whether there is something (9
//! bytes). There is no such thing in the protocol; this is its cheapest possible form, one system call in and
//! one out. Prints the CPU time of the answering thread per check, in ns, as JSON.

#![allow(clippy::unwrap_used, reason = "a measurement fails by panicking")]

use std::{
    collections::HashMap,
    net::{SocketAddr, UdpSocket},
    thread,
    time::Duration,
};

const CHECKS: u32 = 200_000;
const BOXES: u32 = 10_000;
/// So many questions are under way, as with the connections that a web server is measured with.
const UNDER_WAY: u32 = 32;

fn main() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let service = thread::spawn(move || answer(&socket));
    ask(address);
    println!("{{\"cpu_ns_per_check\":{}}}", service.join().unwrap());
}

fn answer(socket: &UdpSocket) -> u64 {
    let boxes: HashMap<[u8; 49], u64> = (0..BOXES).map(|number| (q(number), 7)).collect();
    let mut packet = [0; 64];
    let begin = cpu_time();
    for _ in 0..CHECKS {
        let (length, from) = socket.recv_from(&mut packet).unwrap();
        let (q, at) = packet[..length].split_first_chunk::<49>().unwrap();
        let at = u64::from_be_bytes(at.try_into().unwrap());
        let found = boxes.get(q).is_some_and(|newest| *newest > at);
        let reply = [&[u8::from(found)][..], &at.to_be_bytes()].concat();
        socket.send_to(&reply, from).unwrap();
    }
    (cpu_time() - begin) / u64::from(CHECKS)
}

fn ask(service: SocketAddr) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(service).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let send = |number: u32| {
        socket.send(&[&q(number % BOXES)[..], &9_u64.to_be_bytes()].concat()).unwrap();
    };
    for number in 0..UNDER_WAY {
        send(number);
    }
    let mut reply = [0; 16];
    for number in 0..CHECKS {
        socket.recv(&mut reply).unwrap();
        if number + UNDER_WAY < CHECKS {
            send(number + UNDER_WAY);
        }
    }
}

fn q(number: u32) -> [u8; 49] {
    let mut q = [2; 49];
    q[45..].copy_from_slice(&number.to_be_bytes());
    q
}

/// This thread's time on a processor, in ns.
fn cpu_time() -> u64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse().unwrap()
}
