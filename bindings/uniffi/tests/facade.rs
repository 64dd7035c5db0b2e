//! The facade as another language sees it, with listeners and key stores that another language would write.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on has failed")]

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use connectoid_ffi::{
    ErrorKind, Event, EventKind, EventListener, HostError, KeyStore, LogLevel, LogLine, LogListener, Node,
    NodeError, Observation, RecordListener, Settings, follow_log,
};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Nothing takes this long unless it hangs.
const PATIENCE: Duration = Duration::from_mins(1);

async fn node(key_store: Option<Arc<dyn KeyStore>>) -> Result<Arc<Node>, NodeError> {
    let settings = Settings {
        folder: None,
        services: Vec::new(),
        service_ext: None,
        service_roots: None,
        link_base: None,
        poll_interval: None,
        pace: None,
        group_quota: None,
        idle_timeout: None,
        ice_servers: Vec::new(),
        bind: Vec::new(),
        loopback: true,
        passphrase: None,
    };
    Node::open(settings, key_store).await
}

async fn next<T>(told: &mut UnboundedReceiver<T>) -> T {
    tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().unwrap()
}

/// Passes on what it is told, and fails each time; `None` stands for the end.
struct Failing<T>(UnboundedSender<Option<T>>);

fn failing<T>(told: &UnboundedSender<Option<T>>, item: Option<T>) -> Result<(), HostError> {
    told.send(item).unwrap_or_default();
    Err(HostError::Failed { reason: "thrown by the app".to_owned() })
}

#[async_trait::async_trait]
impl EventListener for Failing<Event> {
    async fn on_events(&self, events: Vec<Event>) -> Result<(), HostError> {
        events.into_iter().map(|event| failing(&self.0, Some(event))).next_back().unwrap_or(Ok(()))
    }

    async fn on_closed(&self) -> Result<(), HostError> {
        failing(&self.0, None)
    }
}

#[async_trait::async_trait]
impl RecordListener for Failing<Observation> {
    async fn on_observation(&self, observation: Observation) -> Result<(), HostError> {
        failing(&self.0, Some(observation))
    }

    async fn on_closed(&self) -> Result<(), HostError> {
        failing(&self.0, None)
    }
}

#[tokio::test]
async fn listeners_that_fail_are_told_on_and_in_the_end_of_the_end() {
    let node = node(None).await.unwrap();
    node.create_group("g".to_owned()).await.unwrap();
    let (tell_events, mut events) = unbounded_channel();
    let (tell_records, mut records) = unbounded_channel();
    let subscription = node.subscribe(Arc::new(Failing(tell_events))).unwrap();
    let observer = node.changes("g".to_owned(), "c".to_owned(), Arc::new(Failing(tell_records))).unwrap();
    assert!(matches!(next(&mut records).await, Some(Observation::Complete)));
    for count in 1..=3 {
        let fields = format!("{{\"count\":{count}}}");
        node.put("g".to_owned(), "c".to_owned(), "r".to_owned(), fields.clone()).await.unwrap();
        assert!(matches!(next(&mut events).await.unwrap().kind, EventKind::Changed { .. }));
        let Some(Observation::Records { records }) = next(&mut records).await else { panic!("no records") };
        assert_eq!(records[0].record.as_ref().unwrap().fields, fields);
    }
    node.shut_down().await.unwrap();
    assert!(next(&mut events).await.is_none() && next(&mut records).await.is_none());
    drop((subscription, observer));
    let NodeError::Failed { problem } = node.groups().await.unwrap_err();
    assert_eq!((problem.kind, problem.text.as_str()), (ErrorKind::Closed, "the node is closed"));
}

#[tokio::test]
async fn a_cancelled_subscription_is_told_nothing_more() {
    let node = node(None).await.unwrap();
    let (tell, mut told) = unbounded_channel();
    node.subscribe(Arc::new(Failing(tell))).unwrap().cancel().unwrap();
    assert!(tokio::time::timeout(PATIENCE, told.recv()).await.unwrap().is_none(), "the listener is gone");
}

/// Keeps a secret, or fails.
struct Keys(Mutex<Option<Vec<u8>>>, bool);

#[async_trait::async_trait]
impl KeyStore for Keys {
    async fn load(&self) -> Result<Option<Vec<u8>>, HostError> {
        if self.1 {
            return Err(HostError::Failed { reason: "the device is locked".to_owned() });
        }
        Ok(self.0.lock().unwrap().clone())
    }

    async fn save(&self, secret: Vec<u8>) -> Result<(), HostError> {
        *self.0.lock().unwrap() = Some(secret);
        Ok(())
    }
}

#[tokio::test]
async fn a_key_store_of_the_app_is_asked_and_its_failure_told() {
    let keys = Arc::new(Keys(Mutex::default(), false));
    node(Some(keys.clone())).await.unwrap().shut_down().await.unwrap();
    assert_eq!(keys.0.lock().unwrap().as_ref().map(Vec::len), Some(32));
    for (keys, kind) in [
        (Keys(Mutex::default(), true), ErrorKind::StorageUnavailable),
        (Keys(Mutex::new(Some(vec![0; 31])), false), ErrorKind::StorageUnavailable),
    ] {
        let Err(NodeError::Failed { problem }) = node(Some(Arc::new(keys))).await else {
            panic!("it opened")
        };
        assert_eq!(problem.kind, kind);
    }
}

impl LogListener for Failing<LogLine> {
    fn on_line(&self, line: LogLine) -> Result<(), HostError> {
        failing(&self.0, Some(line))
    }
}

#[tokio::test]
async fn a_listener_of_the_log_that_fails_is_told_on() {
    let (tell, mut told) = unbounded_channel();
    let subscription = follow_log(LogLevel::Debug, Arc::new(Failing(tell))).unwrap();
    node(None).await.unwrap().shut_down().await.unwrap();
    for number in 1..=2 {
        tracing::debug!(target: "connectoid::test", number, "a line");
    }
    let mut mine = Vec::new();
    while mine.len() < 2 {
        let line = next(&mut told).await.unwrap();
        if line.target == "connectoid::test" {
            mine.push((line.level, line.message));
        }
    }
    assert_eq!(mine, [1, 2].map(|number| (LogLevel::Debug, format!("a line number={number}"))));
    subscription.cancel().unwrap();
    // The listener is gone, and its end of the channel with it.
    while told.recv().await.is_some() {}
}
