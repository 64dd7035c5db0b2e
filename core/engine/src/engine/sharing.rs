//! Making and ending a share.

use connectoid_protocol::{
    address::{Address, MAX_SERVICES, ServiceUrlError, check_service},
    boxes::BoxKey,
    connect::Side,
    invite::Invite,
    link::{self, Placement},
    membership::Role,
    message::Body,
    poll::Endpoint,
    rotation::{OwnBox, Receiving},
    user::GroupId,
};

use super::{
    Engine, Output,
    commands::CommandResult,
    names,
    record::{Grant, LinkRecord, PairRecord},
};
use crate::{
    DEFAULT_LINK_LIFETIME,
    api::{SharedLink, Verified},
    error::{Error, ErrorKind},
    store::{Sealed, StoreError},
};

/// The longest life of a link, in seconds: 30 days. A link that lies around is a risk.
const MAX_LIFETIME: u64 = 30 * 24 * 3600;

/// How long the peer is told that a share has ended, if no service can be reached, in µs: as long as its box may be
/// there.
const SAY_UNSHARED: u64 = 30 * 24 * 3_600_000_000;

/// How long ago a link may have been made before the date was known, in µs, for its time to have run since: a service that
/// is there tells the date within seconds. After longer, its time begins anew.
const UNDATED: u64 = 3_600_000_000;

/// What a share is about.
pub(super) struct Terms {
    pub(super) nickname: String,
    pub(super) group: String,
    pub(super) role: Role,
    pub(super) expires_in: Option<u64>,
    pub(super) services: Vec<String>,
    pub(super) link_base: Option<String>,
    pub(super) placement: Placement,
}

impl Engine {
    /// Makes a link for a person.
    pub(super) fn share(&mut self, terms: Terms, now: u64) -> CommandResult<SharedLink> {
        let nickname = self.new_nickname(&terms.nickname)?;
        let lifetime = terms.expires_in.unwrap_or(DEFAULT_LINK_LIFETIME.as_secs());
        if lifetime == 0 || lifetime > MAX_LIFETIME {
            return Err(Error::usage("a link can work for one second to 30 days").into());
        }
        if terms.role == Role::Owner {
            return Err(Error::usage("a group has one owner; share as writer or reader").into());
        }
        let services = if terms.services.is_empty() { self.config.services.clone() } else { terms.services };
        let own = self.mint(&services)?;
        let group = self.group_to_share(&terms.group, now)?;
        let lifetime = lifetime * 1_000_000;
        let expires = self.data_time(now).saturating_add(lifetime);
        let undated = self.clock_ahead.is_none().then_some(lifetime);
        let base = terms.link_base.as_ref().unwrap_or(&self.config.link_base);
        let url = link::to_url(base, &own.address, terms.placement);
        let pair = new_pair(&nickname, Side::Creator, own.address.clone(), own.clone(), now);
        let number = self.insert_pair(pair, |record| {
            record.grant = Some(Grant { group, role: terms.role });
            record.link_group = Some(group);
            record.verified = by_placement(terms.placement);
        })?;
        let invite = Invite::new(expires);
        self.insert_link(LinkRecord { nickname, own, invite, undated, pair: Some(number) })?;
        self.watch_boxes()?;
        self.trace.add(now, &format!("pair {number}: link made"));
        Ok(SharedLink { link: url, expires, group: group.to_string() })
    }

    /// Stops sharing with a person: tells the peer, forgets its keys, closes the boxes, and removes it
    /// from the groups that this user owns.
    pub(super) fn unshare(&mut self, nickname: &str, now: u64) -> CommandResult<()> {
        let number = self.pair_named(nickname)?;
        self.remove_from_own_groups(number, now)?;
        self.settle_pair(number, now)?;
        self.say_unshared(number, now)?;
        let mine = |link: &&mut LinkRecord| link.pair == Some(number);
        let link =
            self.links.iter_mut().find(|(_, link)| link.pair == Some(number)).map(|(number, _)| *number);
        debug_assert!(self.links.values_mut().filter(mine).count() <= 1, "a pair has at most one link");
        if let Some(link_number) = link {
            if let Some(link) = self.links.get_mut(&link_number) {
                link.pair = None;
                link.invite.revoked = true;
            }
            self.save_link(link_number)?;
        }
        self.remove_pair(number, now)?;
        self.trace.add(now, &format!("pair {number}: unshared"));
        Ok(())
    }

