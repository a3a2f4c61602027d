//! Orgs with Delivery Hub's package: what they are, how far they were read, which of their records is which.

mod introduce;
mod links;
mod records;
mod take;
#[cfg(test)]
mod tests;

use rusqlite::{Connection, OptionalExtension, Row};
use sync_monitor_domain::clock::Millis;
use sync_monitor_domain::conflict::{Timestamp, Version};
use sync_monitor_domain::hub::{Adapter, Dialect, HubObject, Mapping};
use sync_monitor_domain::ids::OrgId;
use uuid::Uuid;

use crate::activity::{self, Entry};
use crate::error::{Error, Result};
use crate::model::{Actor, OrgHub};
use crate::writer::Tx;
use crate::{Store, orgs, rows};

pub use links::{Link, LinkPage, Linked};
pub use records::{Held, State, Writing, Wrote};
pub use take::{Ledger, Page, PulledRow, Taken};

/// What an org was found to be, and what its admin wants of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrgAdapter {
    /// The org.
    pub org_id: OrgId,
    /// What was found; its dialect is the wanted one where there is one.
    pub adapter: Adapter,
    /// When.
    pub found_at: Millis,
    /// The dialect that its admin wants.
    pub wanted: Option<Dialect>,
    /// Which member is which field.
    pub mapping: Mapping,
    /// Is the mapping its admin's own?
    pub own_mapping: bool,
}

/// How the pulling of an org stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullState {
    /// The org.
    pub org_id: OrgId,
    /// Is it on?
    pub enabled: bool,
    /// What changed before is never asked for.
    pub since: Timestamp,
    /// When a round last went through.
    pub pulled_at: Option<Millis>,
    /// When a round last brought a change.
    pub changed_at: Option<Millis>,
    /// When the next round is due.
    pub next_at: Option<Millis>,
    /// Why nothing is pulled, where that is so.
    pub detail: Option<String>,
    /// How far each object was read.
    pub watermarks: Vec<(HubObject, Timestamp)>,
}

/// How a round of pulling ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoundEnd {
    /// When.
    pub at: Millis,
    /// When the next is due.
    pub next_at: Millis,
    /// Did it bring a change?
    pub changed: bool,
    /// Why it did not go through, if so.
    pub trouble: Option<String>,
}

fn dialect(word: &str) -> Option<Dialect> {
    [Dialect::DeliverySync, Dialect::PackageV1].into_iter().find(|dialect| dialect.as_str() == word)
}

fn json<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::Corrupt(error.to_string()))
}

fn parsed<T: serde::de::DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::Corrupt(format!("what an org is: {error}")))
}

fn adapters(sql: &Connection) -> Result<Vec<OrgAdapter>> {
    let mut statement = sql.prepare_cached(
        "SELECT o.org_id, a.found, a.found_at, a.wanted, a.mapping FROM adapters a JOIN orgs o ON o.id = a.org",
    )?;
    let read = |row: &Row<'_>| {
        Ok((
            rows::org(row, 0)?,
            row.get::<_, String>(1)?,
            Millis(row.get(2)?),
            row.get::<_, Option<String>>(3)?,
            row.get::<_, Option<String>>(4)?,
        ))
    };
    let mut list = Vec::new();
    for row in statement.query_map([], read)? {
        let (org_id, found, found_at, wanted, mapping) = row?;
        let mut adapter: Adapter = parsed(&found)?;
        let wanted = wanted.as_deref().and_then(dialect);
        adapter.dialect = wanted.unwrap_or(adapter.dialect);
        let own: Option<Mapping> = mapping.as_deref().map(parsed).transpose()?;
        list.push(OrgAdapter {
            org_id,
            adapter,
            found_at,
            wanted,
            own_mapping: own.is_some(),
            mapping: own.map(Mapping::completed).unwrap_or_default(),
        });
    }
    Ok(list)
}

/// What an org speaks, and how far its changes were read; `None` where that was not found out.
pub(crate) fn of_org(sql: &Connection, org: OrgId) -> Result<Option<OrgHub>> {
    let Some(adapter) = adapters(sql)?.into_iter().find(|known| known.org_id == org) else { return Ok(None) };
    Ok(Some(OrgHub { adapter, pull: pull_state(sql, org)? }))
}

