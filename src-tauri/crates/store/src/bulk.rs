//! What a person does to failed items: retry, dismiss, restore.

use rusqlite::Connection;
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Bulk, Refusal, RefusalReason};
use crate::queue::{self, Move, Row};
use crate::rows;
use crate::writer::Tx;

/// What is done to each item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// A new cycle of attempts, from the first.
    Retry {
        /// When the first is due.
        first_due: Millis,
    },
    /// Out of the default view and the counts.
    Dismiss {
        /// Why.
        reason: String,
    },
    /// Back into them.
    Restore,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchDone {
    /// As the asker is told.
    pub bulk: Bulk,
    /// Every item that changed.
    pub touched: Vec<Uuid>,
    /// The orgs that now have something to be sent.
    pub targets: Vec<OrgId>,
}

/// Does it to each of `ids`, and says which it could not be done to.
pub(crate) fn apply(tx: &mut Tx<'_>, ids: &[Uuid], action: &Action, at: Millis) -> Result<BatchDone> {
    let mut done = BatchDone::default();
    for id in ids {
        let outcome = match queue::by_uuid(tx.sql, *id)? {
            None => Err(RefusalReason::NotFound),
            Some(item) => one(tx, item, action, at, &mut done)?,
        };
        match outcome {
            Ok(()) => {
                done.bulk.changed += 1;
                done.touched.push(*id);
            }
            Err(reason) => done.bulk.refused.push(Refusal { id: *id, reason }),
        }
    }
    Ok(done)
}

fn one(
    tx: &mut Tx<'_>,
    mut item: Row,
    action: &Action,
    at: Millis,
    done: &mut BatchDone,
) -> Result<std::result::Result<(), RefusalReason>> {
    if item.status != Status::Failed {
        return Ok(Err(RefusalReason::NotFailed(item.status)));
    }
    match action {
        Action::Retry { first_due } => {
            let change = tx.change(item.txn)?;
            if is_overtaken(tx.sql, &item, &change)? {
                return Ok(Err(RefusalReason::Superseded));
            }
            queue::put(tx, &mut item, Move { status: Status::Queued, due: Some(*first_due), at })?;
            tx.sql
                .prepare_cached("UPDATE items SET attempts = 0, cycle = cycle + 1 WHERE id = ?1")?
                .execute([item.key])?;
            queue::enter(tx, &item, &change)?;
            queue::settle(tx, &mut item, &change, at, &mut done.touched)?;
            let target = tx
                .sql
                .prepare_cached("SELECT org_id FROM orgs WHERE id = ?1")?
                .query_row([item.target], |row| rows::org(row, 0))?;
            if !done.targets.contains(&target) {
                done.targets.push(target);
            }
        }
        Action::Dismiss { .. } if item.dismissed => return Ok(Err(RefusalReason::Dismissed)),
        Action::Restore if !item.dismissed => return Ok(Err(RefusalReason::NotDismissed)),
        Action::Dismiss { reason } => mark(tx, &mut item, Some((at, reason)), at)?,
        Action::Restore => mark(tx, &mut item, None, at)?,
    }
    Ok(Ok(()))
}

fn mark(tx: &mut Tx<'_>, item: &mut Row, dismissed: Option<(Millis, &String)>, at: Millis) -> Result<()> {
    let before = item.slot();
    item.dismissed = dismissed.is_some();
    tx.sql
        .prepare_cached(
            "UPDATE items SET dismissed_at = ?2, dismiss_reason = ?3, updated_at = ?4 WHERE id = ?1",
        )?
        .execute((item.key, dismissed.map(|(at, _)| at.0), dismissed.map(|(_, reason)| reason), at.0))?;
    tx.shift(Some(before), Some(item.slot()));
    Ok(())
}

/// Is there a newer synced change to the same target that covers this one, so that a retry could only do harm?
fn is_overtaken(sql: &Connection, item: &Row, change: &Change) -> Result<bool> {
    let Some(first) = change.records.first() else { return Ok(false) };
    let mut newer = sql.prepare_cached(
        "SELECT i.txn FROM item_records ir JOIN items i ON i.id = ir.item JOIN routes r ON r.id = i.route
          WHERE ir.external_id = ?1 AND ir.item > ?2 AND i.status = 4 AND r.target = ?3",
    )?;
    let newer: Vec<i64> = newer
        .query_map((&first.external_id, item.key, item.target), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for txn in newer {
        if queue::change(sql, txn)?.covers(change) {
            return Ok(true);
        }
    }
    Ok(false)
}
