//! What is wrong, after waiting for whoever may still answer.
//!
//! A service that hangs and a person who is away look alike at first: nobody answers. A service that works answers at
//! once, though, and a person does not.

use std::time::Duration;

use connectoid::{
    Blame, Error, ErrorKind, Result,
    api::{Command, ConnectionState, Diagnosis, Finding, PairState, PeerInfo, Reply},
};
use tokio::time::{Instant, sleep};

use crate::{
    commands::{show_reply, unexpected},
    session::Session,
    show::Show,
};

/// How long a person is waited for once the services have answered: longer than it takes two apps that are both there.
const PERSON_TIME: Duration = Duration::from_secs(5);

/// How long a service is waited for after a link was made, before saying that it has not answered.
const SERVICE_TIME: Duration = Duration::from_secs(3);

/// How often it is looked whether everybody has answered.
const LOOK_PAUSE: Duration = Duration::from_millis(100);

/// Tries to reach everybody concerned, and shows what is known then.
pub(crate) async fn examine(
    session: &Session,
    nickname: Option<String>,
    wait: Duration,
    show: &Show,
) -> Result<()> {
    let end = Instant::now() + wait;
    session.dispatch(Command::SyncNow).await?;
    for peer in concerned(session, nickname.as_deref()).await? {
        if is_there_to_reach(&peer) {
            session.dispatch(Command::Connect { nickname: peer.nickname }).await?;
        }
    }
    let mut services_end = None;
    loop {
        let reply = session.dispatch(Command::Doctor { nickname: nickname.clone() }).await?;
        let Reply::Diagnosis(diagnosis) = &reply else { return Err(unexpected()) };
        let peers = concerned(session, None).await?;
        if services_end.is_none() && !awaits_service(diagnosis, &peers) {
            services_end = Some(Instant::now() + PERSON_TIME);
        }
        let are_reached = concerned(session, nickname.as_deref()).await?.iter().all(is_reached);
        let is_over =
            Instant::now() >= end || services_end.is_some_and(|at| are_reached || at <= Instant::now());
        if is_over {
            return show_reply(reply, show);
        }
        sleep(LOOK_PAUSE).await;
    }
}

/// Says whether the services of a link can be reached, as far as that shows soon: the link works only if they can.
pub(crate) async fn warn_of_services(session: &Session, show: &Show) -> Result<()> {
    session.dispatch(Command::SyncNow).await?;
    let end = Instant::now() + SERVICE_TIME;
    loop {
        let reply = session.dispatch(Command::Doctor { nickname: None }).await?;
        let Reply::Diagnosis(diagnosis) = reply else { return Err(unexpected()) };
        let peers = concerned(session, None).await?;
        if awaits_service(&diagnosis, &peers) && Instant::now() < end {
            sleep(LOOK_PAUSE).await;
            continue;
        }
        let findings = diagnosis.findings.into_iter();
        for finding in findings.filter(|finding| is_of_service(finding, &peers)) {
            let message =
                format!("{}: {}; until it answers, nobody can open the link", finding.about, finding.message);
            show.warning(&Error::new(finding.kind, message));
        }
        return Ok(());
    }
}

/// Whether a finding is about a service: that it fails, or that it was asked and has said nothing yet.
fn is_of_service(finding: &Finding, peers: &[PeerInfo]) -> bool {
    let is_person = peers.iter().any(|peer| peer.nickname == finding.about);
    let may_be = finding.kind == ErrorKind::Unanswered || finding.kind.blame() == Blame::Service;
    may_be && !is_person && finding.about.contains("://")
}

/// Whether a service was asked and has said nothing yet.
fn awaits_service(diagnosis: &Diagnosis, peers: &[PeerInfo]) -> bool {
    let is_silence =
        |finding: &Finding| finding.kind == ErrorKind::Unanswered && is_of_service(finding, peers);
    diagnosis.findings.iter().any(is_silence)
}

async fn concerned(session: &Session, nickname: Option<&str>) -> Result<Vec<PeerInfo>> {
    let Reply::Peers { peers } = session.dispatch(Command::Peers).await? else { return Err(unexpected()) };
    Ok(peers.into_iter().filter(|peer| nickname.is_none_or(|nickname| peer.nickname == nickname)).collect())
}

/// Who has not opened a link yet, or was refused, cannot be called.
fn is_there_to_reach(peer: &PeerInfo) -> bool {
    matches!(peer.state, PairState::Paired | PairState::Opening)
}

fn is_reached(peer: &PeerInfo) -> bool {
    peer.connection == ConnectionState::Connected || !is_there_to_reach(peer)
}
