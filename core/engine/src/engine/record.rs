//! What a node remembers of a link and of a pair, and how that is written down.
//!
//! Both are kept as JSON, sealed by the [`Vault`]: they hold box keys and addresses.

use connectoid_protocol::{
    address::Address,
    boxes::{BoxId, BoxKey, STORED_LEN},
    connect::Side,
    encoding::{base64url, parse_base64url_array},
    handshake::Identity,
    invite::{Invite, Pin},
    membership::Role,
    message::Id,
    rotation::{OwnBox, Receiving, Sending},
    user::{DeviceId, GroupId, UserId},
};
use rand_core::CryptoRng;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use crate::{
    api::Verified,
    error::{Error, ErrorKind},
    vault::{Vault, VaultError, secret_json},
};

/// How many ids of own offers a pair remembers, to recognise a refusal of one of them.
const MAX_OFFERED: usize = 8;

/// A link that this node made, watched until some time after its use or expiry.
#[derive(Clone)]
pub(crate) struct LinkRecord {
    /// What its creator calls the person that it was made for.
    pub(crate) nickname: String,
    /// The box in the link.
    pub(crate) own: OwnBox,
    /// What became of it.
    pub(crate) invite: Invite,
    /// How long it is to work, in µs from when the date becomes known; none once it is.
    pub(crate) undated: Option<u64>,
    /// The pair that it was made for, until that is unshared.
    pub(crate) pair: Option<u64>,
}

/// Two people who share, or are about to.
#[derive(Clone)]
pub(crate) struct PairRecord {
    pub(crate) nickname: String,
    pub(crate) side: Side,
    /// The address in the link by which the two met, or are to meet.
    pub(crate) link: Address,
    pub(crate) receiving: Receiving,
    /// Where to write to; unknown to a link's creator until somebody opens it.
    pub(crate) sending: Option<Sending>,
    /// What the creator gives the peer when they first meet,
    pub(crate) grant: Option<Grant>,
    /// and in which group.
    pub(crate) link_group: Option<GroupId>,
    /// Whether this node opened the link and has not been given yet what it is for.
    pub(crate) expects_group: bool,
    /// Who the peer has proven to be.
    pub(crate) peer: Option<Identity>,
    pub(crate) verified: Verified,
    /// Why the link is not open to this node.
    pub(crate) refused: Option<ErrorKind>,
    /// The latest offers of this node.
    pub(crate) offered: Vec<Id>,
    /// When the receiving box was last changed, in µs since the epoch.
    pub(crate) rotated_at: u64,
    /// How many others tried to open the link.
    pub(crate) alarms: u8,
    /// Why the last attempt to connect failed, if no later one succeeded.
    pub(crate) problem: Option<Error>,
}

/// A membership to be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Grant {
    pub(crate) group: GroupId,
    pub(crate) role: Role,
}

impl PairRecord {
    /// Whether a message signed by this box's key can come from the peer. A link's maker signs by the link's key if it
    /// has forgotten, after a restore, that the two have met.
    pub(crate) fn accepts(&self, signer: &BoxId) -> bool {
        let by_link = self.side == Side::Opener && self.link.box_id() == *signer;
        by_link || self.sending.as_ref().is_some_and(|to| to.accepts(signer))
    }

    /// This node's home and the peer's, once both know both: each looks there also if it has forgotten the other boxes.
    pub(crate) fn homes(&self) -> Option<(OwnBox, Address)> {
        self.receiving.home.clone().zip(self.sending.as_ref()?.home.clone())
    }

    /// Where the peer waited before; a peer that was put back to an older copy does so again.
    pub(crate) fn left_addresses(&self) -> Vec<Address> {
        let Some(sending) = self.sending.as_ref().filter(|_| self.peer.is_some()) else { return Vec::new() };
        let link = Some(&self.link).filter(|_| self.side == Side::Opener);
        let mut left: Vec<Address> = sending.previous.iter().chain(link).cloned().collect();
        left.dedup_by_key(|address| address.box_id());
        left.retain(|address| address.box_id() != sending.current.box_id());
        left
    }

    pub(crate) fn remember_offer(&mut self, id: Id) {
        if self.offered.len() == MAX_OFFERED {
            self.offered.remove(0);
        }
        self.offered.push(id);
    }

