//! Questions that any connection can answer.

use connectoid_protocol::{
    change::Change,
    membership::{Member, Membership, Role},
    record::{Fields, REMOVED},
    user::{GroupId, UserId},
    value::Value,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::{
    StoreError,
    error::{Result, damaged},
    groups::Group,
};

pub(super) fn optional<T>(result: rusqlite::Result<T>) -> Result<Option<T>> {
    Ok(result.optional()?)
}

pub(super) fn group_no(connection: &Connection, group: GroupId) -> Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT no FROM groups WHERE id = ?1")?;
    optional(query.query_row([group.as_bytes()], |row| row.get(0)))
}

pub(super) fn known_group_no(connection: &Connection, group: GroupId) -> Result<i64> {
    group_no(connection, group)?.ok_or(StoreError::UnknownGroup(group))
}

pub(super) fn collection_no(connection: &Connection, group_no: i64, name: &str) -> Result<Option<i64>> {
    let mut query = connection.prepare_cached("SELECT no FROM collections WHERE grp = ?1 AND name = ?2")?;
    optional(query.query_row(params![group_no, name], |row| row.get(0)))
}

const GROUPS: &str = "SELECT groups.id, name, users.id FROM groups JOIN users ON users.no = owner";

fn group_of(row: &Row<'_>) -> rusqlite::Result<Group> {
    let (id, owner) = (GroupId::from_bytes(row.get(0)?), UserId::from_bytes(row.get(2)?));
    Ok(Group { id, name: row.get(1)?, owner })
}

pub(super) fn groups(connection: &Connection) -> Result<Vec<Group>> {
    let sql = format!("{GROUPS} WHERE acceptance <> 3 ORDER BY groups.no");
    let mut query = connection.prepare_cached(&sql)?;
    let rows = query.query_map([], group_of)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

pub(super) fn group(connection: &Connection, id: GroupId) -> Result<Option<Group>> {
    let mut query = connection.prepare_cached(&format!("{GROUPS} WHERE groups.id = ?1"))?;
    optional(query.query_row([id.as_bytes()], group_of))
}

/// How many groups of one name are looked at.
const MAX_NAMESAKES: i64 = 64;

/// The group that a name means to a user: the one that the user founded, or else the first to come of those that the user
/// takes part in, or else took part in. Whoever founds another of that name takes nothing over and is in nobody's way.
pub(super) fn group_named(
    connection: &Connection,
    name: &str,
    user: Option<UserId>,
) -> Result<Option<GroupId>> {
    let sql = "SELECT groups.no, groups.id FROM groups JOIN users ON users.no = owner
               WHERE name = ?1 AND acceptance IN (1, 2, 4)
               ORDER BY users.id <> ?2, acceptance = 2, groups.no LIMIT ?3";
    let mut query = connection.prepare_cached(sql)?;
    let own = user.map(|user| *user.as_bytes()).unwrap_or_default();
    let rows = query.query_map(params![name, own, MAX_NAMESAKES], |row| {
        Ok((row.get(0)?, GroupId::from_bytes(row.get(1)?)))
    })?;
    let named: Vec<(i64, GroupId)> = rows.collect::<rusqlite::Result<_>>()?;
    if let ([_, _, ..], Some(user)) = (named.as_slice(), user) {
        for (no, id) in &named {
            if membership(connection, *no)?.role(user).is_some() {
                return Ok(Some(*id));
            }
        }
    }
    Ok(named.first().map(|(_, id)| *id))
}

/// Replays the membership changes of a group. They were verified when they were stored.
pub(super) fn membership(connection: &Connection, group_no: i64) -> Result<Membership> {
    let sql = "SELECT bytes FROM changes JOIN bodies ON change = no
               WHERE grp = ?1 AND state = 0 AND membership = 1 ORDER BY seq";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query([group_no])?;
    let mut membership: Option<Membership> = None;
    while let Some(row) = rows.next()? {
        let change = Change::decode(row.get_ref(0)?.as_bytes().map_err(|_| damaged("change"))?)
            .map_err(|_| damaged("change"))?;
        match &mut membership {
            // Nothing is stored of a group before its genesis.
            None => membership = Some(Membership::found(&change).map_err(|_| damaged("genesis"))?),
            Some(membership) => drop(membership.insert(&change)),
        }
    }
    membership.ok_or_else(|| damaged("membership"))
}

pub(super) fn members(connection: &Connection, group: GroupId) -> Result<Vec<Member>> {
    Ok(membership(connection, known_group_no(connection, group)?)?.members())
}

pub(super) fn role(connection: &Connection, group: GroupId, user: UserId) -> Result<Option<Role>> {
    match group_no(connection, group)? {
        Some(no) => Ok(membership(connection, no)?.role(user)),
        None => Ok(None),
    }
}

pub(super) fn record(
    connection: &Connection,
    group: GroupId,
    collection: &str,
    id: &str,
) -> Result<Option<Fields>> {
    let sql = "SELECT field, value FROM fields
               WHERE collection = (SELECT no FROM collections
                                   WHERE grp = (SELECT no FROM groups WHERE id = ?1) AND name = ?2)
               AND id = ?3 AND value <> ?4";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(params![group.as_bytes(), collection, id, REMOVED])?;
    let mut fields = Fields::new();
    while let Some(row) = rows.next()? {
        fields.insert(row.get(0)?, value(row, 1)?);
    }
    if fields.is_empty() {
        known_group_no(connection, group)?;
        return Ok(None);
    }
    Ok(Some(fields))
}

/// How much is read at once: so many records, and none after the one with which so many bytes of fields were read.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// Records, at the most.
    pub records: usize,
    /// Bytes of fields, which the last record may exceed.
    pub bytes: usize,
}

pub(super) fn list(
    connection: &Connection,
    group: GroupId,
    collection: &str,
    after: Option<&str>,
    limit: Limit,
) -> Result<Vec<(String, Fields)>> {
    let group_no = known_group_no(connection, group)?;
    let Some(collection) = collection_no(connection, group_no, collection)? else { return Ok(Vec::new()) };
    // No id is empty, so all come after the empty one.
    let sql = "SELECT id, field, value FROM fields
               WHERE collection = ?1 AND id > ?2 AND value <> ?3 ORDER BY id, field";
    let mut query = connection.prepare_cached(sql)?;
    let mut rows = query.query(params![collection, after.unwrap_or_default(), REMOVED])?;
    let mut records: Vec<(String, Fields)> = Vec::new();
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_str().map_err(|_| damaged("record id"))?;
        if records.last().is_none_or(|(last, _)| last != id) {
            if records.len() >= limit.records || bytes >= limit.bytes {
                break;
            }
            records.push((id.to_owned(), Fields::new()));
        }
        if let Some((_, fields)) = records.last_mut() {
            fields.insert(row.get(1)?, value(row, 2)?);
            bytes += row.get_ref(1)?.as_bytes().map_or(0, <[u8]>::len);
            bytes += row.get_ref(2)?.as_bytes().map_or(0, <[u8]>::len);
        }
    }
    Ok(records)
}

/// Reads a value from a column.
pub(super) fn value(row: &Row<'_>, column: usize) -> Result<Value> {
    let bytes = row.get_ref(column)?.as_bytes().map_err(|_| damaged("value"))?;
    Value::decode(bytes).map_err(|_| damaged("value"))
}