fn set_adapter(tx: &mut Tx<'_>, org: OrgId, adapter: &Adapter, at: Millis) -> Result<()> {
    let before = adapters(tx.sql)?.into_iter().find(|known| known.org_id == org);
    let key = tx.org(org)?;
    tx.sql
        .prepare_cached(
            "INSERT INTO adapters (org, found, found_at) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET found = excluded.found, found_at = excluded.found_at",
        )?
        .execute((key, json(adapter)?, at.0))?;
    let is_news = match before {
        // An org without the package is what the program took it for.
        None => adapter.ledger.is_some(),
        Some(before) => {
            before.wanted.is_none() && before.adapter.dialect != adapter.dialect
                || before.adapter.prefix != adapter.prefix
        }
    };
    if is_news {
        let entry = Entry::relay(at, "org.adapter").subject(org).reason(adapter.dialect.as_str());
        activity::add(tx.sql, &entry)?;
    }
    Ok(())
}

fn known(changed: usize, org: OrgId) -> Result<()> {
    if changed == 0 {
        return Err(Error::Refused(format!(
            "It is not known yet what {org} speaks. Test the org first, which finds out."
        )));
    }
    Ok(())
}

fn pull_state(sql: &Connection, org: OrgId) -> Result<Option<PullState>> {
    let Some(key) = orgs::find(sql, org)? else { return Ok(None) };
    let mut state = sql
        .prepare_cached(
            "SELECT enabled, since_us, pulled_at, changed_at, next_at, detail FROM pulls WHERE org = ?1",
        )?
        .query_row([key], |row| {
            Ok(PullState {
                org_id: org,
                enabled: row.get(0)?,
                since: Timestamp(row.get(1)?),
                pulled_at: row.get::<_, Option<i64>>(2)?.map(Millis),
                changed_at: row.get::<_, Option<i64>>(3)?.map(Millis),
                next_at: row.get::<_, Option<i64>>(4)?.map(Millis),
                detail: row.get(5)?,
                watermarks: Vec::new(),
            })
        })
        .optional()?;
    if let Some(state) = &mut state {
        let mut statement = sql.prepare_cached("SELECT object, stamp_us FROM watermarks WHERE org = ?1")?;
        let marks =
            statement.query_map([key], |row| Ok((row.get::<_, String>(0)?, Timestamp(row.get(1)?))))?;
        for mark in marks {
            let (object, stamp) = mark?;
            state.watermarks.extend(object.parse().ok().map(|object| (object, stamp)));
        }
    }
    Ok(state)
}

fn end_round(tx: &mut Tx<'_>, org: OrgId, end: &RoundEnd) -> Result<()> {
    let before = pull_state(tx.sql, org)?.and_then(|state| state.detail);
    let key = tx.org(org)?;
    tx.sql
        .prepare_cached(
            "UPDATE pulls SET pulled_at = iif(?2 IS NULL, ?3, pulled_at), changed_at = iif(?4, ?3, changed_at), next_at = ?5, detail = ?2
              WHERE org = ?1",
        )?
        .execute((key, &end.trouble, end.at.0, end.changed, end.next_at.0))?;
    match (&before, &end.trouble) {
        (None, Some(why)) => {
            activity::add(tx.sql, &Entry::relay(end.at, "pull.stop").subject(org).reason(why))
        }
        (Some(_), None) => activity::add(tx.sql, &Entry::relay(end.at, "pull.resume").subject(org)),
        _ => Ok(()),
    }
}

