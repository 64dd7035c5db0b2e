//! Sharing, opening and parting, end to end.

mod common;

use std::time::Duration;

use common::{NOBODY, node, node_in, pair, paired, service, shows, wait};
use connectoid::{
    ErrorKind, EventKind, Placement, Role, Share,
    api::{Acceptance, ConnectionState, PairState, Verified},
};
use futures_util::future::join_all;
use serde_json::json;

#[tokio::test]
async fn two_nodes_share_and_keep_their_records_the_same() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    alice.put("g", "c", "milk", json!({"count": 2, "note": "ü"})).await.unwrap();
    shows(&bob, "milk", &json!({"count": 2, "note": "ü"})).await;
    bob.put("g", "c", "milk", json!({"count": 3})).await.unwrap();
    shows(&alice, "milk", &json!({"count": 3, "note": "ü"})).await;

    let peers = alice.peers().await.unwrap();
    assert_eq!((peers[0].nickname.as_str(), peers[0].state), ("bob", PairState::Paired));
    assert_eq!(peers[0].connection, ConnectionState::Connected);
    assert_eq!(peers[0].user.as_deref(), Some(bob.user_id().as_str()));
    assert!(peers[0].groups[0].last_synced_at.is_some());
    let groups = bob.groups().await.unwrap();
    assert_eq!((groups[0].name.as_str(), groups[0].role), ("g", Some(Role::Writer)));
    let history = alice.history("g", "c", "milk").await.unwrap();
    let lost = history.iter().find(|version| !version.winning).unwrap();
    assert_eq!((&lost.value, lost.nickname.as_deref()), (&Some(json!(2)), Some("me")));
}

#[tokio::test]
async fn a_closed_node_tells_nothing_more() {
    let service = service().await;
    let alice = node(&service.url()).await;
    alice.create_group("g").await.unwrap();
    let (mut events, mut observer) = (alice.events(), alice.changes("g", "c"));
    assert_eq!(observer.next().await, Some(Ok(Vec::new())), "the first reading is complete");
    alice.close().await;
    assert_eq!(observer.next().await, None);
    while events.next().await.is_some() {}
    assert_eq!(alice.events().next().await, None);
}

#[tokio::test]
async fn a_reader_reads_and_does_not_write() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    pair(&alice, &bob, Share::new("bob", "g").read_only()).await;
    alice.put("g", "c", "r", json!({"x": 1})).await.unwrap();
    shows(&bob, "r", &json!({"x": 1})).await;
    let refused = bob.put("g", "c", "r", json!({"x": 2})).await.unwrap_err();
    assert_eq!(refused.kind, ErrorKind::NotPermitted);
    let peers = bob.peers().await.unwrap();
    assert_eq!(peers[0].connection, ConnectionState::Connected, "a refused command undoes itself alone");
}

#[tokio::test]
async fn a_peer_is_added_to_another_group_given_another_role_and_removed() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    alice.create_group("work").await.unwrap();
    alice.put("work", "c", "r", json!({"x": 1})).await.unwrap();
    let (mut at_alice, mut at_bob) = (alice.events(), bob.events());
    alice.add_member("bob", "work", Role::Reader).await.unwrap();
    let invited =
        wait(&mut at_bob, "the invitation", |event| matches!(event, EventKind::Invited { .. })).await;
    let EventKind::Invited { group, name, nickname } = invited.kind else { unreachable!() };
    assert_eq!((name.as_str(), nickname.as_deref()), ("work", Some("alice")));
    assert_eq!(bob.record("work", "c", "r").await.unwrap_err().kind, ErrorKind::Usage, "no name of Bob's");
    assert_eq!(bob.record(&group, "c", "r").await.unwrap(), None);
    bob.accept_invitation("alice/work").await.unwrap();
    wait(
        &mut at_bob,
        "the records",
        |event| matches!(event, EventKind::Changed { group: changed, .. } if *changed == group),
    )
    .await;
    assert!(bob.record("work", "c", "r").await.unwrap().is_some());
    wait(&mut at_alice, "Bob's answer", |event| {
        matches!(event, EventKind::Acceptance { acceptance: Acceptance::Accepted, .. })
    })
    .await;
    assert_eq!(bob.put("work", "c", "r", json!({"x": 2})).await.unwrap_err().kind, ErrorKind::NotPermitted);
    assert_eq!(
        bob.add_member("alice", "work", Role::Writer).await.unwrap_err().kind,
        ErrorKind::NotPermitted
    );

    alice.add_member("bob", "work", Role::Writer).await.unwrap();
    wait(&mut at_bob, "the role", |event| matches!(event, EventKind::MembersChanged { .. })).await;
    bob.put("work", "c", "r", json!({"x": 2})).await.unwrap();

    bob.disconnect("alice").await.unwrap();
    alice.remove_member("bob", "work").await.unwrap();
    wait(&mut at_bob, "bob to hear of it", |event| matches!(event, EventKind::Removed { .. })).await;
    assert_eq!(alice.remove_member("bob", "work").await.unwrap_err().kind, ErrorKind::Usage);
    alice.put("work", "c", "r", json!({"x": 3})).await.unwrap();
    alice.put("g", "c", "r", json!({"x": 4})).await.unwrap();
    shows(&bob, "r", &json!({"x": 4})).await;
    assert_ne!(json!(bob.record("work", "c", "r").await.unwrap().unwrap().fields), json!({"x": 3}));
}