    pub(crate) fn seal(&self, vault: &Vault, number: u64, rng: &mut impl CryptoRng) -> Vec<u8> {
        let stored = StoredPair {
            nickname: self.nickname.clone(),
            side: self.side,
            link: StoredAddress::from(&self.link),
            generation: self.receiving.generation,
            current: StoredBox::from(&self.receiving.current),
            next: self.receiving.next.as_ref().map(StoredBox::from),
            previous: self.receiving.previous.as_ref().map(StoredBox::from),
            home: self.receiving.home.as_ref().map(StoredBox::from),
            sending: self.sending.as_ref().map(StoredSending::from),
            grant: self.grant.map(|grant| (grant.group.to_string(), grant.role)),
            link_group: self.link_group.map(|group| group.to_string()),
            expects_group: self.expects_group,
            peer: self.peer.as_ref().map(StoredIdentity::from),
            verified: self.verified,
            refused: self.refused,
            offered: self.offered.clone(),
            rotated_at: self.rotated_at,
            alarms: self.alarms,
            problem: self.problem.clone(),
        };
        seal(&stored, vault, &label("pair", number), rng)
    }

    pub(crate) fn open(sealed: &[u8], vault: &Vault, number: u64) -> Result<Self, VaultError> {
        let stored: StoredPair = open(sealed, vault, &label("pair", number))?;
        let grant =
            stored.grant.map(|(group, role)| GroupId::parse(&group).map(|group| Grant { group, role }));
        let link_group = stored.link_group.map(|group| GroupId::parse(&group));
        Ok(Self {
            nickname: stored.nickname,
            side: stored.side,
            link: stored.link.open()?,
            receiving: Receiving {
                generation: stored.generation,
                current: stored.current.open()?,
                next: stored.next.map(|own| own.open()).transpose()?,
                previous: stored.previous.map(|own| own.open()).transpose()?,
                home: stored.home.map(|own| own.open()).transpose()?,
            },
            sending: stored.sending.map(|sending| sending.open()).transpose()?,
            grant: grant.transpose().map_err(|_| VaultError::Malformed)?,
            link_group: link_group.transpose().map_err(|_| VaultError::Malformed)?,
            expects_group: stored.expects_group,
            peer: stored.peer.map(|peer| peer.open()).transpose()?,
            verified: stored.verified,
            refused: stored.refused,
            offered: stored.offered,
            rotated_at: stored.rotated_at,
            alarms: stored.alarms,
            problem: stored.problem,
        })
    }
}

impl LinkRecord {
    pub(crate) fn seal(&self, vault: &Vault, number: u64, rng: &mut impl CryptoRng) -> Vec<u8> {
        let stored = StoredLink {
            nickname: self.nickname.clone(),
            own: StoredBox::from(&self.own),
            expires: self.invite.expires,
            revoked: self.invite.revoked,
            pinned: self.invite.pinned.map(|pin| (pin.opener.to_base64(), pin.at)),
            alarms: self.invite.alarms,
            undated: self.undated,
            pair: self.pair,
        };
        seal(&stored, vault, &label("link", number), rng)
    }

    pub(crate) fn open(sealed: &[u8], vault: &Vault, number: u64) -> Result<Self, VaultError> {
        let stored: StoredLink = open(sealed, vault, &label("link", number))?;
        let pinned = stored.pinned.map(|(opener, at)| BoxId::parse(&opener).map(|opener| Pin { opener, at }));
        let invite = Invite {
            expires: stored.expires,
            revoked: stored.revoked,
            pinned: pinned.transpose().map_err(|_| VaultError::Malformed)?,
            alarms: stored.alarms,
        };
        let (own, undated) = (stored.own.open()?, stored.undated);
        Ok(Self { nickname: stored.nickname, own, invite, undated, pair: stored.pair })
    }
}

/// A sealed message that waits to be taken by a service.
#[derive(Serialize, Deserialize)]
pub(crate) struct OutboxRecord {
    to: StoredAddress,
    /// The sealed message, as base64url.
    pub(crate) data: String,
}

impl OutboxRecord {
    pub(crate) fn new(to: &Address, data: String) -> Self {
        Self { to: StoredAddress::from(to), data }
    }

    pub(crate) fn to(&self) -> Result<Address, VaultError> {
        self.to.open()
    }

    pub(crate) fn seal(&self, vault: &Vault, rng: &mut impl CryptoRng) -> Vec<u8> {
        seal(self, vault, b"outbox", rng)
    }

    pub(crate) fn open(sealed: &[u8], vault: &Vault) -> Result<Self, VaultError> {
        open(sealed, vault, b"outbox")
    }
}

fn label(kind: &str, number: u64) -> Vec<u8> {
    format!("{kind} {number}").into_bytes()
}

