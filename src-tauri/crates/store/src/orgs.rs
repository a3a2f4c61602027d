//! The table `orgs`.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::HeldBy;
use sync_monitor_domain::remote::{ApiUsage, ConnectedOrg, Examination};
use sync_monitor_domain::sign_in::{OrgKind, SignIn};

use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::hub;
use crate::model::{Actor, Health, Org, OrgHold};
use crate::writer::Tx;
use crate::{relay, rows};

/// The numbers that stand for org IDs in the other tables, as far as they were looked up.
#[derive(Default)]
pub(crate) struct Keys(HashMap<OrgId, i64>);

impl Keys {
    /// The number of an org, if it was ever heard of.
    pub(crate) fn find(&mut self, sql: &Connection, id: OrgId) -> Result<Option<i64>> {
        if let Some(key) = self.0.get(&id) {
            return Ok(Some(*key));
        }
        let key = find(sql, id)?;
        if let Some(key) = key {
            self.0.insert(id, key);
        }
        Ok(key)
    }

    pub(crate) fn ensure(&mut self, sql: &Connection, id: OrgId) -> Result<i64> {
        if let Some(key) = self.find(sql, id)? {
            return Ok(key);
        }
        sql.prepare_cached("INSERT INTO orgs (org_id) VALUES (?1)")?.execute([id.as_str()])?;
        let key = sql.last_insert_rowid();
        self.0.insert(id, key);
        Ok(key)
    }
}

pub(crate) fn find(sql: &Connection, id: OrgId) -> Result<Option<i64>> {
    Ok(sql
        .prepare_cached("SELECT id FROM orgs WHERE org_id = ?1")?
        .query_row([id.as_str()], |row| row.get(0))
        .optional()?)
}

/// What [`org`] reads.
fn select(condition: &str) -> String {
    format!(
        "SELECT o.org_id, o.alias, o.username, o.instance_url, o.endpoint_path, o.connected, o.paused, o.sign_in_required,
           o.hold, o.hold_at, o.hold_probes, o.health_detail, o.api_used, o.api_max, o.clock_skew_ms,
           o.last_delivered_at, o.last_received_at, o.suppressed_echoes,
           (SELECT coalesce(sum(t.n), 0) FROM routes r JOIN tallies t ON t.route = r.id
             WHERE r.target = o.id AND t.status IN (0, 1, 2)),
           o.kind, o.signed_in_by, o.login_url, o.client_id, o.signed_in_at, o.kept_alive_at,
           (SELECT n.org_id FROM orgs n WHERE n.id = o.replaced_by), {}
      FROM orgs o {condition}",
        relay::holds("o")
    )
}

fn org(row: &Row<'_>) -> rusqlite::Result<Org> {
    let usage = (row.get::<_, Option<u64>>(12)?, row.get::<_, Option<u64>>(13)?);
    Ok(Org {
        org_id: rows::org(row, 0)?,
        alias: row.get(1)?,
        username: row.get(2)?,
        instance_url: row.get(3)?,
        endpoint_path: row.get(4)?,
        connected: row.get(5)?,
        health: Health {
            paused: row.get(6)?,
            relay_paused: row.get(26)?,
            sign_in_required: row.get(7)?,
            hold: hold(row, 8)?,
        },
        health_detail: row.get(11)?,
        api_usage: match usage {
            (Some(used), Some(max)) => Some(ApiUsage { used, max }),
            _ => None,
        },
        clock_skew_ms: row.get(14)?,
        last_delivered_at: row.get::<_, Option<i64>>(15)?.map(Millis),
        last_received_at: row.get::<_, Option<i64>>(16)?.map(Millis),
        suppressed_echoes: row.get(17)?,
        queue_depth: row.get(18)?,
        kind: row.get::<_, Option<String>>(19)?.and_then(|word| word.parse().ok()),
        sign_in: sign_in(row)?,
        signed_in_at: row.get::<_, Option<i64>>(23)?.map(Millis),
        kept_alive_at: row.get::<_, Option<i64>>(24)?.map(Millis),
        replaced_by: row.get::<_, Option<String>>(25)?.and_then(|id| id.parse().ok()),
        hub: None,
    })
}

