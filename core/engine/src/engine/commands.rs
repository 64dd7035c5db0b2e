//! The one dispatch of commands.

use connectoid_protocol::{connect::Side, poll::Pace};

use super::{Engine, Output, names};
use crate::{
    api::{Command, Reply},
    error::{Error, ErrorKind, Result},
    qr, reads,
    store::StoreError,
};

/// Names a command towards its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(pub u64);

/// What became of a command.
pub(super) enum Handled {
    /// It is answered.
    Now(Reply),
    /// It is answered later, by whoever was given the request's id.
    Later,
}

/// A command can fail by itself, or the storage under it, which fails the whole step.
pub(super) enum CommandError {
    /// The command's writes are undone, and its caller is told.
    Refused(Error),
    /// The step is undone.
    Storage(StoreError),
}

impl From<Error> for CommandError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

impl From<StoreError> for CommandError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::UnknownGroup(_)
            | StoreError::NotAMember
            | StoreError::NotAccepted
            | StoreError::NotPermitted { .. }
            | StoreError::OwnerIsFixed
            | StoreError::Change(_)
            | StoreError::NotARecordOp
            | StoreError::Clock => Self::Refused(error.into()),
            _ => Self::Storage(error),
        }
    }
}

pub(super) type CommandResult<T = Handled> = core::result::Result<T, CommandError>;

impl Engine {
    pub(super) fn on_command(
        &mut self,
        request: RequestId,
        command: Command,
        now: u64,
    ) -> Result<(), StoreError> {
        let name = command.name();
        let before = self.store.begin_savepoint()?;
        let handled = self.dispatch(request, command, now);
        match &handled {
            Ok(_) => self.store.release_savepoint()?,
            Err(CommandError::Refused(_)) => self.store.undo_savepoint(before)?,
            // The whole step is undone; a full disk has made SQLite do so already.
            Err(CommandError::Storage(_)) => {}
        }
        let reply = match handled {
            Ok(Handled::Now(reply)) => Ok(reply),
            Ok(Handled::Later) => return Ok(()),
            Err(CommandError::Refused(error)) => {
                self.trace.add(now, &format!("command {name} refused: {}", error.kind_name()));
                Err(error)
            }
            Err(CommandError::Storage(error)) => {
                self.outputs.push_back(Output::Reply(request, Err(Error::from(&error))));
                return Err(error);
            }
        };
        self.outputs.push_back(Output::Reply(request, reply));
        Ok(())
    }

    pub(super) fn on_cancel(&mut self, request: RequestId) {
        let mut waited = false;
        for pair in self.pairs.values_mut() {
            let before = pair.queue.len();
            pair.queue.retain(|(queued, _)| *queued != request);
            waited |= pair.queue.len() < before;
        }
        if waited {
            // Nobody waits for it, but whoever kept the place for the reply can give it up.
            let gone = Error::new(ErrorKind::Cancelled, "the caller does not wait any more");
            self.outputs.push_back(Output::Reply(request, Err(gone)));
        }
    }

