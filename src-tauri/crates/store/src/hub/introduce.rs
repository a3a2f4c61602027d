//! A comment or log goes to an org that was never told of its work item (it is older than what was asked for there, or than
//! the route): then the work item goes first.

use rusqlite::Connection;
use sync_monitor_domain::change::Operation;
use sync_monitor_domain::hub::{HubObject, Row};
use sync_monitor_domain::ids::OrgId;

use super::records::{self, Held, State};
use super::take::{Page, Taken};
use crate::accept::{self, Intake};
use crate::error::Result;
use crate::writer::Tx;
use crate::{orgs, queue};

/// Was an org never told of a work item, and does not have it?
fn is_new_to(sql: &Connection, target: i64, external_id: &str) -> Result<bool> {
    let has_it: bool = sql
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM hub_records WHERE org = ?1 AND object = ?2 AND external_id = ?3)
                 OR EXISTS (SELECT 1 FROM holdings WHERE org = ?1 AND external_id = ?3 AND origin = 1)",
        )?
        .query_row((target, HubObject::WorkItem.name(), external_id), |row| row.get(0))?;
    if has_it {
        return Ok(false);
    }
    // Whatever became of what was sent: what failed is mended, and what was dismissed is not wanted.
    let mut sent = sql.prepare_cached(
        "SELECT i.txn FROM item_records of JOIN items i ON i.id = of.item JOIN routes r ON r.id = i.route
           JOIN transactions t ON t.id = i.txn
          WHERE of.external_id = ?2 AND r.target = ?1 AND t.body IS NOT NULL ORDER BY of.item",
    )?;
    let mut rows = sent.query((target, external_id))?;
    while let Some(row) = rows.next()? {
        if !queue::change_of(sql, row.get(0)?)?.only_adds() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Which of these work items of an org must be read for the comments and logs below them: those that were never heard of,
/// of which nothing is known, or that an org is to be told of for the first time.
pub(super) fn to_read(sql: &Connection, org: OrgId, parents: Vec<String>) -> Result<Vec<String>> {
    let Some(key) = orgs::find(sql, org)? else { return Ok(parents) };
    let targets: Vec<i64> = sql
        .prepare_cached("SELECT target FROM routes WHERE source = ?1 AND removed_at IS NULL")?
        .query_map([key], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut wanted = Vec::new();
    for id in parents {
        let is_wanted = match records::by_id(sql, key, &id)? {
            Some(Held { fields: Some(_), external_id, .. }) => {
                let mut is_new = false;
                for target in &targets {
                    is_new = is_new || is_new_to(sql, *target, &external_id)?;
                }
                is_new
            }
            Some(Held { fields: None, .. }) | None => true,
        };
        if is_wanted {
            wanted.push(id);
        }
    }
    Ok(wanted)
}

/// Sends a work item, as its org holds it, to those that are to be told of something below it and were never told of it. It
/// competes with no other version: it is no edit.
pub(super) fn introduce(
    tx: &mut Tx<'_>,
    page: &Page,
    org: i64,
    parent: &Held,
    taken: &mut Taken,
) -> Result<()> {
    let Some(fields) = parent.fields.clone().filter(|_| parent.state == State::Active) else { return Ok(()) };
    let row = Row {
        object: HubObject::WorkItem,
        id: parent.record_id.clone(),
        stamp: parent.stamp,
        is_deleted: false,
        is_active: true,
        parent: None,
        created_at: None,
        fields,
        document: None,
        content: None,
    };
    for leg in tx.routes.from(tx.sql, org)? {
        if !is_new_to(tx.sql, leg.target, &parent.external_id)? {
            continue;
        }
        let transaction =
            format!("{}-for-{}", row.transaction(page.org, parent.revision), leg.target_id.short());
        let body = row.payload(page.org, &transaction, Operation::Upsert, &parent.external_id, None);
        let intake = Intake { only: Some(leg.target), ..page.intake(&row, body, true)? };
        let accepted = accept::accept(tx, &intake)?;
        taken.targets.extend(accepted.targets);
        taken.items.extend(accepted.items);
    }
    Ok(())
}
