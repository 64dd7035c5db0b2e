//! Making, opening and ending a share.

use connectoid_protocol::{
    address::Address,
    boxes::BoxKey,
    connect::Side,
    invite::Invite,
    link::{self, Placement},
    membership::Role,
    message::Body,
    poll::Endpoint,
    rotation::{OwnBox, Receiving, Sending},
    user::GroupId,
};

use super::{
    Engine, Output,
    commands::CommandResult,
    record::{Grant, LinkRecord, PairRecord},
};
use crate::{
    api::{Credentials, SharedLink, Verified},
    error::{Error, ErrorKind},
    settings::DEFAULT_LINK_LIFETIME,
    store::{Sealed, StoreError},
};

/// The longest nickname and group name, in bytes.
const MAX_NAME: usize = 128;

/// The longest life of a link, in seconds: 30 days. A link that lies around is a risk.
const MAX_LIFETIME: u64 = 30 * 24 * 3600;

/// How long the peer is told that a share has ended, if no service can be reached, in µs: as long as its box may be
/// there.
const SAY_UNSHARED: u64 = 30 * 24 * 3_600_000_000;

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
        self.check_nickname(&terms.nickname)?;
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
        let expires = now + lifetime * 1_000_000;
        let base = terms.link_base.as_ref().unwrap_or(&self.config.link_base);
        let url = link::to_url(base, &own.address, terms.placement);
        let number =
            self.insert_pair(new_pair(&terms.nickname, Side::Creator, own.clone(), now), |record| {
                record.grant = Some(Grant { group, role: terms.role });
                record.verified = by_placement(terms.placement);
            })?;
        self.insert_link(LinkRecord {
            nickname: terms.nickname,
            own,
            invite: Invite::new(expires),
            pair: Some(number),
        })?;
        self.watch_boxes()?;
        self.trace.add(now, &format!("pair {number}: link made"));
        Ok(SharedLink { link: url, expires, group: group.to_string() })
    }

    /// Opens a link that a person sent.
    pub(super) fn open(&mut self, credentials: &Credentials, now: u64) -> CommandResult<()> {
        let (address, placement) = link::parse(&credentials.link).map_err(Error::from)?;
        if self.links.values().any(|link| link.own.id() == address.box_id()) {
            return Err(
                Error::usage("this is a link that this node made; it is for somebody else to open").into()
            );
        }
        let same = |record: &PairRecord| {
            record.sending.as_ref().is_some_and(|to| to.current.box_id() == address.box_id())
        };
        if let Some((number, pair)) = self.pairs.iter_mut().find(|(_, pair)| same(&pair.record)) {
            let refused = pair.record.refused.take().is_some();
            let number = *number;
            pair.connector.want_now(now, &mut self.rng);
            return if refused { Ok(self.save_pair(number)?) } else { Ok(()) };
        }
        self.check_nickname(&credentials.nickname)?;
        let services = if self.config.services.is_empty() {
            address.services().to_vec()
        } else {
            self.config.services.clone()
        };
        let own = self.mint(&services)?;
        let number = self.insert_pair(new_pair(&credentials.nickname, Side::Opener, own, now), |record| {
            record.sending = Some(Sending::new(address));
            record.verified =
                if credentials.in_person { Verified::InPersonQr } else { by_placement(placement) };
        })?;
        self.watch_boxes()?;
        self.trace.add(now, &format!("pair {number}: link opened"));
        if let Some(pair) = self.pairs.get_mut(&number) {
            pair.connector.want_now(now, &mut self.rng);
        }
        Ok(())
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
        self.remove_pair(number)?;
        self.trace.add(now, &format!("pair {number}: unshared"));
        Ok(())
    }

    /// Forgets a pair and its keys, and closes its boxes at their services. The box of a link that is
    /// still watched stays.
    pub(super) fn remove_pair(&mut self, number: u64) -> Result<(), StoreError> {
        self.close_for_good(number);
        let Some(pair) = self.pairs.remove(&number) else { return Ok(()) };
        for own in pair.record.receiving.boxes() {
            if !self.links.values().any(|link| link.own.id() == own.id()) {
                self.drop_box(own);
            }
            self.store.forget_box(&own.id())?;
        }
        self.store.delete_sealed(Sealed::Pair, number)?;
        self.watch_boxes()
    }

    /// Erases the keys of links that need not be watched any more.
    pub(super) fn close_old_links(&mut self, now: u64) -> Result<(), StoreError> {
        let over = |link: &LinkRecord| link.invite.watched_until() <= now;
        let numbers: Vec<u64> =
            self.links.iter().filter(|(_, link)| over(link)).map(|(number, _)| *number).collect();
        for number in numbers {
            let Some(link) = self.links.remove(&number) else { continue };
            self.store.delete_sealed(Sealed::Link, number)?;
            let in_use =
                |pair: &super::Pair| pair.record.receiving.boxes().any(|own| own.id() == link.own.id());
            match link.pair.filter(|_| link.invite.pinned.is_none()) {
                // Nobody came: the pair that waited for the opener goes, and the box with it.
                Some(pair) => self.remove_pair(pair)?,
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
        let unconfirmed = pair.session.take().map(|session| session.unconfirmed).unwrap_or_default();
        let waiting = pair.queue.drain(..).map(|(request, _)| request).chain(unconfirmed.into_values());
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
        let key = BoxKey::generate(&mut self.rng);
        let address = Address::new(&key, services, self.config.service_ext.as_deref())
            .map_err(|error| Error::usage(format!("the settings name no usable mailbox service: {error}")))?;
        Ok(OwnBox { key, address })
    }

    /// By the connection if there is one, and in any case by mail: the connection may be half dead.
    fn say_unshared(&mut self, number: u64, now: u64) -> Result<(), StoreError> {
        let Some(pair) = self.pairs.get(&number) else { return Ok(()) };
        if let Some(session) = &pair.session {
            let frame = connectoid_protocol::frame::Control::Unshare.encode();
            self.outputs.push_back(Output::Frame(
                (number, session.attempt),
                crate::rtc::Channel::Sync,
                frame,
            ));
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
                let author = Self::author(&self.user_key, &self.own);
                self.store.remove_member(group.id, &author, peer.user, now, &mut self.rng)?;
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

    fn check_nickname(&self, nickname: &str) -> CommandResult<()> {
        if nickname.is_empty() || nickname.len() > MAX_NAME || nickname.chars().any(char::is_control) {
            return Err(Error::usage("a nickname has 1 to 128 bytes and no control characters").into());
        }
        if self.pairs.values().any(|pair| pair.record.nickname == nickname) {
            return Err(Error::usage(format!(
                "there is a peer called {nickname} already; unshare first, or choose another nickname"
            ))
            .into());
        }
        Ok(())
    }

    fn insert_pair(
        &mut self,
        mut record: PairRecord,
        set: impl FnOnce(&mut PairRecord),
    ) -> Result<u64, StoreError> {
        set(&mut record);
        let number = self.store.reserve_number(Sealed::Pair)?;
        self.add_pair(number, record)?;
        self.save_pair(number)?;
        Ok(number)
    }

    fn insert_link(&mut self, link: LinkRecord) -> Result<(), StoreError> {
        let number = self.store.reserve_number(Sealed::Link)?;
        self.links.insert(number, link);
        self.save_link(number)
    }
}

/// The services of an address, each with what its requests carry.
pub(super) fn endpoints(address: &Address) -> Vec<Endpoint> {
    let ext = address.ext().map(str::to_owned);
    address.services().iter().map(|service| Endpoint { service: service.clone(), ext: ext.clone() }).collect()
}

fn by_placement(placement: Placement) -> Verified {
    if placement == Placement::Query { Verified::LinkQuery } else { Verified::Link }
}

fn new_pair(nickname: &str, side: Side, own: OwnBox, now: u64) -> PairRecord {
    PairRecord {
        nickname: nickname.to_owned(),
        side,
        receiving: Receiving::new(own),
        sending: None,
        grant: None,
        peer: None,
        verified: Verified::Link,
        refused: None,
        offered: Vec::new(),
        rotated_at: now,
        alarms: 0,
        problem: None,
    }
}
