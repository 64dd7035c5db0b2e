//! Opening a link that a person sent, once.
//!
//! People tap a link again, a week later or by mistake. Opened anew, by another key, it would look to its maker like a
//! thief's try. So a node knows every link that it has made or opened, for as long as its maker would take alarm.

use connectoid_protocol::{
    address::Address, boxes::BoxId, connect::Side, link, message::Fingerprint, rotation::Sending,
};

use super::{
    Engine,
    commands::CommandResult,
    link_mail::refusal_advice,
    sharing::{by_placement, new_pair},
};
use crate::{
    api::{Credentials, Verified},
    error::{Error, ErrorKind},
    store::{SpentLink, StoreError},
};

/// How long a link is known that is of no more use, in µs: 32 days. A link lives for 30 days and is watched for one
/// more; then its maker has erased its key.
const REMEMBER_SPENT: u64 = 32 * 24 * 3_600_000_000;

impl Engine {
    /// Opens a link that a person sent.
    pub(super) fn open(&mut self, credentials: &Credentials, now: u64) -> CommandResult<()> {
        let (address, placement) = link::parse(&credentials.link).map_err(Error::from)?;
        self.refuse_own_link(&address.box_id())?;
        let verified = if credentials.in_person { Verified::InPersonQr } else { by_placement(placement) };
        let id = address.box_id();
        if let Some(number) = self.pair_of_link(&id) {
            return self.open_again(number, address, verified, now);
        }
        self.refuse_spent_link(&id)?;
        let nickname = self.new_nickname(&credentials.nickname)?;
        let services = if self.config.services.is_empty() {
            address.services().to_vec()
        } else {
            self.config.services.clone()
        };
        let own = self.mint(&services)?;
        let pair = new_pair(&nickname, Side::Opener, address.clone(), own, now);
        let number = self.insert_pair(pair, |record| {
            record.sending = Some(Sending::new(address));
            record.verified = verified;
        })?;
        self.watch_boxes()?;
        self.trace.add(now, &format!("pair {number}: link opened"));
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.connector.want_now(now, &mut self.rng);
        }
        Ok(())
    }

    /// The same link again: before the two have met, it is tried again, at the address that it has this time.
    fn open_again(
        &mut self,
        number: u64,
        address: Address,
        verified: Verified,
        now: u64,
    ) -> CommandResult<()> {
        let Some(pair) = self.pairs.get_mut(&number) else { return Ok(()) };
        let nickname = &pair.record.nickname;
        if pair.record.peer.is_some() {
            let message = format!("you share with {nickname} already");
            return Err(Error::new(ErrorKind::AlreadyShared, message).into());
        }
        // What its maker has signed is so for good; what a service says may be a lie, or over.
        if let Some(why) = pair.record.refused.filter(|why| *why != ErrorKind::LinkClosed) {
            return Err(Error::new(why, refusal_advice(why)).into());
        }
        pair.record.refused = None;
        if pair.record.link.as_text() == address.as_text() {
            pair.record.verified = better(pair.record.verified, verified);
        } else {
            // An attempt under way would go on waiting at the other address.
            pair.connector.shut_down();
            pair.record.verified = verified;
            pair.record.sending = Some(Sending::new(address.clone()));
            pair.record.link = address;
        }
        pair.connector.want_now(now, &mut self.rng);
        self.trace.add(now, &format!("pair {number}: link opened again"));
        Ok(self.save_pair(number)?)
    }

    /// Remembers that a link is of no more use to this node.
    pub(super) fn remember_spent(&mut self, id: &BoxId, made: bool, now: u64) -> Result<(), StoreError> {
        let link = if made { SpentLink::Made } else { SpentLink::Opened };
        self.store.remember_spent_link(&Fingerprint::of(id), link, now + REMEMBER_SPENT)
    }

    fn pair_of_link(&self, id: &BoxId) -> Option<u64> {
        self.pairs.iter().find(|(_, pair)| pair.record.link.box_id() == *id).map(|(number, _)| *number)
    }

    fn refuse_own_link(&self, id: &BoxId) -> CommandResult<()> {
        let link = self.links.values().find(|link| link.own.id() == *id).map(|link| &link.nickname);
        let made =
            |pair: &&super::Pair| pair.record.side == Side::Creator && pair.record.link.box_id() == *id;
        let pair = || self.pairs.values().find(made).map(|pair| &pair.record.nickname);
        match link.or_else(pair) {
            Some(nickname) => {
                let message =
                    format!("you made this link yourself, for {nickname}: send it to {nickname} to open");
                Err(Error::new(ErrorKind::LinkOwn, message).into())
            }
            None => Ok(()),
        }
    }

    fn refuse_spent_link(&self, id: &BoxId) -> CommandResult<()> {
        match self.store.spent_link(&Fingerprint::of(id))? {
            None => Ok(()),
            Some(SpentLink::Made) => {
                let message =
                    "you made this link yourself, and it is of no more use; share again for a new one";
                Err(Error::new(ErrorKind::LinkOwn, message).into())
            }
            Some(SpentLink::Opened) => {
                let message = "this link was opened here before, and the share that it was for has ended; ask for a new link";
                Err(Error::new(ErrorKind::LinkRevoked, message).into())
            }
        }
    }
}

/// The surer of two ways by which the same address came.
fn better(one: Verified, other: Verified) -> Verified {
    let rank = |verified: &Verified| match verified {
        Verified::LinkQuery => 0,
        Verified::Link => 1,
        Verified::InPersonQr => 2,
        Verified::Sas => 3,
    };
    if rank(&one) < rank(&other) { other } else { one }
}