fn seal(value: &impl Serialize, vault: &Vault, label: &[u8], rng: &mut impl CryptoRng) -> Vec<u8> {
    let json = secret_json(value).unwrap_or_default();
    vault.seal(label, &json, rng)
}

fn open<T: DeserializeOwned>(sealed: &[u8], vault: &Vault, label: &[u8]) -> Result<T, VaultError> {
    serde_json::from_slice(&vault.open(label, sealed)?).map_err(|_| VaultError::Malformed)
}

#[derive(Serialize, Deserialize)]
struct StoredPair {
    nickname: String,
    side: Side,
    link: StoredAddress,
    generation: u32,
    current: StoredBox,
    next: Option<StoredBox>,
    previous: Option<StoredBox>,
    #[serde(default)]
    home: Option<StoredBox>,
    sending: Option<StoredSending>,
    grant: Option<(String, Role)>,
    #[serde(default)]
    link_group: Option<String>,
    #[serde(default)]
    expects_group: bool,
    peer: Option<StoredIdentity>,
    verified: Verified,
    refused: Option<ErrorKind>,
    offered: Vec<Id>,
    rotated_at: u64,
    alarms: u8,
    #[serde(default)]
    problem: Option<Error>,
}

#[derive(Serialize, Deserialize)]
struct StoredLink {
    nickname: String,
    own: StoredBox,
    expires: u64,
    revoked: bool,
    pinned: Option<(String, u64)>,
    alarms: u8,
    #[serde(default)]
    undated: Option<u64>,
    pair: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct StoredBox {
    key: Zeroizing<String>,
    address: Zeroizing<String>,
}

impl From<&OwnBox> for StoredBox {
    fn from(own: &OwnBox) -> Self {
        Self {
            key: Zeroizing::new(base64url(&*own.key.to_bytes())),
            address: Zeroizing::new(own.address.as_text().to_owned()),
        }
    }
}

impl StoredBox {
    fn open(&self) -> Result<OwnBox, VaultError> {
        let bytes: Zeroizing<[u8; STORED_LEN]> =
            Zeroizing::new(parse_base64url_array(&self.key).map_err(|_| VaultError::Malformed)?);
        let key = BoxKey::from_bytes(&bytes).map_err(|_| VaultError::Malformed)?;
        let address = Address::restore(&self.address, key.id()).map_err(|_| VaultError::Malformed)?;
        Ok(OwnBox { key, address })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredAddress {
    text: Zeroizing<String>,
    id: String,
}

impl From<&Address> for StoredAddress {
    fn from(address: &Address) -> Self {
        Self { text: Zeroizing::new(address.as_text().to_owned()), id: address.box_id().to_base64() }
    }
}

impl StoredAddress {
    fn open(&self) -> Result<Address, VaultError> {
        let id = BoxId::parse(&self.id).map_err(|_| VaultError::Malformed)?;
        Address::restore(&self.text, id).map_err(|_| VaultError::Malformed)
    }
}

#[derive(Serialize, Deserialize)]
struct StoredSending {
    generation: u32,
    current: StoredAddress,
    previous: Option<StoredAddress>,
    #[serde(default)]
    home: Option<StoredAddress>,
}

impl From<&Sending> for StoredSending {
    fn from(sending: &Sending) -> Self {
        Self {
            generation: sending.generation,
            current: StoredAddress::from(&sending.current),
            previous: sending.previous.as_ref().map(StoredAddress::from),
            home: sending.home.as_ref().map(StoredAddress::from),
        }
    }
}

impl StoredSending {
    fn open(&self) -> Result<Sending, VaultError> {
        Ok(Sending {
            generation: self.generation,
            current: self.current.open()?,
            previous: self.previous.as_ref().map(StoredAddress::open).transpose()?,
            home: self.home.as_ref().map(StoredAddress::open).transpose()?,
        })
    }
}

#[derive(Serialize, Deserialize)]
struct StoredIdentity {
    user: String,
    key: String,
    device: String,
}

impl From<&Identity> for StoredIdentity {
    fn from(identity: &Identity) -> Self {
        Self {
            user: identity.user.to_string(),
            key: base64url(&identity.key),
            device: identity.device.to_string(),
        }
    }
}

impl StoredIdentity {
    fn open(&self) -> Result<Identity, VaultError> {
        Ok(Identity {
            user: UserId::parse(&self.user).map_err(|_| VaultError::Malformed)?,
            key: parse_base64url_array(&self.key).map_err(|_| VaultError::Malformed)?,
            device: DeviceId::parse(&self.device).map_err(|_| VaultError::Malformed)?,
        })
    }
}
