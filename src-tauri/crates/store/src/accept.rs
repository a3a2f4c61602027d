//! A payload comes in: everything known is looked up, the domain decides, and what it decided is written, in one
//! transaction.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};
use sync_monitor_domain::change::Change;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::{self, Timestamp, Version};
use sync_monitor_domain::echo::{Holding, Origin};
use sync_monitor_domain::ids::{Digest, OrgId};
use sync_monitor_domain::intake::{self, Decision, KnownRecord, KnownTransaction, Reply, Split};
use sync_monitor_domain::item::Status;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::delivery;
use crate::door::{Doors, Handed, Place};
use crate::error::{Error, Result};
use crate::queue::{self, Move, Row};
use crate::routes::Leg;
use crate::rows;
use crate::stats::Event;
use crate::writer::Tx;

/// What came of a payload.
#[derive(Debug)]
pub struct Accepted {
    /// What the sender is told.
    pub reply: Reply,
    /// The orgs that now have something waiting to be sent, or something that waits no more for another.
    pub targets: Vec<OrgId>,
    /// The items that were claimed as they came in, to be sent at once.
    pub handed: Vec<Handed>,
    /// The items that were made or changed.
    pub items: Vec<Uuid>,
}

/// What is needed to take a payload in.
pub(crate) struct Intake {
    pub(crate) change: Arc<Change>,
    pub(crate) at: Millis,
    /// When the first attempt is due.
    pub(crate) first_due: Millis,
    /// A name for each item that may be made.
    pub(crate) new_id: fn() -> Uuid,
    /// Does it only add to its records (a comment)? Then it competes with no other version of them.
    pub(crate) adds: bool,
    /// The only org that it goes to, where it is not every target.
    pub(crate) only: Option<i64>,
    /// The ways that it may go at once, where whoever takes it in sends what was handed to him.
    pub(crate) doors: Option<Arc<Doors>>,
}

pub(crate) fn accept(tx: &mut Tx<'_>, intake: &Intake) -> Result<Accepted> {
    let change = &intake.change;
    let source = tx.orgs.find(tx.sql, change.source)?;
    let known = transaction(tx.sql, &change.transaction_id)?;
    let mut legs = source.map_or(Ok(Vec::new()), |source| tx.routes.from(tx.sql, source))?;
    legs.retain(|leg| intake.only.is_none_or(|only| leg.target == only));
    let records = if intake.adds {
        vec![KnownRecord::default(); change.records.len()]
    } else {
        known_records(tx.sql, source, change)?
    };
    let decision = intake::decide(change, known.as_ref().map(|(_, known)| known), !legs.is_empty(), &records);
    let reply = Reply::to(&decision, change, |index| records[index].newest.map(|v| v.timestamp));
    let mut done = Accepted { reply, targets: Vec::new(), handed: Vec::new(), items: Vec::new() };
    match (&decision, source) {
        (Decision::TransactionEcho, _) => {
            let source = tx.org(change.source)?;
            let txn = known.map(|(key, _)| key);
            transaction_echo(tx, intake, source, txn, &mut done)?;
        }
        (Decision::Repeat, Some(source)) => tx.contacts.received(source, intake.at),
        (Decision::Conflict { stale }, Some(source)) => {
            tx.contacts.received(source, intake.at);
            note_sent(tx.sql, source, change, stale, &records)?;
        }
        (Decision::Accept(split), Some(source)) => {
            tx.contacts.received(source, intake.at);
            take(tx, intake, source, &legs, split, &records, &mut done)?;
        }
        (
            Decision::Repeat
            | Decision::TransactionReused
            | Decision::NoRoute
            | Decision::Conflict { .. }
            | Decision::Accept(_),
            _,
        ) => {}
    }
    Ok(done)
}

fn transaction(sql: &Connection, transaction_id: &str) -> Result<Option<(i64, KnownTransaction)>> {
    let mut statement = sql.prepare_cached(
        "SELECT t.id, o.org_id, t.digest FROM transactions t JOIN orgs o ON o.id = t.source WHERE t.transaction_id = ?1",
    )?;
    let known = statement
        .query_row([transaction_id], |row| {
            Ok((row.get(0)?, KnownTransaction { source: rows::org(row, 1)?, digest: rows::digest(row, 2)? }))
        })
        .optional()?;
    Ok(known)
}

