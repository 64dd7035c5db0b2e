//! The attacks.
//!
//! | file | who attacks, and with what |
//! |---|---|
//! | `frames` | a member of a group, with frames |
//! | `storms` | a peer, with frames that belong to no group, and with connections |
//! | `packets` | whoever may answer an offer, with packets of SCTP, before it has proved who it is |
//! | `offers` | a peer, with offers in the mailbox |
//! | `service` | a network, with connections and requests to a mailbox service |

mod frames;
mod offers;
mod packets;
mod service;
mod storms;

use crate::{Outcome, meter::Cost, stage::Stage};

/// How much of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    Short,
    Long,
}

impl Extent {
    fn of<T>(self, short: T, long: T) -> T {
        if self == Self::Short { short } else { long }
    }
}

/// In the order in which they are run.
pub(crate) const ATTACKS: [&str; 21] = [
    "members",
    "withdrawals",
    "versions",
    "parked",
    "quota",
    "invitations",
    "compare",
    "messages",
    "controls",
    "garbage",
    "offers",
    "resets",
    "endless",
    "unordered",
    "behind",
    "gaps",
    "tls-half",
    "tls-idle",
    "tls-slow",
    "tls-handshakes",
    "tls-requests",
];

pub(crate) async fn run(name: &str, extent: Extent) -> Outcome<Cost> {
    match name {
        "tls-half" => service::half(extent).await,
        "tls-idle" => service::idle(extent).await,
        "tls-slow" => service::slow(extent).await,
        "tls-handshakes" => service::handshakes(extent).await,
        "tls-requests" => service::requests(extent).await,
        // Each has a victim of its own: what one left behind is not what the next one costs.
        _ => by_a_peer(name, &Stage::new().await?, extent).await,
    }
}

async fn by_a_peer(name: &str, stage: &Stage, extent: Extent) -> Outcome<Cost> {
    match name {
        "members" => frames::members(stage, extent).await,
        "withdrawals" => frames::withdrawals(stage, extent).await,
        "versions" => frames::versions(stage, extent).await,
        "parked" => frames::parked(stage, extent).await,
        "quota" => frames::quota(stage).await,
        "invitations" => frames::invitations(stage, extent).await,
        "compare" => frames::compare(stage, extent).await,
        "messages" => storms::messages(stage, extent).await,
        "controls" => storms::controls(stage).await,
        "garbage" => storms::garbage(stage, extent).await,
        "offers" => offers::flood(stage, extent).await,
        "resets" => packets::resets(stage).await,
        "endless" => packets::endless(stage).await,
        "unordered" => packets::unordered(stage).await,
        "behind" => packets::behind(stage).await,
        "gaps" => packets::gaps(stage).await,
        _ => Err("no such attack".into()),
    }
}
