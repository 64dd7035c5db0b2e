//! What to do next, in terms of this program.
//!
//! Errors of the SDK are read in apps of all kinds and languages, and name no command of this one.

use connectoid::{
    Error, ErrorKind,
    api::{Command, Reply},
};

use crate::{args::Common, config, session::Session, show::Show};

/// Says what helps after a command has failed that named a person or a group.
pub(crate) async fn after(
    error: &Error,
    (nickname, group): (Option<String>, Option<String>),
    session: &Session,
    show: &Show,
) {
    match error.kind {
        ErrorKind::Usage => {
            // A hint that cannot be found out is none.
            if let (Some(nickname), Ok(Reply::Peers { peers })) =
                (nickname, session.dispatch(Command::Peers).await)
                && !peers.iter().any(|peer| peer.nickname == nickname)
            {
                show.hint("`connectoid peers` lists the people you share with");
            }
            if let (Some(group), Ok(Reply::Groups { groups })) =
                (group, session.dispatch(Command::Groups).await)
                && groups.iter().filter(|known| known.name == group || known.id == group).count() != 1
            {
                show.hint("`connectoid groups` lists the groups you are in, with their ids");
            }
        }
        ErrorKind::LinkUsed | ErrorKind::LinkClosed | ErrorKind::PairLost => {
            show.hint("`connectoid unshare NICKNAME` makes room for a new link");
        }
        ErrorKind::Unanswered
        | ErrorKind::NoRoute
        | ErrorKind::PeerSilent
        | ErrorKind::ServiceUnreachable => {
            show.hint("`connectoid run` keeps trying; `connectoid doctor` says what is known");
        }
        _ => {}
    }
}

/// Says how a mailbox service is named, if none is.
pub(crate) fn of_services(common: &Common, show: &Show) {
    let knows_one =
        config::load(common, &common.folder()).is_ok_and(|known| !known.config.services.is_empty());
    if !knows_one {
        show.hint("`--service URL` names a mailbox service; `connectoid serve` runs one on this machine");
    }
}
