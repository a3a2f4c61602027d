//! Between columns and the domain's types.

use rusqlite::Row;
use rusqlite::types::Type;
use sync_monitor_domain::ids::{Digest, OrgId};
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::model::Actor;

/// The number that a status has in the database.
pub(crate) fn status_code(status: Status) -> u8 {
    match status {
        Status::Queued => 0,
        Status::Processing => 1,
        Status::Retrying => 2,
        Status::Failed => 3,
        Status::Synced => 4,
        Status::Superseded => 5,
    }
}

/// A column whose content cannot be.
pub(crate) fn wrong(index: usize, what: &'static str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(index, Type::Blob, what.into())
}

pub(crate) fn status(row: &Row<'_>, index: usize) -> rusqlite::Result<Status> {
    let code: u8 = row.get(index)?;
    Status::ALL
        .iter()
        .copied()
        .find(|s| status_code(*s) == code)
        .ok_or_else(|| wrong(index, "no such status"))
}

pub(crate) fn org(row: &Row<'_>, index: usize) -> rusqlite::Result<OrgId> {
    row.get_ref(index)?.as_str()?.parse().map_err(|_| wrong(index, "no org ID"))
}

pub(crate) fn uuid(row: &Row<'_>, index: usize) -> rusqlite::Result<Uuid> {
    Uuid::from_slice(row.get_ref(index)?.as_blob()?).map_err(|_| wrong(index, "no UUID"))
}

pub(crate) fn digest(row: &Row<'_>, index: usize) -> rusqlite::Result<Digest> {
    Digest::from_slice(row.get_ref(index)?.as_blob()?).ok_or_else(|| wrong(index, "no digest"))
}

pub(crate) fn digest_or_null(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Digest>> {
    match row.get_ref(index)?.as_blob_or_null()? {
        None => Ok(None),
        Some(bytes) => Digest::from_slice(bytes).map(Some).ok_or_else(|| wrong(index, "no digest")),
    }
}

/// A word of the contract in a text column.
pub(crate) fn word<T: std::str::FromStr>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    row.get_ref(index)?.as_str()?.parse().map_err(|_| wrong(index, "no such word"))
}

/// Who did something: the columns actor and via, from `index` on.
pub(crate) fn actor(row: &Row<'_>, index: usize) -> rusqlite::Result<Actor> {
    let via: Option<String> = row.get(index + 1)?;
    let via = via.map(|word| word.parse().map_err(|()| wrong(index + 1, "no such way"))).transpose()?;
    Ok(Actor { name: row.get(index)?, via })
}

/// A list of texts, kept as JSON.
pub(crate) fn list(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<String>> {
    serde_json::from_str(row.get_ref(index)?.as_str()?).map_err(|_| wrong(index, "no list of texts"))
}