fn known_records(sql: &Connection, source: Option<i64>, change: &Change) -> Result<Vec<KnownRecord>> {
    let mut known = Vec::with_capacity(change.records.len());
    for record in &change.records {
        let newest = newest(sql, &record.external_id)?;
        let held_by_source =
            source.map_or(Ok(Holding::default()), |org| holding(sql, org, &record.external_id))?;
        known.push(KnownRecord { newest, held_by_source });
    }
    Ok(known)
}

/// The newest version known of a record, whoever made it.
pub(crate) fn newest(sql: &Connection, external_id: &str) -> Result<Option<Version>> {
    let mut statement = sql.prepare_cached(
        "SELECT r.timestamp_us, o.org_id, r.digest FROM records r JOIN orgs o ON o.id = r.source WHERE r.external_id = ?1",
    )?;
    let newest = statement.query_row([external_id], |row| {
        Ok(Version {
            timestamp: Timestamp(row.get(0)?),
            source: rows::org(row, 1)?,
            digest: rows::digest(row, 2)?,
        })
    });
    Ok(newest.optional()?)
}

/// What an org is known to hold of a record.
pub(crate) fn holding(sql: &Connection, org: i64, external_id: &str) -> Result<Holding> {
    let mut statement = sql.prepare_cached(
        "SELECT known, origin, delivering FROM holdings WHERE org = ?1 AND external_id = ?2",
    )?;
    let holding = statement
        .query_row((org, external_id), |row| {
            let origin =
                row.get::<_, Option<i64>>(1)?.map(|o| if o == 0 { Origin::Delivered } else { Origin::Sent });
            Ok(Holding {
                known: rows::digest_or_null(row, 0)?.zip(origin),
                delivering: rows::digest_or_null(row, 2)?,
            })
        })
        .optional()?;
    Ok(holding.unwrap_or_default())
}

/// Writes what an org is known to hold of a record.
pub(crate) fn put_holding(sql: &Connection, org: i64, external_id: &str, holding: Holding) -> Result<()> {
    let origin = holding.known.map(|(_, origin)| match origin {
        Origin::Delivered => 0,
        Origin::Sent => 1,
    });
    let known: Option<Digest> = holding.known.map(|(digest, _)| digest);
    sql.prepare_cached(
        "INSERT INTO holdings (org, external_id, known, origin, delivering) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT DO UPDATE SET known = excluded.known, origin = excluded.origin, delivering = excluded.delivering",
    )?
    .execute((
        org,
        external_id,
        known.as_ref().map(Digest::as_bytes),
        origin,
        holding.delivering.as_ref().map(Digest::as_bytes),
    ))?;
    Ok(())
}

/// The source sent these records itself: that is what it holds now, whether or not they won.
fn note_sent(
    sql: &Connection,
    source: i64,
    change: &Change,
    indexes: &[usize],
    known: &[KnownRecord],
) -> Result<()> {
    for index in indexes {
        let record = &change.records[*index];
        put_holding(sql, source, &record.external_id, known[*index].held_by_source.sent(record.digest))?;
    }
    Ok(())
}

fn count_echoes(tx: &mut Tx<'_>, intake: &Intake, source: i64, echoes: usize, detail: &str) -> Result<()> {
    tx.tally.happenings.note(intake.at, source, Event::Echo, echoes as u64);
    tx.sql
        .prepare_cached("UPDATE orgs SET suppressed_echoes = suppressed_echoes + ?2 WHERE id = ?1")?
        .execute((source, echoes))?;
    let entry = Entry::relay(intake.at, "echo.suppress").subject(&intake.change.transaction_id);
    activity::add(tx.sql, &entry.reason(intake.change.source.as_str()).count(echoes as u64).detail(detail))
}

/// A transaction comes back from an org: it goes nowhere, and no longer to that org either.
fn transaction_echo(
    tx: &mut Tx<'_>,
    intake: &Intake,
    source: i64,
    txn: Option<i64>,
    done: &mut Accepted,
) -> Result<()> {
    tx.contacts.received(source, intake.at);
    count_echoes(tx, intake, source, 1, "the transaction came back from an org that got it by a sync")?;
    let Some(txn) = txn else { return Ok(()) };
    tx.sql
        .prepare_cached("INSERT OR IGNORE INTO sightings (txn, org) VALUES (?1, ?2)")?
        .execute((txn, source))?;
    let waiting: Option<i64> = tx
        .sql
        .prepare_cached(
            "SELECT i.id FROM items i JOIN routes r ON r.id = i.route WHERE i.txn = ?1 AND r.target = ?2 AND i.status IN (0, 2)",
        )?
        .query_row((txn, source), |row| row.get(0))
        .optional()?;
    if let Some(key) = waiting {
        // An answer was lost: the org has the change, so it need not be sent again.
        let mut item = queue::by_key(tx.sql, key)?;
        let change = queue::change_of(tx.sql, txn)?;
        queue::put(tx, &mut item, Move { status: Status::Synced, due: None, at: intake.at })?;
        done.items.push(item.uuid);
        // What waited for it there may go.
        done.targets.push(intake.change.source);
        queue::leave(tx, &item, &queue::names(&change), &mut done.items)?;
    }
    Ok(())
}

