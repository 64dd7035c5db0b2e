//! Who may do what in a group, and since when.
//!
//! The members of a group are what its membership changes say, replayed in the order of their positions
//! ([`crate::stamp`]). Who founded the group owns it, for good and at every position: the clock by which it was
//! founded may have been ahead. In this version of the protocol only the owner appoints and removes members, so an
//! entry by anybody else has no effect, and neither has one that would remove or appoint the owner.
//!
//! A change of records is valid if its author may write *at the change's own position*
//! ([`Membership::role_before`]). That depends on the membership changes one holds and on nothing else,
//! so two devices that hold the same changes agree, in whatever order they came.

use std::collections::{BTreeMap, HashMap};

use crate::{
    change::{Change, ChangeError, Op},
    stamp::{Position, Stamp},
    user::{GroupId, UserId, UserPublic},
};

/// What a member may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Founded the group: writes, appoints and removes.
    Owner,
    /// Reads and writes records.
    Writer,
    /// Reads records.
    Reader,
}

impl Role {
    /// Whether this role allows changing records.
    pub fn may_write(self) -> bool {
        matches!(self, Self::Owner | Self::Writer)
    }
}

/// A current member of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user: UserId,
    /// The key that verifies what the member signs.
    pub key: UserPublic,
    /// What the member may do.
    pub role: Role,
}

/// How a user stands to a group, as far as one knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The group itself is not known.
    Unknown,
    /// Never a member.
    Never,
    /// A member once, but no more: told of membership changes only.
    Former,
    /// A member now.
    Member(Role),
}

impl Standing {
    /// Whether the user is a member now.
    pub fn is_member(self) -> bool {
        matches!(self, Self::Member(_))
    }
}

/// From which position on a new entry changes what one user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    /// Whose changes have to be judged again,
    pub user: UserId,
    /// if they stand here or later.
    pub from: Position,
}

/// The membership of one group, as far as its changes are known.
#[derive(Debug, Clone)]
pub struct Membership {
    group: GroupId,
    name: String,
    owner: UserPublic,
    users: HashMap<UserId, History>,
}

/// One user's roles over time.
#[derive(Debug, Clone)]
struct History {
    /// `None` for somebody who has been removed without ever having been appointed.
    key: Option<UserPublic>,
    roles: BTreeMap<Position, Option<Role>>,
}

impl Membership {
    /// Begins with the change that founded the group, and verifies it.
    ///
    /// # Errors
    /// [`ChangeError::BadGroup`] if it founds none, [`ChangeError::Forged`] if its owner did not sign it.
    pub fn found(genesis: &Change) -> Result<Self, ChangeError> {
        let Some(Op::Genesis { owner, name, .. }) = genesis.ops().next() else {
            return Err(ChangeError::BadGroup);
        };
        genesis.verify(owner)?;
        let users = HashMap::from([(owner.id(), History { key: Some(*owner), roles: BTreeMap::new() })]);
        Ok(Self { group: genesis.group(), name: name.clone(), owner: *owner, users })
    }

    /// Adds a verified membership change and tells whose changes have to be judged again.
    ///
    /// The order in which entries are added makes no difference.
    pub fn insert(&mut self, change: &Change) -> Vec<Affected> {
        let position = change.position();
        if change.author() != self.owner.id() {
            return Vec::new();
        }
        let mut affected = Vec::new();
        for op in change.ops() {
            let (user, key, role) = match op {
                Op::Member { user, key, role } => (*user, Some(*key), Some(*role)),
                Op::Remove { user } => (*user, None, None),
                _ => continue,
            };
            if user == self.owner.id() {
                continue;
            }
            let history = self.users.entry(user).or_insert(History { key: None, roles: BTreeMap::new() });
            history.key = history.key.or(key);
            history.roles.insert(position, role);
            affected.push(Affected { user, from: position });
        }
        affected
    }

    /// The group.
    pub fn group(&self) -> GroupId {
        self.group
    }

    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who founded the group.
    pub fn owner(&self) -> UserId {
        self.owner.id()
    }

    /// The owner's key, with which every membership change has to verify.
    pub fn owner_key(&self) -> &UserPublic {
        &self.owner
    }

    /// The key of anybody who is or was a member.
    pub fn key(&self, user: UserId) -> Option<&UserPublic> {
        self.users.get(&user)?.key.as_ref()
    }

    /// The role that counts for a change at `position`.
    pub fn role_before(&self, user: UserId, position: Position) -> Option<Role> {
        if user == self.owner() {
            return Some(Role::Owner);
        }
        let (_, role) = self.users.get(&user)?.roles.range(..position).next_back()?;
        *role
    }

    /// The role a user had at a time: after all entries stamped up to `stamp`.
    pub fn role_at(&self, user: UserId, stamp: Stamp) -> Option<Role> {
        self.role_before(user, Position::last_at(stamp))
    }

    /// The role of a user after all entries.
    pub fn role(&self, user: UserId) -> Option<Role> {
        self.role_at(user, Stamp::MAX)
    }

