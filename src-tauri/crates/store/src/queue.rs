//! The order of deliveries: which open item of a record goes first, and which need not go at all.
//!
//! An item never overtakes an older unfinished one of the same record and target. Where the newer one covers the older
//! one wholly, the older is superseded. `waiting` holds a row for each record of each open item; an item is `blocked`
//! while one of its records has an older open item there, or one in flight.
//!
//! A comment or log whose work item is not in the target (an orphan) waits for it, wherever it comes from; so whatever may
//! bring it goes first, be it newer.

use std::collections::HashSet;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension};
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::Digest;
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::rows;
use crate::stats::Event;
use crate::tally::Slot;
use crate::writer::Tx;

/// An item as the queue handles it.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) key: i64,
    pub(crate) uuid: Uuid,
    pub(crate) txn: i64,
    pub(crate) route: i64,
    pub(crate) target: i64,
    pub(crate) status: Status,
    pub(crate) blocked: bool,
    pub(crate) dismissed: bool,
    pub(crate) attempts: u32,
    pub(crate) cycle: u32,
    pub(crate) created_at: Millis,
    /// Has its last error words to be found by?
    pub(crate) has_error: bool,
    /// Since when its work item is missed in the target, if it is.
    pub(crate) orphan_since: Option<Millis>,
}

impl Row {
    pub(crate) fn slot(&self) -> Slot {
        Slot {
            route: self.route,
            status: rows::status_code(self.status),
            blocked: self.blocked,
            dismissed: self.dismissed,
        }
    }
}

macro_rules! columns {
    () => {
        "i.id, i.uuid, i.txn, i.route, r.target, i.status, i.blocked, i.dismissed_at IS NOT NULL, i.attempts, i.cycle,
         i.created_at, i.error_code IS NOT NULL OR i.error_message IS NOT NULL, i.orphan_since"
    };
}

/// What [`row`] reads, of an item as i and its route as r.
pub(crate) const COLUMNS: &str = columns!();

/// A query of items for [`row`], and of more columns behind them; put together when the program is built.
macro_rules! item_query {
    ($more:literal, $where:literal) => {
        concat!(
            "SELECT ",
            $crate::queue::columns!(),
            $more,
            " FROM items i JOIN routes r ON r.id = i.route WHERE ",
            $where
        )
    };
}
pub(crate) use {columns, item_query};

/// How many columns [`row`] reads.
pub(crate) const WIDTH: usize = 13;

pub(crate) fn row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        key: row.get(0)?,
        uuid: rows::uuid(row, 1)?,
        txn: row.get(2)?,
        route: row.get(3)?,
        target: row.get(4)?,
        status: rows::status(row, 5)?,
        blocked: row.get(6)?,
        dismissed: row.get(7)?,
        attempts: row.get(8)?,
        cycle: row.get(9)?,
        created_at: Millis(row.get(10)?),
        has_error: row.get(11)?,
        orphan_since: row.get::<_, Option<i64>>(12)?.map(Millis),
    })
}

/// The item with this number.
pub(crate) fn by_key(sql: &Connection, key: i64) -> Result<Row> {
    Ok(sql.prepare_cached(item_query!("", "i.id = ?1"))?.query_row([key], row)?)
}

/// The item with this name, if there is one.
pub(crate) fn by_uuid(sql: &Connection, id: Uuid) -> Result<Option<Row>> {
    Ok(sql
        .prepare_cached(item_query!("", "i.uuid = ?1"))?
        .query_row([id.as_bytes().as_slice()], row)
        .optional()?)
}

/// The payload that goes to the targets of a transaction, parsed again.
pub(crate) fn change_of(sql: &Connection, txn: i64) -> Result<Change> {
    let body: Vec<u8> = sql
        .prepare_cached("SELECT body FROM transactions WHERE id = ?1")?
        .query_row([txn], |row| row.get(0))?;
    Change::reread(body.into())
        .map_err(|_| Error::Corrupt(format!("the payload of transaction row {txn} cannot be read")))
}

