//! `connectoid run`: keeps a node going and prints what happens.

use std::{collections::BTreeSet, time::Duration};

use connectoid::{
    Error, ErrorKind, EventKind, Node, Pace, Result,
    api::{Acceptance, GroupSync, PairState, PeerInfo},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    args::{Common, Until},
    control,
    session::{self, Taken},
    show::Show,
};

/// What `run` was asked for.
pub(crate) struct Plan {
    pub(crate) duration: Option<Duration>,
    pub(crate) until: Option<Until>,
    pub(crate) background: bool,
    pub(crate) idle: Duration,
}

pub(crate) async fn run(common: &Common, plan: Plan, show: &Show) -> Result<()> {
    let data = common.folder();
    let Taken::Free(lock) = session::take(&data).await? else {
        let message = format!("another `connectoid run` is active on {}", data.display());
        return Err(Error::new(ErrorKind::Usage, message));
    };
    let pace = if plan.background { Pace::Background } else { Pace::Foreground };
    let node = session::open_node(common, lock, pace, plan.idle).await?;
    let server = control::Server::start(&node, &data).await?;
    show.value(&serde_json::json!({"running": true, "user": node.user_id()}), || {
        "running; stop with Ctrl-C".to_owned()
    });
    let result = watch(&node, &plan, show).await;
    drop(server);
    node.close().await;
    result
}

async fn watch(node: &Node, plan: &Plan, show: &Show) -> Result<()> {
    let mut events = node.events();
    let end = plan.duration.map(|duration| Instant::now() + duration);
    let far = Instant::now() + Duration::from_hours(876_000);
    let mut synced = BTreeSet::new();
    node.sync_now().await?;
    if plan.until == Some(Until::Synced) {
        let peers = node.peers().await?;
        check_somebody(&peers)?;
        // Only a peer knows whether it has something new.
        for peer in peers.iter().filter(|peer| peer.state == PairState::Paired) {
            node.connect(&peer.nickname).await?;
        }
    }
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                show.event(&event);
                if let EventKind::Synced { nickname, group } = event.kind {
                    synced.insert((nickname, group));
                }
                if plan.until == Some(Until::Synced) {
                    let peers = node.peers().await?;
                    check_somebody(&peers)?;
                    if all_synced(&peers, &synced) {
                        return Ok(());
                    }
                }
            }
            () = sleep_until(end.unwrap_or(far)) => {
                return match plan.until {
                    Some(Until::Synced) => Err(Error::new(ErrorKind::Timeout, "not everybody has everything yet")),
                    None => Ok(()),
                };
            }
            () = stop_signal() => return Ok(()),
            () = show.output().ended() => return Ok(()),
        }
    }
}

/// Nobody comes who was not asked, and nobody through a link that was refused.
fn check_somebody(peers: &[PeerInfo]) -> Result<()> {
    if peers.iter().any(|peer| peer.state != PairState::Refused) {
        return Ok(());
    }
    let message =
        "there is nobody to have the same as: you share with nobody; `connectoid share` makes a link";
    Err(Error::new(ErrorKind::Usage, message))
}

/// Whether everybody was met in this run, and both sides have the same of every group in which both take part.
fn all_synced(peers: &[PeerInfo], synced: &BTreeSet<(String, String)>) -> bool {
    let mut paired = peers.iter().filter(|peer| peer.state == PairState::Paired).peekable();
    let complete = |peer: &PeerInfo| {
        let same = |group: &GroupSync| {
            group.lacks == 0 && group.held == 0 && synced.contains(&(peer.nickname.clone(), group.id.clone()))
        };
        let takes_part =
            |group: &&GroupSync| !matches!(group.acceptance, Acceptance::Invited | Acceptance::Left);
        !peer.groups.is_empty() && peer.groups.iter().filter(takes_part).all(same)
    };
    let waiting = peers.iter().any(|peer| peer.state == PairState::Opening);
    !waiting && paired.peek().is_some() && paired.all(complete)
}

/// Waits until the process is asked to end.
#[cfg(unix)]
pub(crate) async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Waits until the process is asked to end.
#[cfg(not(unix))]
pub(crate) async fn stop_signal() {
    // Without a handler there is nothing to wait for, and the default of the system applies.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
