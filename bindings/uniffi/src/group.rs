//! Groups: who shares what.

use connectoid::api;

use crate::{error::NodeError, limits, node::Node};

/// What a user may do in a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Role {
    /// Founded the group: writes, appoints and removes.
    Owner,
    /// Reads and writes records.
    Writer,
    /// Reads records.
    Reader,
}

/// A group.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Group {
    /// Its id, the same on every device.
    pub id: String,
    /// Its name.
    pub name: String,
    /// How far this device takes it.
    pub acceptance: Acceptance,
    /// About how many bytes it takes on this device.
    pub bytes: u64,
    /// What this user may do in it, as far as it is accepted.
    pub role: Option<Role>,
    /// Who is in it.
    pub members: Vec<Member>,
}

/// How far a device takes a group that its user is a member of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, uniffi::Enum)]
pub enum Acceptance {
    /// The user has not said anything to the invitation yet: who the members are is known there, and nothing else.
    Invited,
    /// The user takes part: everything is received.
    Accepted,
    /// As well, but there is no room for more on the device.
    Full,
    /// The user has declined the invitation, or left: nothing is received or given.
    Left,
    /// A way that this binding does not know.
    Unknown,
}

/// A member of a group.
#[derive(Debug, Clone, uniffi::Record)]
pub struct Member {
    /// The user's id.
    pub user: String,
    /// What the member may do.
    pub role: Role,
    /// What this node calls the user: a peer's nickname, or `me`.
    pub nickname: Option<String>,
}

#[uniffi::export]
impl Node {
    /// Makes a group that nobody else is in yet; returns its id.
    pub async fn create_group(&self, name: String) -> Result<String, NodeError> {
        limits::names(&[&name])?;
        Ok(self.open_node()?.create_group(&name).await?)
    }

    /// Makes a peer a member of a group, or gives it another role there. A link brings the peer into its first group;
    /// this is for the others.
    pub async fn add_member(&self, nickname: String, group: String, role: Role) -> Result<(), NodeError> {
        limits::names(&[&nickname, &group])?;
        Ok(self.open_node()?.add_member(&nickname, &group, role.into()).await?)
    }

    /// Ends a peer's membership of a group. What the peer has of it, it keeps.
    pub async fn remove_member(&self, nickname: String, group: String) -> Result<(), NodeError> {
        limits::names(&[&nickname, &group])?;
        Ok(self.open_node()?.remove_member(&nickname, &group).await?)
    }

    /// Takes part in a group that a peer has made this user a member of, or that was left. `group` is its id; or its name,
    /// with the owner's `nickname/` before it if several have that name.
    pub async fn accept_invitation(&self, group: String) -> Result<(), NodeError> {
        limits::names(&[&group])?;
        Ok(self.open_node()?.accept_invitation(&group).await?)
    }

    /// Takes no part in a group any more, or declines an invitation. What is here of it stays and can be read.
    pub async fn leave_group(&self, group: String) -> Result<(), NodeError> {
        limits::names(&[&group])?;
        Ok(self.open_node()?.leave_group(&group).await?)
    }

    /// Leaves a group and deletes what is here of it. Only a new link brings it back.
    pub async fn forget_group(&self, group: String) -> Result<(), NodeError> {
        limits::names(&[&group])?;
        Ok(self.open_node()?.forget_group(&group).await?)
    }

    /// The groups this user is in, was in, or is invited to.
    pub async fn groups(&self) -> Result<Vec<Group>, NodeError> {
        Ok(self.open_node()?.groups().await?.into_iter().map(Into::into).collect())
    }
}

impl From<Role> for connectoid::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Owner => Self::Owner,
            Role::Writer => Self::Writer,
            Role::Reader => Self::Reader,
        }
    }
}

impl From<connectoid::Role> for Role {
    fn from(role: connectoid::Role) -> Self {
        match role {
            connectoid::Role::Owner => Self::Owner,
            connectoid::Role::Writer => Self::Writer,
            connectoid::Role::Reader => Self::Reader,
        }
    }
}

impl From<api::GroupInfo> for Group {
    fn from(group: api::GroupInfo) -> Self {
        Self {
            id: group.id,
            name: group.name,
            acceptance: group.acceptance.into(),
            bytes: group.bytes,
            role: group.role.map(Into::into),
            members: group.members.into_iter().map(Into::into).collect(),
        }
    }
}

impl From<api::Acceptance> for Acceptance {
    fn from(acceptance: api::Acceptance) -> Self {
        match acceptance {
            api::Acceptance::Invited => Self::Invited,
            api::Acceptance::Accepted => Self::Accepted,
            api::Acceptance::Full => Self::Full,
            api::Acceptance::Left => Self::Left,
            _ => Self::Unknown,
        }
    }
}

impl From<api::MemberInfo> for Member {
    fn from(member: api::MemberInfo) -> Self {
        Self { user: member.user, role: member.role.into(), nickname: member.nickname }
    }
}