    /// Forgets a pair and its keys, and closes its boxes at their services. The box of a link that is
    /// still watched stays.
    pub(super) fn remove_pair(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        self.close_for_good(number);
        let Some(pair) = self.pairs.remove(&number) else { return Ok(()) };
        self.remember_spent(&pair.record.link.box_id(), pair.record.side == Side::Creator, now)?;
        for own in pair.record.receiving.boxes() {
            if !self.links.values().any(|link| link.own.id() == own.id()) {
                self.drop_box(own);
            }
            self.store.forget_box(&own.id())?;
        }
        self.store.delete_sealed(Sealed::Pair, number)?;
        self.watch_boxes()
    }

    /// The date has become known: links that were made before work by it as long as they were to. How long ago that was
    /// tells the device's clock, unless it says what only a clock would that was set since.
    pub(super) fn date_links(&mut self, now: u64) -> Result<(), StoreError> {
        let time = self.data_time(now);
        let mut dated = Vec::new();
        for (number, link) in &mut self.links {
            if let Some(lifetime) = link.undated.take() {
                let made = link.invite.expires.saturating_sub(lifetime);
                let passed = now.checked_sub(made).filter(|passed| *passed <= UNDATED).unwrap_or(0);
                link.invite.expires = time.saturating_sub(passed).saturating_add(lifetime);
                dated.push(*number);
            }
        }
        dated.into_iter().try_for_each(|number| self.save_link(number))
    }

    /// Erases the keys of links that need not be watched any more. Only once a service has told the date, by which they
    /// have been dated: by a wrong clock, links would end that people still hold.
    pub(super) fn close_old_links(&mut self, now: u64) -> Result<(), StoreError> {
        if self.clock_ahead.is_none() {
            return Ok(());
        }
        let time = self.data_time(now);
        let over = |link: &LinkRecord| link.invite.watched_until() <= time;
        let numbers: Vec<u64> =
            self.links.iter().filter(|(_, link)| over(link)).map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(link) = self.links.remove(&number) else { continue };
            self.store.delete_sealed(Sealed::Link, number)?;
            self.remember_spent(&link.own.id(), true, now)?;
            let in_use =
                |pair: &super::Pair| pair.record.receiving.boxes().any(|own| own.id() == link.own.id());
            match link.pair.filter(|_| link.invite.pinned.is_none()) {
                // Nobody came: the pair that waited for the opener goes, and the box with it.
                Some(pair) => self.remove_pair(pair, now)?,
                None if self.pairs.values().any(in_use) => {}
                None => {
                    self.drop_box(&link.own);
                    self.store.forget_box(&link.own.id())?;
                }
            }
            self.watch_boxes()?;
        }
        Ok(())
    }

    /// Ends connection and attempts of a pair, without trying again.
    pub(super) fn close_for_good(&mut self, number: u64) {
        let Some(pair) = self.pairs.get_mut(&number) else { return };
        pair.connector.shut_down();
        let unanswered = pair.session.take().map(|session| session.unanswered).unwrap_or_default();
        let unanswered = unanswered.into_values().map(|(request, _)| request);
        let waiting = pair.queue.drain(..).map(|(request, _)| request).chain(unanswered);
        let ended = || Err(Error::new(ErrorKind::Closed, "the share, or the node, has ended"));
        self.outputs.extend(waiting.map(|request| Output::Reply(request, ended())));
        while let Some(output) = pair.connector.poll_output() {
            if let connectoid_protocol::connect::Output::Close(attempt) = output {
                self.outputs.push_back(Output::Close((number, attempt)));
            }
        }
    }

    /// A fresh box at these services.
    pub(super) fn mint(&mut self, services: &[String]) -> Result<OwnBox, Error> {
        if services.is_empty() {
            let message = "this node knows no mailbox service to meet at; name one in the settings";
            return Err(Error::usage(message));
        }
        check_services(services)?;
        let key = BoxKey::generate(&mut self.rng);
        let address = Address::new(&key, services, self.config.service_ext.as_deref())
            .map_err(|error| Error::usage(format!("no link can be made with these settings: {error}")))?;
        Ok(OwnBox { key, address })
    }

    /// By the connection if there is one, and in any case by mail: the connection may be half dead.
    fn say_unshared(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        if let Some(session) = &pair.session {
            let frame = connectoid_protocol::frame::Control::Unshare.encode();
            self.outputs.push_back(Output::Frame((number, session.attempt), crate::Channel::Sync, frame));
        }
        let Some(to) = pair.record.sending.as_ref().map(|sending| sending.current.clone()) else {
            return Ok(());
        };
        let from = pair.record.receiving.current.clone();
        self.post(&from, &to, Body::Unshared, now + SAY_UNSHARED, now)
    }

    pub(super) fn remove_from_own_groups(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(peer) = self.pairs.get(&number).and_then(|pair| pair.record.peer) else { return Ok(()) };
        let elsewhere = |other: &u64, pair: &super::Pair| {
            *other != number && pair.record.peer.is_some_and(|known| known.user == peer.user)
        };
        if self.pairs.iter().any(|(other, pair)| elsewhere(other, pair)) {
            return Ok(());
        }
        for group in self.store.groups()? {
            let owned = group.owner == self.own.user;
            if owned && self.store.role(group.id, peer.user)?.is_some() {
                let (author, time) = (Self::author(&self.user_key, &self.own), self.data_time(now));
                self.store.remove_member(group.id, &author, peer.user, time, &mut self.rng)?;
                self.on_group_changed(group.id, None, now)?;
                self.on_members_changed(group.id, now)?;
            }
        }
        Ok(())
    }

    /// Has a box closed at its services.
    pub(super) fn drop_box(&mut self, own: &OwnBox) {
        self.outputs.push_back(Output::DropBox(own.key.clone(), endpoints(&own.address)));
    }

    fn group_to_share(&mut self, name: &str, now: u64) -> CommandResult<GroupId> {
        let group = match self.find_group(name)? {
            Some(group) => group,
            None => self.create_group(name, now)?,
        };
        let owner = self.store.role(group, self.own.user)? == Some(Role::Owner);
        if owner {
            Ok(group)
        } else {
            Err(Error::new(ErrorKind::NotPermitted, "only a group's owner can share it").into())
        }
    }

    pub(super) fn new_nickname(&self, nickname: &str) -> CommandResult<String> {
        let nickname = names::checked(nickname, "a nickname")?;
        if self.pairs.values().any(|pair| pair.record.nickname == nickname) {
            return Err(Error::usage(format!(
                "there is a peer called {nickname} already; unshare first, or choose another nickname"
            ))
            .into());
        }
        Ok(nickname)
    }

    pub(super) fn insert_pair(
        &mut self,
        mut record: PairRecord,
        set: impl FnOnce(&mut PairRecord),
    ) -> Result<u64, StoreError> {
        set(&mut record);
        let number = self.store.reserve_number(Sealed::Pair)?;
        self.add_pair(number, record);
        self.save_pair(number)?;
        Ok(number)
    }

    fn insert_link(&mut self, link: LinkRecord) -> Result<(), StoreError> {
        let number = self.store.reserve_number(Sealed::Link)?;
        self.links.insert(number, link);
        self.save_link(number)
    }
}