    /// How a user stands to this group.
    pub fn standing(&self, user: UserId) -> Standing {
        match (self.role(user), self.users.contains_key(&user)) {
            (Some(role), _) => Standing::Member(role),
            (None, true) => Standing::Former,
            (None, false) => Standing::Never,
        }
    }

    /// The members of today, in the order of their ids.
    pub fn members(&self) -> Vec<Member> {
        let current = self.users.iter().filter_map(|(user, history)| {
            Some(Member { user: *user, key: history.key?, role: self.role(*user)? })
        });
        let mut members: Vec<_> = current.collect();
        members.sort_unstable_by_key(|member| member.user);
        members
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};

    use super::*;
    use crate::user::{DeviceId, UserKey};

    const FOUNDED: u64 = 1000;

    fn key(seed: u8) -> UserKey {
        UserKey::from_bytes(&[seed; 32])
    }

    fn signed(by: &UserKey, group: Option<GroupId>, at: u64, ops: Vec<Op>) -> Change {
        let (device, stamp) = (DeviceId::from_bytes([0; 16]), Stamp::new(at).unwrap());
        Change::sign(group, by, device, stamp, ops, &mut ChaCha20Rng::seed_from_u64(at)).unwrap()
    }

    fn found() -> Membership {
        let genesis = Op::Genesis { owner: key(1).public(), nonce: [0; 16], name: "home".into() };
        Membership::found(&signed(&key(1), None, FOUNDED, vec![genesis])).unwrap()
    }

    fn appoint(user: u8, role: Role) -> Op {
        Op::Member { user: key(user).id(), key: key(user).public(), role }
    }

    fn remove(user: u8) -> Op {
        Op::Remove { user: key(user).id() }
    }

    fn at(log: &Membership, user: u8, stamp: u64) -> Option<Role> {
        log.role_at(key(user).id(), Stamp::new(stamp).unwrap())
    }

    #[test]
    fn roles_count_from_their_position_on_in_any_order_of_arrival() {
        let group = found().group();
        let entries = [
            signed(&key(1), Some(group), 2000, vec![appoint(2, Role::Reader), appoint(3, Role::Writer)]),
            signed(&key(1), Some(group), 3000, vec![appoint(2, Role::Writer)]),
            signed(&key(1), Some(group), 4000, vec![remove(2)]),
        ];
        for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
            let mut log = found();
            for index in order {
                log.insert(&entries[index]);
            }
            let roles = [1999, 2000, 3000, 3999, 4000].map(|stamp| at(&log, 2, stamp));
            assert_eq!(roles, [None, Some(Role::Reader), Some(Role::Writer), Some(Role::Writer), None]);
            assert_eq!(log.standing(key(2).id()), Standing::Former);
            assert_eq!(log.standing(key(4).id()), Standing::Never);
            assert_eq!(log.members().len(), 2);
            assert_eq!(log.key(key(2).id()), Some(&key(2).public()));
        }
    }

    #[test]
    fn an_entry_does_not_judge_itself() {
        let mut log = found();
        let entry = signed(&key(1), Some(log.group()), 2000, vec![appoint(2, Role::Writer)]);
        assert_eq!(log.insert(&entry), [Affected { user: key(2).id(), from: entry.position() }]);
        assert_eq!(log.role_before(key(2).id(), entry.position()), None);
        assert_eq!(at(&log, 2, 2000), Some(Role::Writer));
    }

    #[test]
    fn only_the_owner_counts_and_the_owner_stays() {
        let mut log = found();
        let group = Some(log.group());
        log.insert(&signed(&key(1), group, 2000, vec![appoint(2, Role::Writer)]));
        for without_effect in [
            signed(&key(2), group, 3000, vec![appoint(3, Role::Writer), remove(1)]),
            signed(&key(1), group, 3000, vec![remove(1)]),
            signed(&key(1), group, 3000, vec![appoint(1, Role::Reader)]),
        ] {
            assert_eq!(log.insert(&without_effect), []);
        }
        assert_eq!(log.role(key(1).id()), Some(Role::Owner));
        assert_eq!(at(&log, 1, 0), Some(Role::Owner), "before it was founded, by a clock that was ahead");
        assert_eq!(log.role(key(3).id()), None);
        log.insert(&signed(&key(1), group, FOUNDED - 1, vec![appoint(3, Role::Writer)]));
        assert_eq!(log.role(key(3).id()), Some(Role::Writer));
    }

    #[test]
    fn a_group_begins_with_a_signed_genesis() {
        let entry = signed(&key(1), Some(GroupId::from_bytes([1; 32])), 5, vec![remove(2)]);
        assert_eq!(Membership::found(&entry).err(), Some(ChangeError::BadGroup));
        let genesis = Op::Genesis { owner: key(1).public(), nonce: [0; 16], name: "home".into() };
        let mut bytes = signed(&key(1), None, 5, vec![genesis]).into_bytes();
        *bytes.last_mut().unwrap() ^= 1;
        assert_eq!(Membership::found(&Change::decode(&bytes).unwrap()).err(), Some(ChangeError::Forged));
    }
}