fn sign_in(row: &Row<'_>) -> rusqlite::Result<Option<SignIn>> {
    let Some(by) = row.get::<_, Option<String>>(20)?.and_then(|word| word.parse().ok()) else {
        return Ok(None);
    };
    Ok(Some(SignIn { by, login_url: row.get(21)?, client_id: row.get(22)? }))
}

/// The columns hold, `hold_at` and `hold_probes`, from `index` on.
pub(crate) fn hold(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<OrgHold>> {
    let Some(word) = row.get::<_, Option<String>>(index)? else { return Ok(None) };
    let at = Millis(row.get(index + 1)?);
    Ok(match word.parse() {
        Ok(HeldBy::OrgUnreachable) => Some(OrgHold::Unreachable { probe_at: at }),
        Ok(HeldBy::RateLimited) => Some(OrgHold::RateLimited { until: at }),
        Ok(HeldBy::EndpointMissing) => {
            Some(OrgHold::EndpointMissing { probe_at: at, probes: row.get(index + 2)? })
        }
        _ => None,
    })
}

/// Every org there is a row for, connected ones first, by name.
pub(crate) fn all(sql: &Connection) -> Result<Vec<Org>> {
    let mut statement =
        sql.prepare_cached(&select("ORDER BY o.connected DESC, coalesce(o.alias, o.org_id)"))?;
    let rows = statement.query_map([], org)?;
    let mut orgs: Vec<Org> = rows.collect::<rusqlite::Result<_>>()?;
    for org in &mut orgs {
        org.hub = hub::of_org(sql, org.org_id)?;
    }
    Ok(orgs)
}

/// One org.
pub(crate) fn one(sql: &Connection, id: OrgId) -> Result<Org> {
    let mut found = sql
        .prepare_cached(&select("WHERE o.org_id = ?1"))?
        .query_row([id.as_str()], org)
        .optional()?
        .ok_or_else(|| Error::NotFound { what: "org", id: id.to_string() })?;
    found.hub = hub::of_org(sql, id)?;
    Ok(found)
}

/// An org is connected, for the first time or again: what waited for a sign-in goes on.
///
/// Another connected org at the same address is one that a refreshed sandbox has taken the place of.
pub(crate) fn connect(
    tx: &mut Tx<'_>,
    new: &ConnectedOrg,
    alias: Option<&str>,
    endpoint_path: &str,
    actor: &Actor,
    at: Millis,
) -> Result<Org> {
    let key = tx.org(new.org_id)?;
    let before = one(tx.sql, new.org_id)?;
    tx.sql
        .prepare_cached(
            "UPDATE orgs SET alias = coalesce(?2, alias), username = ?3, instance_url = ?4,
                    endpoint_path = iif(endpoint_path = '', ?5, endpoint_path), kind = coalesce(?6, kind),
                    signed_in_by = ?7, login_url = ?8, client_id = ?9, signed_in_at = ?10, kept_alive_at = ?10,
                    connected = 1, sign_in_required = 0, hold = NULL, hold_at = NULL, hold_probes = 0, health_detail = NULL,
                    replaced_by = NULL
              WHERE id = ?1",
        )?
        .execute(rusqlite::params![
            key,
            alias,
            new.username,
            new.instance_url,
            endpoint_path,
            new.kind.map(OrgKind::as_str),
            new.sign_in.by.as_str(),
            new.sign_in.login_url,
            new.sign_in.client_id,
            at.0,
        ])?;
    activity::add(
        tx.sql,
        &Entry::new(at, actor, "org.connect")
            .subject(new.org_id)
            .reason(new.sign_in.by.as_str())
            .detail(&new.instance_url),
    )?;
    if before.connected {
        note_health(tx.sql, new.org_id, before.health, Health::default(), None, at)?;
    }
    replace(tx, new.org_id, &new.instance_url, at)?;
    one(tx.sql, new.org_id)
}

/// An org is at another address now, as its token server says: it was moved to another instance, or got another My Domain.
pub(crate) fn move_to(tx: &mut Tx<'_>, id: OrgId, instance_url: &str, at: Millis) -> Result<()> {
    let before = one(tx.sql, id)?;
    if !before.connected || before.instance_url == instance_url {
        return Ok(());
    }
    // Whoever stands at the old address has not taken this one's place.
    tx.sql
        .prepare_cached("UPDATE orgs SET instance_url = ?2, replaced_by = NULL WHERE org_id = ?1")?
        .execute((id.as_str(), instance_url))?;
    let detail = format!("From {} to {instance_url}, as its token server says.", before.instance_url);
    activity::add(tx.sql, &Entry::relay(at, "org.moved").subject(id).detail(&detail))?;
    replace(tx, id, instance_url, at)
}

/// Marks the connected orgs at an address, other than `heir`, as replaced by it. That is said, not acted on: their own
/// tokens die with the refresh, and that is found out when they are used.
fn replace(tx: &mut Tx<'_>, heir: OrgId, instance_url: &str, at: Millis) -> Result<()> {
    let key = tx.org(heir)?;
    let mut statement = tx.sql.prepare_cached(
        "UPDATE orgs SET replaced_by = ?1
          WHERE id <> ?1 AND connected = 1 AND instance_url = ?2 AND replaced_by IS NOT ?1
          RETURNING org_id",
    )?;
    let rows = statement.query_map((key, instance_url), |row| row.get::<_, String>(0))?;
    let replaced = rows.collect::<rusqlite::Result<Vec<_>>>()?;
    for replaced in replaced {
        let detail = format!("{heir} stands at its address now; a refreshed sandbox is a new org.");
        activity::add(tx.sql, &Entry::relay(at, "org.replaced").subject(replaced).detail(&detail))?;
    }
    Ok(())
}

/// What may be said differently of a connected org; `None` leaves it as it is, an empty alias takes it away.
pub(crate) fn change(
    tx: &mut Tx<'_>,
    id: OrgId,
    alias: Option<&str>,
    endpoint_path: Option<&str>,
    actor: &Actor,
    at: Millis,
) -> Result<Org> {
    let changed = tx
        .sql
        .prepare_cached(
            "UPDATE orgs SET alias = iif(?2 IS NULL, alias, nullif(?2, '')), endpoint_path = coalesce(?3, endpoint_path)
              WHERE org_id = ?1 AND connected = 1",
        )?
        .execute((id.as_str(), alias, endpoint_path))?;
    if changed == 0 {
        return Err(Error::NotFound { what: "org", id: id.to_string() });
    }
    let what =
        [alias.map(|alias| format!("alias {alias:?}")), endpoint_path.map(|path| format!("endpoint {path}"))];
    let what = what.into_iter().flatten().collect::<Vec<_>>().join(", ");
    activity::add(tx.sql, &Entry::new(at, actor, "org.change").subject(id).detail(&what))?;
    one(tx.sql, id)
}

/// What a look at an org found; what it did not say stays as it was.
pub(crate) fn set_found(tx: &mut Tx<'_>, id: OrgId, found: &Examination) -> Result<()> {
    tx.sql
        .prepare_cached(
            "UPDATE orgs SET api_used = coalesce(?2, api_used), api_max = coalesce(?3, api_max),
                    clock_skew_ms = coalesce(?4, clock_skew_ms), kind = coalesce(?5, kind),
                    username = iif(signed_in_by = 'cli', username, coalesce(?6, username))
              WHERE org_id = ?1",
        )?
        .execute((
            id.as_str(),
            found.api_usage.map(|usage| usage.used),
            found.api_usage.map(|usage| usage.max),
            found.clock_skew_ms,
            found.identity.kind.map(OrgKind::as_str),
            &found.identity.username,
        ))?;
    Ok(())
}

/// An org's refresh token was used for its own sake.
pub(crate) fn set_kept_alive(tx: &mut Tx<'_>, id: OrgId, at: Millis) -> Result<()> {
    tx.sql
        .prepare_cached("UPDATE orgs SET kept_alive_at = ?2 WHERE org_id = ?1")?
        .execute((id.as_str(), at.0))?;
    activity::add(tx.sql, &Entry::relay(at, "org.keepAlive").subject(id))
}

/// An org is disconnected: its history stays, its waiting items are held until somebody signs in.
pub(crate) fn disconnect(tx: &mut Tx<'_>, id: OrgId, actor: &Actor, at: Millis) -> Result<()> {
    let changed = tx
        .sql
        .prepare_cached("UPDATE orgs SET connected = 0, sign_in_required = 1, health_detail = 'Disconnected.' WHERE org_id = ?1 AND connected = 1")?
        .execute([id.as_str()])?;
    if changed == 0 {
        return Err(Error::NotFound { what: "org", id: id.to_string() });
    }
    activity::add(tx.sql, &Entry::new(at, actor, "org.disconnect").subject(id))
}

/// An org is paused or resumed.
pub(crate) fn pause(tx: &mut Tx<'_>, id: OrgId, paused: bool, actor: &Actor, at: Millis) -> Result<Org> {
    let changed = tx
        .sql
        .prepare_cached("UPDATE orgs SET paused = ?2 WHERE org_id = ?1 AND connected = 1")?
        .execute((id.as_str(), paused))?;
    tx.routes.forget();
    if changed == 0 {
        return Err(Error::NotFound { what: "org", id: id.to_string() });
    }
    activity::add(
        tx.sql,
        &Entry::new(at, actor, if paused { "org.pause" } else { "org.resume" }).subject(id),
    )?;
    one(tx.sql, id)
}

/// An org's own answers changed how it stands with it; what a person paused stays paused.
pub(crate) fn set_health(
    tx: &mut Tx<'_>,
    id: OrgId,
    health: Health,
    detail: Option<&str>,
    at: Millis,
) -> Result<()> {
    let (hold, hold_at, probes) = match health.hold {
        None => (None, None, 0),
        Some(OrgHold::Unreachable { probe_at }) => (Some(HeldBy::OrgUnreachable), Some(probe_at), 0),
        Some(OrgHold::RateLimited { until }) => (Some(HeldBy::RateLimited), Some(until), 0),
        Some(OrgHold::EndpointMissing { probe_at, probes }) => {
            (Some(HeldBy::EndpointMissing), Some(probe_at), probes)
        }
    };
    let before: Health = one(tx.sql, id)?.health;
    tx.sql
        .prepare_cached(
            "UPDATE orgs SET sign_in_required = ?2 OR NOT connected, hold = ?3, hold_at = ?4, hold_probes = ?5, health_detail = ?6
              WHERE org_id = ?1",
        )?
        .execute((id.as_str(), health.sign_in_required, hold.map(HeldBy::as_str), hold_at.map(|t| t.0), probes, detail))?;
    note_health(tx.sql, id, before, health, detail, at)
}

/// Writes down that an org's health changed, if its word for it did. What changes beneath a pause is told too: nothing else
/// would say later when it began.
fn note_health(
    sql: &Connection,
    id: OrgId,
    before: Health,
    after: Health,
    detail: Option<&str>,
    at: Millis,
) -> Result<()> {
    let (before, after) = (before.unpaused().as_str(), after.unpaused().as_str());
    if before == after {
        return Ok(());
    }
    let mut entry = Entry::relay(at, "org.health").subject(id).reason(after);
    if let Some(detail) = detail {
        entry = entry.detail(detail);
    }
    activity::add(sql, &entry)
}