/// What Alice writes to a group that Bob declined, left or has forgotten does not come to him; and a group of a name that
/// Bob has a group of takes nothing of what he writes.
#[tokio::test]
async fn nobody_is_in_a_group_who_does_not_want_to() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    bob.create_group("diary").await.unwrap();
    let mut at_alice = alice.events();
    let mut at_bob = bob.events();
    let diary = alice.create_group("diary").await.unwrap();
    alice.add_member("bob", "diary", Role::Writer).await.unwrap();
    wait(&mut at_bob, "the invitation", |event| matches!(event, EventKind::Invited { .. })).await;
    bob.put("diary", "days", "today", json!({"secret": true})).await.unwrap();
    bob.leave_group("alice/diary").await.unwrap();
    wait(&mut at_alice, "the answer", |event| {
        matches!(event, EventKind::Acceptance { acceptance: Acceptance::Left, group, .. } if *group == diary)
    })
    .await;
    alice.put("diary", "days", "today", json!({"mine": true})).await.unwrap();
    alice.put("g", "c", "r", json!({"x": 1})).await.unwrap();
    shows(&bob, "r", &json!({"x": 1})).await;
    assert_eq!(alice.list("diary", "days", None, 10).await.unwrap().len(), 1);
    assert_eq!(
        json!(bob.record("diary", "days", "today").await.unwrap().unwrap().fields),
        json!({"secret": true})
    );
    assert_eq!(bob.record(&diary, "days", "today").await.unwrap(), None);
    assert!(bob.put(&diary, "days", "x", json!({})).await.is_err());

    bob.forget_group("g").await.unwrap();
    let left = wait(
        &mut at_alice,
        "Bob to leave",
        |event| matches!(event, EventKind::Acceptance { acceptance: Acceptance::Left, group, .. } if *group != diary),
    );
    left.await;
    assert_eq!(bob.list("g", "c", None, 10).await.unwrap_err().kind, ErrorKind::Usage);
    assert_eq!(bob.forget_group("g").await.unwrap_err().kind, ErrorKind::Usage);
    bob.forget_group(&diary).await.unwrap();
    let names: Vec<String> = bob.groups().await.unwrap().into_iter().map(|group| group.name).collect();
    assert_eq!(names, ["diary"]);
    assert_eq!(alice.forget_group("diary").await.unwrap_err().kind, ErrorKind::NotPermitted, "Bob is in it");
}

#[tokio::test]
async fn the_second_opener_is_told_and_the_creator_is_warned() {
    let service = service().await;
    let (alice, bob, eve) =
        (node(&service.url()).await, node(&service.url()).await, node(&service.url()).await);
    let link = alice.share(Share::new("bob", "g")).await.unwrap().link;
    let (mut at_alice, mut at_bob, mut at_eve) = (alice.events(), bob.events(), eve.events());
    bob.open_link(&link, "alice").await.unwrap();
    wait(&mut at_bob, "bob to be synced", |event| matches!(event, EventKind::Synced { .. })).await;
    eve.open_link(&link, "alice").await.unwrap();
    let refused =
        wait(&mut at_eve, "a refusal", |event| matches!(event, EventKind::OpenRefused { .. })).await;
    let alarm =
        wait(&mut at_alice, "an alarm", |event| matches!(event, EventKind::LinkOpenedAgain { .. })).await;
    let EventKind::OpenRefused { problem, used_at, winner, .. } = refused.kind else { unreachable!() };
    let EventKind::LinkOpenedAgain { nickname, winner: pinned, other } = alarm.kind else { unreachable!() };
    assert_eq!((problem.kind, nickname.as_str()), (ErrorKind::LinkUsed, "bob"));
    assert!(used_at.is_some() && winner == Some(pinned.clone()) && other != pinned);
    assert_eq!(eve.peers().await.unwrap()[0].state, PairState::Refused);
    assert_eq!(alice.peers().await.unwrap()[0].alarms, 1);
    let finding = &eve.diagnose(Some("alice")).await.unwrap().findings[0];
    assert_eq!(finding.kind, ErrorKind::LinkUsed);
}

