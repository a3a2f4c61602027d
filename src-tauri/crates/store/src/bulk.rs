//! What a person does to items: retry, dismiss, restore, send now. A batch of a run at a time, each in one transaction.

use std::collections::BTreeSet;
use std::sync::Arc;

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::ids::OrgId;
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Actor, Refusal, RefusalReason, RunAction};
use crate::queue::{self, Move, Row};
use crate::writer::Tx;
use crate::{rows, runs};

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
    /// The next attempt of what is retrying is due at once.
    SendNow,
}

impl Action {
    /// What the record calls it.
    pub(crate) fn name(&self) -> RunAction {
        match self {
            Self::Retry { .. } => RunAction::Retry,
            Self::Dismiss { .. } => RunAction::Dismiss,
            Self::Restore => RunAction::Restore,
            Self::SendNow => RunAction::SendNow,
        }
    }

    /// Why it is done, where somebody said so.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Dismiss { reason } => Some(reason),
            Self::Retry { .. } | Self::Restore | Self::SendNow => None,
        }
    }
}

/// A run as it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRun {
    /// Names it.
    pub id: Uuid,
    /// When it begins.
    pub at: Millis,
    /// Who asked for it.
    pub actor: Actor,
    /// What is done.
    pub action: Action,
    /// The filter as it was sent, in JSON; `None` for a list of items.
    pub filter: Option<String>,
    /// How many items were asked for.
    pub selected: u64,
    /// What was asked for and is no name of an item: refused with the first batch.
    pub unknown: Vec<String>,
}

/// A part of a run: a few hundred items, so that everything else gets its turn in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Of which run.
    pub run: Arc<NewRun>,
    /// The items, each once in the whole run.
    pub ids: Vec<Uuid>,
    /// Does the run begin with it?
    pub first: bool,
    /// Does the run end with it?
    pub last: bool,
    /// When it is done.
    pub at: Millis,
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BatchDone {
    /// How many items it changed.
    pub changed: u64,
    /// Which it did not, and why.
    pub refused: Vec<Refusal>,
    /// Every item that changed with them.
    pub touched: Vec<Uuid>,
    /// The orgs that the items that it changed go to.
    pub targets: Vec<OrgId>,
}

/// Does the batch, and writes down how far the run has come.
pub(crate) fn apply(tx: &mut Tx<'_>, batch: &Batch) -> Result<BatchDone> {
    let mut run =
        if batch.first { runs::begin(tx.sql, &batch.run)? } else { runs::go_on(tx.sql, batch.run.id)? };
    let (mut done, mut targets) = (BatchDone::default(), BTreeSet::new());
    if batch.first {
        let unknown = batch.run.unknown.iter().cloned();
        done.refused.extend(unknown.map(|id| Refusal { id, reason: RefusalReason::NotFound }));
    }
    for id in &batch.ids {
        let outcome = match queue::by_uuid(tx.sql, *id)? {
            None => Err(RefusalReason::NotFound),
            Some(item) => {
                let (key, target) = (item.key, item.target);
                let outcome = one(tx, item, &batch.run.action, batch.at, &mut done.touched)?;
                if outcome.is_ok() {
                    run.changed(tx.sql, key, batch.at)?;
                    targets.insert(target);
                }
                outcome
            }
        };
        match outcome {
            Ok(()) => {
                done.changed += 1;
                done.touched.push(*id);
            }
            Err(reason) => done.refused.push(Refusal { id: id.to_string(), reason }),
        }
    }
    for target in targets {
        let target = tx
            .sql
            .prepare_cached("SELECT org_id FROM orgs WHERE id = ?1")?
            .query_row([target], |row| rows::org(row, 0))?;
        done.targets.push(target);
    }
    run.refused(tx.sql, &done.refused)?;
    run.write(tx.sql)?;
    if batch.last {
        runs::end(tx.sql, &batch.run, batch.at)?;
    }
    Ok(done)
}

/// May this be done to the item? Decided here alone, for what is done and for what somebody asks whether it could be.
pub(crate) fn judge(
    sql: &Connection,
    item: &Row,
    action: RunAction,
) -> Result<std::result::Result<(), RefusalReason>> {
    Ok(match action {
        RunAction::SendNow if item.status == Status::Retrying => Ok(()),
        RunAction::SendNow => Err(RefusalReason::NotRetrying(item.status)),
        _ if item.status != Status::Failed => Err(RefusalReason::NotFailed(item.status)),
        // A retry could only do harm: the target has something newer that leaves nothing of this standing.
        RunAction::Retry if queue::is_covered(sql, item, |_, status| status == Status::Synced)? => {
            Err(RefusalReason::Superseded)
        }
        RunAction::Dismiss if item.dismissed => Err(RefusalReason::Dismissed),
        RunAction::Restore if !item.dismissed => Err(RefusalReason::NotDismissed),
        RunAction::Retry | RunAction::Dismiss | RunAction::Restore => Ok(()),
    })
}

fn one(
    tx: &mut Tx<'_>,
    mut item: Row,
    action: &Action,
    at: Millis,
    touched: &mut Vec<Uuid>,
) -> Result<std::result::Result<(), RefusalReason>> {
    if let Err(reason) = judge(tx.sql, &item, action.name())? {
        return Ok(Err(reason));
    }
    match action {
        Action::Retry { first_due } => {
            let change = queue::change_of(tx.sql, item.txn)?;
            queue::put(tx, &mut item, Move { status: Status::Queued, due: Some(*first_due), at })?;
            tx.sql
                .prepare_cached("UPDATE items SET attempts = 0, cycle = cycle + 1 WHERE id = ?1")?
                .execute([item.key])?;
            queue::enter(tx, &item, &change)?;
            queue::settle(tx, &mut item, &change, at, touched)?;
        }
        Action::SendNow => queue::pull_forward(tx.sql, &item, at)?,
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
