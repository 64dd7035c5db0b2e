//! Reading groups and records, from the engine's store or beside it: whoever has a [`Store`] or a [`Reader`] can ask.

use connectoid_protocol::{record::Fields, user::GroupId};

use crate::{
    api::Record,
    engine::names,
    error::{Error, Result},
    store::{Limit, Reader, Store, StoreError},
};

/// The most records of one `list`.
const MAX_LIST: usize = 10_000;

/// What can be read without the engine.
pub trait Reads {
    /// Whether there is a group of this id.
    ///
    /// # Errors
    /// Storage errors.
    fn has_group(&self, group: GroupId) -> Result<bool, StoreError>;
    /// The group that a name means.
    ///
    /// # Errors
    /// Storage errors.
    fn group_named(&self, name: &str) -> Result<Option<GroupId>, StoreError>;
    /// The fields of a record, if it exists.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    fn fields(&self, group: GroupId, collection: &str, id: &str) -> Result<Option<Fields>, StoreError>;
    /// Records of a collection by ascending id, behind the id `after`.
    ///
    /// # Errors
    /// [`StoreError::UnknownGroup`] and storage errors.
    fn page(
        &self,
        group: GroupId,
        collection: &str,
        after: Option<&str>,
        limit: Limit,
    ) -> Result<Vec<(String, Fields)>, StoreError>;
}

macro_rules! reads {
    ($on:ty) => {
        impl Reads for $on {
            fn has_group(&self, group: GroupId) -> Result<bool, StoreError> {
                self.has_group(group)
            }

            fn group_named(&self, name: &str) -> Result<Option<GroupId>, StoreError> {
                self.group_named(name)
            }

            fn fields(
                &self,
                group: GroupId,
                collection: &str,
                id: &str,
            ) -> Result<Option<Fields>, StoreError> {
                self.record(group, collection, id)
            }

            fn page(
                &self,
                group: GroupId,
                collection: &str,
                after: Option<&str>,
                limit: Limit,
            ) -> Result<Vec<(String, Fields)>, StoreError> {
                self.list(group, collection, after, limit)
            }
        }
    };
}

reads!(Store);
reads!(Reader);

/// The group with this id, or the one that this name means: the user's own, or else the first that came and was accepted.
/// Others of the same name are found by their ids alone, so that nobody takes over what a name means here.
///
/// # Errors
/// Storage errors.
pub fn find_group(reads: &impl Reads, name_or_id: &str) -> Result<Option<GroupId>> {
    if let Ok(id) = GroupId::parse(name_or_id) {
        return Ok(reads.has_group(id)?.then_some(id));
    }
    let named = reads.group_named(name_or_id)?;
    // What was typed may be the same name in another form.
    let named = named.map_or_else(|| reads.group_named(&names::normal(name_or_id)), |id| Ok(Some(id)));
    Ok(named?)
}

/// As [`find_group`], for a group that has to exist.
///
/// # Errors
/// As those of [`find_group`], and [`Usage`](crate::ErrorKind::Usage) if there is none.
pub fn known_group(reads: &impl Reads, name_or_id: &str) -> Result<GroupId> {
    find_group(reads, name_or_id)?.ok_or_else(|| no_such_group(name_or_id))
}

pub(crate) fn no_such_group(name_or_id: &str) -> Error {
    Error::usage(format!("there is no group called {name_or_id} here; make it or share it first"))
}

/// A record, if it exists.
///
/// # Errors
/// As those of [`known_group`].
pub fn record(reads: &impl Reads, group: &str, collection: &str, id: &str) -> Result<Option<Record>> {
    let fields = reads.fields(known_group(reads, group)?, collection, id)?;
    Ok(fields.map(|fields| to_record(id.to_owned(), fields)))
}

/// Records of a collection in the order of their ids, at most 10,000, those behind `after`.
///
/// # Errors
/// As those of [`known_group`].
pub fn list(
    reads: &impl Reads,
    group: &str,
    collection: &str,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<Record>> {
    page(reads, group, collection, after, Limit { records: limit.min(MAX_LIST), bytes: usize::MAX })
}

/// As [`list`], but not more than is good to hold at once.
///
/// # Errors
/// As those of [`known_group`].
pub fn page(
    reads: &impl Reads,
    group: &str,
    collection: &str,
    after: Option<&str>,
    limit: Limit,
) -> Result<Vec<Record>> {
    let page = reads.page(known_group(reads, group)?, collection, after, limit)?;
    Ok(page.into_iter().map(|(id, fields)| to_record(id, fields)).collect())
}

fn to_record(id: String, fields: Fields) -> Record {
    Record { id, fields: fields.into_iter().map(|(name, value)| (name, value.to_json())).collect() }
}
