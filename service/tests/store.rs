//! One suite for every store.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

use std::{sync::Arc, time::Duration};

use connectoid_protocol::{
    boxes::BoxId,
    mailbox::{MAX_BOX_LEN, MAX_BOX_MESSAGES, MAX_DATA_LEN, MAX_UNCHECKED_MESSAGES, Refusal},
};
use connectoid_service::{
    rules::{
        Micros, Refused, SECOND,
        quota::{BOX_LIFETIME, CHECK_MARK_INTERVAL, MESSAGE_LIFETIME, Newest, Totals},
    },
    store::{Appended, Capacity, Glance, IfMissing, Looked, MemoryStore, SqliteStore, Store},
};

const NOW: Micros = 1_700_000_000 * SECOND;
const ROOMY: Capacity = Totals { boxes: 1000, length: 1 << 30 };

fn id(number: u16) -> BoxId {
    let mut bytes = [2; 49];
    bytes[1..3].copy_from_slice(&number.to_be_bytes());
    BoxId::from_bytes(&bytes).unwrap()
}

async fn look(store: &dyn Store, number: u16, now: Micros) -> Glance {
    match store.look(id(number), IfMissing::Create, now).await.unwrap() {
        Looked::Found(glance) => glance,
        other => panic!("{other:?}"),
    }
}

async fn append(store: &dyn Store, number: u16, data: &str, now: Micros) -> Appended {
    store.append(id(number), data.to_owned(), IfMissing::Create, now).await.unwrap()
}

async fn read(store: &dyn Store, number: u16, after: Micros, now: Micros) -> Vec<(Micros, String)> {
    let messages = store.read(id(number), after, MAX_BOX_MESSAGES, now).await.unwrap();
    messages.into_iter().map(|message| (message.at, message.data)).collect()
}

async fn sweep(store: &dyn Store, now: Micros) -> Totals {
    while store.sweep(now).await.unwrap() {}
    store.totals().await.unwrap()
}

fn refused(appended: Appended) -> Refused {
    match appended {
        Appended::Refused(refused) => refused,
        other => panic!("{other:?}"),
    }
}

async fn messages_come_back_in_order(store: &dyn Store) {
    look(store, 1, NOW).await;
    assert_eq!(append(store, 1, "A", NOW).await, Appended::Stored(NOW));
    assert_eq!(append(store, 1, "B", NOW).await, Appended::Stored(NOW + 1));
    assert_eq!(append(store, 1, "C", NOW - SECOND).await, Appended::Stored(NOW + 2));
    assert_eq!(append(store, 2, "D", NOW).await, Appended::Stored(NOW));
    let all = read(store, 1, 0, NOW + SECOND).await;
    assert_eq!(all, [(NOW, "A".into()), (NOW + 1, "B".into()), (NOW + 2, "C".into())]);
    assert_eq!(read(store, 1, NOW, NOW + SECOND).await, all[1..]);
    assert_eq!(read(store, 1, NOW + 2, NOW + SECOND).await, []);
    assert_eq!(read(store, 9, 0, NOW).await, []);
    let first = store.read(id(1), 0, 1, NOW).await.unwrap();
    assert_eq!((first.len(), first[0].at), (1, NOW));
}

async fn a_glance_is_never_behind(store: &dyn Store) {
    assert_eq!(store.glance(&id(1), NOW), None);
    let empty = look(store, 1, NOW).await;
    assert_eq!(empty, Glance { last: 0, newest: None, closed: false });
    assert_eq!(store.glance(&id(1), NOW), Some(empty));
    for step in 1..=10 {
        append(store, 1, "A", NOW + step).await;
        let newest = Some(Newest { at: NOW + step, stored: NOW + step });
        let expected = Glance { last: NOW + step, newest, closed: false };
        assert_eq!(store.glance(&id(1), NOW + step), Some(expected));
        assert_eq!(look(store, 1, NOW + step).await, expected);
    }
    assert_eq!(store.glance(&id(1), NOW + CHECK_MARK_INTERVAL), None, "the check is to be written down");
    look(store, 1, NOW + CHECK_MARK_INTERVAL).await;
    assert!(store.glance(&id(1), NOW + CHECK_MARK_INTERVAL).is_some());
}

async fn boxes_are_made_only_on_demand(store: &dyn Store) {
    assert_eq!(store.look(id(1), IfMissing::Leave, NOW).await, Ok(Looked::NoBox));
    assert_eq!(store.append(id(1), "A".into(), IfMissing::Leave, NOW).await, Ok(Appended::NoBox));
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 0, length: 0 });
    append(store, 1, "A", NOW).await;
    assert_eq!(store.append(id(1), "B".into(), IfMissing::Leave, NOW).await, Ok(Appended::Stored(NOW + 1)));
    assert!(matches!(store.look(id(1), IfMissing::Leave, NOW).await, Ok(Looked::Found(_))));
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 1, length: 2 });
}