/// Refuses services that cannot be dialled or stand in a link; none at all is for a node that only opens links.
///
/// # Errors
/// [`ErrorKind::Usage`], which names the URL unless that has a password in it.
pub fn check_services(services: &[String]) -> Result<(), Error> {
    if services.len() > MAX_SERVICES {
        return Err(Error::usage(format!("a node has at most {MAX_SERVICES} mailbox services")));
    }
    for service in services {
        check_service(service).map_err(|error| match error {
            ServiceUrlError::Credentials => Error::usage(format!("a mailbox service's URL {error}")),
            _ => Error::usage(format!("{service} is no URL of a mailbox service: it {error}")),
        })?;
    }
    Ok(())
}

/// The services of an address, each with what its requests carry.
pub(super) fn endpoints(address: &Address) -> Vec<Endpoint> {
    let ext = address.ext().map(str::to_owned);
    address.services().iter().map(|service| Endpoint { service: service.clone(), ext: ext.clone() }).collect()
}

pub(super) fn by_placement(placement: Placement) -> Verified {
    if placement == Placement::Query { Verified::LinkQuery } else { Verified::Link }
}

pub(super) fn new_pair(nickname: &str, side: Side, link: Address, own: OwnBox, now: u64) -> PairRecord {
    PairRecord {
        nickname: nickname.to_owned(),
        side,
        link,
        receiving: Receiving::new(own),
        sending: None,
        grant: None,
        link_group: None,
        expects_group: side == Side::Opener,
        peer: None,
        verified: Verified::Link,
        refused: None,
        offered: Vec::new(),
        rotated_at: now,
        alarms: 0,
        problem: None,
    }
}