/// What an item that is sent needs of its payload, which is not read for it.
#[derive(Debug)]
pub(crate) struct Load {
    pub(crate) transaction_id: String,
    pub(crate) body: Bytes,
    pub(crate) records: Vec<(String, Digest)>,
}

impl Load {
    /// The same of a payload that was read anyway.
    pub(crate) fn of(change: &Change) -> Self {
        Self {
            transaction_id: change.transaction_id.clone(),
            body: change.body().clone(),
            records: change.records.iter().map(|r| (r.external_id.clone(), r.digest)).collect(),
        }
    }
}

/// What an open item sends.
pub(crate) fn load(sql: &Connection, item: &Row) -> Result<Load> {
    let (transaction_id, body, external_ids): (_, Vec<u8>, String) = sql
        .prepare_cached("SELECT transaction_id, body, external_ids FROM transactions WHERE id = ?1")?
        .query_row([item.txn], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let external_ids: Vec<String> = serde_json::from_str(&external_ids)
        .map_err(|_| Error::Corrupt(format!("the records of transaction row {} cannot be read", item.txn)))?;
    let mut digest = sql
        .prepare_cached("SELECT digest FROM waiting WHERE target = ?1 AND external_id = ?2 AND item = ?3")?;
    let records = external_ids.into_iter().map(|external_id| {
        let digest = digest.query_row((item.target, &external_id, item.key), |row| rows::digest(row, 0))?;
        Ok((external_id, digest))
    });
    let records = records.collect::<rusqlite::Result<_>>()?;
    Ok(Load { transaction_id, body: body.into(), records })
}

/// The names of a change's records.
pub(crate) fn names(change: &Change) -> Vec<&str> {
    change.records.iter().map(|record| record.external_id.as_str()).collect()
}

/// Where an item goes next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Move {
    pub(crate) status: Status,
    pub(crate) due: Option<Millis>,
    pub(crate) at: Millis,
}

/// What an attempt leaves on its item: how many were counted, and the last error.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Trace<'a> {
    pub(crate) attempts: u32,
    pub(crate) http_status: Option<u16>,
    pub(crate) error_code: Option<&'a str>,
    pub(crate) message: Option<&'a str>,
    pub(crate) failure_key: Option<&'a str>,
}

/// Writes an item's next status, and keeps the counters.
pub(crate) fn put(tx: &mut Tx<'_>, item: &mut Row, to: Move) -> Result<()> {
    item.orphan_since = None;
    let from = turn(item, to);
    tx.sql
        .prepare_cached(
            "UPDATE items SET status = ?2, due_at = ?3, updated_at = ?4, blocked = ?5, claimed_from = NULL,
                    orphan_since = NULL, failure_key = NULL, dismissed_at = NULL, dismiss_reason = NULL WHERE id = ?1",
        )?
        .execute((item.key, rows::status_code(to.status), to.due.map(|t| t.0), to.at.0, item.blocked))?;
    note_turn(tx, item, from, to);
    Ok(())
}

/// The same after an attempt, with what that leaves.
pub(crate) fn put_after(tx: &mut Tx<'_>, item: &mut Row, to: Move, trace: Trace<'_>) -> Result<()> {
    let from = turn(item, to);
    item.attempts = trace.attempts;
    tx.sql
        .prepare_cached(
            "UPDATE items SET status = ?2, due_at = ?3, updated_at = ?4, blocked = ?5, claimed_from = NULL,
                    failure_key = ?6, dismissed_at = NULL, dismiss_reason = NULL, attempts = ?7, error_status = ?8,
                    error_code = ?9, error_message = ?10, orphan_since = ?11 WHERE id = ?1",
        )?
        .execute((
            item.key,
            rows::status_code(to.status),
            to.due.map(|t| t.0),
            to.at.0,
            item.blocked,
            trace.failure_key,
            trace.attempts,
            trace.http_status,
            trace.error_code,
            trace.message,
            item.orphan_since.map(|since| since.0),
        ))?;
    note_turn(tx, item, from, to);
    let has_error = trace.error_code.is_some() || trace.message.is_some();
    if has_error {
        tx.words.set_error(item.key, trace.error_code, trace.message);
    } else if item.has_error {
        tx.words.forget_error(item.key);
    }
    item.has_error = has_error;
    Ok(())
}

