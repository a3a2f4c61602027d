//! Reading items: lists, one item, the counters.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use sync_monitor_domain::change::Operation;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::{HeldBy, Status};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Attempt, Counts, Filter, Health, Item, ItemDetail, ItemPage, LastError, OrgHold};
use crate::{orgs, rows};

const COLUMNS: &str = "
    i.uuid, t.transaction_id, s.org_id, g.org_id, t.operation, t.external_ids, t.title, i.status, i.blocked, r.enabled,
    g.paused, g.sign_in_required, g.hold, g.hold_at, g.hold_probes, i.attempts, i.cycle, i.created_at, i.updated_at,
    i.due_at, i.error_status, i.error_code, i.error_message, i.failure_key, i.dismissed_at, i.dismiss_reason, i.id";

const FROM: &str = "
      FROM items i JOIN transactions t ON t.id = i.txn JOIN routes r ON r.id = i.route
      JOIN orgs s ON s.id = r.source JOIN orgs g ON g.id = r.target";

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let status = rows::status(row, 7)?;
    let health = Health { paused: row.get(10)?, sign_in_required: row.get(11)?, hold: orgs::hold(row, 12)? };
    let (blocked, enabled): (bool, bool) = (row.get(8)?, row.get(9)?);
    let waiting = matches!(status, Status::Queued | Status::Retrying);
    let held_by = health
        .held_by()
        .or((!enabled).then_some(HeldBy::RoutePaused))
        .or(blocked.then_some(HeldBy::OlderItem))
        .filter(|_| waiting);
    let next_attempt_at = match (held_by, health.hold) {
        _ if !waiting => None,
        (None, _) => row.get::<_, Option<i64>>(19)?.map(Millis),
        (Some(HeldBy::RateLimited), Some(OrgHold::RateLimited { until })) => Some(until),
        (Some(_), _) => None,
    };
    let error = LastError { http_status: row.get(20)?, error_code: row.get(21)?, message: row.get(22)? };
    let has_error = error.http_status.is_some() || error.error_code.is_some() || error.message.is_some();
    Ok(Item {
        id: rows::uuid(row, 0)?,
        transaction_id: row.get(1)?,
        source: rows::org(row, 2)?,
        target: rows::org(row, 3)?,
        operation: if row.get_ref(4)?.as_str()? == "delete" { Operation::Delete } else { Operation::Upsert },
        external_ids: rows::list(row, 5)?,
        title: row.get(6)?,
        status,
        held_by,
        attempts: row.get(15)?,
        cycle: row.get(16)?,
        created_at: Millis(row.get(17)?),
        updated_at: Millis(row.get(18)?),
        next_attempt_at,
        last_error: has_error.then_some(error),
        failure_key: row.get(23)?,
        dismissed_at: row.get::<_, Option<i64>>(24)?.map(Millis),
        dismiss_reason: row.get(25)?,
    })
}

/// The order of a list, which is also what its cursors hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// The newest failure first.
    Failed,
    /// The soonest due first.
    Due,
    /// The oldest first.
    Oldest,
    /// The newest first.
    Newest,
}

impl Order {
    /// The order that suits a filter: that of its only status.
    fn of(filter: &Filter) -> Self {
        match filter.statuses.as_slice() {
            [Status::Failed] => Self::Failed,
            [Status::Retrying] => Self::Due,
            [Status::Queued | Status::Processing] => Self::Oldest,
            _ => Self::Newest,
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Failed => "i.updated_at",
            Self::Due => "i.due_at",
            Self::Oldest | Self::Newest => "i.id",
        }
    }

    fn descends(self) -> bool {
        matches!(self, Self::Failed | Self::Newest)
    }
}

/// A filter as SQL.
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn new(filter: &Filter) -> Self {
        let mut conditions = Self { sql: Vec::new(), values: Vec::new() };
        if !filter.statuses.is_empty() {
            let codes: Vec<String> =
                filter.statuses.iter().map(|s| rows::status_code(*s).to_string()).collect();
            conditions.sql.push(match codes.as_slice() {
                [one] => format!("i.status = {one}"),
                many => format!("i.status IN ({})", many.join(", ")),
            });
        }
        conditions.sql.push(
            if filter.dismissed == Some(true) {
                "i.dismissed_at IS NOT NULL"
            } else {
                "i.dismissed_at IS NULL"
            }
            .into(),
        );
        if let Some(target) = filter.target {
            conditions.add("g.org_id = ?", target.as_str().to_owned());
        }
        if let Some(source) = filter.source {
            conditions.add("s.org_id = ?", source.as_str().to_owned());
        }
        if let Some(held) = filter.held {
            let holds = "(i.blocked = 1 OR r.enabled = 0 OR g.paused = 1 OR g.sign_in_required = 1 OR g.hold IS NOT NULL)";
            conditions.sql.push(format!("i.status IN (0, 2) AND {}{holds}", if held { "" } else { "NOT " }));
        }
        if let Some(id) = &filter.external_id {
            conditions.add("i.id IN (SELECT item FROM item_records WHERE external_id = ?)", id.clone());
        }
        if let Some(key) = &filter.failure_key {
            conditions.add("i.failure_key = ?", key.clone());
        }
        if let Some(text) = &filter.text {
            let like = format!("%{}%", text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_"));
            let columns =
                ["t.external_ids", "t.title", "t.transaction_id", "i.error_message", "i.error_code"];
            conditions
                .sql
                .push(format!("({})", columns.map(|c| format!("{c} LIKE ? ESCAPE '\\'")).join(" OR ")));
            conditions.values.extend(columns.map(|_| Value::Text(like.clone())));
        }
        if let Some(since) = filter.since {
            conditions.add("i.created_at >= ?", since.0);
        }
        if let Some(until) = filter.until {
            conditions.add("i.created_at < ?", until.0);
        }
        conditions
    }

    fn add(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push(sql.to_owned());
        self.values.push(value.into());
    }

    fn clause(&self) -> String {
        format!(" WHERE {}", self.sql.join(" AND "))
    }
}

