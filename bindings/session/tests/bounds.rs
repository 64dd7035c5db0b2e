//! What a receiver that lets nothing go can make a session hold.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::{
    sync::{Arc, Mutex, mpsc},
    time::Duration,
};

use connectoid_session::{CALLS, EVENTS, Kind, Message, Outlet, PAGES, Refused, Session};
use zeroize::Zeroizing;

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(2);

struct Channel(Mutex<mpsc::Sender<Message>>);

impl Outlet for Channel {
    fn deliver(&self, message: Message) {
        // At the end of a test nobody listens any more.
        let _ = self.0.lock().unwrap().send(message);
    }
}

fn open() -> (Session, mpsc::Receiver<Message>) {
    let (sender, receiver) = mpsc::channel();
    let settings = Zeroizing::new(r#"{"storage":"memory"}"#.to_owned());
    let session = Session::open(1, settings, Arc::new(Channel(Mutex::new(sender)))).unwrap();
    assert_eq!(next(&receiver, Kind::Reply).id, 1);
    (session, receiver)
}

/// The next message of a kind; others are let go.
fn next(messages: &mpsc::Receiver<Message>, kind: Kind) -> Message {
    loop {
        let message = messages.recv_timeout(PATIENCE).expect("a message");
        if message.kind == kind {
            return message;
        }
    }
}

#[test]
fn events_wait_until_others_are_freed() {
    let (session, messages) = open();
    session.call(2, r#"{"method":"create_group","name":"g"}"#.to_owned(), Vec::new()).unwrap();
    next(&messages, Kind::Reply);
    let write = r#"{"method":"commit","group":"g","writes":[{"op":"put","collection":"c","id":"r","fields":{"n":1}}]}"#;
    let writes = 3 * EVENTS;
    for id in 0..writes {
        session.call(100 + id as u64, write.to_owned(), Vec::new()).unwrap();
    }
    let (mut held, mut replies) = (Vec::new(), 0);
    while replies < writes {
        let message = messages.recv_timeout(PATIENCE).expect("a message");
        match message.kind {
            Kind::Event => held.push(message),
            Kind::Reply => replies += 1,
            other => panic!("{other:?}: {}", message.json),
        }
    }
    // Answers are not held up by events that nobody frees.
    assert!(held.len() <= EVENTS, "{} events are held", held.len());
    drop(held);
    while !next(&messages, Kind::Event).json.contains("\"resync\"") {}
}

#[test]
fn answers_that_are_kept_use_up_the_calls() {
    let (session, messages) = open();
    let call = |id: usize| session.call(id as u64, r#"{"method":"user_id"}"#.to_owned(), Vec::new());
    for id in 0..CALLS {
        call(id).unwrap();
    }
    let mut held: Vec<Message> = (0..CALLS).map(|_| next(&messages, Kind::Reply)).collect();
    assert_eq!(call(CALLS), Err(Refused::TooManyCalls));
    let freed = held.pop().map(|message| message.id);
    call(CALLS).unwrap();
    held.push(next(&messages, Kind::Reply));
    assert_eq!(held.last().map(|message| message.id), Some(CALLS as u64));
    session.close(7).unwrap();
    assert_eq!(next(&messages, Kind::Reply).id, 7);
    assert!(freed.is_some());
}

/// More than there are pages.
#[test]
fn observers_that_have_told_all_leave_room_for_others() {
    let (session, messages) = open();
    session.call(2, r#"{"method":"create_group","name":"g"}"#.to_owned(), Vec::new()).unwrap();
    next(&messages, Kind::Reply);
    for id in 0..3 * PAGES as u64 {
        let observe = r#"{"method":"changes","group":"g","collection":"c"}"#.to_owned();
        session.call(100 + id, observe, Vec::new()).unwrap();
        let page = next(&messages, Kind::Page);
        assert_eq!((page.id, page.json.contains("\"records\":[]")), (100 + id, true), "{}", page.json);
    }
    let write = r#"{"method":"commit","group":"g","writes":[{"op":"put","collection":"c","id":"r","fields":{"n":1}}]}"#;
    session.call(3, write.to_owned(), Vec::new()).unwrap();
    let mut told: Vec<u64> = (0..3 * PAGES).map(|_| next(&messages, Kind::Page).id).collect();
    told.sort_unstable();
    assert_eq!(told, (100..100 + 3 * PAGES as u64).collect::<Vec<_>>());
}

#[test]
fn a_released_session_takes_nothing() {
    let (session, messages) = open();
    session.close(5).unwrap();
    assert_eq!(next(&messages, Kind::Reply).id, 5);
    session.release();
    assert_eq!(session.call(6, String::new(), Vec::new()), Err(Refused::Released));
    assert_eq!(session.cancel(6), Err(Refused::NoSuchId));
    assert_eq!(session.complete(1, Ok(Zeroizing::default())), Err(Refused::NoSuchId));
}