fn take(
    tx: &mut Tx<'_>,
    intake: &Intake,
    source: i64,
    legs: &[Leg],
    split: &Split,
    known: &[KnownRecord],
    done: &mut Accepted,
) -> Result<()> {
    let change = &intake.change;
    if !split.echoes.is_empty() {
        let ids: Vec<&str> = split.echoes.iter().map(|i| change.records[*i].external_id.as_str()).collect();
        count_echoes(tx, intake, source, split.echoes.len(), &ids.join(", "))?;
    }
    let competing = if intake.adds { &Split::default() } else { split };
    note_sent(tx.sql, source, change, &competing.stale, known)?;
    note_sent(tx.sql, source, change, &competing.repeats, known)?;
    note_sent(tx.sql, source, change, &competing.kept, known)?;
    let last_item = relay(tx, intake, source, legs, split, done)?;
    let (kept, repeats) = (competing.kept.iter(), competing.repeats.iter());
    for (index, is_kept) in kept.map(|index| (*index, true)).chain(repeats.map(|index| (*index, false))) {
        let record = &change.records[index];
        let newest = conflict::newest(known[index].newest.as_ref(), &intake::version(change, index));
        let source = tx.org(newest.source)?;
        let (name, timestamp, digest) = (&record.external_id, newest.timestamp.0, newest.digest.as_bytes());
        // Not one statement that does either: SQLite copies what it may have to undo before such a one.
        if known[index].newest.is_none() {
            tx.sql
                .prepare_cached(
                    "INSERT INTO records (external_id, timestamp_us, source, digest, title, last_item) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute((name, timestamp, source, digest, &record.title, last_item))?;
        } else if is_kept {
            tx.sql
                .prepare_cached(
                    "UPDATE records SET timestamp_us = ?2, source = ?3, digest = ?4, title = ?5, last_item = coalesce(?6, last_item)
                      WHERE external_id = ?1",
                )?
                .execute((name, timestamp, source, digest, &record.title, last_item))?;
        } else {
            tx.sql
                .prepare_cached(
                    "UPDATE records SET timestamp_us = ?2, source = ?3, digest = ?4 WHERE external_id = ?1",
                )?
                .execute((name, timestamp, source, digest))?;
        }
    }
    Ok(())
}

/// Remembers the transaction, and makes an item of what goes on for each target; returns the last one.
fn relay(
    tx: &mut Tx<'_>,
    intake: &Intake,
    source: i64,
    legs: &[Leg],
    split: &Split,
    done: &mut Accepted,
) -> Result<Option<i64>> {
    let change = &intake.change;
    queue::overtaken_at_home(tx, source, change, &split.kept, intake.at, &mut done.items)?;
    if !done.items.is_empty() {
        // What waited for those that are superseded may go.
        done.targets.push(change.source);
    }
    let relayed = if split.kept.len() == change.records.len() {
        Arc::clone(change)
    } else if split.kept.is_empty() {
        remember(tx, intake, source, None)?;
        return Ok(None);
    } else {
        let left = Change::reread(change.body_with(&split.kept));
        Arc::new(left.map_err(|_| Error::Corrupt("a payload lost its form".into()))?)
    };
    let txn = remember(tx, intake, source, Some(&relayed))?;
    let mut last = None;
    for leg in legs {
        let times = (intake.at, intake.first_due);
        let place = enter(tx, intake, *leg, &relayed)?;
        let status = if place.is_some() { Status::Processing } else { Status::Queued };
        let mut item = insert(tx, times, intake.new_id, txn, *leg, &relayed, status)?;
        if let Some(place) = place {
            let claimed = delivery::claimed_at_once(tx, &item, &relayed, intake.first_due)?;
            done.handed.push(Handed { org: leg.target_id, claimed, place });
        } else {
            queue::settle(tx, &mut item, &relayed, intake.at, &mut done.items)?;
            done.targets.push(leg.target_id);
        }
        done.items.push(item.uuid);
        last = Some(item.key);
    }
    if let Some(last) = last.filter(|_| intake.adds) {
        touch(tx.sql, &relayed, last)?;
    }
    Ok(last)
}

/// The newest item of these records is this one, though it says nothing of their versions.
fn touch(sql: &Connection, change: &Change, item: i64) -> Result<()> {
    for record in &change.records {
        sql.prepare_cached("UPDATE records SET last_item = ?2 WHERE external_id = ?1")?
            .execute((&record.external_id, item))?;
    }
    Ok(())
}

/// Remembers the transaction, with what of it goes on.
fn remember(tx: &mut Tx<'_>, intake: &Intake, source: i64, relayed: Option<&Change>) -> Result<i64> {
    let change = &intake.change;
    let external_ids: Vec<&str> =
        relayed.unwrap_or(change).records.iter().map(|r| r.external_id.as_str()).collect();
    let external_ids =
        serde_json::to_string(&external_ids).map_err(|error| Error::Corrupt(error.to_string()))?;
    let title = relayed.unwrap_or(change).records.first().and_then(|r| r.title.as_deref());
    tx.sql.prepare_cached(
        "INSERT INTO transactions (transaction_id, source, timestamp_us, operation, digest, external_ids, title, body, accepted_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute((
        &change.transaction_id,
        source,
        change.timestamp.0,
        change.operation.as_str(),
        change.digest.as_bytes(),
        &external_ids,
        title,
        relayed.map(|c| c.body().as_ref()),
        intake.at.0,
    ))?;
    let key = tx.sql.last_insert_rowid();
    if relayed.is_some() {
        tx.words.add_transaction(key, &change.transaction_id, &external_ids, title);
    }
    Ok(key)
}

