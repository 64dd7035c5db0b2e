//! Groups and their members.

use connectoid_protocol::{
    change::{Change, NONCE_LEN, Op},
    membership::{Member, Role},
    user::{GroupId, UserId, UserPublic},
};
use rand_core::CryptoRng;

use super::{
    Author, Committed, Store, StoreError, commit::next_stamp, error::Result, read, view::TouchedRecords,
};

/// A group that is kept here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Its id.
    pub id: GroupId,
    /// What people call it: chosen by its owner, so shown, never trusted.
    pub name: String,
    /// Who founded it.
    pub owner: UserId,
}

impl Store {
    /// Founds a group, which its author owns.
    ///
    /// # Errors
    /// [`StoreError::Change`] for a name that is empty or longer than 128 bytes, and storage errors.
    pub fn create_group(
        &mut self,
        name: &str,
        author: &Author<'_>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<GroupId> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill_bytes(&mut nonce);
        let stamp = next_stamp(now, 0)?;
        let genesis = Op::Genesis { owner: author.key.public(), nonce, name: name.to_owned() };
        let change = Change::sign(None, author.key, author.device, stamp, vec![genesis], rng)?;
        self.write(|store| {
            let source_no = store.device_no(author.device)?;
            let group_no = store.found(change.group(), std::slice::from_ref(&change))?;
            store.take_membership(group_no, &change, source_no, None)?;
            store.accept(change.group())?;
            Ok(change.group())
        })
    }

    /// Makes somebody a member, or gives a member another role.
    ///
    /// # Errors
    /// [`StoreError::NotPermitted`] or [`StoreError::NotAMember`] for who is not the owner,
    /// [`StoreError::OwnerIsFixed`], [`StoreError::Change`] for a role nobody can be given, and storage errors.
    pub fn add_member(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        member: &UserPublic,
        role: Role,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Committed> {
        let op = Op::Member { user: member.id(), key: *member, role };
        self.commit_membership(group, author, member.id(), op, now, rng)
    }

    /// Ends a membership.
    ///
    /// # Errors
    /// As for [`Store::add_member`].
    pub fn remove_member(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        user: UserId,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Committed> {
        self.commit_membership(group, author, user, Op::Remove { user }, now, rng)
    }

    /// The members of a group, in the order of their ids.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    pub fn members(&self, group: GroupId) -> Result<Vec<Member>> {
        Ok(self.membership(self.known_group_no(group)?)?.members())
    }

    /// A group, if it is here.
    ///
    /// # Errors
    /// Storage errors.
    pub fn group(&self, group: GroupId) -> Result<Option<Group>> {
        read::group(self.connection(), group)
    }

    /// What a user may do in a group; `None` for who is no member.
    ///
    /// # Errors
    /// Storage errors.
    pub fn role(&self, group: GroupId, user: UserId) -> Result<Option<Role>> {
        match self.group_no(group)? {
            Some(group_no) => Ok(self.membership(group_no)?.role(user)),
            None => Ok(None),
        }
    }

    fn commit_membership(
        &mut self,
        group: GroupId,
        author: &Author<'_>,
        member: UserId,
        op: Op,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Committed> {
        let group_no = self.known_group_no(group)?;
        match self.role_of(group_no, author)? {
            Role::Owner if member == author.key.id() => return Err(StoreError::OwnerIsFixed),
            Role::Owner => {}
            role => return Err(StoreError::NotPermitted { role }),
        }
        self.commit_ops_on_members(group_no, author, vec![op], now, rng)
    }

    /// Signs operations on members as one change and stores it. The author is the owner.
    pub(super) fn commit_ops_on_members(
        &mut self,
        group_no: i64,
        author: &Author<'_>,
        ops: Vec<Op>,
        now: u64,
        rng: &mut impl CryptoRng,
    ) -> Result<Committed> {
        let group = self.membership(group_no)?.group();
        let stamp = next_stamp(now, self.greatest_stamp(group_no)?)?;
        let change = Change::sign(Some(group), author.key, author.device, stamp, ops, rng)?;
        self.write(|store| {
            let source_no = store.device_no(author.device)?;
            let affected = store.take_membership(group_no, &change, source_no, None)?;
            store.rejudge(group_no, &affected, now, &mut TouchedRecords::default())?;
            Ok(Committed { hash: change.hash(), stamp })
        })
    }
}