impl Store {
    /// Writes down what an org was found to be.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_adapter(&self, org: OrgId, adapter: Adapter, at: Millis) -> Result<()> {
        self.write(move |tx| set_adapter(tx, org, &adapter, at)).await
    }

    /// What each org was found to be, as far as that is known.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn adapters(&self) -> Result<Vec<OrgAdapter>> {
        self.inner.readers.run(adapters).await
    }

    /// What an org is to be spoken to in; `None` for what was found.
    ///
    /// # Errors
    /// [`Error::Refused`] where nothing was found yet, or when the store fails.
    pub async fn want_dialect(
        &self,
        org: OrgId,
        wanted: Option<Dialect>,
        actor: Actor,
        at: Millis,
    ) -> Result<()> {
        self.write(move |tx| {
            let key = tx.org(org)?;
            let word = wanted.map(Dialect::as_str);
            let changed = tx.sql.execute("UPDATE adapters SET wanted = ?2 WHERE org = ?1", (key, word))?;
            known(changed, org)?;
            let entry = Entry::new(at, &actor, "org.dialect").subject(org).reason(word.unwrap_or("as found"));
            activity::add(tx.sql, &entry)
        })
        .await
    }

    /// Which member is which field in an org; `None` for the default.
    ///
    /// # Errors
    /// [`Error::Refused`] where it is not known yet what the org has, or when the store fails.
    pub async fn set_mapping(
        &self,
        org: OrgId,
        mapping: Option<Mapping>,
        actor: Actor,
        at: Millis,
    ) -> Result<()> {
        self.write(move |tx| {
            let key = tx.org(org)?;
            let text = mapping.as_ref().map(json).transpose()?;
            let changed = tx.sql.execute("UPDATE adapters SET mapping = ?2 WHERE org = ?1", (key, &text))?;
            known(changed, org)?;
            let entry = Entry::new(at, &actor, "org.mapping").subject(org);
            activity::add(tx.sql, &entry.detail(text.as_deref().unwrap_or("the default")))
        })
        .await
    }

    /// How the pulling of an org stands; `None` where it never began.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn pull_state(&self, org: OrgId) -> Result<Option<PullState>> {
        self.inner.readers.run(move |sql| pull_state(sql, org)).await
    }

    /// Pulling begins, from `since` on; where it began before, that stands.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_pull(&self, org: OrgId, since: Timestamp, at: Millis) -> Result<PullState> {
        self.write(move |tx| {
            let key = tx.org(org)?;
            let begun = tx
                .sql
                .execute("INSERT OR IGNORE INTO pulls (org, since_us) VALUES (?1, ?2)", (key, since.0))?;
            if begun > 0 {
                activity::add(
                    tx.sql,
                    &Entry::relay(at, "pull.begin").subject(org).detail(&format!("since {since}")),
                )?;
            }
            pull_state(tx.sql, org)?.ok_or_else(|| Error::Corrupt("a pull began and is not there".into()))
        })
        .await
    }

    /// Switches pulling on or off, or lets it ask again from another time on; what is `None` stays.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn set_pull(
        &self,
        org: OrgId,
        enabled: Option<bool>,
        since: Option<Timestamp>,
        actor: Actor,
        at: Millis,
    ) -> Result<()> {
        self.write(move |tx| {
            let key = tx.org(org)?;
            let now = Timestamp(at.0.saturating_mul(1_000));
            tx.sql.execute(
                "INSERT INTO pulls (org, enabled, since_us) VALUES (?1, coalesce(?2, 1), coalesce(?3, ?4))
                 ON CONFLICT DO UPDATE SET enabled = coalesce(?2, enabled), since_us = coalesce(?3, since_us), next_at = iif(?3 IS NULL, next_at, NULL), detail = NULL",
                (key, enabled, since.map(|s| s.0), now.0),
            )?;
            if since.is_some() {
                tx.sql.execute("DELETE FROM watermarks WHERE org = ?1", [key])?;
            }
            let words = [
                enabled.map(|on| if on { "on".to_owned() } else { "off".to_owned() }),
                since.map(|s| format!("since {s}")),
            ];
            let words: Vec<String> = words.into_iter().flatten().collect();
            activity::add(tx.sql, &Entry::new(at, &actor, "org.pull").subject(org).reason(&words.join(", ")))
        })
        .await
    }

    /// Takes in what a query brought, and writes down how far it got, in one transaction.
    ///
    /// # Errors
    /// [`Error::Refused`] where no route starts at the org any more; or when the store fails. Nothing is kept then.
    pub async fn take_rows(&self, page: Page) -> Result<Taken> {
        self.write(move |tx| take::take(tx, &page)).await
    }

    /// A round of pulling is over.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_round(&self, org: OrgId, end: RoundEnd) -> Result<()> {
        self.write(move |tx| end_round(tx, org, &end)).await
    }

    /// Which of these records of an org were never heard of.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn unknown_records(&self, org: OrgId, ids: Vec<String>) -> Result<Vec<String>> {
        self.inner.readers.run(move |sql| records::unknown(sql, org, ids)).await
    }

    /// Which of these work items of an org must be read for the comments and logs below them: those of which nothing is
    /// known, and those that a target is to be told of for the first time.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn parents_to_read(&self, org: OrgId, ids: Vec<String>) -> Result<Vec<String>> {
        self.inner.readers.run(move |sql| introduce::to_read(sql, org, ids)).await
    }

    /// The record of an org that an externalId is, with what it is known to hold.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn held(&self, org: OrgId, object: HubObject, external_id: String) -> Result<Option<Held>> {
        self.inner.readers.run(move |sql| records::held(sql, org, object, &external_id)).await
    }

    /// A delivery is about to write this: a row that holds it from now on may be ours, even if no answer comes.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn begin_write(&self, org: OrgId, writing: Writing) -> Result<()> {
        self.write(move |tx| records::begin_write(tx, org, &writing)).await
    }

    /// What was being written into a record, where it was never seen what came of it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn writing(
        &self,
        org: OrgId,
        object: HubObject,
        external_id: String,
    ) -> Result<Option<Writing>> {
        self.inner.readers.run(move |sql| records::writing(sql, org, object, &external_id)).await
    }

    /// What was being written into records of an org that nothing waits to be sent to any more, with the records' IDs.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn left_open(&self, org: OrgId) -> Result<Vec<(String, Writing)>> {
        self.inner.readers.run(move |sql| records::left_open(sql, org)).await
    }

    /// What was about to be written was refused for certain.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_write(&self, org: OrgId, object: HubObject, external_id: String) -> Result<()> {
        self.write(move |tx| {
            let key = tx.org(org)?;
            records::end_write(tx, key, object, &external_id)
        })
        .await
    }

    /// Writes down what a delivery put into an org.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn note_wrote(&self, org: OrgId, wrote: Wrote) -> Result<()> {
        self.write(move |tx| records::wrote(tx, org, &wrote)).await
    }

    /// The newest version known of a record, whoever made it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn newest(&self, external_id: String) -> Result<Option<Version>> {
        self.inner.readers.run(move |sql| crate::accept::newest(sql, &external_id)).await
    }

    /// Is the newest version known of a record that it was given up?
    ///
    /// # Errors
    /// When the store fails.
    pub async fn is_given_up(&self, external_id: String) -> Result<bool> {
        self.inner.readers.run(move |sql| records::is_given_up(sql, &external_id)).await
    }

    /// From now on these records of two orgs are one; returns the name that both have.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an org that was never heard of; [`Error::Refused`] where one of them is another already; or when
    /// the store fails.
    pub async fn link_records(&self, link: Link, actor: Actor, at: Millis) -> Result<String> {
        self.write(move |tx| links::link(tx, &link, &actor, at)).await
    }

    /// From now on the records of a link are two again.
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such link; [`Error::Refused`] while something is written there; or when the store
    /// fails.
    pub async fn unlink_records(&self, id: Uuid, actor: Actor, at: Millis) -> Result<()> {
        self.write(move |tx| links::unlink(tx, id, &actor, at)).await
    }

    /// The links of an org, or all of them, the newest first.
    ///
    /// # Errors
    /// [`Error::Cursor`] for a cursor that is none, or when the store fails.
    pub async fn links(&self, org: Option<OrgId>, limit: u32, cursor: Option<String>) -> Result<LinkPage> {
        self.inner.readers.run(move |sql| links::page(sql, org, limit, cursor.as_deref())).await
    }
}
