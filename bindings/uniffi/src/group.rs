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
    /// What this user may do in it.
    pub role: Option<Role>,
    /// Who is in it.
    pub members: Vec<Member>,
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

    /// The groups this user is in.
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
        let members = group.members.into_iter().map(Into::into).collect();
        Self { id: group.id, name: group.name, role: group.role.map(Into::into), members }
    }
}

impl From<api::MemberInfo> for Member {
    fn from(member: api::MemberInfo) -> Self {
        Self { user: member.user, role: member.role.into(), nickname: member.nickname }
    }
}
