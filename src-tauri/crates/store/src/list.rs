//! Reading items: lists, and one item.

use std::time::Duration;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};
use sync_monitor_domain::change::Operation;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::{HeldBy, Status};
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::model::{Attempt, Filter, Health, Item, ItemDetail, ItemPage, LastError, OrgHold, Sort};
use crate::words::Search;
use crate::{orgs, queue, relay, rows, runs};

mod order;
mod search;
mod totals;

use order::{Key, Order, Place};
use search::{Effort, Searching};
pub(crate) use totals::Totals;

/// What [`item`] reads.
fn columns() -> String {
    format!(
        "i.uuid, t.transaction_id, s.org_id, g.org_id, t.operation, t.external_ids, t.title, i.status, i.blocked, r.enabled,
         g.paused, g.sign_in_required, g.hold, g.hold_at, g.hold_probes, i.attempts, i.cycle, i.created_at, i.updated_at,
         i.due_at, i.error_status, i.error_code, i.error_message, i.failure_key, i.dismissed_at, i.dismiss_reason, i.id, {}",
        relay::holds("g")
    )
}

const FROM: &str = "
      FROM items i JOIN transactions t ON t.id = i.txn JOIN routes r ON r.id = i.route
      JOIN orgs s ON s.id = r.source JOIN orgs g ON g.id = r.target";

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    let status = rows::status(row, 7)?;
    let health = Health {
        paused: row.get(10)?,
        relay_paused: row.get(27)?,
        sign_in_required: row.get(11)?,
        hold: orgs::hold(row, 12)?,
    };
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

/// What nobody put aside.
const NOT_DISMISSED: &str = "i.dismissed_at IS NULL";

/// A filter as SQL.
struct Conditions {
    sql: Vec<String>,
    values: Vec<Value>,
}

impl Conditions {
    fn new(filter: &Filter) -> Result<Self> {
        let mut conditions = Self { sql: Vec::new(), values: Vec::new() };
        if !filter.statuses.is_empty() {
            conditions.sql.push(status_in("i.status", &filter.statuses));
            conditions.sql.extend(indexed(&filter.statuses).map(str::to_owned));
        }
        match filter.dismissed {
            Some(true) => conditions.sql.push("i.dismissed_at IS NOT NULL".into()),
            // A run's items are asked for to see what came of them, whatever that is.
            None if filter.run.is_some() => {}
            None | Some(false) => conditions.sql.push(NOT_DISMISSED.into()),
        }
        if let Some(target) = filter.target {
            conditions.add("g.org_id = ?", target.as_str().to_owned());
        }
        if let Some(source) = filter.source {
            conditions.add("s.org_id = ?", source.as_str().to_owned());
        }
        if let Some(held) = filter.held {
            conditions.sql.push(is_held("i", held));
        }
        if let Some(id) = &filter.external_id {
            conditions.add("i.id IN (SELECT item FROM item_records WHERE external_id = ?)", id.clone());
        }
        if let Some(key) = &filter.failure_key {
            conditions.add("i.failure_key = ?", key.clone());
        }
        if let Some(run) = filter.run {
            conditions.add(
                "i.id IN (SELECT ri.item FROM bulk_runs b JOIN run_items ri ON ri.run = b.id WHERE b.uuid = ?)",
                run.as_bytes().to_vec(),
            );
        }
        if let Some(text) = &filter.text {
            match Search::read(text)? {
                Some(search) => {
                    let query = Value::Text(search.query().to_owned());
                    conditions.sql.push(
                        "(i.txn IN (SELECT rowid FROM transaction_words WHERE transaction_words MATCH ?)
                          OR i.id IN (SELECT rowid FROM error_words WHERE error_words MATCH ?))"
                            .into(),
                    );
                    conditions.values.extend([query.clone(), query]);
                }
                // Nothing is found by what holds no word.
                None => conditions.sql.push("0".into()),
            }
        }
        if let Some(since) = filter.since {
            conditions.add("i.created_at >= ?", since.0);
        }
        if let Some(until) = filter.until {
            conditions.add("i.created_at < ?", until.0);
        }
        if let Some(as_of) = filter.as_of {
            conditions.add("i.updated_at <= ?", as_of.0);
        }
        Ok(conditions)
    }

    fn add(&mut self, sql: &str, value: impl Into<Value>) {
        self.sql.push(sql.to_owned());
        self.values.push(value.into());
    }

    /// Only what stands behind this place.
    fn begin(&mut self, order: Order, after: Option<Place>) {
        if let Some((at, id)) = after {
            let beyond = if order.descends { "<" } else { ">" };
            self.sql.push(format!("({}, i.id) {beyond} (?, ?)", order.column()));
            self.values.extend([Value::Integer(at), Value::Integer(id)]);
        }
    }

    fn clause(&self) -> String {
        format!(" WHERE {}", self.sql.join(" AND "))
    }
}

