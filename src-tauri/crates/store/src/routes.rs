//! The table `routes`.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::model::{Actor, Route};
use crate::rows;
use crate::writer::Tx;

/// A route as the writer needs it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Leg {
    pub(crate) route: i64,
    pub(crate) target: i64,
    pub(crate) target_id: OrgId,
    /// May anything be sent by it now?
    pub(crate) sends: bool,
}

/// Whether a row of routes sends: it is enabled, and neither its target paused nor the relay.
macro_rules! sends {
    () => {
        "(enabled = 1 AND NOT EXISTS (SELECT 1 FROM orgs WHERE orgs.id = routes.target AND paused = 1)
          AND NOT EXISTS (SELECT 1 FROM relay WHERE paused = 1))"
    };
}
pub(crate) use sends;

/// The routes by their source, as far as they were looked up. Whoever changes which routes there are, or which of them send,
/// forgets them.
#[derive(Default)]
pub(crate) struct BySource(HashMap<i64, Vec<Leg>>);

impl BySource {
    /// Every route that starts at an org, paused ones included: what they take waits.
    pub(crate) fn from(&mut self, sql: &Connection, source: i64) -> Result<Vec<Leg>> {
        if let Some(legs) = self.0.get(&source) {
            return Ok(legs.clone());
        }
        let mut statement = sql.prepare_cached(concat!(
            "SELECT routes.id, target, o.org_id, ",
            sends!(),
            " FROM routes JOIN orgs o ON o.id = target WHERE source = ?1 AND removed_at IS NULL ORDER BY routes.id",
        ))?;
        let rows = statement.query_map([source], |row| {
            let target_id = rows::org(row, 2)?;
            Ok(Leg { route: row.get(0)?, target: row.get(1)?, target_id, sends: row.get(3)? })
        })?;
        let legs: Vec<Leg> = rows.collect::<rusqlite::Result<_>>()?;
        self.0.insert(source, legs.clone());
        Ok(legs)
    }

    /// Something about them was changed.
    pub(crate) fn forget(&mut self) {
        self.0.clear();
    }
}

const SELECT: &str = "
    SELECT r.uuid, s.org_id, t.org_id, r.enabled, r.created_at,
           (SELECT coalesce(sum(n), 0) FROM tallies WHERE route = r.id AND status IN (0, 1, 2))
      FROM routes r JOIN orgs s ON s.id = r.source JOIN orgs t ON t.id = r.target
     WHERE r.removed_at IS NULL";

fn route(row: &Row<'_>) -> rusqlite::Result<Route> {
    Ok(Route {
        id: rows::uuid(row, 0)?,
        source: rows::org(row, 1)?,
        target: rows::org(row, 2)?,
        enabled: row.get(3)?,
        created_at: Millis(row.get(4)?),
        queue_depth: row.get(5)?,
    })
}

/// Every route that was not removed, the oldest first.
pub(crate) fn all(sql: &Connection) -> Result<Vec<Route>> {
    let mut statement = sql.prepare_cached(&format!("{SELECT} ORDER BY r.id"))?;
    let rows = statement.query_map([], route)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn one(sql: &Connection, id: Uuid) -> Result<Route> {
    sql.prepare_cached(&format!("{SELECT} AND r.uuid = ?1"))?
        .query_row([id.as_bytes().as_slice()], route)
        .optional()?
        .ok_or_else(|| Error::NotFound { what: "route", id: id.to_string() })
}

/// Makes a route; one that was removed before comes back.
pub(crate) fn add(
    tx: &mut Tx<'_>,
    id: Uuid,
    source: OrgId,
    target: OrgId,
    enabled: bool,
    actor: &Actor,
    at: Millis,
) -> Result<Route> {
    if source == target {
        return Err(Error::Refused(
            "A route leads from one org to another; source and target are the same org.".into(),
        ));
    }
    let connected: Option<bool> = tx
        .sql
        .prepare_cached("SELECT connected FROM orgs WHERE org_id = ?1")?
        .query_row([target.as_str()], |row| row.get(0))
        .optional()?;
    if connected != Some(true) {
        return Err(Error::Refused(format!(
            "The target org {target} is not connected, so nothing could be delivered there. Connect it first, then add the route."
        )));
    }
    let (source_key, target_key) = (tx.org(source)?, tx.org(target)?);
    let added = tx
        .sql
        .prepare_cached(
            "INSERT INTO routes (uuid, source, target, enabled, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (source, target) DO UPDATE SET removed_at = NULL, enabled = excluded.enabled,
                    created_at = excluded.created_at WHERE removed_at IS NOT NULL",
        )?
        .execute((id.as_bytes().as_slice(), source_key, target_key, enabled, at.0))?;
    if added == 0 {
        return Err(Error::Refused(format!("There is a route from {source} to {target} already.")));
    }
    tx.routes.forget();
    activity::add(tx.sql, &Entry::new(at, actor, "route.add").subject(format!("{source} → {target}")))?;
    let made = all(tx.sql)?.into_iter().find(|r| r.source == source && r.target == target);
    made.ok_or_else(|| {
        Error::Corrupt(format!("the route from {source} to {target} was made and is not there"))
    })
}

/// Enables or pauses a route.
pub(crate) fn enable(tx: &mut Tx<'_>, id: Uuid, enabled: bool, actor: &Actor, at: Millis) -> Result<Route> {
    let before = one(tx.sql, id)?;
    tx.sql
        .prepare_cached("UPDATE routes SET enabled = ?2 WHERE uuid = ?1")?
        .execute((id.as_bytes().as_slice(), enabled))?;
    tx.routes.forget();
    let action = if enabled { "route.resume" } else { "route.pause" };
    activity::add(
        tx.sql,
        &Entry::new(at, actor, action).subject(format!("{} → {}", before.source, before.target)),
    )?;
    one(tx.sql, id)
}

/// Removes a route. It takes no more changes; those it took are still delivered, so a paused one with items is refused.
pub(crate) fn remove(tx: &mut Tx<'_>, id: Uuid, actor: &Actor, at: Millis) -> Result<Route> {
    let before = one(tx.sql, id)?;
    if !before.enabled && before.queue_depth > 0 {
        return Err(Error::Refused(format!(
            "{} items wait on this paused route, and would be stranded. Resume the route so that they are delivered, then remove it.",
            before.queue_depth
        )));
    }
    tx.sql
        .prepare_cached("UPDATE routes SET removed_at = ?2 WHERE uuid = ?1")?
        .execute((id.as_bytes().as_slice(), at.0))?;
    tx.routes.forget();
    activity::add(
        tx.sql,
        &Entry::new(at, actor, "route.remove").subject(format!("{} → {}", before.source, before.target)),
    )?;
    Ok(before)
}
