//! An item goes out: it is claimed, and what came of it is written down.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::OptionalExtension;
use sync_monitor_domain::cause::failure_key;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::echo::Holding;
use sync_monitor_domain::ids::{Digest, OrgId};
use sync_monitor_domain::item::{InFlight, Outcome, Status, Verdict};
use sync_monitor_domain::remote::{ApiUsage, Meaning, Try};
use uuid::Uuid;

use crate::accept;
use crate::error::{Error, Result};
use crate::queue::{self, Move};
use crate::routes::sends;
use crate::rows;
use crate::writer::Tx;

/// Uncounted tries that are kept of one item; an outage of days must not fill the disk.
const UNCOUNTED_KEPT: u32 = 50;

/// An item in flight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    key: i64,
    /// Names it.
    pub id: Uuid,
    /// For the log.
    pub transaction_id: String,
    /// What to send.
    pub body: Bytes,
    /// Counted attempts of this cycle so far.
    pub attempts: u32,
    /// The status before the claim.
    pub claimed_from: Status,
    /// When it was due.
    pub was_due: Millis,
    /// Since when its work item is missed in the org, if it is.
    pub orphan_since: Option<Millis>,
    /// Its records: their names and contents.
    records: Vec<(String, Digest)>,
}

impl Claimed {
    /// As the domain judges it.
    pub fn in_flight(&self, held: bool) -> InFlight {
        InFlight {
            attempts: self.attempts,
            claimed_from: self.claimed_from,
            was_due: self.was_due,
            held,
            orphan_since: self.orphan_since,
        }
    }
}

/// What a claim brought.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claim {
    /// At most as many as asked for, the longest due first.
    pub items: Vec<Claimed>,
    /// When the next item that waits for nothing else is due; `None` when there is none.
    pub next_due: Option<Millis>,
}