/// The item as it will be; returns where it was counted, and its status.
fn turn(item: &mut Row, to: Move) -> (Slot, Status) {
    let from = (item.slot(), item.status);
    item.status = to.status;
    item.dismissed = false;
    if !to.status.is_open() {
        item.blocked = false;
    }
    from
}

fn note_turn(tx: &mut Tx<'_>, item: &Row, (before, was): (Slot, Status), to: Move) {
    tx.shift(Some(before), Some(item.slot()));
    match to.status {
        Status::Synced => tx.happened(to.at, item.target, Event::Synced(to.at.since(item.created_at))),
        Status::Failed => tx.happened(to.at, item.target, Event::Failed),
        Status::Superseded => tx.happened(to.at, item.target, Event::Superseded),
        Status::Retrying if was == Status::Processing => tx.happened(to.at, item.target, Event::Retried),
        Status::Queued | Status::Processing | Status::Retrying => {}
    }
}

/// A waiting item is due at `at`, if it is not due before. Its place in the line stays: what waits for an older item goes on
/// waiting for it.
pub(crate) fn pull_forward(sql: &Connection, item: &Row, at: Millis) -> Result<()> {
    sql.prepare_cached("UPDATE items SET due_at = min(due_at, ?2), updated_at = ?2 WHERE id = ?1")?
        .execute((item.key, at.0))?;
    Ok(())
}

fn block(tx: &mut Tx<'_>, item: &mut Row, blocked: bool) -> Result<()> {
    if item.blocked == blocked {
        return Ok(());
    }
    let before = item.slot();
    item.blocked = blocked;
    tx.sql.prepare_cached("UPDATE items SET blocked = ?2 WHERE id = ?1")?.execute((item.key, blocked))?;
    tx.shift(Some(before), Some(item.slot()));
    Ok(())
}

