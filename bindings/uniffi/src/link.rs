//! Links: making one for a person, and opening one.

use std::time::{Duration, SystemTime};

use connectoid::api;

use crate::{
    error::NodeError,
    event::time,
    group::Role,
    limits::{self, MAX_TEXT},
    node::Node,
};

/// What to share, with whom, and how.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Share {
    /// What this user calls the person; unique on this node.
    pub nickname: String,
    /// The name or id of the group to share; made if no group has the name.
    pub group: String,
    /// What the person may do there.
    pub role: Role,
    /// How long the link works; 24 hours if not given, at most 30 days.
    #[uniffi(default = None)]
    pub expires_in: Option<Duration>,
    /// Other services than the node's, for this link.
    #[uniffi(default = [])]
    pub services: Vec<String>,
    /// Another link base than the node's, for this link.
    #[uniffi(default = None)]
    pub link_base: Option<String>,
    /// Where in the URL the address stands.
    pub placement: Placement,
}

/// Where in the URL the address stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Placement {
    /// Behind `#`: no server sees it.
    Fragment,
    /// Behind `?`: the web host of the link may have logged it.
    Query,
}

/// A link to send to a person.
#[derive(Clone, uniffi::Record)]
pub struct SharedLink {
    /// The link, a secret between sender and receiver.
    pub link: String,
    /// When it stops working.
    pub expires: SystemTime,
    /// The id of the group that is shared.
    pub group: String,
}

#[uniffi::export]
impl Node {
    /// Makes a link for a person. The group is made if there is none of that name.
    pub async fn share(&self, share: Share) -> Result<SharedLink, NodeError> {
        limits::names(&[&share.nickname, &share.group])?;
        limits::texts(share.services.iter())?;
        limits::within("bytes of a text", share.link_base.as_ref().map_or(0, String::len), MAX_TEXT)?;
        Ok(self.open_node()?.share(share.into()).await?.into())
    }

    /// Opens a link that a person sent; `text` may have other words around it. Returns when the node has taken note of
    /// it; the event `Paired` or `OpenRefused` says how it went. Opening the same link again tries again, as long as the
    /// two have not met.
    pub async fn open_link(&self, text: String, nickname: String) -> Result<(), NodeError> {
        limits::within("bytes of a link", text.len(), MAX_TEXT)?;
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.open_link(&text, &nickname).await?)
    }

    /// As `open_link`, for a link that was scanned as a QR code from the person's own device, in that person's presence.
    pub async fn open_link_in_person(&self, text: String, nickname: String) -> Result<(), NodeError> {
        limits::within("bytes of a link", text.len(), MAX_TEXT)?;
        limits::names(&[&nickname])?;
        Ok(self.open_node()?.open_link_in_person(&text, &nickname).await?)
    }
}

impl From<Share> for connectoid::Share {
    fn from(share: Share) -> Self {
        Self {
            nickname: share.nickname,
            group: share.group,
            role: share.role.into(),
            expires_in: share.expires_in,
            services: share.services,
            link_base: share.link_base,
            placement: match share.placement {
                Placement::Fragment => connectoid::Placement::Fragment,
                Placement::Query => connectoid::Placement::Query,
            },
        }
    }
}

impl From<api::SharedLink> for SharedLink {
    fn from(shared: api::SharedLink) -> Self {
        Self { link: shared.link, expires: time(shared.expires), group: shared.group }
    }
}