/// Claims what is due at `now` for an org, at most `limit`; nothing while the org or the whole relay is paused.
pub(crate) fn claim(tx: &mut Tx<'_>, target: OrgId, limit: usize, now: Millis) -> Result<Claim> {
    let Some(target) = tx.orgs.find(tx.sql, target)? else { return Ok(Claim::default()) };
    let mut ready: Vec<(Millis, queue::Row)> = Vec::new();
    {
        // A pause is looked at here, in the same transaction: once somebody was told that it is paused, nothing more goes out,
        // however busy the worker is that is yet to hear of it.
        let mut routes =
            tx.sql.prepare_cached(concat!("SELECT id FROM routes WHERE target = ?1 AND ", sends!()))?;
        let routes: Vec<i64> =
            routes.query_map([target], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        // No LIMIT: SQLite plans a query anew when another is bound. What is not read costs nothing.
        let mut due = tx.sql.prepare_cached(queue::item_query!(
            ", i.due_at",
            "i.route = ?1 AND i.status IN (0, 2) AND i.blocked = 0 ORDER BY i.due_at, i.id"
        ))?;
        for route in routes {
            let rows =
                due.query_map([route], |row| Ok((Millis(row.get(queue::WIDTH)?), queue::row(row)?)))?;
            for row in rows.take(limit + 1) {
                ready.push(row?);
            }
        }
    }
    ready.sort_unstable_by_key(|(due, item)| (*due, item.key));
    let mut claim = Claim::default();
    for (due, item) in ready {
        if due > now || claim.items.len() == limit {
            claim.next_due = Some(due);
            break;
        }
        claim.items.push(take(tx, item, due, now)?);
    }
    Ok(claim)
}

fn take(tx: &mut Tx<'_>, mut item: queue::Row, was_due: Millis, now: Millis) -> Result<Claimed> {
    let claimed_from = item.status;
    let before = item.slot();
    item.status = Status::Processing;
    tx.sql
        .prepare_cached("UPDATE items SET status = 1, claimed_from = ?2, updated_at = ?3 WHERE id = ?1")?
        .execute((item.key, rows::status_code(claimed_from), now.0))?;
    tx.shift(Some(before), Some(item.slot()));
    let load = queue::load(tx.sql, &item)?;
    claimed(tx, &item, load, claimed_from, was_due)
}

/// An item that is in flight from now on: its target may hold what it sends at any moment.
fn claimed(
    tx: &Tx<'_>,
    item: &queue::Row,
    load: queue::Load,
    claimed_from: Status,
    was_due: Millis,
) -> Result<Claimed> {
    for (external_id, digest) in &load.records {
        let holding = accept::holding(tx.sql, item.target, external_id)?;
        accept::put_holding(tx.sql, item.target, external_id, holding.delivery_begun(*digest))?;
    }
    Ok(Claimed {
        key: item.key,
        id: item.uuid,
        transaction_id: load.transaction_id,
        body: load.body,
        attempts: item.attempts,
        claimed_from,
        was_due,
        orphan_since: item.orphan_since,
        records: load.records,
    })
}

/// An item that was made as one in flight.
pub(crate) fn claimed_at_once(
    tx: &Tx<'_>,
    item: &queue::Row,
    change: &Change,
    was_due: Millis,
) -> Result<Claimed> {
    claimed(tx, item, queue::Load::of(change), Status::Queued, was_due)
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What was claimed.
    pub claimed: Claimed,
    /// The requests that were made; the last one decides.
    pub tries: Vec<Try>,
    /// What the domain made of the last.
    pub verdict: Verdict,
    /// When it ended.
    pub ended: Millis,
    /// The org's API use, where it was told.
    pub api_usage: Option<ApiUsage>,
    /// The org's clock minus this machine's, where it was told.
    pub clock_skew_ms: Option<i64>,
}

/// Writes down what came of an attempt; returns the items that changed with it.
pub(crate) fn complete(tx: &mut Tx<'_>, target: OrgId, done: &Completion) -> Result<Vec<Uuid>> {
    let mut item = queue::by_key(tx.sql, done.claimed.key)?;
    if item.status != Status::Processing {
        return Err(Error::Corrupt(format!("item {} was in flight and is {}", item.uuid, item.status)));
    }
    let mut touched = vec![item.uuid];
    let number = item.attempts + 1;
    let last = done.tries.len().saturating_sub(1);
    for (index, one) in done.tries.iter().enumerate() {
        let (outcome, counted) = if index == last {
            (done.verdict.outcome, done.verdict.counted)
        } else {
            (Outcome::TokenRenewed, false)
        };
        log(tx, item.key, number, item.cycle, one, outcome, counted)?;
    }
    let verdict = done.verdict;
    let to = Move { status: verdict.status, due: verdict.due, at: done.ended };
    let attempts = if verdict.counted { number } else { item.attempts };
    let is_orphan = done.tries.last().is_some_and(|one| one.meaning == Meaning::ParentMissing);
    item.orphan_since =
        item.orphan_since.or(Some(done.ended)).filter(|_| is_orphan && verdict.status.is_open());
    if let Some(decisive) = done.tries.last() {
        let key = failure_key_of(target, decisive, verdict.status);
        queue::put_after(tx, &mut item, to, trace(attempts, decisive, key.as_deref(), verdict.status))?;
        for (external_id, digest) in &done.claimed.records {
            let digest = *digest;
            let holding = accept::holding(tx.sql, item.target, external_id)?;
            let after: Holding = match decisive.meaning {
                Meaning::Synced => holding.delivered(digest),
                Meaning::Superseded => holding.overtaken(digest),
                Meaning::Retry { .. } | Meaning::Unreachable | Meaning::ParentMissing => holding,
                Meaning::Refused
                | Meaning::SignInRequired
                | Meaning::TokenRenewed
                | Meaning::RateLimited { .. }
                | Meaning::EndpointMissing => holding.refused(digest),
            };
            if after != holding {
                accept::put_holding(tx.sql, item.target, external_id, after)?;
            }
        }
    } else {
        queue::put_after(tx, &mut item, to, queue::Trace { attempts, ..Default::default() })?;
    }
    tx.contacts.vitals(item.target, done.api_usage, done.clock_skew_ms);
    if verdict.status == Status::Synced {
        tx.contacts.delivered(item.target, done.ended);
    }
    if verdict.status.is_open() {
        let change = queue::change_of(tx.sql, item.txn)?;
        queue::settle(tx, &mut item, &change, done.ended, &mut touched)?;
    } else {
        let external_ids: Vec<&str> = done.claimed.records.iter().map(|(name, _)| name.as_str()).collect();
        queue::leave(tx, &item, &external_ids, &mut touched)?;
    }
    if verdict.status == Status::Synced {
        for (external_id, _) in &done.claimed.records {
            touched.extend(queue::parent_came(tx.sql, item.target, external_id, done.ended)?);
        }
    }
    Ok(touched)
}

fn log(
    tx: &Tx<'_>,
    item: i64,
    number: u32,
    cycle: u32,
    one: &Try,
    outcome: Outcome,
    counted: bool,
) -> Result<()> {
    tx.sql
        .prepare_cached(
            "INSERT INTO attempts (item, number, cycle, started_at, duration_ms, outcome, counted, http_status, error_code, message, response_body)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
        )?
        .execute((
            item,
            number,
            cycle,
            one.started_at.0,
            i64::try_from(one.duration.as_millis()).unwrap_or(i64::MAX),
            outcome.as_str(),
            counted,
            one.http_status,
            &one.error_code,
            &one.message,
            &one.response_body,
        ))?;
    if !counted {
        tx.sql
            .prepare_cached(
                "DELETE FROM attempts WHERE id = (SELECT id FROM attempts WHERE item = ?1 AND counted = 0 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
            )?
            .execute((item, UNCOUNTED_KEPT))?;
    }
    Ok(())
}

fn failure_key_of(target: OrgId, one: &Try, status: Status) -> Option<String> {
    (status == Status::Failed)
        .then(|| failure_key(target, one.http_status, one.error_code.as_deref(), one.message.as_deref()))
}

/// What an attempt leaves on its item; of one that was delivered, no error.
fn trace<'a>(attempts: u32, one: &'a Try, failure_key: Option<&'a str>, status: Status) -> queue::Trace<'a> {
    if status == Status::Synced {
        return queue::Trace { attempts, ..Default::default() };
    }
    queue::Trace {
        attempts,
        http_status: one.http_status,
        error_code: one.error_code.as_deref(),
        message: one.message.as_deref(),
        failure_key,
    }
}

/// Items that were in flight when the program died are sent again, at once: whether they arrived cannot be known.
pub(crate) fn recover(tx: &mut Tx<'_>, now: Millis) -> Result<u64> {
    let mut recovered = 0;
    loop {
        let found: Option<(i64, u8)> = tx
            .sql
            .prepare_cached(
                "SELECT id, coalesce(claimed_from, 0) FROM items WHERE status = 1 AND status < 3 LIMIT 1",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        let Some((key, from)) = found else { return Ok(recovered) };
        let mut item = queue::by_key(tx.sql, key)?;
        let status = if from == 2 { Status::Retrying } else { Status::Queued };
        queue::put(tx, &mut item, Move { status, due: Some(now), at: now })?;
        let change = queue::change_of(tx.sql, item.txn)?;
        queue::settle(tx, &mut item, &change, now, &mut Vec::new())?;
        recovered += 1;
    }
}

/// After the clock was set back, everything that waits for a time waits for the same moment by the new clock.
pub(crate) fn set_back(tx: &mut Tx<'_>, by: Duration) -> Result<usize> {
    let by = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
    let changed =
        tx.sql.prepare_cached("UPDATE items SET due_at = due_at - ?1 WHERE status < 3")?.execute([by])?;
    tx.sql
        .prepare_cached("UPDATE orgs SET hold_at = hold_at - ?1 WHERE hold_at IS NOT NULL")?
        .execute([by])?;
    Ok(changed)
}

/// After the clock was set back, due times that lie further off than any wait are brought back to the longest one.
pub(crate) fn pull_in(tx: &mut Tx<'_>, latest: Millis) -> Result<usize> {
    // A status at a time: so only those that lie too far off are walked through, and not everything that waits.
    let mut pull = tx
        .sql
        .prepare_cached("UPDATE items SET due_at = ?1 WHERE status = ?2 AND status < 3 AND due_at > ?1")?;
    let mut changed = 0;
    for status in [Status::Queued, Status::Processing, Status::Retrying] {
        changed += pull.execute((latest.0, rows::status_code(status)))?;
    }
    Ok(changed)
}
