//! How many there are: the counters, and what failed by cause.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::Status;

use crate::error::Result;
use crate::model::{Counts, FailureGroup, Health, LastError};
use crate::{orgs, relay, rows};

/// What failed and is not dismissed, by cause; the cause that was seen last first.
pub(crate) fn failures(sql: &Connection) -> Result<Vec<FailureGroup>> {
    let mut groups = sql.prepare_cached(
        "SELECT failure_key, count(*), min(updated_at), max(updated_at) FROM items
          WHERE status = 3 AND dismissed_at IS NULL GROUP BY failure_key",
    )?;
    let mut newest = sql.prepare_cached(
        "SELECT g.org_id, i.error_status, i.error_code, i.error_message, i.uuid
           FROM items i JOIN routes r ON r.id = i.route JOIN orgs g ON g.id = r.target
          WHERE i.failure_key = ?1 AND i.status = 3 AND i.dismissed_at IS NULL
          ORDER BY i.updated_at DESC, i.id DESC LIMIT 1",
    )?;
    let mut found = Vec::new();
    let mut rows = groups.query([])?;
    while let Some(row) = rows.next()? {
        let key: String = row.get(0)?;
        let (count, first, last): (u64, i64, i64) = (row.get(1)?, row.get(2)?, row.get(3)?);
        found.push(newest.query_row([&key], |one| {
            Ok(FailureGroup {
                key: key.clone(),
                target: rows::org(one, 0)?,
                error: LastError { http_status: one.get(1)?, error_code: one.get(2)?, message: one.get(3)? },
                count,
                first_seen: Millis(first),
                last_seen: Millis(last),
                sample: rows::uuid(one, 4)?,
            })
        })?);
    }
    found.sort_by_key(|group| std::cmp::Reverse((group.last_seen, group.count)));
    Ok(found)
}

/// The counters.
pub(crate) fn counts(sql: &Connection) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut free_routes: Vec<i64> = Vec::new();
    let mut held_routes: HashMap<i64, bool> = HashMap::new();
    {
        let mut statement = sql.prepare_cached(&format!(
            "SELECT r.id, r.enabled, g.paused, g.sign_in_required, g.hold, g.hold_at, g.hold_probes, {}
               FROM routes r JOIN orgs g ON g.id = r.target",
            relay::holds("g")
        ))?;
        let rows = statement.query_map([], |row| {
            let health = Health {
                paused: row.get(2)?,
                relay_paused: row.get(7)?,
                sign_in_required: row.get(3)?,
                hold: orgs::hold(row, 4)?,
            };
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)? && health.held_by().is_none()))
        })?;
        for row in rows {
            let (route, free) = row?;
            held_routes.insert(route, !free);
            if free {
                free_routes.push(route);
            }
        }
    }
    let mut statement = sql.prepare_cached("SELECT route, status, blocked, dismissed, n FROM tallies")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (route, blocked, dismissed): (i64, bool, bool) = (row.get(0)?, row.get(2)?, row.get(3)?);
        let n: u64 = row.get(4)?;
        let waiting = match rows::status(row, 1)? {
            Status::Queued => {
                counts.queued += n;
                true
            }
            Status::Retrying => {
                counts.retrying += n;
                true
            }
            Status::Processing => {
                counts.processing += n;
                false
            }
            Status::Failed if dismissed => {
                counts.dismissed += n;
                false
            }
            Status::Failed => {
                counts.failed += n;
                false
            }
            Status::Synced => {
                counts.synced += n;
                false
            }
            Status::Superseded => {
                counts.superseded += n;
                false
            }
        };
        if waiting && (blocked || held_routes.get(&route).copied().unwrap_or(false)) {
            counts.held += n;
        }
    }
    let mut soonest = sql.prepare_cached(
        "SELECT due_at FROM items WHERE route = ?1 AND status IN (0, 2) AND blocked = 0 ORDER BY due_at, id LIMIT 1",
    )?;
    for route in free_routes {
        let due: Option<i64> = soonest.query_row([route], |row| row.get(0)).optional()?;
        counts.next_attempt_at = [counts.next_attempt_at, due.map(Millis)].into_iter().flatten().min();
    }
    let (echoes, orgs): (u64, u64) = sql
        .prepare_cached("SELECT coalesce(sum(suppressed_echoes), 0), coalesce(sum(connected), 0) FROM orgs")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    counts.suppressed_echoes = echoes;
    counts.orgs = orgs;
    Ok(counts)
}
