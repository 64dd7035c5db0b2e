//! Somebody who has made very many links, all at one service with the limits that it has by default.

mod common;

use common::{node_in, service, wait};
use connectoid::{EventKind, Share};

const LINKS: usize = 1000;

#[tokio::test]
async fn the_newest_of_a_thousand_links_works_after_a_restart() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let alice = node_in(folder.path(), &service.url()).await;
    let mut problems = alice.events();
    let (mut oldest, mut newest) = (None, None);
    for number in 0..LINKS {
        let link = alice.share(Share::new(format!("person {number}"), "g")).await.unwrap().link;
        oldest.get_or_insert(link.clone());
        newest = Some(link);
    }
    alice.close().await;
    while let Some(event) = problems.next().await {
        assert!(
            !matches!(event.kind, EventKind::ServiceProblem { .. }),
            "making links is no flood: {event:?}"
        );
    }

    let alice = node_in(folder.path(), &service.url()).await;
    for (who, link) in [("newest", newest), ("oldest", oldest)] {
        let bob = common::node(&service.url()).await;
        let (mut at_alice, mut at_bob) = (alice.events(), bob.events());
        let began = std::time::Instant::now();
        bob.open_link(&link.unwrap(), "alice").await.unwrap();
        wait(&mut at_bob, "the link to work", |event| match event {
            EventKind::ConnectFailed { problem, .. } => panic!("the {who}: {problem}"),
            EventKind::Synced { .. } => true,
            _ => false,
        })
        .await;
        wait(&mut at_alice, "the maker to know", |event| match event {
            EventKind::ServiceProblem { problem, .. } => panic!("the {who}: {problem}"),
            EventKind::Synced { .. } => true,
            _ => false,
        })
        .await;
        eprintln!("the {who} of {LINKS} links works after {:?}", began.elapsed());
        bob.close().await;
    }
    alice.close().await;
}
