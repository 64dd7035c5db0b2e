//! `connectoid run`: keeps a node going and prints what happens.

use std::time::Duration;

use connectoid::{
    Error, ErrorKind, Node, Pace, Result,
    api::{PairState, PeerInfo},
};
use tokio::time::{Instant, sleep_until};

use crate::{
    args::{Common, Until},
    control, session,
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
    if control::Client::connect(&common.data).await.is_some() {
        let message = format!("another `connectoid run` is active on {}", common.data.display());
        return Err(Error::new(ErrorKind::Usage, message));
    }
    let pace = if plan.background { Pace::Background } else { Pace::Foreground };
    let node = session::open_node(common, pace, plan.idle).await?;
    let server = control::Server::start(&node, &common.data).await?;
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
    node.sync_now().await?;
    if plan.until == Some(Until::Synced) && all_synced(&node.peers().await?) {
        return Ok(());
    }
    loop {
        tokio::select! {
            event = events.next() => {
                let Some(event) = event else { return Ok(()) };
                show.event(&event);
                if plan.until == Some(Until::Synced) && all_synced(&node.peers().await?) {
                    return Ok(());
                }
            }
            () = sleep_until(end.unwrap_or(far)) => {
                return match plan.until {
                    Some(Until::Synced) => Err(Error::new(ErrorKind::Timeout, "not everybody has everything yet")),
                    None => Ok(()),
                };
            }
            () = stop_signal() => return Ok(()),
        }
    }
}

/// Whether everybody who can have everything has it.
fn all_synced(peers: &[PeerInfo]) -> bool {
    let paired = || peers.iter().filter(|peer| peer.state == PairState::Paired);
    let waiting = peers.iter().any(|peer| peer.state == PairState::Opening);
    let complete =
        |peer: &PeerInfo| peer.groups.iter().all(|group| group.lacks == 0 && group.last_synced_at.is_some());
    !waiting && paired().count() > 0 && paired().all(|peer| !peer.groups.is_empty() && complete(peer))
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