#[tokio::test]
async fn expired_and_revoked_links_are_told_apart() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    let mut share = Share::new("early", "g");
    share.expires_in = Some(Duration::from_secs(1));
    let expired = alice.share(share).await.unwrap();
    let revoked = alice.share(Share::new("bob", "g")).await.unwrap();
    alice.unshare("bob").await.unwrap();
    // Until the link's time has run out by the same clock that the node goes by.
    let now = || std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_micros();
    tokio::time::sleep_until(
        tokio::time::Instant::now()
            + Duration::from_micros(
                u64::try_from(u128::from(expired.expires).saturating_sub(now())).unwrap() + 1000,
            ),
    )
    .await;
    for (link, nickname, kind) in
        [(expired.link, "one", ErrorKind::LinkExpired), (revoked.link, "two", ErrorKind::LinkRevoked)]
    {
        let mut events = bob.events();
        bob.open_link(&link, nickname).await.unwrap();
        let refused =
            wait(&mut events, "a refusal", |event| matches!(event, EventKind::OpenRefused { .. })).await;
        let EventKind::OpenRefused { problem, .. } = refused.kind else { unreachable!() };
        assert_eq!(problem.kind, kind);
    }
}

#[tokio::test]
async fn unsharing_deletes_the_keys_on_both_sides() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let mut at_bob = bob.events();
    alice.unshare("bob").await.unwrap();
    wait(&mut at_bob, "bob to be told", |event| matches!(event, EventKind::Unshared { .. })).await;
    assert!(alice.peers().await.unwrap().is_empty() && bob.peers().await.unwrap().is_empty());
    let members = &alice.groups().await.unwrap()[0].members;
    assert_eq!(members.len(), 1, "Bob is removed from the group that Alice owns");
}

// The service has a thread of its own: closing does not wait long for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_unshares_and_is_closed_at_once_has_told_the_peer() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let mut at_bob = bob.events();
    alice.disconnect("bob").await.unwrap();
    wait(&mut at_bob, "the end", |event| matches!(event, EventKind::Disconnected { .. })).await;
    alice.unshare("bob").await.unwrap();
    alice.close().await;
    wait(&mut at_bob, "bob to be told", |event| matches!(event, EventKind::Unshared { .. })).await;
}

#[tokio::test]
async fn who_was_removed_while_away_lacks_nothing() {
    let (service, folder) = (service().await, tempfile::tempdir().unwrap());
    let at = |name: &str| folder.path().join(name);
    let (alice, bob) =
        (node_in(&at("alice"), &service.url()).await, node_in(&at("bob"), &service.url()).await);
    pair(&alice, &bob, Share::new("bob", "g")).await;
    alice.close().await;
    bob.put("g", "c", "too late", json!({"x": 1})).await.unwrap();
    assert_eq!(bob.peers().await.unwrap()[0].groups[0].lacks, 1);
    bob.close().await;
    let alice = node_in(&at("alice"), &service.url()).await;
    alice.remove_member("bob", "g").await.unwrap();
    let bob = node_in(&at("bob"), &service.url()).await;
    let mut at_bob = bob.events();
    wait(&mut at_bob, "bob to hear of it", |event| matches!(event, EventKind::Removed { .. })).await;
    // Nothing that would have it connect again and again.
    assert_eq!(bob.peers().await.unwrap()[0].groups, []);
}

#[tokio::test]
async fn what_was_written_while_away_arrives_after_a_restart() {
    let service = service().await;
    let folders = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (alice, bob) =
        (node_in(folders.0.path(), &service.url()).await, node_in(folders.1.path(), &service.url()).await);
    pair(&alice, &bob, Share::new("bob", "g")).await;
    bob.close().await;
    drop(bob);
    alice.put("g", "c", "r", json!({"x": 1})).await.unwrap();
    alice.close().await;
    drop(alice);
    let alice = node_in(folders.0.path(), &service.url()).await;
    let bob = node_in(folders.1.path(), &service.url()).await;
    shows(&bob, "r", &json!({"x": 1})).await;
    bob.delete("g", "c", "r").await.unwrap();
    let mut observer = alice.changes("g", "c");
    let gone = async {
        loop {
            let observed = observer.next().await.unwrap().unwrap();
            if observed.iter().any(|observed| observed.id == "r" && observed.record.is_none()) {
                return;
            }
            if observed.is_empty() && alice.record("g", "c", "r").await.unwrap().is_none() {
                return;
            }
        }
    };
    tokio::time::timeout(common::PATIENCE, gone).await.unwrap();
}

