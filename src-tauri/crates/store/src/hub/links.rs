//! The table `links`: which records of two orgs an admin said are one.

use rusqlite::{Connection, OptionalExtension, Row};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::Timestamp;
use sync_monitor_domain::hub::HubObject;
use sync_monitor_domain::ids::OrgId;
use uuid::Uuid;

use super::records::{self, Held, State};
use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::model::{Actor, Via};
use crate::queue;
use crate::rows;
use crate::writer::Tx;

/// Two records that an admin says are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Its own name.
    pub id: Uuid,
    /// What they are.
    pub object: HubObject,
    /// One, whose name both get where the other has none of its own to keep.
    pub one: (OrgId, String),
    /// The other.
    pub other: (OrgId, String),
}

/// A link as it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// The link; `one` is the record whose name both have.
    pub link: Link,
    /// That name.
    pub external_id: String,
    /// When it was made.
    pub at: Millis,
    /// By whom.
    pub actor: Actor,
}

/// Links, the newest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkPage {
    /// Them.
    pub links: Vec<Linked>,
    /// Where the next page begins; `None` at the end.
    pub next_cursor: Option<String>,
}

/// A record that is to be linked, with what is known of it.
struct Side<'a> {
    org: i64,
    named: &'a (OrgId, String),
    held: Option<Held>,
}

impl Side<'_> {
    fn of<'a>(tx: &mut Tx<'_>, named: &'a (OrgId, String)) -> Result<Side<'a>> {
        // A name that was mistyped is not to become an org.
        let Some(org) = crate::orgs::find(tx.sql, named.0)? else {
            return Err(Error::NotFound { what: "org", id: named.0.to_string() });
        };
        Ok(Side { org, named, held: records::by_id(tx.sql, org, &named.1)? })
    }

    fn own_name(&self) -> String {
        format!("{}:{}", self.named.0, self.named.1)
    }

    fn name(&self) -> String {
        self.held.as_ref().map_or_else(|| self.own_name(), |held| held.external_id.clone())
    }

    /// Has no other org named it?
    fn is_free(&self) -> bool {
        self.name() == self.own_name()
    }

    fn put(self, tx: &Tx<'_>, object: HubObject, external_id: &str) -> Result<()> {
        let held = self.held.unwrap_or_else(|| Held {
            record_id: self.named.1.clone(),
            external_id: String::new(),
            fields: None,
            stamp: Timestamp(0),
            revision: 0,
            delivered: false,
            state: State::Active,
        });
        records::put(tx.sql, self.org, object, &Held { external_id: external_id.to_owned(), ..held })
    }
}

/// Makes two records one; returns the name that both have from now on.
pub(super) fn link(tx: &mut Tx<'_>, link: &Link, actor: &Actor, at: Millis) -> Result<String> {
    let (one, other) = (Side::of(tx, &link.one)?, Side::of(tx, &link.other)?);
    if one.name() == other.name() {
        return Ok(one.name());
    }
    let (kept, renamed) = if other.is_free() { (one, other) } else { (other, one) };
    let external_id = kept.name();
    let (org, record) = renamed.named;
    if !renamed.is_free() {
        let (other_org, other_record) = kept.named;
        return Err(Error::Refused(format!(
            "The record {other_record} of {other_org} is {external_id} already, and {record} of {org} is {}. A record can be only one: take back the link that made one of them so.",
            renamed.name()
        )));
    }
    if let Some(there) = records::by_name(tx.sql, renamed.org, link.object, &external_id)? {
        return Err(Error::Refused(format!(
            "{external_id} is the record {} in {org} already. Give up one of the two there first.",
            there.record_id
        )));
    }
    tx.sql
        .prepare_cached(
            "INSERT INTO links (uuid, object, external_id, org, record_id, other, other_record, at, actor, via)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute((
            link.id.as_bytes().as_slice(),
            link.object.name(),
            &external_id,
            kept.org,
            &kept.named.1,
            renamed.org,
            record,
            at.0,
            &actor.name,
            actor.via.map(Via::as_str),
        ))?;
    note(tx, "identity.link", (kept.named, renamed.named), &external_id, actor, at)?;
    let orgs = [kept.org, renamed.org];
    if kept.held.is_none() {
        kept.put(tx, link.object, &external_id)?;
    }
    renamed.put(tx, link.object, &external_id)?;
    for org in orgs {
        queue::parent_came(tx.sql, org, &external_id, at)?;
    }
    Ok(external_id)
}