async fn full_boxes_refuse_and_lose_nothing(store: &dyn Store) {
    look(store, 1, NOW).await;
    for step in 0..MAX_BOX_MESSAGES as u64 {
        assert_eq!(append(store, 1, "A", NOW + step).await, Appended::Stored(NOW + step));
    }
    let full = refused(append(store, 1, "B", NOW + SECOND).await);
    let hour = Duration::from_micros(MESSAGE_LIFETIME - SECOND);
    assert_eq!(full, Refused::too_often(hour));
    assert_eq!(read(store, 1, 0, NOW + SECOND).await.len(), MAX_BOX_MESSAGES);
    let later = NOW + MESSAGE_LIFETIME;
    assert_eq!(append(store, 1, "B", later).await, Appended::Stored(later), "one has expired");

    look(store, 2, NOW).await;
    let long = "A".repeat(MAX_DATA_LEN);
    for _ in 0..MAX_BOX_LEN / MAX_DATA_LEN {
        assert!(matches!(append(store, 2, &long, NOW).await, Appended::Stored(_)));
    }
    assert_eq!(refused(append(store, 2, &long, NOW).await).reason, Refusal::TooOften);

    for _ in 0..MAX_UNCHECKED_MESSAGES {
        assert!(matches!(append(store, 3, "A", NOW).await, Appended::Stored(_)));
    }
    assert_eq!(refused(append(store, 3, "A", NOW).await).reason, Refusal::TooOften);
    assert_eq!(look(store, 3, NOW).await.last, NOW + 3);
    assert!(matches!(append(store, 3, "A", NOW).await, Appended::Stored(_)), "checked now");
}

async fn what_was_processed_is_forgotten(store: &dyn Store) {
    look(store, 1, NOW).await;
    for data in ["AAA", "BB", "C"] {
        append(store, 1, data, NOW).await;
    }
    append(store, 2, "D", NOW).await;
    store.forget(id(9), NOW);
    store.forget(id(1), NOW - 1);
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 2, length: 7 });
    store.forget(id(1), NOW + 1);
    store.forget(id(1), NOW);
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 2, length: 2 });
    assert_eq!(read(store, 1, 0, NOW).await, [(NOW + 2, "C".into())], "what comes after the cursor stays");
    let newest = Some(Newest { at: NOW + 2, stored: NOW });
    assert_eq!(store.glance(&id(1), NOW), Some(Glance { last: NOW + 2, newest, closed: false }));
    store.forget(id(1), NOW + 2);
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 2, length: 1 });
    let empty = Glance { last: NOW + 2, newest: None, closed: false };
    assert_eq!(store.glance(&id(1), NOW), Some(empty));
    assert_eq!(look(store, 1, NOW).await, empty);
    assert_eq!(append(store, 1, "E", NOW).await, Appended::Stored(NOW + 3), "last outlives the messages");
    assert_eq!(sweep(store, NOW + MESSAGE_LIFETIME).await, Totals { boxes: 1, length: 0 });
}

async fn forgetting_makes_room(store: &dyn Store) {
    look(store, 1, NOW).await;
    let long = "A".repeat(MAX_DATA_LEN);
    for step in 0..4 * MAX_BOX_LEN / MAX_DATA_LEN {
        let Appended::Stored(at) = append(store, 1, &long, NOW).await else { panic!("no room at {step}") };
        store.forget(id(1), at - 1);
    }
    look(store, 2, NOW).await;
    for number in [2, 3] {
        for step in 0..4 * MAX_BOX_MESSAGES {
            let Appended::Stored(at) = append(store, number, "A", NOW).await else {
                panic!("no room at {step}")
            };
            store.forget(id(number), at);
        }
    }
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 3, length: MAX_DATA_LEN as u64 });
}

async fn what_expires_goes(store: &dyn Store) {
    look(store, 1, NOW).await;
    append(store, 1, "AAA", NOW).await;
    append(store, 1, "BB", NOW + SECOND).await;
    append(store, 2, "C", NOW).await;
    let later = NOW + MESSAGE_LIFETIME;
    assert_eq!(read(store, 1, 0, later).await, [(NOW + SECOND, "BB".into())], "expired is not handed out");
    assert_eq!(sweep(store, later - 1).await, Totals { boxes: 2, length: 6 });
    assert_eq!(sweep(store, later).await, Totals { boxes: 1, length: 2 }, "unchecked boxes go with messages");
    assert_eq!(sweep(store, later + SECOND).await, Totals { boxes: 1, length: 0 });
    let glance = look(store, 1, later + SECOND).await;
    assert_eq!((glance.last, glance.newest), (NOW + SECOND, None), "last outlives the messages");
    look(store, 1, NOW + CHECK_MARK_INTERVAL).await;
    let end = NOW + CHECK_MARK_INTERVAL + BOX_LIFETIME;
    assert_eq!(sweep(store, end - 1).await.boxes, 1, "a check prolongs a box's life");
    assert_eq!(sweep(store, end).await, Totals { boxes: 0, length: 0 });
    assert_eq!(store.glance(&id(1), NOW + CHECK_MARK_INTERVAL), None);
}