/// The other open items of a record on its way to a target, the oldest first.
fn others(sql: &Connection, target: i64, external_id: &str, except: i64) -> Result<Vec<i64>> {
    let mut statement = sql.prepare_cached(
        "SELECT item FROM waiting WHERE target = ?1 AND external_id = ?2 AND item <> ?3 ORDER BY item",
    )?;
    let rows = statement.query_map((target, external_id, except), |row| row.get(0))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// Is there no open item of these records on its way to a target?
pub(crate) fn is_alone(sql: &Connection, target: i64, change: &Change) -> Result<bool> {
    let mut waits =
        sql.prepare_cached("SELECT EXISTS (SELECT 1 FROM waiting WHERE target = ?1 AND external_id = ?2)")?;
    for record in &change.records {
        if waits.query_row((target, &record.external_id), |row| row.get::<_, bool>(0))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Is there an open item of one of these records that goes before this one, or one in flight?
fn is_blocked(sql: &Connection, item: &Row, change: &Change) -> Result<bool> {
    for record in &change.records {
        let blocked = sql
            .prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM waiting w JOIN items i ON i.id = w.item
                  WHERE w.target = ?1 AND w.external_id = ?2 AND w.item <> ?3
                    AND ((i.orphan_since IS NOT NULL, w.item) < (?4, ?3) OR i.status = 1))",
            )?
            .query_row((item.target, &record.external_id, item.key, item.orphan_since.is_some()), |row| {
                row.get::<_, bool>(0)
            })?;
        if blocked {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Is there a newer change on its way to the same target, or there, that leaves nothing of this one standing? Only those
/// count that `counts` says so of, by their number and status. Such a change has each record of this one, so it is looked
/// for among those of the first: as many as there are newer ones, the newest first.
pub(crate) fn is_covered(sql: &Connection, item: &Row, counts: impl Fn(i64, Status) -> bool) -> Result<bool> {
    let mut newer = sql.prepare_cached(
        "SELECT i.id, i.status, i.txn FROM item_records ir JOIN items i ON i.id = ir.item JOIN routes r ON r.id = i.route
          WHERE ir.external_id = (SELECT external_ids ->> 0 FROM transactions WHERE id = ?1)
            AND ir.item > ?2 AND r.target = ?3 ORDER BY ir.item DESC",
    )?;
    let mut own: Option<Change> = None;
    let mut rows = newer.query((item.txn, item.key, item.target))?;
    while let Some(row) = rows.next()? {
        if !counts(row.get(0)?, rows::status(row, 1)?) {
            continue;
        }
        let own = match &own {
            Some(own) => own,
            None => own.insert(change_of(sql, item.txn)?),
        };
        if change_of(sql, row.get(2)?)?.covers(own) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An item becomes open: its records are entered in the queue.
pub(crate) fn enter(tx: &mut Tx<'_>, item: &Row, change: &Change) -> Result<()> {
    for record in &change.records {
        tx.sql
            .prepare_cached(
                "INSERT OR IGNORE INTO waiting (target, external_id, item, digest) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((item.target, &record.external_id, item.key, record.digest.as_bytes()))?;
    }
    Ok(())
}

/// An item has come to wait (it is new, was retried, or its attempt failed): decides which of the waiting items of its
/// records need not be sent, and which goes first. Names every item that changed in `touched`.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    item: &mut Row,
    change: &Change,
    at: Millis,
    touched: &mut Vec<Uuid>,
) -> Result<()> {
    let mut company: Vec<i64> = Vec::new();
    for record in &change.records {
        company.extend(others(tx.sql, item.target, &record.external_id, item.key)?);
    }
    company.sort_unstable();
    company.dedup();
    for key in company.iter().rev().copied().filter(|key| *key > item.key) {
        let newer = by_key(tx.sql, key)?;
        if change_of(tx.sql, newer.txn)?.covers(change) {
            return supersede(tx, item, change, at, touched);
        }
    }
    for key in company.iter().copied().filter(|key| *key < item.key) {
        let mut older = by_key(tx.sql, key)?;
        if older.status != Status::Processing {
            let older_change = change_of(tx.sql, older.txn)?;
            if change.covers(&older_change) && !is_waited_for(tx, key, item.key, &company, change)? {
                supersede(tx, &mut older, &older_change, at, touched)?;
            }
        }
    }
    // Most have no company, and need not be looked for in it.
    let blocked = !company.is_empty() && is_blocked(tx.sql, item, change)?;
    block(tx, item, blocked)?;
    // Those behind it now wait for it, or go before it.
    for key in company {
        let mut other = by_key(tx.sql, key)?;
        if matches!(other.status, Status::Queued | Status::Retrying) {
            let other_change = change_of(tx.sql, other.txn)?;
            let blocked = is_blocked(tx.sql, &other, &other_change)?;
            if blocked != other.blocked {
                block(tx, &mut other, blocked)?;
                touched.push(other.uuid);
            }
        }
    }
    Ok(())
}

/// Is there a comment or time log between two items, which can only be written once its record is there? Then the older of
/// the two must go first, though the newer one covers it.
fn is_waited_for(tx: &mut Tx<'_>, older: i64, newer: i64, company: &[i64], change: &Change) -> Result<bool> {
    for key in company.iter().copied().filter(|key| *key > older && *key < newer) {
        let between = by_key(tx.sql, key)?.txn;
        let between = change_of(tx.sql, between)?;
        if between.only_adds() && !change.covers(&between) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// An org has sent a newer version of records that older changes wait to be sent to it for: where it covers them, they have
/// nothing left to tell it.
pub(crate) fn overtaken_at_home(
    tx: &mut Tx<'_>,
    org: i64,
    change: &Change,
    kept: &[usize],
    at: Millis,
    touched: &mut Vec<Uuid>,
) -> Result<()> {
    let mut waiting: Vec<i64> = Vec::new();
    let sent: HashSet<&str> = kept.iter().map(|index| change.records[*index].external_id.as_str()).collect();
    for external_id in &sent {
        waiting.extend(others(tx.sql, org, external_id, 0)?);
    }
    waiting.sort_unstable();
    waiting.dedup();
    for key in waiting {
        let mut older = by_key(tx.sql, key)?;
        let older_change = change_of(tx.sql, older.txn)?;
        if older.status != Status::Processing
            && older_change.timestamp <= change.timestamp
            && change.covers(&older_change)
            // An echo among them says nothing new, and a record that lost nothing that stands.
            && older_change.records.iter().all(|record| sent.contains(record.external_id.as_str()))
        {
            supersede(tx, &mut older, &older_change, at, touched)?;
        }
    }
    Ok(())
}

fn supersede(
    tx: &mut Tx<'_>,
    item: &mut Row,
    change: &Change,
    at: Millis,
    touched: &mut Vec<Uuid>,
) -> Result<()> {
    put(tx, item, Move { status: Status::Superseded, due: None, at })?;
    touched.push(item.uuid);
    leave(tx, item, &names(change), touched)
}

/// An item is no longer open: its records leave the queue, and who waited for it may go.
pub(crate) fn leave(
    tx: &mut Tx<'_>,
    item: &Row,
    external_ids: &[&str],
    touched: &mut Vec<Uuid>,
) -> Result<()> {
    for external_id in external_ids {
        tx.sql
            .prepare_cached("DELETE FROM waiting WHERE target = ?1 AND external_id = ?2 AND item = ?3")?
            .execute((item.target, external_id, item.key))?;
    }
    for external_id in external_ids {
        let Some(first) = first_in_line(tx.sql, item.target, external_id)? else { continue };
        let mut next = by_key(tx.sql, first)?;
        if next.blocked {
            let next_change = change_of(tx.sql, next.txn)?;
            if !is_blocked(tx.sql, &next, &next_change)? {
                block(tx, &mut next, false)?;
                touched.push(next.uuid);
            }
        }
    }
    Ok(())
}

/// The oldest that waits with this record, those last whose work item is missed.
///
/// Read in the line's own order: to have SQLite sort costs it a table, though there is hardly ever anything to sort.
fn first_in_line(sql: &Connection, target: i64, external_id: &str) -> Result<Option<i64>> {
    let mut line = sql.prepare_cached(
        "SELECT w.item, i.orphan_since IS NOT NULL FROM waiting w JOIN items i ON i.id = w.item
          WHERE w.target = ?1 AND w.external_id = ?2 ORDER BY w.item",
    )?;
    let mut waiting = line.query_map((target, external_id), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let mut first = None;
    while let Some::<(i64, bool)>((item, is_orphan)) = waiting.next().transpose()? {
        if !is_orphan {
            return Ok(Some(item));
        }
        first = first.or(Some(item));
    }
    Ok(first)
}

/// A work item came to a target: what waits for it there is due. Names it.
///
/// Looked for first, and hardly ever found: an update of what a query finds gathers that in a table of its own, and making
/// one costs more than everything else that is written when an item was delivered.
pub(crate) fn parent_came(sql: &Connection, target: i64, external_id: &str, at: Millis) -> Result<Vec<Uuid>> {
    let orphans: Vec<(i64, Uuid)> = sql
        .prepare_cached(
            "SELECT i.id, i.uuid FROM waiting w JOIN items i ON i.id = w.item
              WHERE w.target = ?1 AND w.external_id = ?2 AND i.orphan_since IS NOT NULL AND i.status < 3",
        )?
        .query_map((target, external_id), |row| Ok((row.get(0)?, rows::uuid(row, 1)?)))?
        .collect::<rusqlite::Result<_>>()?;
    for (item, _) in &orphans {
        sql.prepare_cached("UPDATE items SET due_at = min(due_at, ?2) WHERE id = ?1")?
            .execute((item, at.0))?;
    }
    Ok(orphans.into_iter().map(|(_, name)| name).collect())
}
