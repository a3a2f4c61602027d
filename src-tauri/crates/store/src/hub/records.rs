//! The table `hub_records`: identities and mirrors.

use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::{Fields, HubObject};
use sync_monitor_domain::ids::OrgId;

use crate::error::Result;
use crate::orgs;
use crate::writer::Tx;

/// Is a record there?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Active,
    /// Given up: the package's way to delete.
    GivenUp,
    /// Deleted for good.
    Gone,
}

impl State {
    fn code(self) -> u8 {
        match self {
            Self::Active => 0,
            Self::GivenUp => 1,
            Self::Gone => 2,
        }
    }
}

/// A record of an org, and what the org is known to hold in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    /// The record.
    pub record_id: String,
    /// Its name everywhere.
    pub external_id: String,
    /// Its content; `None` where nothing is known of it.
    pub fields: Option<Fields>,
    /// When it last changed there, as far as was seen.
    pub stamp: Timestamp,
    /// Counts its contents.
    pub revision: u32,
    /// Did a delivery put it there?
    pub delivered: bool,
    /// Is it there?
    pub state: State,
}

/// What a delivery put into an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrote {
    /// The object.
    pub object: HubObject,
    /// The record's name everywhere.
    pub external_id: String,
    /// The record.
    pub record_id: String,
    /// What it holds now.
    pub fields: Fields,
    /// When it changed, by the org's clock.
    pub stamp: Timestamp,
    /// Is it active?
    pub is_active: bool,
}

/// What is about to be written into an org.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Writing {
    /// The object.
    pub object: HubObject,
    /// The record's name everywhere.
    pub external_id: String,
    /// The members that are written.
    pub fields: Fields,
    /// Is the record to be active?
    pub is_active: bool,
    /// Is it an edit of the org's own that is put back, where a delivery had written over it?
    pub put_back: bool,
    /// What the record held when it was looked at, and when that was last changed; `None` for a new one.
    pub before: Option<(Fields, Timestamp)>,
}

const SELECT: &str =
    "SELECT record_id, external_id, fields, stamp_us, revision, delivered, state FROM hub_records";

fn read(row: &Row<'_>) -> rusqlite::Result<Held> {
    let fields: Option<String> = row.get(2)?;
    let fields = fields.map(|text| serde_json::from_str(&text)).transpose().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Held {
        record_id: row.get(0)?,
        external_id: row.get(1)?,
        fields,
        stamp: Timestamp(row.get(3)?),
        revision: row.get(4)?,
        delivered: row.get(5)?,
        state: match row.get::<_, u8>(6)? {
            0 => State::Active,
            1 => State::GivenUp,
            _ => State::Gone,
        },
    })
}

/// The record with this ID, if it was heard of.
pub(super) fn by_id(sql: &Connection, org: i64, record_id: &str) -> Result<Option<Held>> {
    let mut statement = sql.prepare_cached(&format!("{SELECT} WHERE org = ?1 AND record_id = ?2"))?;
    Ok(statement.query_row((org, record_id), read).optional()?)
}

/// The record with this name that is there.
pub(super) fn by_name(
    sql: &Connection,
    org: i64,
    object: HubObject,
    external_id: &str,
) -> Result<Option<Held>> {
    let mut statement = sql.prepare_cached(&format!(
        "{SELECT} WHERE org = ?1 AND object = ?2 AND external_id = ?3 AND state <> 2"
    ))?;
    Ok(statement.query_row((org, object.name(), external_id), read).optional()?)
}

pub(super) fn held(
    sql: &Connection,
    org: OrgId,
    object: HubObject,
    external_id: &str,
) -> Result<Option<Held>> {
    let Some(org) = orgs::find(sql, org)? else { return Ok(None) };
    if let Some(there) = by_name(sql, org, object, external_id)? {
        return Ok(Some(there));
    }
    // One that is gone is told of, so that it is not made again.
    let mut statement = sql.prepare_cached(&format!(
        "{SELECT} WHERE org = ?1 AND object = ?2 AND external_id = ?3 ORDER BY record_id DESC LIMIT 1"
    ))?;
    Ok(statement.query_row((org, object.name(), external_id), read).optional()?)
}

pub(super) fn unknown(sql: &Connection, org: OrgId, ids: Vec<String>) -> Result<Vec<String>> {
    let Some(org) = orgs::find(sql, org)? else { return Ok(ids) };
    let mut unknown = Vec::new();
    for id in ids {
        if by_id(sql, org, &id)?.is_none() {
            unknown.push(id);
        }
    }
    Ok(unknown)
}