async fn sweeping_much_takes_several_steps_and_gets_all(store: &Arc<dyn Store>) {
    let mut filling = tokio::task::JoinSet::new();
    for number in 0..900 {
        let store = store.clone();
        filling.spawn(async move {
            look(&*store, number, NOW).await;
            append(&*store, number, "A", NOW).await;
            append(&*store, number, "A", NOW).await;
        });
    }
    filling.join_all().await;
    let store = &**store;
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 900, length: 1800 });
    assert_eq!(sweep(store, NOW + MESSAGE_LIFETIME).await, Totals { boxes: 900, length: 0 });
    assert_eq!(sweep(store, NOW + BOX_LIFETIME).await, Totals { boxes: 0, length: 0 });
}

async fn a_closed_box_leaves_a_marker(store: &dyn Store) {
    look(store, 1, NOW).await;
    append(store, 1, "A", NOW).await;
    store.close(id(1), NOW + SECOND).await.unwrap();
    store.close(id(1), NOW + 2 * SECOND).await.unwrap();
    store.close(id(2), NOW + SECOND).await.unwrap();
    for number in [1, 2] {
        assert_eq!(refused(append(store, number, "B", NOW + SECOND).await).reason, Refusal::Closed);
        assert_eq!(read(store, number, 0, NOW + SECOND).await, []);
        let glance = look(store, number, NOW + CHECK_MARK_INTERVAL * 2).await;
        assert!(glance.closed && glance.newest.is_none());
        assert!(store.glance(&id(number), NOW + CHECK_MARK_INTERVAL * 2).unwrap().closed);
    }
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 2, length: 0 });
    assert_eq!(sweep(store, NOW + BOX_LIFETIME).await.boxes, 2, "checks do not prolong the marker");
    assert_eq!(sweep(store, NOW + SECOND + BOX_LIFETIME).await.boxes, 0);
}

async fn a_full_store_sacrifices_only_unchecked_boxes(store: &dyn Store) {
    look(store, 1, NOW).await;
    append(store, 1, "AAAA", NOW).await;
    append(store, 2, "BBBB", NOW).await;
    look(store, 3, NOW).await;
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 3, length: 8 });
    look(store, 4, NOW).await;
    assert_eq!(store.totals().await.unwrap(), Totals { boxes: 3, length: 4 }, "box 2 made room");
    assert_eq!(store.glance(&id(2), NOW), None);
    let full = Refused::for_now(Refusal::Full, connectoid_service::rules::quota::FULL_RETRY);
    assert_eq!(store.look(id(5), IfMissing::Create, NOW).await, Ok(Looked::Refused(full)));
    assert_eq!(refused(append(store, 5, "C", NOW).await), full);
    assert_eq!(refused(append(store, 3, "DDDDDDD", NOW).await), full, "too long by one");
    assert_eq!(append(store, 3, "DDDDDD", NOW).await, Appended::Stored(NOW));
    assert_eq!(read(store, 1, 0, NOW).await.len(), 1);
}

async fn concurrent_messages_all_get_their_own_time(store: &Arc<dyn Store>) {
    look(&**store, 1, NOW).await;
    let senders: Vec<_> = (0..MAX_BOX_MESSAGES)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { append(&*store, 1, "A", NOW).await })
        })
        .collect();
    for sender in senders {
        assert!(matches!(sender.await.unwrap(), Appended::Stored(_)));
    }
    let times: Vec<_> = read(&**store, 1, 0, NOW).await.into_iter().map(|(at, _)| at).collect();
    assert_eq!(times, (NOW..NOW + MAX_BOX_MESSAGES as u64).collect::<Vec<_>>());
}

macro_rules! suite {
    ($name:ident, $store:expr) => {
        mod $name {
            use super::*;

            #[tokio::test]
            async fn suite() {
                let tight = Totals { boxes: 3, length: 10 };
                let make = $store;
                messages_come_back_in_order(&*make(ROOMY)).await;
                a_glance_is_never_behind(&*make(ROOMY)).await;
                boxes_are_made_only_on_demand(&*make(ROOMY)).await;
                full_boxes_refuse_and_lose_nothing(&*make(ROOMY)).await;
                what_was_processed_is_forgotten(&*make(ROOMY)).await;
                forgetting_makes_room(&*make(ROOMY)).await;
                what_expires_goes(&*make(ROOMY)).await;
                sweeping_much_takes_several_steps_and_gets_all(&make(ROOMY).store).await;
                a_closed_box_leaves_a_marker(&*make(ROOMY)).await;
                a_full_store_sacrifices_only_unchecked_boxes(&*make(tight)).await;
                concurrent_messages_all_get_their_own_time(&make(ROOMY).store).await;
            }
        }
    };
}

/// A store, and where it lives for as long as it is used.
struct Fresh {
    store: Arc<dyn Store>,
    _directory: Option<tempfile::TempDir>,
}

impl std::ops::Deref for Fresh {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

fn sqlite(capacity: Capacity) -> Fresh {
    let directory = tempfile::tempdir().unwrap();
    let store = Arc::new(SqliteStore::open(directory.path(), capacity).unwrap());
    Fresh { store, _directory: Some(directory) }
}

fn memory(capacity: Capacity) -> Fresh {
    Fresh { store: Arc::new(MemoryStore::new(capacity)), _directory: None }
}

suite!(in_sqlite, sqlite);
suite!(in_memory, memory);