#[tokio::test]
async fn app_messages_arrive_and_are_confirmed() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let mut at_bob = bob.events();
    let message = vec![7; 200_000];
    let mut sending = Box::pin(alice.send("bob", message.clone()));
    let early = tokio::time::timeout(Duration::from_millis(300), &mut sending).await;
    assert!(early.is_err(), "it is confirmed when it is taken");
    let event = wait(&mut at_bob, "a message", |event| matches!(event, EventKind::Message { .. })).await;
    assert_eq!(event.kind, EventKind::Message { nickname: "alice".into(), data: message });
    sending.await.unwrap();
    assert_eq!(alice.send("bob", vec![0; 300_000]).await.unwrap_err().kind, ErrorKind::Usage);
    // They reach the node much faster than the peer takes them.
    let taking = tokio::spawn(async move { while at_bob.next().await.is_some() {} });
    let many = join_all((0..1000).map(|_| alice.send("bob", vec![0; 100_000]))).await;
    let refused = many.into_iter().filter_map(Result::err).map(|error| error.kind).collect::<Vec<_>>();
    assert!(!refused.is_empty() && refused.iter().all(|kind| *kind == ErrorKind::Unanswered), "{refused:?}");
    alice.send("bob", vec![1]).await.unwrap();
    taking.abort();
    assert!(taking.await.is_err());
    let lost = alice.send("bob", vec![2]).await.unwrap_err();
    assert_eq!(lost.kind, ErrorKind::Unanswered, "nobody listens there any more");
    assert!(lost.message.contains("did not take it"), "{lost}");
}

#[tokio::test]
async fn both_sides_see_the_same_emoji() {
    let service = service().await;
    let (alice, bob) = paired(&service.url()).await;
    let (mut at_alice, mut at_bob) = (alice.events(), bob.events());
    // Both start at once: one comparison comes of it.
    let (one, other) = tokio::join!(alice.verify("bob"), bob.verify("alice"));
    one.and(other).unwrap();
    let is_emojis = |event: &EventKind| matches!(event, EventKind::Emojis { .. });
    let at_alice = wait(&mut at_alice, "emoji", is_emojis).await;
    let at_bob = wait(&mut at_bob, "emoji", is_emojis).await;
    let emojis =
        |event: EventKind| if let EventKind::Emojis { emojis, .. } = event { emojis } else { unreachable!() };
    assert_eq!(emojis(at_alice.kind), emojis(at_bob.kind));
    // Two people who compare them take longer than the connection lasts.
    let mut events = alice.events();
    alice.disconnect("bob").await.unwrap();
    wait(&mut events, "the end", |event| matches!(event, EventKind::Disconnected { .. })).await;
    alice.confirm_verify("bob", true).await.unwrap();
    bob.confirm_verify("alice", true).await.unwrap();
    for node in [&alice, &bob] {
        assert_eq!(node.peers().await.unwrap()[0].verified, Verified::Sas);
    }
    assert_eq!(alice.confirm_verify("bob", true).await.unwrap_err().kind, ErrorKind::Usage);
}

#[tokio::test]
async fn emoji_that_differ_prove_nothing() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    let mut share = Share::new("bob", "g");
    share.placement = Placement::Query;
    share.link_base = Some("https://app.example/open".to_owned());
    pair(&alice, &bob, share).await;
    for (same, verified) in [(false, Verified::LinkQuery), (true, Verified::Sas), (false, Verified::Link)] {
        let mut events = alice.events();
        alice.verify("bob").await.unwrap();
        wait(&mut events, "emoji", |event| matches!(event, EventKind::Emojis { .. })).await;
        alice.confirm_verify("bob", same).await.unwrap();
        assert_eq!(alice.peers().await.unwrap()[0].verified, verified);
    }
}

#[tokio::test]
async fn a_link_from_a_query_is_remembered_as_such() {
    let service = service().await;
    let (alice, bob) = (node(&service.url()).await, node(&service.url()).await);
    let mut share = Share::new("bob", "g");
    share.placement = Placement::Query;
    share.link_base = Some("https://app.example/open".to_owned());
    let link = alice.share(share).await.unwrap().link;
    assert!(link.starts_with("https://app.example/open?connectoid="));
    bob.open_link(&format!("Look, Bob: {link}!"), "alice").await.unwrap();
    assert_eq!(bob.peers().await.unwrap()[0].verified, Verified::LinkQuery);
}

#[tokio::test]
async fn a_dead_service_is_passed_over() {
    let alive = service().await;
    let (alice, bob) = (node(&alive.url()).await, node(&alive.url()).await);
    let mut share = Share::new("bob", "g");
    share.services = vec![NOBODY.to_owned(), alive.url()];
    pair(&alice, &bob, share).await;
}