    fn dispatch(&mut self, request: RequestId, command: Command, now: u64) -> CommandResult {
        let done = |()| Handled::Now(Reply::Done {});
        match command {
            Command::Share { nickname, group, role, expires_in, services, link_base, placement } => {
                let terms = super::sharing::Terms {
                    nickname,
                    group,
                    role,
                    expires_in,
                    services,
                    link_base,
                    placement,
                };
                self.share(terms, now).map(|link| Handled::Now(Reply::Link(link)))
            }
            Command::Open(credentials) => self.open(&credentials, now).map(done),
            Command::Peers => Ok(Handled::Now(Reply::Peers { peers: self.peers(now)? })),
            Command::Unshare { nickname } => self.unshare(&nickname, now).map(done),
            Command::Connect { nickname } => self.connect(&nickname, now).map(done),
            Command::Disconnect { nickname } => self.disconnect(&nickname, now).map(done),
            Command::Verify { nickname } => self.verify(&nickname, now).map(done),
            Command::ConfirmVerify { nickname, same } => self.confirm_verify(&nickname, same, now).map(done),
            Command::CreateGroup { name } => {
                let id = self.create_group(&name, now)?.to_string();
                Ok(Handled::Now(Reply::Group { id }))
            }
            Command::Groups => Ok(Handled::Now(Reply::Groups { groups: self.groups()? })),
            Command::AddMember { nickname, group, role } => {
                self.add_member(&nickname, &group, role, now).map(done)
            }
            Command::AcceptInvitation { group } => self.accept_invitation(&group, now).map(done),
            Command::LeaveGroup { group } => self.leave_group(&group, now).map(done),
            Command::ForgetGroup { group } => self.forget_group(&group, now).map(done),
            Command::RemoveMember { nickname, group } => self.remove_member(&nickname, &group, now).map(done),
            Command::Commit { group, writes } => self.commit(&group, writes, now).map(done),
            Command::Get { group, collection, id } => Ok(Handled::Now(Reply::Record {
                record: reads::record(&self.store, &group, &collection, &id)?,
            })),
            Command::List { group, collection, after, limit } => {
                let records = reads::list(&self.store, &group, &collection, after.as_deref(), limit)?;
                Ok(Handled::Now(Reply::Records { records }))
            }
            Command::History { group, collection, id } => {
                Ok(Handled::Now(Reply::History { versions: self.history(&group, &collection, &id)? }))
            }
            Command::Send { nickname, data } => {
                self.send_message(request, &nickname, data, now)?;
                Ok(Handled::Later)
            }
            Command::Doctor { nickname } => {
                Ok(Handled::Now(Reply::Diagnosis(self.diagnose(nickname.as_deref(), now)?)))
            }
            Command::SetPace { pace } => {
                self.config.pace = pace;
                self.poller.set_pace(pace, now);
                if pace == Pace::Foreground {
                    self.want_lacking(now)?;
                }
                Ok(done(()))
            }
            Command::UserId => Ok(Handled::Now(Reply::User { id: self.identity().user.to_string() })),
            Command::Qr { link, format, scale } => {
                Ok(Handled::Now(Reply::Image { data: qr::draw(&link, format, scale)? }))
            }
            Command::NetworkChanged => {
                self.on_network_changed(now);
                Ok(done(()))
            }
            Command::SyncNow => {
                self.poller.look_now(now);
                self.want_lacking(now)?;
                Ok(done(()))
            }
        }
    }

    /// The number of the pair with this nickname.
    pub(super) fn pair_named(&self, nickname: &str) -> CommandResult<u64> {
        let name = names::normal(nickname);
        let found = self.pairs.iter().find(|(_, pair)| pair.record.nickname == name);
        found.map(|(number, _)| *number).ok_or_else(|| {
            Error::usage(format!(
                "there is no peer called {name}; a link makes one, made here or opened here"
            ))
            .into()
        })
    }

    fn connect(&mut self, nickname: &str, now: u64) -> CommandResult<()> {
        let number = self.pair_named(nickname)?;
        let Some(pair) = self.pairs.get_mut(&number).filter(|pair| pair.is_reachable()) else {
            return Err(Error::usage(format!("{nickname} has not opened the link yet")).into());
        };
        pair.connector.want_now(now, &mut self.rng);
        Ok(())
    }

    fn disconnect(&mut self, nickname: &str, now: u64) -> CommandResult<()> {
        let number = self.pair_named(nickname)?;
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.connector.rest(now, &mut self.rng);
        }
        Ok(())
    }

    /// Every live session is replaced by one over the new network; glare is avoided by letting the
    /// openers begin.
    fn on_network_changed(&mut self, now: u64) {
        self.poller.look_now(now);
        for pair in self.pairs.values_mut() {
            let due = pair.connector.is_live() || pair.connector.is_wanted();
            if due && (pair.record.side == Side::Opener || !pair.connector.is_live()) {
                pair.connector.renew(now, &mut self.rng);
            }
        }
    }
}