/// Makes two linked records two again: the one that was given the other's name gets its own back.
pub(super) fn unlink(tx: &mut Tx<'_>, id: Uuid, actor: &Actor, at: Millis) -> Result<()> {
    let mut statement = tx.sql.prepare_cached(&format!("{SELECT} WHERE l.uuid = ?1"))?;
    let found = statement.query_row([id.as_bytes().as_slice()], read).optional()?;
    let Some((_, linked)) = found else { return Err(Error::NotFound { what: "link", id: id.to_string() }) };
    let Link { object, one, other, .. } = linked.link;
    let side = Side::of(tx, &other)?;
    if side.name() == linked.external_id {
        if records::is_under_way(tx.sql, side.org, object, &linked.external_id)? {
            return Err(Error::Refused(format!(
                "A change is on its way into the record {} of {}, and may have arrived there. Take the link back when it is delivered or has failed.",
                other.1, other.0
            )));
        }
        records::end_write(tx, side.org, object, &linked.external_id)?;
        let own = side.own_name();
        // What a delivery put there is its own from now on.
        let side = Side { held: side.held.map(|held| Held { delivered: false, ..held }), ..side };
        side.put(tx, object, &own)?;
    }
    tx.sql.prepare_cached("DELETE FROM links WHERE uuid = ?1")?.execute([id.as_bytes().as_slice()])?;
    note(tx, "identity.unlink", (&one, &other), &linked.external_id, actor, at)
}

fn note(
    tx: &Tx<'_>,
    action: &'static str,
    (one, other): (&(OrgId, String), &(OrgId, String)),
    external_id: &str,
    actor: &Actor,
    at: Millis,
) -> Result<()> {
    let detail = format!("{} in {} and {} in {}", one.1, one.0, other.1, other.0);
    activity::add(tx.sql, &Entry::new(at, actor, action).subject(external_id).detail(&detail))
}

const SELECT: &str =
    "SELECT l.id, l.uuid, l.object, l.external_id, a.org_id, l.record_id, b.org_id, l.other_record, l.at, l.actor, l.via
       FROM links l JOIN orgs a ON a.id = l.org JOIN orgs b ON b.id = l.other";

fn read(row: &Row<'_>) -> rusqlite::Result<(i64, Linked)> {
    let object: String = row.get(2)?;
    let link = Link {
        id: rows::uuid(row, 1)?,
        object: object.parse().map_err(|()| rows::wrong(2, "no such object"))?,
        one: (rows::org(row, 4)?, row.get(5)?),
        other: (rows::org(row, 6)?, row.get(7)?),
    };
    let linked =
        Linked { link, external_id: row.get(3)?, at: Millis(row.get(8)?), actor: rows::actor(row, 9)? };
    Ok((row.get(0)?, linked))
}

/// The links of an org, or all of them, the newest first.
pub(super) fn page(
    sql: &Connection,
    org: Option<OrgId>,
    limit: u32,
    cursor: Option<&str>,
) -> Result<LinkPage> {
    let before: i64 = cursor.map_or(Ok(i64::MAX), str::parse).map_err(|_| Error::Cursor)?;
    let mut statement = sql.prepare_cached(&format!(
        "{SELECT} WHERE l.id < ?1 AND (?2 IS NULL OR ?2 IN (a.org_id, b.org_id)) ORDER BY l.id DESC LIMIT ?3"
    ))?;
    let mut links: Vec<(i64, Linked)> = statement
        .query_map((before, org.as_ref().map(OrgId::as_str), u64::from(limit) + 1), read)?
        .collect::<rusqlite::Result<_>>()?;
    let more = links.len() > limit as usize;
    links.truncate(limit as usize);
    let next_cursor = links.last().filter(|_| more).map(|(key, _)| key.to_string());
    Ok(LinkPage { links: links.into_iter().map(|(_, linked)| linked).collect(), next_cursor })
}
