//! What a retry would do, found out by the rules of the retry itself, and changing nothing.
//!
//! It costs two look-ups for each item that is meant, and more only for one whose record has newer changes: each of those is
//! looked at, the newest first, and read where it may cover the item.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use rusqlite::Connection;
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::item::{HeldBy, Status};
use uuid::Uuid;

use crate::error::Result;
use crate::model::{Filter, Preflight, PreflightOrg, RefusalReason, RunAction};
use crate::queue::{self, Row};
use crate::{bulk, list, orgs, rows};

/// Which items a preflight looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Meant {
    /// These, each once.
    Ids(Vec<Uuid>),
    /// All that match.
    Filter(Box<Filter>),
}

/// What would become of the items of one org.
#[derive(Default)]
struct Tally {
    send: u64,
    superseded: u64,
    /// The routes by which something would be sent.
    routes: HashSet<i64>,
}

pub(crate) fn look(sql: &Connection, meant: &Meant, as_of: Millis) -> Result<Preflight> {
    let (items, not_found) = items(sql, meant)?;
    let failed: HashSet<i64> =
        items.iter().filter(|item| item.status == Status::Failed).map(|item| item.key).collect();
    let (mut not_failed, mut targets) = (0, HashMap::<i64, Tally>::new());
    for item in &items {
        // What a retry does one after the other comes to this: of those that are on their way afterwards, the older ones
        // that a newer one covers are superseded.
        let judged = match bulk::judge(sql, item, RunAction::Retry)? {
            Ok(())
                if queue::is_covered(sql, item, |key, status| status.is_open() || failed.contains(&key))? =>
            {
                Err(RefusalReason::Superseded)
            }
            judged => judged,
        };
        match judged {
            Ok(()) => {
                let tally = targets.entry(item.target).or_default();
                tally.send += 1;
                tally.routes.insert(item.route);
            }
            Err(RefusalReason::Superseded) => targets.entry(item.target).or_default().superseded += 1,
            Err(_) => not_failed += 1,
        }
    }
    let mut orgs =
        targets.into_iter().map(|(target, tally)| org(sql, target, &tally)).collect::<Result<Vec<_>>>()?;
    orgs.sort_by_key(|org| (Reverse(org.send), Reverse(org.superseded), org.org_id));
    Ok(Preflight {
        as_of,
        selected: u64::try_from(items.len()).unwrap_or(u64::MAX) + not_found,
        send: orgs.iter().map(|org| org.send).sum(),
        superseded: orgs.iter().map(|org| org.superseded).sum(),
        not_failed,
        not_found,
        orgs,
    })
}

/// The items that are meant, and how many of them there are not.
fn items(sql: &Connection, meant: &Meant) -> Result<(Vec<Row>, u64)> {
    match meant {
        Meant::Filter(filter) => Ok((list::queue_rows(sql, filter)?, 0)),
        Meant::Ids(ids) => {
            let (mut found, mut missing) = (Vec::with_capacity(ids.len()), 0);
            for id in ids {
                match queue::by_uuid(sql, *id)? {
                    Some(item) => found.push(item),
                    None => missing += 1,
                }
            }
            Ok((found, missing))
        }
    }
}

fn org(sql: &Connection, target: i64, tally: &Tally) -> Result<PreflightOrg> {
    let id = sql
        .prepare_cached("SELECT org_id FROM orgs WHERE id = ?1")?
        .query_row([target], |row| rows::org(row, 0))?;
    let org = orgs::one(sql, id)?;
    let mut paused = !tally.routes.is_empty();
    for route in &tally.routes {
        let enabled: bool = sql
            .prepare_cached("SELECT enabled FROM routes WHERE id = ?1")?
            .query_row([route], |row| row.get(0))?;
        paused &= !enabled;
    }
    Ok(PreflightOrg {
        org_id: id,
        send: tally.send,
        superseded: tally.superseded,
        held_by: org.health.held_by().or(paused.then_some(HeldBy::RoutePaused)),
        api_usage: org.api_usage,
    })
}