/// The name that another record has everywhere, of which this one is a copy: found by what the package's own ledger says
/// where this one came from. Empty texts match nothing.
pub(super) fn name_of_origin(
    sql: &Connection,
    org: i64,
    object: HubObject,
    origins: &[&str],
) -> Result<Option<String>> {
    for origin in origins.iter().filter(|origin| !origin.is_empty()) {
        let mut statement = sql.prepare_cached(
            "SELECT external_id FROM hub_records
              WHERE object = ?1 AND (external_id = ?2 OR record_id = ?2 AND org <> ?3) ORDER BY org LIMIT 1",
        )?;
        let found: Option<String> =
            statement.query_row((object.name(), origin, org), |row| row.get(0)).optional()?;
        let named: Option<String> = match found {
            Some(found) => Some(found),
            // A record that came through an integration is known by its name alone.
            None => sql
                .prepare_cached("SELECT external_id FROM records WHERE external_id = ?1")?
                .query_row([origin], |row| row.get(0))
                .optional()?,
        };
        if named.is_some() {
            return Ok(named);
        }
    }
    Ok(None)
}

/// Is this name given to a record of the org that is there?
pub(super) fn is_taken(sql: &Connection, org: i64, object: HubObject, external_id: &str) -> Result<bool> {
    Ok(by_name(sql, org, object, external_id)?.is_some())
}

/// Is the newest version known of a record that it was given up?
pub(super) fn is_given_up(sql: &Connection, external_id: &str) -> Result<bool> {
    Ok(sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM records r JOIN item_records of ON of.external_id = r.external_id
               JOIN items i ON i.id = of.item JOIN transactions t ON t.id = i.txn
              WHERE r.external_id = ?1 AND t.source = r.source AND t.timestamp_us = r.timestamp_us AND t.operation = 'delete')",
        )?
        .query_row([external_id], |row| row.get(0))?)
}

/// Writes what an org holds in a record.
pub(super) fn put(sql: &Connection, org: i64, object: HubObject, held: &Held) -> Result<()> {
    let fields = held.fields.as_ref().map(super::json).transpose()?;
    sql.prepare_cached(
        "INSERT INTO hub_records (org, record_id, object, external_id, fields, stamp_us, revision, delivered, state)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
         ON CONFLICT (org, record_id) DO UPDATE SET external_id = excluded.external_id, fields = excluded.fields,
                stamp_us = excluded.stamp_us, revision = excluded.revision, delivered = excluded.delivered, state = excluded.state",
    )?
    .execute((
        org,
        &held.record_id,
        object.name(),
        &held.external_id,
        fields,
        held.stamp.0,
        held.revision,
        held.delivered,
        held.state.code(),
    ))?;
    Ok(())
}

/// From now on a row that holds this may be ours.
pub(super) fn begin_write(tx: &mut Tx<'_>, org: OrgId, writing: &Writing) -> Result<()> {
    let key = tx.org(org)?;
    tx.sql
        .prepare_cached(
            "INSERT OR REPLACE INTO hub_writing (org, object, external_id, fields, is_active, before, stamp_us, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?8, 2, 0))",
        )?
        .execute((
            key,
            writing.object.name(),
            &writing.external_id,
            super::json(&writing.fields)?,
            writing.is_active,
            writing.before.as_ref().map(|(fields, _)| super::json(fields)).transpose()?,
            writing.before.as_ref().map(|(_, stamp)| stamp.0),
            writing.put_back,
        ))?;
    Ok(())
}

/// A row of `hub_writing`, but for its key.
type Open = (String, bool, Option<String>, Option<i64>, bool);

/// What was being written into a record and was not looked at since.
pub(super) fn writing(
    sql: &Connection,
    org: OrgId,
    object: HubObject,
    external_id: &str,
) -> Result<Option<Writing>> {
    let Some(org) = orgs::find(sql, org)? else { return Ok(None) };
    let found: Option<Open> = sql
        .prepare_cached(
            "SELECT fields, is_active, before, stamp_us, state = 2 FROM hub_writing WHERE org = ?1 AND object = ?2 AND external_id = ?3",
        )?
        .query_row((org, object.name(), external_id), |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?))
        })
        .optional()?;
    let Some((fields, is_active, before, stamp, put_back)) = found else { return Ok(None) };
    let before: Option<Fields> = before.as_deref().map(super::parsed).transpose()?;
    Ok(Some(Writing {
        object,
        external_id: external_id.to_owned(),
        fields: super::parsed(&fields)?,
        is_active,
        put_back,
        before: before.zip(stamp.map(Timestamp)),
    }))
}

/// Is something being written into a record that is still to be sent, or to be sent again?
pub(super) fn is_under_way(sql: &Connection, org: i64, object: HubObject, external_id: &str) -> Result<bool> {
    Ok(sql
        .prepare_cached(
            "SELECT 1 FROM hub_writing w JOIN waiting i ON i.target = w.org AND i.external_id = w.external_id
              WHERE w.org = ?1 AND w.object = ?2 AND w.external_id = ?3",
        )?
        .exists((org, object.name(), external_id))?)
}