/// A place for what goes to a target at once: if it is due, the target takes something, and nothing of the same records is on
/// its way there or waits.
fn enter(tx: &Tx<'_>, intake: &Intake, leg: Leg, relayed: &Change) -> Result<Option<Place>> {
    let door = intake.doors.as_ref().and_then(|doors| doors.of(leg.target_id));
    let Some(door) = door.filter(|_| intake.first_due <= intake.at) else { return Ok(None) };
    let Some(place) = door.enter() else { return Ok(None) };
    if leg.sends && queue::is_alone(tx.sql, leg.target, relayed)? {
        return Ok(Some(place));
    }
    door.set_clear(false);
    Ok(None)
}

/// Makes an item for one target, which is waiting to be sent or in flight at once.
fn insert(
    tx: &mut Tx<'_>,
    (at, first_due): (Millis, Millis),
    new_id: fn() -> Uuid,
    txn: i64,
    leg: Leg,
    relayed: &Change,
    status: Status,
) -> Result<Row> {
    let uuid = new_id();
    let claimed_from = (status == Status::Processing).then_some(rows::status_code(Status::Queued));
    tx.sql
        .prepare_cached(
            "INSERT INTO items (uuid, txn, route, status, due_at, created_at, updated_at, claimed_from) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7)",
        )?
        .execute((
            uuid.as_bytes().as_slice(),
            txn,
            leg.route,
            rows::status_code(status),
            first_due.0,
            at.0,
            claimed_from,
        ))?;
    let item = Row {
        key: tx.sql.last_insert_rowid(),
        uuid,
        txn,
        route: leg.route,
        target: leg.target,
        status,
        blocked: false,
        dismissed: false,
        attempts: 0,
        cycle: 1,
        created_at: at,
        has_error: false,
        orphan_since: None,
    };
    tx.shift(None, Some(item.slot()));
    tx.happened(at, leg.target, Event::Accepted);
    for record in &relayed.records {
        tx.sql
            .prepare_cached("INSERT INTO item_records (external_id, item) VALUES (?1, ?2)")?
            .execute((&record.external_id, item.key))?;
    }
    queue::enter(tx, &item, relayed)?;
    Ok(item)
}

/// A transaction goes once more to a target that no longer holds it; returns the item's name.
pub(crate) fn send_again(
    tx: &mut Tx<'_>,
    txn: i64,
    leg: Leg,
    times: (Millis, Millis),
    new_id: fn() -> Uuid,
) -> Result<Uuid> {
    let change = queue::change_of(tx.sql, txn)?;
    let mut item = insert(tx, times, new_id, txn, leg, &change, Status::Queued)?;
    queue::settle(tx, &mut item, &change, times.0, &mut Vec::new())?;
    touch(tx.sql, &change, item.key)?;
    Ok(item.uuid)
}
