//! Closing a node at any moment makes none of its threads panic.
//!
//! A panic hook belongs to the whole process, so this file has one test.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use std::{
    panic,
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use common::service;
use connectoid::{Node, Settings, Share};

#[tokio::test]
async fn a_node_is_closed_at_any_moment_of_its_requests() {
    static PANICS: AtomicUsize = AtomicUsize::new(0);
    let show = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        PANICS.fetch_add(1, Ordering::SeqCst);
        show(info);
    }));
    let service = service().await;
    for turn in 0..400 {
        let mut settings = Settings::in_memory();
        settings.services = vec![service.url()];
        let node = Node::open(settings).await.unwrap();
        node.share(Share::new("bob", "g")).await.unwrap();
        // It connects to the service, asks what that offers, looks into the box: all that takes a few milliseconds.
        tokio::time::sleep(Duration::from_micros(turn * 10)).await;
        node.close().await;
    }
    assert_eq!(PANICS.load(Ordering::SeqCst), 0);
}
