//! Rows come in: what is an edit goes the way of every change, and how far was read is written with it.

use bytes::Bytes;
use sync_monitor_domain::change::{Change, Operation, Record};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::error_code::ErrorCode;
use sync_monitor_domain::hub::{HubObject, Row};
use sync_monitor_domain::ids::OrgId;
use uuid::Uuid;

use super::introduce::introduce;
use super::records::{self, Held, State};
use crate::accept::{self, Accepted, Intake};
use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::queue;
use crate::stats::Event;
use crate::writer::Tx;

/// What the package's own ledger says of where a record came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    /// The record that the package's first sender had.
    pub global_id: String,
    /// The record that the last sender had.
    pub source_id: String,
}

/// A row, and what the ledger says of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PulledRow {
    /// As it is now.
    pub row: Row,
    /// Asked for only of records that were never heard of.
    pub ledger: Option<Ledger>,
}

/// What a query brought.
#[derive(Debug, Clone)]
pub struct Page {
    /// Whose rows.
    pub org: OrgId,
    /// The rows, all of one object, the longest unchanged first.
    pub rows: Vec<PulledRow>,
    /// Were they read for a delivery to the org? Then there need be no way from it.
    pub for_delivery: bool,
    /// Were they read just now because they had seemed to be of before a delivery?
    pub is_confirmed: bool,
    /// How far the object is read with them; `None` where they were read for another reason.
    pub watermark: Option<(HubObject, Timestamp)>,
    /// Now.
    pub at: Millis,
    /// When the first attempt of what goes on is due.
    pub first_due: Millis,
    /// A name for each item that may be made.
    pub new_id: fn() -> Uuid,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Taken {
    /// Rows that were edits, whoever won.
    pub changes: u64,
    /// Edits that lost against a newer version.
    pub conflicts: u64,
    /// Rows that changed only because a delivery came.
    pub echoes: u64,
    /// Records that were deleted for good.
    pub deleted: u64,
    /// The orgs that now have something to be sent.
    pub targets: Vec<OrgId>,
    /// The items that were made or changed.
    pub items: Vec<Uuid>,
    /// Records whose rows are of before what their org is known to hold by now (a delivery came in between), or of an org whose
    /// clock was set back. They were left alone, and are to be read again.
    pub outdated: Vec<String>,
}

impl Page {
    /// What a row says goes the way of every change.
    pub(super) fn intake(&self, row: &Row, body: Bytes, adds: bool) -> Result<Intake> {
        let change = Change::reread(body)
            .map_err(|_| Error::Corrupt(format!("the record {} of {} makes no payload", row.id, self.org)))?;
        let (at, first_due, new_id) = (self.at, self.first_due, self.new_id);
        Ok(Intake { change: change.into(), at, first_due, new_id, adds, only: None, doors: None })
    }
}

pub(super) fn take(tx: &mut Tx<'_>, page: &Page) -> Result<Taken> {
    let org = tx.org(page.org)?;
    let mut taken = Taken::default();
    for pulled in &page.rows {
        row(tx, page, org, pulled, &mut taken)?;
    }
    if taken.echoes > 0 {
        tx.tally.happenings.note(page.at, org, Event::Echo, taken.echoes);
        tx.sql
            .prepare_cached("UPDATE orgs SET suppressed_echoes = suppressed_echoes + ?2 WHERE id = ?1")?
            .execute((org, taken.echoes))?;
        let entry = Entry::relay(page.at, "echo.suppress").subject(page.org).count(taken.echoes);
        activity::add(tx.sql, &entry.detail("records changed only because a delivery came"))?;
    }
    if let Some((object, stamp)) = page.watermark {
        tx.sql
            .prepare_cached(
                "INSERT INTO watermarks (org, object, stamp_us) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET stamp_us = max(stamp_us, excluded.stamp_us)",
            )?
            .execute((org, object.name(), stamp.0))?;
    }
    Ok(taken)
}

fn row(tx: &mut Tx<'_>, page: &Page, org: i64, pulled: &PulledRow, taken: &mut Taken) -> Result<()> {
    let row = &pulled.row;
    let known = records::by_id(tx.sql, org, &row.id)?;
    if row.is_deleted {
        return deleted(tx, page, org, row, known, taken);
    }
    let state = if row.is_active { State::Active } else { State::GivenUp };
    if let Some(known) = &known
        && known.fields.as_ref() == Some(&row.fields)
        && known.state == state
    {
        if row.stamp > known.stamp {
            taken.echoes += u64::from(known.delivered);
            records::put(tx.sql, org, row.object, &Held { stamp: row.stamp, ..known.clone() })?;
        }
        return Ok(());
    }
    if let (HubObject::Document, Some(known)) = (row.object, &known) {
        // A file has a new name: the package's service could not tell anybody, and its bytes are the same.
        let held = Held { fields: Some(row.fields.clone()), stamp: row.stamp, ..known.clone() };
        return records::put(tx.sql, org, row.object, &held);
    }
    let is_trusted = page.is_confirmed || page.for_delivery;
    if known.as_ref().is_some_and(|known| known.fields.is_some() && row.stamp < known.stamp) && !is_trusted {
        taken.outdated.push(row.id.clone());
        return Ok(());
    }
    if let Some(known) = &known
        && records::is_being_put_back(tx.sql, org, row.object, &known.external_id, &row.fields)?
    {
        return Ok(());
    }
    let external_id = name(tx, org, page.org, row.object, &row.id, pulled.ledger.as_ref(), known.as_ref())?;
    let mirrored = known.as_ref().and_then(|known| known.fields.as_ref());
    let now = (&row.fields, row.is_active);
    let is_ours = records::is_ours(tx.sql, org, row.object, &external_id, mirrored, now)?;
    let before = known.as_ref().map(|known| known.state);
    if row.object == HubObject::WorkItem
        && matches!(before, None | Some(State::Gone))
        && !queue::parent_came(tx.sql, org, &external_id, page.at)?.is_empty()
    {
        taken.targets.push(page.org);
    }
    let held = Held {
        record_id: row.id.clone(),
        external_id,
        fields: Some(row.fields.clone()),
        stamp: row.stamp,
        revision: known.as_ref().map_or(0, |known| known.revision) + 1,
        delivered: false,
        state,
    };
    if is_ours {
        // An answer was lost, or is still on its way: the delivery arrived.
        taken.echoes += 1;
        records::arrived(tx, org, row.object, &held.external_id)?;
        return records::put(tx.sql, org, row.object, &Held { delivered: true, ..held });
    }
    // What was given up before anybody heard of it, or is changed while it is, is nobody's business.
    let is_news = row.is_active || before == Some(State::Active);
    let place = place(tx, page.org, org, row)?;
    let parent = match &place {
        Place::Below(parent, _) => Some(parent.as_str()),
        Place::Top | Place::Nowhere => None,
    };
    if is_news && !matches!(place, Place::Nowhere) {
        if let Place::Below(_, Some(known)) = &place {
            introduce(tx, page, org, known, taken)?;
        }
        let accepted = hand_in(tx, page, row, &held, parent)?;
        taken.changes += 1;
        let conflict = accepted.reply.faults.iter().any(|fault| fault.code == ErrorCode::Conflict);
        taken.conflicts += u64::from(conflict);
        taken.targets.extend(accepted.targets);
        taken.items.extend(accepted.items);
        records::put(tx.sql, org, row.object, &held)?;
        if conflict {
            lost(tx, page, org, row, &held.external_id, taken)?;
        }
        return Ok(());
    }
    records::put(tx.sql, org, row.object, &held)
}

/// A record was deleted for good: that is told, and repeated nowhere.
fn deleted(
    tx: &mut Tx<'_>,
    page: &Page,
    org: i64,
    row: &Row,
    known: Option<Held>,
    taken: &mut Taken,
) -> Result<()> {
    let Some(known) = known.filter(|known| known.state != State::Gone) else { return Ok(()) };
    taken.deleted += 1;
    let detail = format!(
        "The {} {} was deleted in {}. It stays as it is everywhere else; give it up there where that is meant.",
        row.object, row.id, page.org
    );
    let entry = Entry::relay(page.at, "pull.deleted").subject(&known.external_id).detail(&detail);
    activity::add(tx.sql, &entry)?;
    records::put(tx.sql, org, row.object, &Held { state: State::Gone, stamp: row.stamp, ..known })
}

/// The name of a record everywhere: the one that it has, that of the record it is a copy of, or a new one.
fn name(
    tx: &Tx<'_>,
    org: i64,
    org_id: OrgId,
    object: HubObject,
    record_id: &str,
    ledger: Option<&Ledger>,
    known: Option<&Held>,
) -> Result<String> {
    if let Some(known) = known {
        return Ok(known.external_id.clone());
    }
    let own = format!("{org_id}:{record_id}");
    let origins: Vec<&str> = ledger
        .into_iter()
        .flat_map(|ledger| [ledger.global_id.as_str(), ledger.source_id.as_str()])
        .collect();
    let named = match records::name_of_origin(tx.sql, org, object, &origins)? {
        Some(named) => Some(named),
        // Another org has named this record before it was read here.
        None => records::name_of_origin(tx.sql, org, object, &[&own])?.or(records::name_of_origin(
            tx.sql,
            org,
            object,
            &[record_id],
        )?
        .filter(|name| name == record_id)),
    };
    let first_origin = origins.into_iter().find(|origin| !origin.is_empty());
    let name = named.or_else(|| first_origin.map(str::to_owned)).unwrap_or_else(|| own.clone());
    // Two records of one org are never one, whatever the ledger says.
    if records::is_taken(tx.sql, org, object, &name)? { Ok(own) } else { Ok(name) }
}

/// Below what a row is told.
enum Place {
    /// It is the record itself.
    Top,
    /// Below this work item, by its name; with what the org is known to hold of it.
    Below(String, Option<Held>),
    /// A child that cannot be told of.
    Nowhere,
}

fn place(tx: &Tx<'_>, org_id: OrgId, org: i64, row: &Row) -> Result<Place> {
    if row.object == HubObject::WorkItem {
        return Ok(Place::Top);
    }
    let Some(parent_id) = &row.parent else { return Ok(Place::Nowhere) };
    let known = records::by_id(tx.sql, org, parent_id)?;
    // What is said of a work item that was given up is nobody's business either.
    if known.as_ref().is_some_and(|known| known.state != State::Active) {
        return Ok(Place::Nowhere);
    }
    let name = name(tx, org, org_id, HubObject::WorkItem, parent_id, None, known.as_ref())?;
    Ok(Place::Below(name, known))
}

/// A row goes the way of every change.
fn hand_in(tx: &mut Tx<'_>, page: &Page, row: &Row, held: &Held, parent: Option<&str>) -> Result<Accepted> {
    let operation = if row.is_active { Operation::Upsert } else { Operation::Delete };
    let newest = accept::newest(tx.sql, &held.external_id)?;
    // Of one org the later arrival is the later write, even where its clock was set back in between.
    let stamp = match newest {
        Some(newest) if newest.source == page.org => row.stamp.max(newest.timestamp),
        _ => row.stamp,
    };
    let transaction = row.transaction(page.org, held.revision);
    let dated = Row { stamp, ..row.clone() };
    let body = dated.payload(page.org, &transaction, operation, &held.external_id, parent);
    let intake = page.intake(row, body, row.object != HubObject::WorkItem)?;
    let accepted = accept::accept(tx, &intake)?;
    let leads_nowhere = accepted.reply.faults.iter().any(|fault| fault.code == ErrorCode::NoRoute);
    if leads_nowhere && page.for_delivery {
        let detail = format!(
            "{} was changed in {}, where no route starts; a delivery writes over it.",
            row.id, page.org
        );
        let entry = Entry::relay(page.at, "edit.overwrite").subject(&held.external_id).detail(&detail);
        activity::add(tx.sql, &entry)?;
    } else if leads_nowhere {
        return Err(Error::Refused(format!("No route starts at {}, so nothing is read there.", page.org)));
    }
    Ok(accepted)
}

/// An edit lost against a newer version: that is told, and the newer version goes there (again), since what the org holds
/// now is not it.
fn lost(
    tx: &mut Tx<'_>,
    page: &Page,
    org: i64,
    row: &Row,
    external_id: &str,
    taken: &mut Taken,
) -> Result<()> {
    let Some(newest) = accept::newest(tx.sql, external_id)? else { return Ok(()) };
    let detail = format!(
        "The edit of {} in {} lost against the one of {} in {}.",
        row.stamp, page.org, newest.timestamp, newest.source
    );
    let entry = Entry::relay(page.at, "conflict.drop").subject(external_id).detail(&detail);
    activity::add(tx.sql, &entry)?;
    let source = tx.org(newest.source)?;
    // One in flight may have been written before this row was read. Not so where the row was read for it: it is written next.
    let may_be_written = !page.for_delivery;
    let candidates: Vec<i64> = tx
        .sql
        .prepare_cached(
            "SELECT DISTINCT t.id
               FROM item_records of JOIN items s ON s.id = of.item JOIN transactions t ON t.id = s.txn
              WHERE of.external_id = ?3 AND t.source = ?1 AND t.timestamp_us = ?2 AND t.body IS NOT NULL
                AND NOT EXISTS (SELECT 1 FROM items i JOIN routes r ON r.id = i.route
                                 WHERE i.txn = t.id AND r.target = ?4 AND i.status < 3 AND NOT (?5 AND i.status = 1))
              ORDER BY t.id DESC",
        )?
        .query_map((source, newest.timestamp.0, external_id, org, may_be_written), |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // A comment of the same moment is below the same name, and is not the version that won.
    let mut txn = None;
    for candidate in candidates {
        let change = queue::change_of(tx.sql, candidate)?;
        let is_it = |record: &Record| record.external_id == external_id && record.digest == newest.digest;
        if change.records.iter().any(is_it) {
            txn = Some(candidate);
            break;
        }
    }
    let leg = tx.routes.from(tx.sql, source)?.into_iter().find(|leg| leg.target == org);
    if let (Some(txn), Some(leg)) = (txn, leg) {
        taken.items.push(accept::send_again(tx, txn, leg, (page.at, page.first_due), page.new_id)?);
        taken.targets.push(page.org);
    }
    Ok(())
}
