//! What sync needs of a store.

use crate::{
    change::{ChangeError, ChangeHash},
    membership::Standing,
    record::Touched,
    user::{DeviceId, GroupId, UserId},
};

/// Length of an [`Epoch`], in bytes.
pub const EPOCH_LEN: usize = 16;

/// Names one life of a store, which lasts from one opening to the next. A store that was restored from a copy
/// numbers new arrivals as the lost original did; but it cannot know lives that began after the copy was
/// made, nor arrivals in the last one it knows.
pub type Epoch = [u8; EPOCH_LEN];

/// Up to where this device has stored what another device had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    /// In which life of the other store
    pub epoch: Epoch,
    /// everything up to this arrival.
    pub seq: u64,
}

/// What a store remembers of a [`Mark`] that another device has of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recall {
    /// It was in this life, and had as many arrivals.
    Held,
    /// The life may have been one of its own, too long ago.
    Forgotten,
    /// It has had that life or those arrivals, but was put back to before: restored from a copy.
    Lost,
    /// There are not yet as many arrivals in its present life.
    Never,
}

/// Where changes come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    /// The device that delivers them,
    pub device: DeviceId,
    /// and whose device that is.
    pub user: UserId,
}

/// How far a device takes a group that its user is a member of. Anybody can make anybody a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acceptance {
    /// The user has not said anything yet: who the members are is known, and nothing else.
    Invited,
    /// The user takes part: everything is taken.
    Accepted,
    /// As well, but there is no room for more than is here: new records are not taken.
    Full,
    /// The user does not take part, or no longer.
    Left,
}

impl Acceptance {
    /// Whether the user takes part, so that others are given what is here.
    pub fn is_given(self) -> bool {
        matches!(self, Self::Accepted | Self::Full)
    }
}

/// Which live changes a [`Page`] holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageKind {
    /// Those of the group itself: of its membership, and withdrawals.
    Group,
    /// Those of records.
    Records,
}

/// How much of a group somebody may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All of it: a member.
    Everything,
    /// Changes of the group itself only: a former member, who has to learn of it.
    Group,
}

/// A question for live changes by order of arrival.
#[derive(Debug, Clone, Copy)]
pub struct PageRequest {
    /// The group.
    pub group: GroupId,
    /// Only what arrived after this one.
    pub after: u64,
    /// Of which kind.
    pub kind: PageKind,
    /// Not what came from this device.
    pub except: DeviceId,
    /// Stop before exceeding this many bytes, but give at least one change if there is any.
    pub max_bytes: usize,
}

/// An answer to a [`PageRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Page {
    /// The changes with their arrival numbers, ascending.
    pub changes: Vec<(u64, Vec<u8>)>,
    /// There is nothing to be had up to here but `changes`.
    pub upto: u64,
    /// Whether there may be more after `upto`.
    pub more: bool,
}

/// Why a change was not taken at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// It breaks a rule, or its signature is not the author's. Only a false peer passes such a thing on.
    #[error(transparent)]
    False(#[from] ChangeError),
    /// It belongs to another group than it was sent for.
    #[error("a change of another group")]
    WrongGroup,
    /// It has lost operations. This version takes only whole changes: else any carrier could rob a
    /// change of operations unnoticed.
    #[error("a change with forgotten operations")]
    Incomplete,
    /// A membership change by somebody other than the owner.
    #[error("a membership change that is not by the owner")]
    NotOwner,
}

impl Refusal {
    /// Whether an honest peer may have passed the change on.
    pub fn is_honest(self) -> bool {
        matches!(self, Self::Incomplete | Self::NotOwner)
    }
}

/// What became of changes that were offered to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// How many are new and valid.
    pub accepted: usize,
    /// How many were held already.
    pub duplicates: usize,
    /// How many are new and have to wait until their author is known, may write, or until they are due.
    pub parked: usize,
    /// Those that were not taken.
    pub refused: Vec<Refusal>,
    /// How many changes of records, and withdrawals, were not taken because the source's user is no member, or this one
    /// does not take part.
    pub untrusted: usize,
    /// Whether more came than there is room for, in the group or among what is parked; the mark of the source is cleared.
    pub overflowed: bool,
    /// Whether four fifths of the group's room are taken by now, and were not before.
    pub room_low: bool,
    /// Records that may look different.
    pub touched: Touched,
    /// Whether members or roles may have changed.
    pub membership_changed: bool,
}