/// A status in a list of them, as SQL.
fn status_in(column: &str, statuses: &[Status]) -> String {
    let codes: Vec<String> = statuses.iter().map(|s| rows::status_code(*s).to_string()).collect();
    match codes.as_slice() {
        [one] => format!("{column} = {one}"),
        many => format!("{column} IN ({})", many.join(", ")),
    }
}

/// What an index of items says of its rows. SQLite uses an index of a part only where the query repeats what the part is, in
/// the same words; that a status of 0 is one of 0, 1 and 2 it does not find out.
fn indexed(statuses: &[Status]) -> Option<&'static str> {
    let all = |among: &[Status]| statuses.iter().all(|status| among.contains(status));
    if all(&[Status::Queued, Status::Processing, Status::Retrying]) {
        Some("i.status < 3")
    } else if all(&[Status::Synced, Status::Superseded]) {
        Some("i.status > 3")
    } else {
        None
    }
}

/// Held or not, as SQL, of what waits: a row of items or of tallies, with its route as r and its target as g.
fn is_held(row: &str, held: bool) -> String {
    let holds = format!(
        "({row}.blocked = 1 OR r.enabled = 0 OR g.paused = 1 OR {} OR g.sign_in_required = 1 OR g.hold IS NOT NULL)",
        relay::holds("g")
    );
    format!("{row}.status IN (0, 2) AND {}{holds}", if held { "" } else { "NOT " })
}

/// A page of a list, in the order that was asked for, or that suits its filter.
pub(crate) fn page(
    sql: &Connection,
    totals: &mut Totals,
    filter: &Filter,
    sort: Option<Sort>,
    limit: u32,
    cursor: Option<&str>,
) -> Result<ItemPage> {
    let order = Order::of(filter, sort)?;
    let after = cursor.map(|cursor| order.place(cursor)).transpose()?;
    let (mut found, total) = match &filter.text {
        None => (listed(sql, filter, order, limit, after)?, total(sql, filter)?),
        Some(text) => searched(sql, totals, text, filter, order, limit, after)?,
    };
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let last = found.last().filter(|_| more);
    let next_cursor = last.map(|(_, (at, id))| format!("{}.{at}.{id}", order.mark()));
    Ok(ItemPage { items: found.into_iter().map(|(item, _)| item).collect(), next_cursor, total })
}

/// What is on a page, one more than `limit`, so that it is known whether there are more.
fn listed(
    sql: &Connection,
    filter: &Filter,
    order: Order,
    limit: u32,
    after: Option<Place>,
) -> Result<Vec<(Item, Place)>> {
    let Some(statuses) = order.one_by_one(filter) else { return rows_of(sql, filter, order, limit, after) };
    let mut all = Vec::new();
    for status in statuses {
        all.extend(rows_of(sql, &Filter { statuses: vec![status], ..filter.clone() }, order, limit, after)?);
    }
    all.sort_by_key(|(_, place)| *place);
    if order.descends {
        all.reverse();
    }
    Ok(all)
}

/// The same of what a search finds, and how many that are.
fn searched(
    sql: &Connection,
    totals: &mut Totals,
    text: &str,
    filter: &Filter,
    order: Order,
    limit: u32,
    after: Option<Place>,
) -> Result<(Vec<(Item, Place)>, u64)> {
    // Nothing is found by what holds no word.
    let Some(search) = Search::read(text)? else { return Ok((Vec::new(), 0)) };
    let besides = &Filter { text: None, ..filter.clone() };
    let most = limit as usize + 1;
    totals.look(sql)?;
    let counted = totals.of(filter);
    let searching = Searching { sql, search: &search, besides, order, after, most, counted };
    let (places, total) = searching.run(Effort::USUAL)?;
    totals.keep(filter, total);
    let mut row = sql.prepare_cached(&format!("SELECT {} {FROM} WHERE i.id = ?", columns()))?;
    let items = places.into_iter().map(|place| Ok((row.query_row([place.1], item)?, place)));
    Ok((items.collect::<Result<_>>()?, total))
}

