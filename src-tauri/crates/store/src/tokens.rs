//! The table `tokens`: integration tokens, by the hash of their secret.

use rusqlite::{Connection, OptionalExtension};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::model::{Actor, Token};
use crate::rows;
use crate::writer::Tx;

/// Every token, revoked ones included, the oldest first.
pub(crate) fn all(sql: &Connection) -> Result<Vec<Token>> {
    let mut statement = sql.prepare_cached(
        "SELECT uuid, name, sources, secret_hash, created_at, expires_at, revoked_at, last_used_at FROM tokens ORDER BY id",
    )?;
    let rows = statement.query_map([], |row| {
        let sources = rows::list(row, 2)?.iter().filter_map(|id| id.parse::<OrgId>().ok()).collect();
        Ok(Token {
            id: rows::uuid(row, 0)?,
            name: row.get(1)?,
            sources,
            secret_hash: row.get(3)?,
            created_at: Millis(row.get(4)?),
            expires_at: row.get::<_, Option<i64>>(5)?.map(Millis),
            revoked_at: row.get::<_, Option<i64>>(6)?.map(Millis),
            last_used_at: row.get::<_, Option<i64>>(7)?.map(Millis),
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Keeps a new token.
pub(crate) fn add(tx: &mut Tx<'_>, token: &Token, actor: &Actor) -> Result<()> {
    let sources = serde_json::to_string(&token.sources).map_err(|error| Error::Corrupt(error.to_string()))?;
    tx.sql
        .prepare_cached(
            "INSERT INTO tokens (uuid, name, sources, secret_hash, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute((
            token.id.as_bytes().as_slice(),
            &token.name,
            &sources,
            token.secret_hash,
            token.created_at.0,
            token.expires_at.map(|t| t.0),
        ))?;
    activity::add(
        tx.sql,
        &Entry::new(token.created_at, actor, "token.create").subject(&token.name).detail(&sources),
    )
}

/// Revokes a token for good.
pub(crate) fn revoke(tx: &mut Tx<'_>, id: Uuid, actor: &Actor, at: Millis) -> Result<()> {
    let name: Option<String> = tx
        .sql
        .prepare_cached(
            "UPDATE tokens SET revoked_at = ?2 WHERE uuid = ?1 AND revoked_at IS NULL RETURNING name",
        )?
        .query_row((id.as_bytes().as_slice(), at.0), |row| row.get(0))
        .optional()?;
    let Some(name) = name else { return Err(Error::NotFound { what: "token", id: id.to_string() }) };
    activity::add(tx.sql, &Entry::new(at, actor, "token.revoke").subject(name))
}

/// Writes down when tokens were last used.
pub(crate) fn used(tx: &mut Tx<'_>, uses: &[(Uuid, Millis)]) -> Result<()> {
    for (id, at) in uses {
        tx.sql
            .prepare_cached("UPDATE tokens SET last_used_at = ?2 WHERE uuid = ?1")?
            .execute((id.as_bytes().as_slice(), at.0))?;
    }
    Ok(())
}