impl Applied {
    /// Nothing happened.
    pub const NOTHING: Self = Self {
        accepted: 0,
        duplicates: 0,
        parked: 0,
        refused: Vec::new(),
        untrusted: 0,
        overflowed: false,
        room_low: false,
        touched: Touched::NONE,
        membership_changed: false,
    };

    /// Whether everything that was offered is stored now, so that it need not be sent again.
    pub fn is_complete(&self) -> bool {
        self.untrusted == 0 && !self.overflowed
    }
}

/// A store of changes, as sync sees it. Times are microseconds since the Unix epoch.
pub trait ChangeLog {
    /// Why the store failed.
    type Error;

    /// The current life of this store.
    fn epoch(&self) -> Result<Epoch, Self::Error>;

    /// What this store remembers of a mark that another device has of it.
    fn recall(&self, group: GroupId, mark: &Mark) -> Result<Recall, Self::Error>;

    /// The groups that this user has accepted and in which another user is or was a member.
    fn groups_of(&self, user: UserId) -> Result<Vec<GroupId>, Self::Error>;

    /// How many groups this user is invited to, of which another user is a member.
    fn invitations(&self, user: UserId) -> Result<usize, Self::Error>;

    /// How a user stands to a group.
    fn standing(&self, group: GroupId, user: UserId) -> Result<Standing, Self::Error>;

    /// How far this device takes a group; of an unknown one, [`Acceptance::Left`] or [`Acceptance::Invited`].
    fn acceptance(&self, group: GroupId) -> Result<Acceptance, Self::Error>;

    /// Accepts a group that is known, or was left. From then on changes of its records are taken; marks do not say
    /// that records are here, so all of the group are given up.
    fn accept(&mut self, group: GroupId) -> Result<(), Self::Error>;

    /// The greatest arrival number of the group; 0 if it is empty or unknown.
    fn head(&self, group: GroupId) -> Result<u64, Self::Error>;

    /// Live changes by order of arrival.
    fn page(&self, request: &PageRequest) -> Result<Page, Self::Error>;

    /// The change of this name, if it is held, valid and within the scope.
    fn change(&self, group: GroupId, hash: &ChangeHash, scope: Scope)
    -> Result<Option<Vec<u8>>, Self::Error>;

    /// Whether the change of this name is held, valid or not.
    fn holds(&self, group: GroupId, hash: &ChangeHash) -> Result<bool, Self::Error>;

    /// Stamp and name of all live changes within the scope, in any order.
    fn live(&self, group: GroupId, scope: Scope) -> Result<Vec<(u64, ChangeHash)>, Self::Error>;

    /// Up to where everything of another device has been stored.
    fn mark(&self, group: GroupId, device: DeviceId) -> Result<Option<Mark>, Self::Error>;

    /// Remembers a mark.
    fn set_mark(&mut self, group: GroupId, device: DeviceId, mark: Mark) -> Result<(), Self::Error>;

    /// Remembers that another device has durably stored everything up to `seq`, and when it had everything
    /// that there was, if it has.
    fn set_acked(
        &mut self,
        group: GroupId,
        device: DeviceId,
        seq: u64,
        complete_at: Option<u64>,
    ) -> Result<(), Self::Error>;

    /// Forgets up to where everything of another device is stored.
    fn clear_mark(&mut self, group: GroupId, device: DeviceId) -> Result<(), Self::Error>;

    /// Remembers how far another device's clock is ahead of this one's, in microseconds.
    fn set_clock(&mut self, device: DeviceId, ahead: i64) -> Result<(), Self::Error>;

    /// Whether changes of a group that another device delivered are kept but do not count yet.
    fn holds_back(&self, group: GroupId, device: DeviceId) -> Result<bool, Self::Error>;

    /// Whether a reader whose clock says `now` has to wait for a live change of a group that did not come from its
    /// device.
    fn is_early(&self, group: GroupId, device: DeviceId, now: u64) -> Result<bool, Self::Error>;

    /// Notes that changes up to an arrival leave for another device: from now on somebody may hold them.
    fn note_sent(&mut self, group: GroupId, upto: u64) -> Result<(), Self::Error>;

    /// Stores changes, membership changes first. A group that is not known yet is founded by its genesis.
    ///
    /// Others are taken only if, after the membership changes, the source's user is a member, and if this user takes part
    /// and there is room.
    fn apply(
        &mut self,
        group: GroupId,
        source: &Source,
        changes: &[&[u8]],
        now: u64,
    ) -> Result<Applied, Self::Error>;
}