/// What was being written into records of an org that nothing waits to be sent to any more, with the records: nobody comes
/// to look at what became of it. An edit that is to be put back stays so: its item failed, and is retried by a person.
pub(super) fn left_open(sql: &Connection, org: OrgId) -> Result<Vec<(String, Writing)>> {
    let Some(key) = orgs::find(sql, org)? else { return Ok(Vec::new()) };
    let mut statement = sql.prepare_cached(
        "SELECT h.record_id, w.object, w.external_id FROM hub_writing w
           JOIN hub_records h ON h.org = w.org AND h.object = w.object AND h.external_id = w.external_id AND h.state <> 2
          WHERE w.org = ?1 AND w.before IS NOT NULL AND w.state <> 2
            AND NOT EXISTS (SELECT 1 FROM waiting i WHERE i.target = w.org AND i.external_id = w.external_id)",
    )?;
    let names = statement.query_map([key], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, String>(2)?))
    })?;
    let mut open = Vec::new();
    for name in names {
        let (record_id, object, external_id) = name?;
        let Ok(object) = object.parse() else { continue };
        open.extend(writing(sql, org, object, &external_id)?.map(|writing| (record_id, writing)));
    }
    Ok(open)
}

/// Is a row what was written over an edit that is being put back? Then it says nothing new.
pub(super) fn is_being_put_back(
    sql: &Connection,
    org: i64,
    object: HubObject,
    external_id: &str,
    row: &Fields,
) -> Result<bool> {
    let before: Option<Option<String>> = sql
        .prepare_cached(
            "SELECT before FROM hub_writing WHERE org = ?1 AND object = ?2 AND external_id = ?3 AND state = 2",
        )?
        .query_row((org, object.name(), external_id), |row| row.get(0))
        .optional()?;
    let before: Option<Fields> = before.flatten().as_deref().map(super::parsed).transpose()?;
    Ok(before.as_ref() == Some(row))
}

/// What was being written into a record arrived; what it was written over is still to be looked at.
pub(super) fn arrived(tx: &mut Tx<'_>, org: i64, object: HubObject, external_id: &str) -> Result<()> {
    tx.sql
        .prepare_cached(
            "UPDATE hub_writing SET state = 1 WHERE org = ?1 AND object = ?2 AND external_id = ?3",
        )?
        .execute((org, object.name(), external_id))?;
    Ok(())
}

/// What is being written into a record is there, or for certain is not.
pub(super) fn end_write(tx: &mut Tx<'_>, org: i64, object: HubObject, external_id: &str) -> Result<()> {
    tx.sql
        .prepare_cached("DELETE FROM hub_writing WHERE org = ?1 AND object = ?2 AND external_id = ?3")?
        .execute((org, object.name(), external_id))?;
    Ok(())
}

/// Is what a row holds what was being written there, on top of what was there before?
pub(super) fn is_ours(
    sql: &Connection,
    org: i64,
    object: HubObject,
    external_id: &str,
    before: Option<&Fields>,
    row: (&Fields, bool),
) -> Result<bool> {
    let writing: Option<(String, bool)> = sql
        .prepare_cached(
            "SELECT fields, is_active FROM hub_writing WHERE org = ?1 AND object = ?2 AND external_id = ?3 AND state = 0",
        )?
        .query_row((org, object.name(), external_id), |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let Some((written, is_active)) = writing else { return Ok(false) };
    let written: Fields = super::parsed(&written)?;
    let (fields, row_is_active) = row;
    let arrived = written.iter().all(|(member, value)| fields.get(member).unwrap_or(&Value::Null) == value);
    let untouched = before.is_none_or(|before| {
        fields.iter().all(|(member, value)| written.contains_key(member) || before.get(member) == Some(value))
    });
    Ok(arrived && untouched && is_active == row_is_active)
}

pub(super) fn wrote(tx: &mut Tx<'_>, org: OrgId, wrote: &Wrote) -> Result<()> {
    let key = tx.org(org)?;
    end_write(tx, key, wrote.object, &wrote.external_id)?;
    let known = by_id(tx.sql, key, &wrote.record_id)?;
    // The package merged two of ours into one of its records (it knows work logs by what they say).
    let external_id = match &known {
        Some(known) if known.external_id != wrote.external_id => known.external_id.clone(),
        _ => wrote.external_id.clone(),
    };
    if let Some(other) = by_name(tx.sql, key, wrote.object, &external_id)?
        && other.record_id != wrote.record_id
    {
        // The package found no live record behind the old ID, and made another.
        put(tx.sql, key, wrote.object, &Held { state: State::Gone, ..other })?;
    }
    let held = Held {
        record_id: wrote.record_id.clone(),
        external_id,
        fields: Some(wrote.fields.clone()),
        stamp: wrote.stamp,
        revision: known.map_or(0, |known| known.revision) + 1,
        delivered: true,
        state: if wrote.is_active { State::Active } else { State::GivenUp },
    };
    put(tx.sql, key, wrote.object, &held)
}
