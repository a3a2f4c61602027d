//! Bulk runs: what was asked for, what came of it so far, and which items it changed.

use rusqlite::{Connection, OptionalExtension, Row};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::bulk::NewRun;
use crate::error::{Error, Result};
use crate::model::{
    HistoryEntry, Refusal, RefusalReason, Refused, Run, RunAction, RunDetail, RunPage, RunState, StatusCounts,
};
use crate::rows;

/// How many of the items that a run left alone are kept by name.
const REFUSALS_KEPT: u64 = 1_000;
/// The longest name that is kept of what is no name of an item, in characters.
const LONGEST_ID: usize = 64;

/// A run that a batch goes on with.
pub(crate) struct Progress {
    key: i64,
    changed: u64,
    refused: u64,
    /// Before this batch.
    refused_before: u64,
}

/// A run begins.
pub(crate) fn begin(sql: &Connection, run: &NewRun) -> Result<Progress> {
    sql.prepare_cached(
        "INSERT INTO bulk_runs (uuid, at, actor, via, action, reason, filter, selected) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?
    .execute((
        run.id.as_bytes().as_slice(),
        run.at.0,
        &run.actor.name,
        run.actor.via.map(crate::model::Via::as_str),
        run.action.name().as_str(),
        run.action.reason(),
        &run.filter,
        run.selected,
    ))?;
    Ok(Progress { key: sql.last_insert_rowid(), changed: 0, refused: 0, refused_before: 0 })
}

/// A run that has begun goes on.
pub(crate) fn go_on(sql: &Connection, id: Uuid) -> Result<Progress> {
    let found = sql
        .prepare_cached("SELECT id, refused FROM bulk_runs WHERE uuid = ?1")?
        .query_row([id.as_bytes().as_slice()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (key, refused_before) = found.ok_or_else(|| not_found(id))?;
    Ok(Progress { key, changed: 0, refused: 0, refused_before })
}

fn not_found(id: Uuid) -> Error {
    Error::NotFound { what: "run", id: id.to_string() }
}

impl Progress {
    /// It changed this item.
    pub(crate) fn changed(&mut self, sql: &Connection, item: i64, at: Millis) -> Result<()> {
        self.changed += 1;
        sql.prepare_cached("INSERT INTO run_items (run, item, at) VALUES (?1, ?2, ?3)")?
            .execute((self.key, item, at.0))?;
        Ok(())
    }

    /// It left these alone.
    pub(crate) fn refused(&mut self, sql: &Connection, refusals: &[Refusal]) -> Result<()> {
        for refusal in refusals {
            let n = self.refused_before + self.refused;
            self.refused += 1;
            if n < REFUSALS_KEPT {
                let id: String = refusal.id.chars().take(LONGEST_ID).collect();
                sql.prepare_cached(
                    "INSERT INTO run_refusals (run, n, id, reason, status) VALUES (?1, ?2, ?3, ?4, ?5)",
                )?
                .execute((
                    self.key,
                    n,
                    id,
                    refusal.reason.as_str(),
                    refusal.reason.status().map(rows::status_code),
                ))?;
            }
        }
        Ok(())
    }

    /// Writes down how far it has come.
    pub(crate) fn write(self, sql: &Connection) -> Result<()> {
        sql.prepare_cached(
            "UPDATE bulk_runs SET changed = changed + ?2, refused = refused + ?3 WHERE id = ?1",
        )?
        .execute((self.key, self.changed, self.refused))?;
        Ok(())
    }
}

/// A run has come to its end.
pub(crate) fn end(sql: &Connection, run: &NewRun, at: Millis) -> Result<()> {
    sql.prepare_cached("UPDATE bulk_runs SET ended_at = ?2 WHERE uuid = ?1")?
        .execute((run.id.as_bytes().as_slice(), at.0))?;
    note(sql, &one(sql, run.id)?.1, at)
}

/// A run, or every one that is still marked as running, was ended by something else than its end. Returns how many.
pub(crate) fn interrupt(sql: &Connection, only: Option<Uuid>, at: Millis) -> Result<usize> {
    let running: Vec<Uuid> = sql
        .prepare_cached("SELECT uuid FROM bulk_runs WHERE ended_at IS NULL AND interrupted = 0 ORDER BY id")?
        .query_map([], |row| rows::uuid(row, 0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut interrupted = 0;
    for id in running.into_iter().filter(|id| only.is_none_or(|only| only == *id)) {
        sql.prepare_cached("UPDATE bulk_runs SET interrupted = 1 WHERE uuid = ?1")?
            .execute([id.as_bytes().as_slice()])?;
        note(sql, &one(sql, id)?.1, at)?;
        interrupted += 1;
    }
    Ok(interrupted)
}

/// A run that changed something is in the activity log.
fn note(sql: &Connection, run: &Run, at: Millis) -> Result<()> {
    if run.changed == 0 {
        return Ok(());
    }
    let mut entry = Entry::new(at, &run.actor, run.action.activity()).count(run.changed);
    if let Some(item) = item_of(sql, run)? {
        entry = entry.subject(item);
    }
    if let Some(reason) = &run.reason {
        entry = entry.reason(reason);
    }
    let refused = (run.refused > 0).then(|| match run.refused {
        1 => "1 was refused.".to_owned(),
        n => format!("{n} were refused."),
    });
    let interrupted = (run.state == RunState::Interrupted)
        .then(|| format!("It was interrupted: {} of {} are as they were.", left(run), run.selected));
    let detail: Vec<String> = refused.into_iter().chain(interrupted).collect();
    if !detail.is_empty() {
        entry = entry.detail(&detail.join(" "));
    }
    activity::add(sql, &entry)
}

fn left(run: &Run) -> u64 {
    run.selected.saturating_sub(run.changed)
}

/// The one item of a run of one.
fn item_of(sql: &Connection, run: &Run) -> Result<Option<Uuid>> {
    if run.selected != 1 {
        return Ok(None);
    }
    Ok(sql
        .prepare_cached(
            "SELECT i.uuid FROM bulk_runs r JOIN run_items ri ON ri.run = r.id JOIN items i ON i.id = ri.item WHERE r.uuid = ?1",
        )?
        .query_row([run.id.as_bytes().as_slice()], |row| rows::uuid(row, 0))
        .optional()?)
}

const SELECT: &str = "SELECT id, uuid, at, ended_at, interrupted, actor, via, action, reason, selected, changed, refused, filter FROM bulk_runs";

fn run(row: &Row<'_>) -> rusqlite::Result<(i64, Run)> {
    let (ended_at, interrupted): (Option<i64>, bool) = (row.get(3)?, row.get(4)?);
    let state = match ended_at {
        Some(at) => RunState::Done(Millis(at)),
        None if interrupted => RunState::Interrupted,
        None => RunState::Running,
    };
    let run = Run {
        id: rows::uuid(row, 1)?,
        at: Millis(row.get(2)?),
        state,
        actor: rows::actor(row, 5)?,
        action: rows::word(row, 7)?,
        reason: row.get(8)?,
        selected: row.get(9)?,
        changed: row.get(10)?,
        refused: row.get(11)?,
        filter: row.get(12)?,
    };
    Ok((row.get(0)?, run))
}

fn one(sql: &Connection, id: Uuid) -> Result<(i64, Run)> {
    sql.prepare_cached(&format!("{SELECT} WHERE uuid = ?1"))?
        .query_row([id.as_bytes().as_slice()], run)
        .optional()?
        .ok_or_else(|| not_found(id))
}

/// A page of the runs, the newest first.
pub(crate) fn page(sql: &Connection, limit: u32, cursor: Option<&str>) -> Result<RunPage> {
    let before: i64 = cursor.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::Cursor)?;
    let mut statement = sql.prepare_cached(&format!("{SELECT} WHERE id < ?1 ORDER BY id DESC LIMIT ?2"))?;
    let mut runs: Vec<(i64, Run)> =
        statement.query_map((before, u64::from(limit) + 1), run)?.collect::<rusqlite::Result<_>>()?;
    let more = runs.len() > limit as usize;
    runs.truncate(limit as usize);
    let next_cursor = runs.last().filter(|_| more).map(|(key, _)| key.to_string());
    Ok(RunPage { runs: runs.into_iter().map(|(_, run)| run).collect(), next_cursor })
}

/// A run with what came of it. Takes as long as it has items.
pub(crate) fn detail(sql: &Connection, id: Uuid) -> Result<RunDetail> {
    let (key, run) = one(sql, id)?;
    let mut statement =
        sql.prepare_cached("SELECT id, reason, status FROM run_refusals WHERE run = ?1 ORDER BY n")?;
    let refusals = statement.query_map([key], |row| {
        let status = row.get::<_, Option<u8>>(2)?.map(|_| rows::status(row, 2)).transpose()?;
        let word = row.get_ref(1)?.as_str()?;
        let reason =
            RefusalReason::from_parts(word, status).ok_or_else(|| rows::wrong(1, "no such reason"))?;
        Ok(Refusal { id: row.get(0)?, reason })
    })?;
    let refusals = refusals.map(|refusal| named(sql, refusal?)).collect::<Result<Vec<_>>>()?;
    Ok(RunDetail { run, refusals, now: now(sql, key)? })
}

fn named(sql: &Connection, refusal: Refusal) -> Result<Refused> {
    let unknown = (None, Vec::new());
    let (title, external_ids) = match Uuid::parse_str(&refusal.id) {
        Err(_) => unknown,
        Ok(id) => sql
            .prepare_cached(
                "SELECT t.title, t.external_ids FROM items i JOIN transactions t ON t.id = i.txn WHERE i.uuid = ?1",
            )?
            .query_row([id.as_bytes().as_slice()], |row| Ok((row.get(0)?, rows::list(row, 1)?)))
            .optional()?
            .unwrap_or(unknown),
    };
    Ok(Refused { refusal, title, external_ids })
}

fn now(sql: &Connection, run: i64) -> Result<StatusCounts> {
    let mut counts = StatusCounts::default();
    let mut statement = sql.prepare_cached(
        "SELECT i.status, i.dismissed_at IS NOT NULL, count(*) FROM run_items ri JOIN items i ON i.id = ri.item
          WHERE ri.run = ?1 GROUP BY 1, 2",
    )?;
    let mut found = statement.query([run])?;
    while let Some(row) = found.next()? {
        let (dismissed, n): (bool, u64) = (row.get(1)?, row.get(2)?);
        match rows::status(row, 0)? {
            Status::Queued => counts.queued = n,
            Status::Processing => counts.processing = n,
            Status::Retrying => counts.retrying = n,
            Status::Failed if dismissed => counts.dismissed = n,
            Status::Failed => counts.failed = n,
            Status::Synced => counts.synced = n,
            Status::Superseded => counts.superseded = n,
        }
    }
    Ok(counts)
}

/// What people did with an item, the oldest first.
pub(crate) fn history(sql: &Connection, item: i64) -> Result<Vec<HistoryEntry>> {
    let mut statement = sql.prepare_cached(
        "SELECT ri.at, r.actor, r.via, r.action, r.reason, r.uuid FROM run_items ri JOIN bulk_runs r ON r.id = ri.run
          WHERE ri.item = ?1 ORDER BY ri.run",
    )?;
    let rows = statement.query_map([item], |row| {
        Ok(HistoryEntry {
            at: Millis(row.get(0)?),
            actor: rows::actor(row, 1)?,
            action: rows::word::<RunAction>(row, 3)?,
            reason: row.get(4)?,
            run: rows::uuid(row, 5)?,
        })
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