/// A page of a list, in the order that suits its filter.
pub(crate) fn page(sql: &Connection, filter: &Filter, limit: u32, cursor: Option<&str>) -> Result<ItemPage> {
    let order = Order::of(filter);
    let mut conditions = Conditions::new(filter);
    let total = total(sql, filter, &conditions)?;
    let (key, direction, beyond) =
        if order.descends() { (order.key(), "DESC", "<") } else { (order.key(), "ASC", ">") };
    if let Some(cursor) = cursor {
        let (at, id) = cursor.split_once('.').ok_or(Error::Cursor)?;
        let (at, id): (i64, i64) =
            (at.parse().map_err(|_| Error::Cursor)?, id.parse().map_err(|_| Error::Cursor)?);
        conditions.sql.push(format!("({key}, i.id) {beyond} (?, ?)"));
        conditions.values.extend([Value::Integer(at), Value::Integer(id)]);
    }
    let query = format!(
        "SELECT {COLUMNS}, {key} {FROM} {} ORDER BY {key} {direction}, i.id {direction} LIMIT {}",
        conditions.clause(),
        u64::from(limit) + 1
    );
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(conditions.values), |row| {
        Ok((item(row)?, row.get::<_, Option<i64>>(27)?.unwrap_or(0), row.get::<_, i64>(26)?))
    })?;
    let mut found: Vec<(Item, i64, i64)> = rows.collect::<rusqlite::Result<_>>()?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next_cursor = found.last().filter(|_| more).map(|(_, at, id)| format!("{at}.{id}"));
    Ok(ItemPage { items: found.into_iter().map(|(item, _, _)| item).collect(), next_cursor, total })
}

/// How many a filter matches: from the counters where it asks for statuses alone.
fn total(sql: &Connection, filter: &Filter, conditions: &Conditions) -> Result<u64> {
    let bare = Filter { statuses: filter.statuses.clone(), dismissed: filter.dismissed, ..Filter::default() };
    if *filter == bare {
        let statuses = if filter.statuses.is_empty() { Status::ALL } else { &filter.statuses };
        let dismissed = filter.dismissed == Some(true);
        let mut sum = sql
            .prepare_cached("SELECT coalesce(sum(n), 0) FROM tallies WHERE status = ?1 AND dismissed = ?2")?;
        let mut total = 0;
        for status in statuses {
            total += sum.query_row((rows::status_code(*status), dismissed), |row| row.get::<_, u64>(0))?;
        }
        return Ok(total);
    }
    let query = format!("SELECT count(*) {FROM} {}", conditions.clause());
    Ok(sql.prepare_cached(&query)?.query_row(params_from_iter(conditions.values.iter()), |row| row.get(0))?)
}

/// The names of everything that a filter matches now, the oldest first.
pub(crate) fn ids(sql: &Connection, filter: &Filter) -> Result<Vec<Uuid>> {
    let conditions = Conditions::new(filter);
    let query = format!("SELECT i.uuid {FROM} {} ORDER BY i.id", conditions.clause());
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(conditions.values), |row| rows::uuid(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// An item with its payload and its attempts.
pub(crate) fn detail(sql: &Connection, id: Uuid) -> Result<ItemDetail> {
    let query = format!("SELECT {COLUMNS}, t.body {FROM} WHERE i.uuid = ?1");
    let found = sql
        .prepare_cached(&query)?
        .query_row([id.as_bytes().as_slice()], |row| {
            Ok((item(row)?, row.get::<_, i64>(26)?, row.get::<_, Vec<u8>>(27)?))
        })
        .optional()?;
    let Some((item, key, body)) = found else {
        return Err(Error::NotFound { what: "item", id: id.to_string() });
    };
    let payload = String::from_utf8(body)
        .map_err(|_| Error::Corrupt(format!("the payload of item {id} is no text")))?;
    let mut statement = sql.prepare_cached(
        "SELECT number, cycle, started_at, duration_ms, outcome, counted, http_status, error_code, message, response_body
           FROM attempts WHERE item = ?1 ORDER BY id",
    )?;
    let attempts = statement.query_map([key], |row| {
        Ok(Attempt {
            number: row.get(0)?,
            cycle: row.get(1)?,
            started_at: Millis(row.get(2)?),
            duration: Duration::from_millis(row.get(3)?),
            outcome: rows::word(row, 4)?,
            counted: row.get(5)?,
            http_status: row.get(6)?,
            error_code: row.get(7)?,
            message: row.get(8)?,
            response_body: row.get(9)?,
        })
    })?;
    Ok(ItemDetail { item, payload, attempts: attempts.collect::<rusqlite::Result<_>>()? })
}

/// The counters.
pub(crate) fn counts(sql: &Connection) -> Result<Counts> {
    let mut counts = Counts::default();
    let mut free_routes: Vec<i64> = Vec::new();
    let mut held_routes: HashMap<i64, bool> = HashMap::new();
    {
        let mut statement = sql.prepare_cached(
            "SELECT r.id, r.enabled, g.paused, g.sign_in_required, g.hold, g.hold_at, g.hold_probes
               FROM routes r JOIN orgs g ON g.id = r.target",
        )?;
        let rows = statement.query_map([], |row| {
            let health =
                Health { paused: row.get(2)?, sign_in_required: row.get(3)?, hold: orgs::hold(row, 4)? };
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