fn rows_of(
    sql: &Connection,
    filter: &Filter,
    order: Order,
    limit: u32,
    after: Option<Place>,
) -> Result<Vec<(Item, Place)>> {
    let (query, values) = query(filter, order, limit, after)?;
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(values), |row| {
        Ok((item(row)?, (row.get::<_, Option<i64>>(28)?.unwrap_or(0), row.get::<_, i64>(26)?)))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn query(filter: &Filter, order: Order, limit: u32, after: Option<Place>) -> Result<(String, Vec<Value>)> {
    let mut conditions = Conditions::new(filter)?;
    conditions.begin(order, after);
    let query = format!(
        "SELECT {}, {} {FROM} {} {} LIMIT {}",
        columns(),
        order.column(),
        conditions.clause(),
        order.by(),
        u64::from(limit) + 1
    );
    Ok((query, conditions.values))
}

/// How many a filter matches: from the counters where they know.
fn total(sql: &Connection, filter: &Filter) -> Result<u64> {
    let Filter {
        statuses,
        target,
        source,
        held,
        dismissed,
        external_id,
        failure_key,
        text,
        since,
        until,
        run,
        as_of,
    } = filter;
    let counted = external_id.is_none()
        && failure_key.is_none()
        && text.is_none()
        && since.is_none()
        && until.is_none()
        && run.is_none()
        && as_of.is_none();
    if !counted {
        let conditions = Conditions::new(filter)?;
        // Where nothing is looked up beside each, a million items are counted in less than half the time.
        let from = if asks_of_orgs(filter) { FROM } else { " FROM items i" };
        let query = format!("SELECT count(*) {from} {}", conditions.clause());
        let values = params_from_iter(conditions.values.iter());
        return Ok(sql.prepare_cached(&query)?.query_row(values, |row| row.get(0))?);
    }
    let mut conditions = Conditions { sql: Vec::new(), values: Vec::new() };
    conditions.add("t.dismissed = ?", i64::from(*dismissed == Some(true)));
    if !statuses.is_empty() {
        conditions.sql.push(status_in("t.status", statuses));
    }
    if let Some(target) = target {
        conditions.add("g.org_id = ?", target.as_str().to_owned());
    }
    if let Some(source) = source {
        conditions.add("s.org_id = ?", source.as_str().to_owned());
    }
    if let Some(held) = held {
        conditions.sql.push(is_held("t", *held));
    }
    let query = format!(
        "SELECT coalesce(sum(t.n), 0) FROM tallies t JOIN routes r ON r.id = t.route
           JOIN orgs s ON s.id = r.source JOIN orgs g ON g.id = r.target {}",
        conditions.clause()
    );
    Ok(sql.prepare_cached(&query)?.query_row(params_from_iter(conditions.values), |row| row.get(0))?)
}

/// Must the orgs of an item be looked up to know whether a filter matches it?
fn asks_of_orgs(filter: &Filter) -> bool {
    filter.target.is_some() || filter.source.is_some() || filter.held.is_some()
}

/// The names of everything that a filter matches now, the oldest first.
pub(crate) fn ids(sql: &Connection, filter: &Filter) -> Result<Vec<Uuid>> {
    let conditions = Conditions::new(filter)?;
    let query = format!("SELECT i.uuid {FROM} {} ORDER BY i.id", conditions.clause());
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(conditions.values), |row| rows::uuid(row, 0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The same as the queue handles them.
pub(crate) fn queue_rows(sql: &Connection, filter: &Filter) -> Result<Vec<queue::Row>> {
    let conditions = Conditions::new(filter)?;
    let query = format!("SELECT {} {FROM} {} ORDER BY i.id", queue::COLUMNS, conditions.clause());
    let mut statement = sql.prepare_cached(&query)?;
    let rows = statement.query_map(params_from_iter(conditions.values), queue::row)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// An item with its payload and its attempts.
pub(crate) fn detail(sql: &Connection, id: Uuid) -> Result<ItemDetail> {
    let query = format!("SELECT {}, t.body {FROM} WHERE i.uuid = ?1", columns());
    let found = sql
        .prepare_cached(&query)?
        .query_row([id.as_bytes().as_slice()], |row| {
            Ok((item(row)?, row.get::<_, i64>(26)?, row.get::<_, Vec<u8>>(28)?))
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
    let attempts = attempts.collect::<rusqlite::Result<_>>()?;
    Ok(ItemDetail { item, payload, attempts, history: runs::history(sql, key)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_page_of_each_list_is_read_off_an_index_in_its_order() {
        let folder = tempfile::tempdir().unwrap();
        let sql = crate::open::writer(&folder.path().join("sync-monitor.db")).unwrap();
        let all = Status::ALL.iter().map(|status| Filter { statuses: vec![*status], ..Filter::default() });
        for filter in all.chain([Filter::default()]) {
            let order = Order::of(&filter, None).unwrap();
            let (query, values) = query(&filter, order, 50, None).unwrap();
            let plan: Vec<String> = sql
                .prepare(&format!("EXPLAIN QUERY PLAN {query}"))
                .unwrap()
                .query_map(params_from_iter(values), |row| row.get(3))
                .unwrap()
                .collect::<rusqlite::Result<_>>()
                .unwrap();
            let sorted = plan.iter().any(|step| step.contains("TEMP B-TREE"));
            // The list of everything is read backwards through the table.
            let indexed = plan[0].contains("USING INDEX items_") || filter.statuses.is_empty();
            assert!(indexed && !sorted, "{filter:?}: {plan:#?}");
        }
    }
}
